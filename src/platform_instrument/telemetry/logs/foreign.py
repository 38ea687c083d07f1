"""Records of libraries that log without `logging`, as ours: rendered once, on the thread that logs; masked later, at the door."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry import limits
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.logs.marks import handled
from platform_instrument.telemetry.logs.parts import bounded, carried, ids_of, scope_of, site_of, unobserved, unobserved_here
from platform_instrument.telemetry.logs.record import LogRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.logs.queue import LogQueue


class Said:
    """One thing that was said: `level` as numbered by `logging`, 0 where it is not known; `made_ns` since the epoch."""

    __slots__ = ("body", "error", "function", "level", "level_name", "line", "logger", "made_ns", "path", "template", "values")

    def __init__(self, level: int, level_name: str, body: Any, values: Mapping[str, Any]) -> None:  # noqa: ANN401 - mostly a text
        self.level = level
        self.level_name = level_name
        self.body = body
        self.values = values
        self.logger: str = ""
        self.path: str | None = None
        self.line: int | None = None
        self.function: str | None = None
        self.error: BaseException | None = None
        self.made_ns = 0
        self.template: str | None = None
        """What was said before it was rendered, where that is known."""


def take(logs: LogQueue, said: Said) -> None:
    """Take what was said; an error carries the exception that is handled, though it does not name it."""
    current = CURRENT.get()
    if unobserved_here(current):
        return
    own, dropped = bounded(said.values, logs.most_attributes)
    error = said.error if said.error is not None else handled(said.level)
    if error is not None:
        own = carried(error, own, said.level, current)
    site = site_of(said.path, said.line, said.function, said.level, said.level_name)
    body, now = unobserved(lambda: limits.clean(said.body, limits.LONGEST)), time_ns()
    logs.put(LogRecord(site, scope_of(said.logger), body, own, said.made_ns or now, now, *ids_of(current), dropped))
