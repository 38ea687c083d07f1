"""Wrappers that change the arguments of a call of the application, or what it returns; a fault leaves both as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import absorb, guard
from platform_instrument.core.values import Call
from platform_instrument.engine.frames import AWAITABLE, COROUTINE, dressed, housed, kind_of, unseen

if TYPE_CHECKING:
    from collections.abc import Callable

_with_traceback = BaseException.with_traceback


class Edit:
    """What is changed, and the place that a fault is counted under; `make` is set to `nothing` when a patch is undone."""

    __slots__ = ("make", "place")

    def __init__(self, place: str, make: Callable[..., Any]) -> None:
        self.place = place
        self.make = make


def nothing(*_: object) -> None:
    """Change nothing."""


def edit_call(function: Callable[..., Any], edit: Edit) -> Callable[..., Any]:
    """Return a wrapper that changes the arguments; it is a coroutine function where the function is one."""
    driver = _arguments_of_coroutine if kind_of(function) == COROUTINE else _arguments
    return dressed(housed(driver(function, edit), function), function)


def edit_result(function: Callable[..., Any], edit: Edit) -> Callable[..., Any]:
    """Return a wrapper that changes the result, of a coroutine what it is awaited for."""
    kind = kind_of(function)
    driver = _result_of_coroutine if kind == COROUTINE else _result_of_awaitable if kind == AWAITABLE else _result
    return dressed(housed(driver(function, edit), function), function)


@unseen
def _arguments(function: Callable[..., Any], edit: Edit) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        call = guard(edit.place, _edited, edit, args, kwargs)
        try:
            return function(*args, **kwargs) if call is None else function(*call.args, **call.kwargs)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise

    return wrapper


@unseen
def _arguments_of_coroutine(function: Callable[..., Any], edit: Edit) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        call = guard(edit.place, _edited, edit, args, kwargs)
        try:
            return await (function(*args, **kwargs) if call is None else function(*call.args, **call.kwargs))
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise

    return wrapper


def _edited(edit: Edit, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """Return the changed call; the keywords are copied, so that a fault half way leaves the application's whole."""
    call = Call(args, dict(kwargs))
    edit.make(call)
    return call


@unseen
def _result(function: Callable[..., Any], edit: Edit) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        try:  # each line of a log passes here: `guard` would be a third of it
            changed = edit.make(Call(args, kwargs), result)
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            absorb(edit.place, fault)
            return result
        return result if changed is None else changed

    return wrapper


@unseen
def _result_of_coroutine(function: Callable[..., Any], edit: Edit) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        changed = guard(edit.place, edit.make, Call(args, kwargs), result)
        return result if changed is None else changed

    return wrapper


@unseen
def _result_of_awaitable(function: Callable[..., Any], edit: Edit) -> Callable[..., Any]:
    coroutine = _result_of_coroutine(function, edit)

    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        return coroutine(*args, **kwargs)

    return wrapper
