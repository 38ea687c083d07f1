"""The only wrappers around calls of the application: plain, coroutine, generator, async generator, context manager.

In each of them the application's call stands outside every guard and is made exactly once. Their frames are skipped by
`warnings` and `logging`, and cut off the traceback of an exception before it goes on (CPython 3.10 puts one back). What a
signal handler raises while our code runs goes on to the application, and finds the context as it was before the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import absorb, guard
from platform_instrument.engine.blocks import observed_block
from platform_instrument.engine.frames import (
    ASYNC_GENERATOR,
    AWAITABLE,
    COROUTINE,
    GENERATOR,
    PLAIN,
    dressed,
    kind_of,
    uncover,
    unseen,
)
from platform_instrument.engine.scope import enter, fail, give_back, leave, open_call, pause, resume
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    from platform_instrument.core.values import Call
    from platform_instrument.engine.scope import Plan

_current, _make_current = CURRENT.get, CURRENT.set
_with_traceback = BaseException.with_traceback
"""Called in place, not through a function: where the application's stack is used up, one more frame would be too many.

For plain calls and coroutines, `guard` too is called only where there is something to guard: it would cost as much as the scope.
"""


def observe(function: Callable[..., Any], plan: Plan, *, context_manager: bool = False) -> Callable[..., Any]:
    """Return a wrapper of the same kind as the function, with its name, signature and attributes."""
    driver = _block if context_manager else _DRIVERS[kind_of(function)]
    return dressed(driver(function, plan), function)


@unseen
def _plain(function: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    place = plan.place

    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        before = _current()
        try:
            call = enter(plan, args, kwargs)
        except RecursionError:  # the application's stack is nearly used up: nothing can be called here
            call = None
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            _make_current(before)
            call = None
            absorb(place, fault)
        try:
            result = function(*args, **kwargs) if call is None else function(*call.args, **call.kwargs)
        except BaseException as error:
            if call is not None:
                _failed(plan, call, error)
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        if call is not None:
            try:
                leave(plan, call, result)
            except RecursionError:  # as above
                return result
            except BaseException as fault:  # noqa: BLE001 - as above
                give_back(call)
                absorb(place, fault)
        return result

    return wrapper


@unseen
def _coroutine(function: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    place = plan.place

    async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        before = _current()
        try:
            call = enter(plan, args, kwargs)
        except RecursionError:  # the application's stack is nearly used up: nothing can be called here
            call = None
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            _make_current(before)
            call = None
            absorb(place, fault)
        try:
            result = await (function(*args, **kwargs) if call is None else function(*call.args, **call.kwargs))
        except BaseException as error:
            if call is not None:
                _failed(plan, call, error)
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        if call is not None:
            try:
                leave(plan, call, result)
            except RecursionError:  # as above
                return result
            except BaseException as fault:  # noqa: BLE001 - as above
                give_back(call)
                absorb(place, fault)
        return result

    return wrapper


@unseen
def _awaitable(function: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    coroutine = _coroutine(function, plan)

    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        return coroutine(*args, **kwargs)

    return wrapper


@unseen
def _generator(function: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    place = plan.place

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:  # noqa: ANN401 - the application's
        call = guard(place, open_call, plan, args, kwargs)
        generator = function(*args, **kwargs) if call is None else function(*call.args, **call.kwargs)
        step, value = generator.send, None
        try:
            while True:
                guard(place, resume, call)
                try:
                    item = step(value)
                finally:
                    guard(place, pause, call)
                try:
                    value = yield item
                    step = generator.send
                except GeneratorExit:
                    generator.close()
                    raise
                except BaseException as thrown:  # noqa: BLE001 - by the application, handed on to its generator
                    step, value = generator.throw, uncover(thrown)
        except BaseException as error:
            value = None  # a traceback that holds the exception it belongs to is a cycle
            _ended(plan, call, error)
            if isinstance(error, StopIteration):
                return error.value
            uncover(error)
            raise

    return wrapper


@unseen
def _async_generator(function: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    place = plan.place

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:  # noqa: ANN401 - the application's
        call = guard(place, open_call, plan, args, kwargs)
        generator = function(*args, **kwargs) if call is None else function(*call.args, **call.kwargs)
        step = generator.asend(None)
        try:
            while True:
                item = await _resumed(place, call, step)
                try:
                    step = generator.asend((yield item))
                except GeneratorExit:
                    await generator.aclose()
                    raise
                except BaseException as thrown:  # noqa: BLE001 - by the application, handed on to its generator
                    step = generator.athrow(uncover(thrown))
        except BaseException as error:
            del step
            _ended(plan, call, error)
            if isinstance(error, StopAsyncIteration):
                return
            uncover(error)
            raise

    return wrapper


@unseen
async def _resumed(place: str, call: Call | None, step: Awaitable[Any]) -> Any:  # noqa: ANN401 - the application's
    """Take one item of an async generator, with its span current meanwhile."""
    guard(place, resume, call)
    try:
        return await step
    finally:
        guard(place, pause, call)


def _failed(plan: Plan, call: Call, error: BaseException) -> None:
    """Close the scope of a call that raised; what a signal handler raises meanwhile finds the context as it was before."""
    try:
        guard(plan.place, fail, plan, call, error)
    except BaseException:
        give_back(call)
        raise


def _ended(plan: Plan, call: Call | None, error: BaseException) -> None:
    """Close the scope of a generator that is used up, closed or failed."""
    if call is None:
        return
    if isinstance(error, (StopIteration, StopAsyncIteration, GeneratorExit)):
        guard(plan.place, leave, plan, call, None)
    else:
        guard(plan.place, fail, plan, call, error)


@unseen
def _block(function: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        try:
            block = function(*args, **kwargs)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        observed = guard(plan.place, observed_block, block, plan, args, kwargs)
        return block if observed is None else observed

    return wrapper


_DRIVERS = {
    PLAIN: _plain,
    COROUTINE: _coroutine,
    AWAITABLE: _awaitable,
    GENERATOR: _generator,
    ASYNC_GENERATOR: _async_generator,
}
