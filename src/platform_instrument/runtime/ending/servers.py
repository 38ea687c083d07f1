"""What servers tell: how many of their requests are open, how they stop accepting, how those of gRPC are stopped.

Most servers drain by themselves when they are told to go. This is for those that would die at once.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from platform_instrument.core.guard import guard
from platform_instrument.runtime.ending import calls
from platform_instrument.telemetry.threads import pause

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN_REQUESTS: list[Callable[[], int]] = []
"""Each says how many requests are open that it knows of."""

STOP_ACCEPTING: list[Callable[[], None]] = []
"""Each has the servers that it knows of accept no further connection."""

STOP: list[Callable[[float], None]] = []
"""Each stops the servers that it knows of, gracefully within so many seconds, and returns when that is over."""

_LOOK = 0.02
_WRITTEN = 0.05
"""Seconds for what follows an answered request: its last bytes, and the end of its connection."""


def open_requests() -> int:
    """Return how many requests are open."""
    return sum(guard("open requests", count) or 0 for count in OPEN_REQUESTS)


def stop_accepting() -> None:
    """Have servers that would die at once accept nothing more."""
    for stop in STOP_ACCEPTING:
        guard("stop accepting", stop)


def stop(seconds: float) -> Callable[[], bool]:
    """Begin to stop the servers that know how; return what says whether all have stopped."""

    def each() -> None:
        for known in STOP:
            guard("stop a server", known, seconds)

    return calls.begun("stop servers", each)


def answered() -> bool:
    """Say whether no request is open."""
    return not open_requests()


def wait_until(done: Callable[[], bool], deadline: float, hurried: Callable[[], bool]) -> None:
    """Wait until something is done, and a moment for what follows it, but no longer than until the deadline."""
    if done():
        return
    while not done():
        if monotonic() >= deadline or hurried():
            return
        pause(_LOOK)
    pause(_WRITTEN)


def forget() -> None:
    """Call none of those that were told."""
    for told in (OPEN_REQUESTS, STOP_ACCEPTING, STOP):
        told.clear()
