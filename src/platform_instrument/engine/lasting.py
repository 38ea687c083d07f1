"""Calls whose operation lasts longer than they do: a stream that is read later, a call whose answer is awaited elsewhere.

What `begin` opens is told when the call returned or raised, and closes itself when the operation is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from platform_instrument.core.guard import absorb, guard
from platform_instrument.engine.edits import nothing
from platform_instrument.engine.frames import dressed, unseen
from platform_instrument.engine.journal import static

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Changes

_with_traceback = BaseException.with_traceback


class Opened(Protocol):
    """What was begun; `args` and `kwargs` are what the call is made with instead."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def returned(self, result: Any) -> None:  # noqa: ANN401 - the application's
        """Take what the call returned."""

    def failed(self, error: BaseException) -> None:
        """Take what the call raised."""


class Lasting:
    """How the calls of one function are begun; `begin` is set to `passes` when the patch is undone."""

    __slots__ = ("begin", "place")

    def __init__(self, place: str, begin: Callable[[tuple[Any, ...], dict[str, Any]], Opened | None]) -> None:
        self.place = place
        self.begin = begin

    def stop(self) -> None:
        """Begin nothing any more."""
        self.begin = passes


def passes(_args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
    """Let a call pass unobserved."""


def outlast(
    changes: Changes,
    owner: Any,  # noqa: ANN401 - a module or class
    name: str,
    place: str,
    begin: Callable[[tuple[Any, ...], dict[str, Any]], Opened | None],
) -> None:
    """Have the calls of a function begun by `begin(args, kwargs)`, which returns None for one that is to pass unobserved."""
    original = static(owner, name)
    lasting = Lasting(place, begin)
    changes.replace(owner, name, dressed(_begun(original, lasting), original))
    changes.on_undo(lasting.stop)


def remake(
    changes: Changes,
    owner: Any,  # noqa: ANN401 - a module or class
    name: str,
    place: str,
    make: Callable[[tuple[Any, ...], Any], Any],
) -> None:
    """Have what a function returns made anew by `make(args, result)`, None for the same: `EditResult` at half its price."""
    original = static(owner, name)
    remade = Remade(place, make)
    changes.replace(owner, name, dressed(_remade(original, remade), original))
    changes.on_undo(remade.stop)


class Remade:
    """How the results of one function are made anew."""

    __slots__ = ("make", "place")

    def __init__(self, place: str, make: Callable[[tuple[Any, ...], Any], Any]) -> None:
        self.place = place
        self.make = make

    def stop(self) -> None:
        """Make nothing any more."""
        self.make = nothing


@unseen
def _remade(function: Callable[..., Any], remade: Remade) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise
        try:  # a guard of its own would cost as much as what it guards
            made = remade.make(args, result)
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            absorb(remade.place, fault)
            return result
        return result if made is None else made

    return wrapper


@unseen
def _begun(function: Callable[..., Any], lasting: Lasting) -> Callable[..., Any]:
    place = lasting.place

    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        try:
            opened = lasting.begin(args, kwargs)
        except RecursionError:  # the application's stack is nearly used up: nothing can be called here
            opened = None
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            absorb(place, fault)
            opened = None
        try:
            result = function(*args, **kwargs) if opened is None else function(*opened.args, **opened.kwargs)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            if opened is not None:
                guard(place, opened.failed, error)
            raise
        if opened is not None:
            try:  # a guard of its own would cost as much as what it guards
                opened.returned(result)
            except BaseException as fault:  # noqa: BLE001 - the guard decides
                absorb(place, fault)
        return result

    return wrapper
