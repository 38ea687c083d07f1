"""Tracebacks that the interpreter prints of what nobody catches: the same text, masked."""

from __future__ import annotations

import sys
from threading import Lock
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.privacy.labels import WITHHELD
from platform_instrument.privacy.pii import mask

if TYPE_CHECKING:
    from collections.abc import Callable

_ONE_AT_A_TIME = Lock()


def print_masked(hook: Callable[..., object], *raised: Any) -> None:  # noqa: ANN401 - what the hook takes
    """Print what a hook of the interpreter prints to standard error, without values; on a terminal, with them."""
    stream = sys.stderr
    if stream is None or stream.closed or stream.isatty():
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
    masked = guard("masking of a traceback", mask, printed)
    stream.write(f"{WITHHELD}\n" if masked is None else masked)
    stream.flush()


class _Aside:
    """Keeps what is written instead of standard error until it is taken, and hands on what comes later."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - whatever the application has put there
        self._stream = stream
        self._kept: list[str] | None = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Keep a text, or write it."""
        if self._kept is None:
            return int(self._stream.write(text))
        self._kept.append(text)
        return len(text)

    def taken(self) -> str:
        """Return what was kept; nothing is from here on."""
        kept, self._kept = self._kept or [], None
        return "".join(kept)
