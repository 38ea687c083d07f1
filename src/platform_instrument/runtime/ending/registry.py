"""What the application wants done when its process ends: `platform_instrument.on_shutdown`.

Loaded by the application, whether there is an orderly end or not: it imports nothing, and keeps a list that nobody looks into
where `PLATFORM_SHUTDOWN` is off.
"""

from __future__ import annotations

from platform_instrument.core.report import say

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

UNREADY, DRAIN, FLUSH, CLOSE = "unready", "drain", "flush", "close"
PHASES = (UNREADY, DRAIN, FLUSH, CLOSE)
"""At SIGTERM; when no more requests come; when the last one is answered; after telemetry has left."""

MOST = 256
"""Functions that are kept; further ones are said, and not called."""


class Registered:
    """One function, and the seconds that it has; None is what its phase has."""

    __slots__ = ("function", "phase", "timeout")

    def __init__(self, function: Callable[[], Any], phase: str, timeout: float | None) -> None:
        self.function = function
        self.phase = phase
        self.timeout = timeout


_registered: list[Registered] = []


def on_shutdown(function: F | None = None, *, phase: str = CLOSE, timeout: float | None = None) -> Any:  # noqa: ANN401 - F, or a decorator
    """Call `function()` once when the process ends, in `phase`: `unready`, `drain`, `flush` or `close`; return it unchanged.

    A coroutine function runs in the event loop of the service where that still runs. What it raises is said, and stops nobody;
    one that takes longer than `timeout` seconds, or than its phase has, is not waited for. With arguments alone it is a
    decorator. Without `PLATFORM_SHUTDOWN=true` nothing is ever called.
    """
    if function is None:
        return lambda decorated: on_shutdown(decorated, phase=phase, timeout=timeout)
    if phase not in PHASES:
        say(f"on_shutdown: {phase!a} is no phase; {CLOSE} is used, others are {', '.join(PHASES[:-1])}")
        phase = CLOSE
    if len(_registered) >= MOST:
        say(f"on_shutdown: more than {MOST} functions; further ones are not called", place="on_shutdown")
    else:
        _registered.append(Registered(function, phase, timeout))
    return function


def take(phase: str) -> list[Registered]:
    """Return what is to be called in a phase and those before, the last registered first; it is nobody else's to call then."""
    due = PHASES[: PHASES.index(phase) + 1]
    taken = [each for each in reversed(_registered) if each.phase in due]
    _registered[:] = [each for each in _registered if each not in taken]
    return sorted(taken, key=lambda each: PHASES.index(each.phase))


def take_coroutines() -> list[Registered]:
    """Return those of all phases that are coroutine functions; they are nobody else's to call then."""
    from inspect import iscoroutinefunction  # at the end of the process: it is loaded by then

    taken = [each for each in reversed(_registered) if iscoroutinefunction(each.function)]
    _registered[:] = [each for each in _registered if each not in taken]
    return taken


def forget() -> None:
    """Call none of them: in a child of multiprocessing, whose parent they belong to."""
    _registered.clear()
