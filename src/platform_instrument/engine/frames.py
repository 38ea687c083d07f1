"""How a wrapper passes for the function it stands for: its kind, its dress, and frames that stack inspection skips.

Source: CPython `warnings._is_internal_frame`, `logging._is_internal_frame` (from 3.11 on).
"""

from __future__ import annotations

from functools import WRAPPER_ASSIGNMENTS, partial
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

PLAIN, COROUTINE, AWAITABLE, GENERATOR, ASYNC_GENERATOR = range(5)
"""Kinds of functions; AWAITABLE is a plain function, such as a decorator's, that returns a coroutine function's coroutine."""

_UNSEEN = "<platform_instrument importlib._bootstrap>"
_COROUTINE_FLAG, _GENERATOR_FLAG, _ASYNC_GENERATOR_FLAG = 0x80, 0x20, 0x200
_MARKS = ("_is_coroutine_mark", "_is_coroutine_marker", "_is_coroutine")


def unseen(function: F) -> F:
    """Return the function with code that stack inspection skips, as it skips the import system's."""
    fresh = FunctionType(
        _renamed(function.__code__), function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    fresh.__doc__ = function.__doc__
    fresh.__qualname__ = function.__qualname__
    fresh.__kwdefaults__ = function.__kwdefaults__
    return fresh  # type: ignore[return-value]


def _renamed(code: CodeType) -> CodeType:
    constants = tuple(_renamed(item) if isinstance(item, CodeType) else item for item in code.co_consts)
    return code.replace(co_filename=_UNSEEN, co_consts=constants)


def kind_of(function: Any) -> int:  # noqa: ANN401 - any callable
    """Return the kind of a function by the flags of its code, or by the mark that says it returns coroutines."""
    while isinstance(function, partial):
        function = function.func
    flags = _flags(function)
    if flags & _COROUTINE_FLAG or any(getattr(function, mark, None) for mark in _MARKS):
        return COROUTINE
    if flags & _ASYNC_GENERATOR_FLAG:
        return ASYNC_GENERATOR
    if flags & _GENERATOR_FLAG:
        return GENERATOR
    for _ in range(16):
        function = getattr(function, "__wrapped__", None)
        if function is None:
            break
        if _flags(function) & _COROUTINE_FLAG:
            return AWAITABLE
    return PLAIN


def _flags(function: Any) -> int:  # noqa: ANN401 - any callable
    flags: int = getattr(getattr(function, "__code__", None), "co_flags", 0)
    return flags


def dressed(wrapper: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the wrapper the function's name, documentation, attributes and signature."""
    for name in WRAPPER_ASSIGNMENTS:
        if hasattr(function, name):
            setattr(wrapper, name, getattr(function, name))
    wrapper.__module__ = getattr(function, "__module__", None)  # type: ignore[assignment] # a method of C code has none
    wrapper.__dict__.update(getattr(function, "__dict__", {}))
    wrapper.__wrapped__ = function  # type: ignore[attr-defined]
    return wrapper


def housed(wrapper: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the wrapper as a function of the same module: who looks for a caller outside of some modules skips both or none.

    The globals of its own module are copied: what may be set anew in those is none of a wrapper's.
    """
    module = getattr(function, "__module__", None)
    if type(wrapper) is not FunctionType or module is None:
        return wrapper
    named = {**wrapper.__globals__, "__name__": module}
    return FunctionType(wrapper.__code__, named, wrapper.__name__, wrapper.__defaults__, wrapper.__closure__)


def uncover(error: BaseException) -> BaseException:
    """Take our leading frames off a traceback, so that it shows the application's first; return the exception.

    By the built-in method, since the class of an exception may refuse attributes.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename is _UNSEEN:
        trace = trace.tb_next
    return BaseException.with_traceback(error, trace)
