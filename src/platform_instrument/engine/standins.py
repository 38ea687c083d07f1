"""Stand-ins for objects of C code whose classes can be neither patched nor subclassed; what is not observed is the original's.

A stand-in passes for the original in `isinstance`, and has the special methods that its class has, no others. What returns the
original returns the stand-in, so that the application never has one without the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.engine.frames import uncover, unseen
from platform_instrument.engine.subclasses import by_way_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.core.values import Changes, Observe


class StandIn:
    """Stands for an object; `owner` is what it was made by, such as the connection of a cursor."""

    __slots__ = ("__weakref__", "_platform_instrument_original", "_platform_instrument_owner")

    def __init__(self, original: Any, owner: Any = None) -> None:  # noqa: ANN401 - the library's
        object.__setattr__(self, "_platform_instrument_original", original)
        object.__setattr__(self, "_platform_instrument_owner", owner)

    @property  # type: ignore[misc] # mypy takes it for a plain attribute
    def __class__(self) -> type:
        """Pass for the original in `isinstance`."""
        return type(self._platform_instrument_original)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the original's
        return getattr(self._platform_instrument_original, name)

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401 - the original's
        setattr(self._platform_instrument_original, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._platform_instrument_original, name)

    def __dir__(self) -> list[str]:
        return dir(self._platform_instrument_original)


def observed_connections(changes: Changes, connection: type, cursor: type, patches: tuple[Observe, ...]) -> Any:  # noqa: ANN401
    """Return the class of stand-ins for a driver's connections, whose cursors are stand-ins with `patches` observed."""
    names = tuple(patch.target.rpartition(".")[2] for patch in patches)
    cursors = stand_in_class(cursor, names, {"connection": property(_owner)})
    for patch in patches:
        changes.observe(cursors, patch)
    make = _making(cursors)
    methods = {"cursor": make, "execute": by_way_of(make, "execute")} if hasattr(connection, "execute") else {"cursor": make}
    return stand_in_class(connection, (), methods)


def _owner(stand_in: Any) -> Any:  # noqa: ANN401 - the library's
    return stand_in._platform_instrument_owner  # noqa: SLF001 - our own


@unseen
def _making(cursors: Any) -> Callable[..., Any]:  # noqa: ANN401 - a class
    def cursor(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the original's
        try:
            made = self._platform_instrument_original.cursor(*args, **kwargs)
        except BaseException as error:
            uncover(error)
            raise
        return cursors(made, self)

    return cursor


def stand_in_class(kind: type, passed: tuple[str, ...], methods: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a class
    """Return the class of stand-ins for objects of a class, with methods of its own, and others that are `passed` on.

    What is passed on can be observed, as `methods` can.
    """
    special = [name for name in dir(kind) if name.startswith("__") and name not in _OWN and _overrides(kind, name)]
    namespace: dict[str, Any] = {"__slots__": (), "__module__": kind.__module__, "__doc__": kind.__doc__}
    namespace.update({name: _passing(name, getattr(kind, name)) for name in (*special, *passed)})
    return type(kind.__name__, (StandIn,), {**namespace, **methods, "__qualname__": kind.__qualname__})


def _overrides(kind: type, name: str) -> bool:
    attribute = getattr(kind, name)
    return callable(attribute) and attribute is not getattr(object, name, None)


@unseen
def _passing(name: str, like: Any) -> Callable[..., Any]:  # noqa: ANN401 - a method of C code
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the original's
        original = self._platform_instrument_original
        try:
            result = getattr(original, name)(*args, **kwargs)
        except BaseException as error:
            uncover(error)
            raise
        return self if result is original else result

    method.__name__, method.__doc__ = name, like.__doc__
    return method


_OWN = {"__class__", "__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__dir__", "__init__", "__new__", "__del__",
        "__init_subclass__", "__subclasshook__", "__class_getitem__"}  # fmt: skip
"""Special methods of the stand-in itself, and those that concern a class."""
