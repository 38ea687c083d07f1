"""The last phases, in whichever way the process ends: what is registered, the flush, the pools. Each is done once a process."""

from __future__ import annotations

from inspect import iscoroutinefunction
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.report import say
from platform_instrument.engine import pools
from platform_instrument.runtime.ending import calls, registry
from platform_instrument.telemetry import losses, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable


def run(phase: str, deadline: float) -> None:
    """Call what is registered for a phase, and what is left of those before, until the deadline."""
    calls.together(_limited(registry.take(phase), deadline))


def _limited(registered: list[registry.Registered], deadline: float) -> list[tuple[str, Callable[[], Any], float]]:
    now = monotonic()
    return [
        (_named(each), each.function, deadline if each.timeout is None else min(deadline, now + each.timeout))
        for each in registered
    ]


def _named(each: registry.Registered) -> str:
    name = getattr(each.function, "__qualname__", type(each.function).__name__)
    return f"{getattr(each.function, '__module__', '?')}.{name} of on_shutdown"


def close(seconds: float) -> tuple[int, int]:
    """Call what is registered for the end, then close pools; return how many pools were closed, of how many."""
    deadline = monotonic() + seconds
    run(registry.CLOSE, deadline)
    return _closed(pools.to_close(), deadline)


def close_with_the_loop(seconds: float) -> None:
    """Close what needs the event loop of the main thread, which is about to be closed: registered coroutines, its pools."""
    deadline = monotonic() + seconds
    calls.together(_limited(registry.take_coroutines(), deadline))
    _closed([(name, function) for name, function in pools.to_close() if iscoroutinefunction(function)], deadline)


def _closed(open_pools: list[tuple[str, Callable[[], Any]]], deadline: float) -> tuple[int, int]:
    closed = 0
    gone = calls.main_loop() is None
    for name, function in open_pools:
        if iscoroutinefunction(function) and (gone or calls.usable_loop() is None):
            continue  # its connections belong to a loop in which nothing can be run any more
        closed += calls.bounded(name, function, deadline)
    return closed, len(open_pools)


def lost_spans(*, waiting: bool) -> int:
    """Return how many spans of this process were lost so far, and how many are if those that wait never leave."""
    current = pipeline.PIPELINE
    more = 0 if current is None else current.dropped + (len(current.queue) if waiting else 0)
    return more + sum(number for (unit, _), number in losses.dropped().items() if unit == "spans")


def told(what: str, since: float) -> None:
    """Say that a phase is over, and how long it took."""
    say(f"shutdown: {what} ({monotonic() - since:.2f} s)")
