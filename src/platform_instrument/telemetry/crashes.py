"""Tracebacks that the interpreter prints of what nobody catches: the same text, masked."""

from __future__ import annotations

import sys
from threading import Lock
from typing import TYPE_CHECKING, Any

from platform_instrument.core.forks import around_fork
from platform_instrument.core.guard import guard
from platform_instrument.privacy.clean_lines import LONGEST
from platform_instrument.privacy.labels import WITHHELD
from platform_instrument.privacy.pii import mask
from platform_instrument.telemetry.long_lines import mask_long

if TYPE_CHECKING:
    from collections.abc import Callable

_ONE_AT_A_TIME = Lock()


def print_masked(hook: Callable[..., object], *raised: Any) -> None:  # noqa: ANN401 - what the hook takes
    """Print what a hook of the interpreter prints to standard error, without values; on a terminal, with them."""
    stream = sys.stderr
    if stream is None or getattr(stream, "closed", False) or guard("standard error", _is_terminal, stream):
        hook(*raised)
        return
    with _ONE_AT_A_TIME:
        aside = _Aside(stream)
        sys.stderr = aside
        try:
            hook(*raised)
        finally:
            sys.stderr = stream
        printed = aside.taken()
    masked = guard("masking of a traceback", mask if len(printed) <= LONGEST else mask_long, printed)
    stream.write(f"{WITHHELD}\n" if masked is None else masked)
    flush = getattr(stream, "flush", None)
    if flush is not None:
        flush()


def _is_terminal(stream: Any) -> bool:  # noqa: ANN401 - whatever the application has put there, such as what logs what is written
    isatty = getattr(stream, "isatty", None)
    return isatty is not None and bool(isatty())


def _renew() -> None:
    """In a fork child: another thread may have been printing, and does not go on here."""
    global _ONE_AT_A_TIME  # noqa: PLW0603 - one a process
    _ONE_AT_A_TIME = Lock()
    if type(sys.stderr) is _Aside:
        sys.stderr = sys.stderr.stream


around_fork(child=_renew)


class _Aside:
    """Keeps what is written instead of standard error until it is taken, and hands on what comes later."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - whatever the application has put there
        self.stream = stream
        self._kept: list[str] | None = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Keep a text, or write it."""
        if self._kept is None:
            return int(self.stream.write(text))
        self._kept.append(text)
        return len(text)

    def taken(self) -> str:
        """Return what was kept; nothing is from here on."""
        kept, self._kept = self._kept or [], None
        return "".join(kept)
