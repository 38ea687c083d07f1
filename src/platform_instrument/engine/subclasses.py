"""Subclasses: observed ones in place of classes of C code, which cannot be patched, and those that override the observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet, WeakValueDictionary

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import uncover, unseen

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Changes, Observe


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


class Overrides:
    """The methods of subclasses that take the place of observed ones without calling them, observed as these are.

    `changes` is what a `Custom` patch may do, `patches` what is observed of the class that they are subclasses of. One
    that calls the method it overrides is no second call, since the family is in flight.
    """

    def __init__(self, changes: Changes, patches: tuple[Observe, ...]) -> None:
        self._changes = changes
        self._patches = patches
        self._seen: WeakSet[type] = WeakSet()

    def observe(self, kind: type) -> None:
        """Observe what a class and those between it and the observed one override; a class is looked at once."""
        if kind in self._seen:
            return
        names = {patch.target.rpartition(".")[2]: patch for patch in self._patches}
        for owner in kind.__mro__:
            module, _, path = self._patches[0].target.partition(":")
            if (owner.__module__, owner.__qualname__) == (module, path.rpartition(".")[0]):
                return
            if owner not in self._seen:
                self._seen.add(owner)
                for name in names.keys() & vars(owner).keys():
                    self._changes.observe(owner, names[name])


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

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        made = make(self)
        try:
            getattr(made, name)(*args, **kwargs)
        except BaseException as error:
            uncover(error)
            raise
        return made

    return method


@unseen
def with_argument(plain: Any, position: int, name: str, instead: Callable[[Any, Any], Any], place: str) -> Callable[..., Any]:  # noqa: ANN401
    """Return a method that calls `plain` with another value for one argument: what `instead(self, given or None)` returns.

    `position` does not count `self`. A fault of `instead`, counted under `place`, leaves the arguments as they are.
    """

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        given = args[position] if len(args) > position else kwargs.get(name)
        made = guard(place, instead, self, given)
        if made is not None and len(args) > position:
            args = (*args[:position], made, *args[position + 1 :])
        elif made is not None:
            kwargs[name] = made
        try:
            return plain(self, *args, **kwargs)
        except BaseException as error:
            uncover(error)
            raise

    return method


def _named_like(like: type, bases: tuple[type, ...], methods: dict[str, Any]) -> type:
    shared = {"__module__": like.__module__, "__qualname__": like.__qualname__, "__doc__": like.__doc__}
    return type(like)(like.__name__, bases, {**shared, **methods})
