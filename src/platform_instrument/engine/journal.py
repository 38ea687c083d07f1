"""What was changed in foreign modules and classes, so that all of it or nothing stays, and undo is exact."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable

_MISSING = object()


class Unbound(staticmethod):  # type: ignore[type-arg] # it takes none at run time in Python 3.10
    """What takes the place of a function of C code: never bound, pickled and copied by its name, `module:name`."""

    def __init__(self, function: Callable[..., Any], place: str) -> None:
        super().__init__(function)
        self._platform_instrument_place = place

    def __reduce__(self) -> tuple[Any, ...]:
        from pkgutil import resolve_name  # few functions are pickled

        return resolve_name, (self._platform_instrument_place,)


class Journal:
    """The changes of one instrumentation, in order."""

    __slots__ = ("_undo", "changed")

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self.changed: list[str] = []
        """What was changed, as `module:Class.attribute`, for people to read."""

    def replace(
        self,
        owner: Any,  # noqa: ANN401 - a module or class of the application's
        name: str,
        value: Any,  # noqa: ANN401 - what takes the attribute's place
        *,
        otherwise: Callable[[], None] | None = None,
    ) -> None:
        """Set an attribute; undo puts the previous object back, or deletes ours where the attribute was inherited.

        Where somebody has wrapped ours meanwhile it cannot be taken out: `otherwise` is called to make it inert.
        """
        previous = vars(owner).get(name, _MISSING)
        setattr(owner, name, value)
        self.changed.append(described(owner, name))

        def undo() -> None:
            if vars(owner).get(name, _MISSING) is not value:
                if otherwise is not None:
                    otherwise()
            elif previous is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, previous)

        self._undo.append(undo)

    def wrap(
        self,
        owner: Any,  # noqa: ANN401 - a module or class of the application's
        name: str,
        wrap: Callable[[Any], Any],
        *,
        otherwise: Callable[[], None],
    ) -> None:
        """Put `wrap(function)` in the place of a function or method, so that it is bound as the original is."""
        self.replace(owner, name, wrapped(static(owner, name), owner, wrap), otherwise=otherwise)

    def on_undo(self, action: Callable[[], None]) -> None:
        """Note how to take back a change that is not an attribute."""
        self._undo.append(action)

    def let_go(self) -> None:
        """Keep every change, and hold none of what was there before."""
        self._undo.clear()

    def undo(self) -> None:
        """Take back every change, the latest first; a failing step does not stop the others."""
        while self._undo:
            guard("undo", self._undo.pop())
        self.changed.clear()


def described(owner: Any, name: str) -> str:  # noqa: ANN401 - a module or class of the application's
    """Return `module:Class.name`."""
    if isinstance(owner, type):
        return f"{owner.__module__}:{owner.__qualname__}.{name}"
    return f"{owner.__name__}:{name}"


def static(owner: Any, name: str) -> Any:  # noqa: ANN401 - a module or class of the application's
    """Return an attribute as it is stored, without binding; AttributeError where there is none."""
    for place in getattr(owner, "__mro__", (owner,)):
        if name in vars(place):
            return vars(place)[name]
    return getattr(owner, name)


def wrapped(original: Any, owner: Any, wrap: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - functions of the application's
    """Return what takes the place of a stored attribute: bound as the original is, and not at all where that is not.

    A function of C code is never bound; a wrapper in the way of another agent knows its instance only when it is bound.
    A class or a property cannot be wrapped: AttributeError.
    """
    if type(original) in {staticmethod, classmethod}:
        return type(original)(wrap(original.__func__))
    if isinstance(original, type) or not callable(original):
        message = f"{getattr(original, '__qualname__', type(original).__name__)} is no function"
        raise AttributeError(message)  # noqa: TRY004 - as where the target is missing
    if not hasattr(type(original), "__get__"):
        return Unbound(wrap(original), described(owner, getattr(original, "__name__", "")))
    if isinstance(original, classmethod):
        return classmethod(wrap(lambda kind, *args, **kwargs: original.__get__(None, kind)(*args, **kwargs)))
    if isinstance(original, staticmethod):
        return staticmethod(wrap(original.__get__(None, owner)))
    if type(original) is FunctionType or not isinstance(owner, type):
        return wrap(original)
    return wrap(original.__get__(None, owner))
