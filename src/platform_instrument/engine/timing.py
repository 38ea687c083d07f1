"""Wrappers that time a call without a span: the call stands outside what is guarded, and a fault of ours is nobody's business.

They are on the way of every connection that a pool hands out, so the guard is only called where there is something to guard.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from platform_instrument.core.guard import absorb
from platform_instrument.engine.frames import AWAITABLE, COROUTINE, dressed, kind_of, unseen

if TYPE_CHECKING:
    from collections.abc import Callable

_with_traceback = BaseException.with_traceback


class Timed:
    """What is told of a call, and the place that a fault is counted under; both are `nothing` when a patch is undone."""

    __slots__ = ("__weakref__", "end", "error", "place")

    def __init__(self, place: str, end: Callable[..., None], error: Callable[..., None] | None) -> None:
        self.place = place
        self.end = end
        self.error = error or nothing
        TIMED.add(self)

    def stop(self) -> None:
        """Tell nothing any more."""
        self.end = self.error = nothing


TIMED: WeakSet[Timed] = WeakSet()
"""All that are told of calls, for who takes the time of that."""


def nothing(_began: float, _outcome: object, _args: object, _kwargs: object) -> None:
    """Measure nothing."""


def timed(function: Callable[..., Any], timing: Timed) -> Callable[..., Any]:
    """Return a wrapper of the same kind as the function: plain, a coroutine function, or one that returns coroutines."""
    kind = kind_of(function)
    driver = _coroutine if kind == COROUTINE else _awaitable if kind == AWAITABLE else _plain
    return dressed(driver(function, timing), function)


@unseen
def _plain(function: Callable[..., Any], timing: Timed) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        began = perf_counter()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            try:
                timing.error(began, error, args, kwargs)
            except BaseException as fault:  # noqa: BLE001 - the guard decides
                absorb(timing.place, fault)
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        try:
            timing.end(began, result, args, kwargs)
        except BaseException as fault:  # noqa: BLE001 - as above
            absorb(timing.place, fault)
        return result

    return wrapper


@unseen
def _coroutine(function: Callable[..., Any], timing: Timed) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        began = perf_counter()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            try:
                timing.error(began, error, args, kwargs)
            except BaseException as fault:  # noqa: BLE001 - the guard decides
                absorb(timing.place, fault)
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        try:
            timing.end(began, result, args, kwargs)
        except BaseException as fault:  # noqa: BLE001 - as above
            absorb(timing.place, fault)
        return result

    return wrapper


@unseen
def _awaitable(function: Callable[..., Any], timing: Timed) -> Callable[..., Any]:
    coroutine = _coroutine(function, timing)

    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        return coroutine(*args, **kwargs)

    return wrapper
