"""Sinks of loguru, as what says where their lines would have been how many of them are left out.

Source: loguru/_handler.py `Handler.emit`, loguru/_logger.py `Logger._log` (0.6 to 0.7).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import ask
from platform_instrument.telemetry.logs.sampling import blank

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_SINKS = 32


class Voice:
    """Says something by the sinks that lines were kept from; says whether one of them took it."""

    __slots__ = ("_handlers", "_record")

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = {**record, "message": "", "extra": blank(record["extra"].items()), "exception": None}
        self._handlers: list[Any] = []

    def hear(self, handler: Any) -> None:  # noqa: ANN401 - loguru's Handler
        """Note a sink that a line is kept from."""
        if handler not in self._handlers and len(self._handlers) < _MOST_SINKS:
            self._handlers.append(handler)

    def __call__(self, _level: int, text: str) -> bool:
        """Say it."""
        now = sys.modules["loguru._datetime"].aware_now()
        record = {**self._record, "message": text, "time": now}
        said = [ask("a sink that says what was left out", _emit, handler, record) for handler in tuple(self._handlers)]
        return any(said)


def _emit(handler: Any, record: dict[str, Any]) -> bool:  # noqa: ANN401 - as above
    own, level = handler.__dict__["_filter"], record["level"]
    if handler.__dict__["_stopped"] or (own is not None and not own(record)):
        return False
    handler.emit(record, None if level.name == f"Level {level.no}" else level.name, False, False, None)  # noqa: FBT003 - theirs
    return True
