"""A method that runs with a context variable set to what its arguments say, such as the span of the request it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import COROUTINE, dressed, kind_of, unseen

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import ContextVar

    from platform_instrument.core.values import Changes

_with_traceback = BaseException.with_traceback


def during(changes: Changes, owner: Any, name: str, variable: ContextVar[Any], value_of: Callable[..., Any]) -> None:  # noqa: ANN401
    """Have a method of `owner` run with `variable` set to `value_of(*its positional arguments)`, unless that is None."""
    original = vars(owner)[name]
    driver = _coroutine_during if kind_of(original) == COROUTINE else _during
    changes.replace(owner, name, dressed(driver(original, f"{owner.__name__}.{name}", variable, value_of), original))


@unseen
def _during(
    function: Callable[..., Any], place: str, variable: ContextVar[Any], value_of: Callable[..., Any]
) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        value = guard(place, value_of, *args)
        token = None if value is None else variable.set(value)
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        finally:
            if token is not None:
                variable.reset(token)

    return wrapper


@unseen
def _coroutine_during(
    function: Callable[..., Any], place: str, variable: ContextVar[Any], value_of: Callable[..., Any]
) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        value = guard(place, value_of, *args)
        token = None if value is None else variable.set(value)
        try:
            return await function(*args, **kwargs)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        finally:
            if token is not None:
                variable.reset(token)

    return wrapper
