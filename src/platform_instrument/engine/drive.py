"""The only wrappers around calls of the application: plain, coroutine, generator, async generator, context manager.

In each of them the application's call stands outside every guard and is made exactly once. Their code carries a file
name that `warnings` and `logging` take for the import system's, so `stacklevel` and `findCaller` look past our frames;
the traceback of an exception is cut by our frame before it goes on.
Source: CPython `warnings._is_internal_frame`, `logging._is_internal_frame`.
"""

from __future__ import annotations

from functools import WRAPPER_ASSIGNMENTS
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

from platform_instrument.core.guard import guard
from platform_instrument.core.values import Call
from platform_instrument.engine.blocks import ObservedBlock
from platform_instrument.engine.scope import Plan, enter, fail, leave, open_call, pause, resume

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

_COROUTINE, _GENERATOR, _ASYNC_GENERATOR = 0x80, 0x20, 0x200
_UNSEEN = "<platform_instrument importlib._bootstrap>"
F = TypeVar("F", bound="Callable[..., Any]")


def unseen(function: F) -> F:
    """Return the function with code that stack inspection skips, as it skips the import system's."""
    fresh = FunctionType(
        _renamed(function.__code__), function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    fresh.__doc__ = function.__doc__
    return fresh  # type: ignore[return-value]


def _renamed(code: CodeType) -> CodeType:
    constants = tuple(_renamed(item) if isinstance(item, CodeType) else item for item in code.co_consts)
    return code.replace(co_filename=_UNSEEN, co_consts=constants)


def observe(function: Callable[..., Any], plan: Plan, *, context_manager: bool = False) -> Callable[..., Any]:
    """Return a wrapper of the same kind as the function, with its name, signature and attributes."""
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    if context_manager:
        driver = _block
    elif flags & _COROUTINE:
        driver = _coroutine
    elif flags & _ASYNC_GENERATOR:
        driver = _async_generator
    elif flags & _GENERATOR:
        driver = _generator
    else:
        driver = _plain
    return _dressed(driver(function, plan), function)


def edit_call(function: Callable[..., Any], place: str, edit: Callable[[Call], None]) -> Callable[..., Any]:
    """Return a wrapper that changes the arguments; a coroutine function stays one."""
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    driver = _edited_coroutine if flags & _COROUTINE else _edited
    return _dressed(driver(function, place, edit), function)


def edit_result(function: Callable[..., Any], place: str, edit: Callable[[Call, Any], Any]) -> Callable[..., Any]:
    """Return a wrapper that changes the result; a coroutine function stays one."""
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    driver = _edited_coroutine_result if flags & _COROUTINE else _edited_result
    return _dressed(driver(function, place, edit), function)


def _dressed(wrapper: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the wrapper the function's name, documentation, attributes and signature."""
    for name in WRAPPER_ASSIGNMENTS:
        if hasattr(function, name):
            setattr(wrapper, name, getattr(function, name))
    wrapper.__dict__.update(getattr(function, "__dict__", {}))
    wrapper.__wrapped__ = function  # type: ignore[attr-defined]
    if isinstance(wrapper, FunctionType) and isinstance(function, FunctionType):
        wrapper.__defaults__ = None
        wrapper.__kwdefaults__ = None
    return wrapper


@unseen
def _plain(function: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    place = plan.place

    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        call = guard(place, enter, plan, args, kwargs)
        if call is None:
            return function(*args, **kwargs)
        try:
            result = function(*call.args, **call.kwargs)
        except BaseException as error:
            guard(place, fail, plan, call, error)
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise
        guard(place, leave, plan, call, result)
        return result

    return wrapper


@unseen
def _coroutine(function: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    place = plan.place

    async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        call = guard(place, enter, plan, args, kwargs)
        if call is None:
            return await function(*args, **kwargs)
        try:
            result = await function(*call.args, **call.kwargs)
        except BaseException as error:
            guard(place, fail, plan, call, error)
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise
        guard(place, leave, plan, call, result)
        return result

    return wrapper


@unseen
def _generator(function: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    place = plan.place

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        call = guard(place, open_call, plan, args, kwargs)
        if call is None:
            return (yield from function(*args, **kwargs))
        generator = function(*call.args, **call.kwargs)
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
                except BaseException as error:  # noqa: BLE001 - thrown in by the application, handed on to its generator
                    step, value = generator.throw, error
        except StopIteration as stop:
            guard(place, leave, plan, call, None)
            return stop.value
        except GeneratorExit:
            guard(place, leave, plan, call, None)
            raise
        except BaseException as error:
            guard(place, fail, plan, call, error)
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise

    return wrapper


@unseen
def _async_generator(function: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    place = plan.place

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        call = guard(place, open_call, plan, args, kwargs)
        generator = function(*args, **kwargs) if call is None else function(*call.args, **call.kwargs)
        step, value = generator.asend, None
        try:
            while True:
                if call is not None:
                    guard(place, resume, call)
                try:
                    item = await step(value)
                finally:
                    if call is not None:
                        guard(place, pause, call)
                try:
                    value = yield item
                    step = generator.asend
                except GeneratorExit:
                    await generator.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - thrown in by the application, handed on to its generator
                    step, value = generator.athrow, error
        except (StopAsyncIteration, GeneratorExit) as end:
            if call is not None:
                guard(place, leave, plan, call, None)
            if isinstance(end, GeneratorExit):
                raise
        except BaseException as error:
            if call is not None:
                guard(place, fail, plan, call, error)
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise

    return wrapper


@unseen
def _block(function: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        return ObservedBlock(function(*args, **kwargs), plan, args, kwargs)

    return wrapper


@unseen
def _edited(function: Callable[..., Any], place: str, edit: Callable[[Call], None]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        call = guard(place, _edit, edit, args, kwargs)
        if call is None:
            return function(*args, **kwargs)
        return function(*call.args, **call.kwargs)

    return wrapper


@unseen
def _edited_coroutine(function: Callable[..., Any], place: str, edit: Callable[[Call], None]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        call = guard(place, _edit, edit, args, kwargs)
        if call is None:
            return await function(*args, **kwargs)
        return await function(*call.args, **call.kwargs)

    return wrapper


@unseen
def _edited_result(function: Callable[..., Any], place: str, edit: Callable[[Call, Any], Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        result = function(*args, **kwargs)
        edited = guard(place, edit, Call(args, kwargs), result)
        return result if edited is None else edited

    return wrapper


@unseen
def _edited_coroutine_result(function: Callable[..., Any], place: str, edit: Callable[[Call, Any], Any]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        result = await function(*args, **kwargs)
        edited = guard(place, edit, Call(args, kwargs), result)
        return result if edited is None else edited

    return wrapper


def _edit(edit: Callable[[Call], None], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    call = Call(args, dict(kwargs))
    edit(call)
    return call
