"""Classes of C code cannot be patched: what is made of them is made by subclasses that answer to their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from platform_instrument.engine.frames import uncover, unseen

if TYPE_CHECKING:
    from collections.abc import Callable


class Subclasses:
    """The observed subclasses of one library's classes, and of the application's own subclasses of these.

    For a class of the application the observed one is put between it and the library's, where `super()` finds it. Such
    a class lives as long as it is in use.
    """

    def __init__(self) -> None:
        self._made: WeakValueDictionary[tuple[int, int], type] = WeakValueDictionary()

    def between(self, base: Any, observed: Any) -> Any:  # noqa: ANN401 - classes; what is none is returned as it is
        """Return the class that stands for `base`: `observed` itself for the class that it was made of."""
        plain = observed.__base__
        if base is plain:
            return observed
        if not isinstance(base, type) or not issubclass(base, plain) or issubclass(base, observed):
            return base
        key = (id(base), id(observed))
        known = self._made.get(key)
        if known is None:
            known = self._made[key] = _named_like(base, (base, observed), {})
        return known


def subclass(plain: Any, methods: dict[str, Any]) -> Any:  # noqa: ANN401 - a class of C code
    """Return a subclass with the name and documentation of its base; that it cannot be pickled it says in the same words."""
    for name, method in methods.items():
        method.__name__, method.__doc__ = name, getattr(plain, name).__doc__

    def reduce(self: Any, protocol: Any) -> Any:  # noqa: ANN401 - pickle's protocol
        if type(self) is made:
            message = f"cannot pickle '{plain.__module__}.{plain.__name__}' object"
            raise TypeError(message)
        return plain.__reduce_ex__(self, protocol)

    made = _named_like(plain, (plain,), {**methods, "__reduce_ex__": reduce})
    return made


@unseen
def by_way_of(make: Callable[[Any], Any], name: str) -> Callable[..., Any]:
    """Return a method that calls `name` on what `make(self)` returns, and returns that: without a frame in tracebacks."""

    def method(self: Any, *args: Any) -> Any:  # noqa: ANN401 - the application's
        made = make(self)
        try:
            getattr(made, name)(*args)
        except BaseException as error:
            uncover(error)
            raise
        return made

    return method


def _named_like(like: type, bases: tuple[type, ...], methods: dict[str, Any]) -> type:
    shared = {"__module__": like.__module__, "__qualname__": like.__qualname__, "__doc__": like.__doc__}
    return type(like)(like.__name__, bases, {**shared, **methods})
