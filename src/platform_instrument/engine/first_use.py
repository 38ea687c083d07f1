"""Libraries that nearly everything imports and few programs use, such as `http.client`: nothing is loaded until a first call.

A function of the library loads and applies the instrumentation when it is called for the first time, and is itself again then.
Calls below which nothing is observed do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import dressed, unseen
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_with_traceback = BaseException.with_traceback
_expected: list[tuple[Any, ...]] = []
"""What was put in place of functions, by the arguments of `_loaded`."""


def at_first_call(place: str, module: ModuleType, target: str, load: Callable[[], object]) -> None:
    """Call `load` once, before the first call of `target`, such as `HTTPConnection.__init__`; AttributeError where there is none.

    A fault is counted under `place`. The first call is made through what `load` has put in place, unless somebody else has
    wrapped the function meanwhile.
    """
    *steps, name = target.split(".")
    owner: Any = module
    for step in steps:
        owner = getattr(owner, step)
    original = vars(owner)[name]
    loads = [load]
    setattr(owner, name, dressed(_waiting(place, owner, name, original, loads), original))
    _expected.append((place, owner, name, original, loads))


def load_all() -> None:
    """Load what waits for a first call: for doctor, which wants to see it patched."""
    while _expected:
        place, *rest = _expected.pop()
        guard(place, _loaded, place, *rest)


@unseen
def _waiting(
    place: str,
    owner: Any,  # noqa: ANN401 - a module or class
    name: str,
    original: Callable[..., Any],
    loads: list[Callable[[], object]],
) -> Callable[..., Any]:
    def called(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        current = CURRENT.get()
        if current is not None and current.families == SUPPRESSED:  # our own exporters, for one
            function = original
        else:
            function = guard(place, _loaded, place, owner, name, original, loads) or original
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise

    return called


def _loaded(
    place: str,
    owner: Any,  # noqa: ANN401 - as above
    name: str,
    original: Callable[..., Any],
    loads: list[Callable[[], object]],
) -> Any:  # noqa: ANN401 - a function
    """Load, once; return the function as it is now, where it is not one that calls ours again."""
    try:
        load = loads.pop()
    except IndexError:  # it was loaded, or another thread is about to
        return original
    ours = getattr(vars(owner).get(name), "__wrapped__", None) is original
    if ours:
        setattr(owner, name, original)
    guard(place, load)
    return vars(owner)[name] if ours else original
