"""A context manager returned by the application's library, entered and left under observation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import uncover, unseen
from platform_instrument.engine.scope import Plan, enter, fail, give_back, leave
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from types import TracebackType

    from platform_instrument.core.values import Call

_MOST_CLASSES = 256


class _Visits:
    """One block and the scopes that are open in it: it may be entered again inside itself."""

    __slots__ = ("args", "block", "calls", "kwargs", "plan", "result")

    def __init__(self, block: Any, plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:  # noqa: ANN401
        self.block = block
        self.plan = plan
        self.args = args
        self.kwargs = kwargs
        self.calls: list[Call | None] = []
        self.result: Any = None

    def begin(self) -> None:
        """Open the scope of a block that is about to be entered."""
        before = CURRENT.get()
        try:
            self.calls.append(guard(self.plan.place, enter, self.plan, self.args, self.kwargs))
        except BaseException:  # what a signal handler raised
            CURRENT.set(before)
            raise

    def end(self, error: BaseException | None) -> None:
        """Close the scope; what a signal handler raises meanwhile finds the context as it was before."""
        call = self.calls[-1] if self.calls else None
        try:
            if call is None:
                return
            if error is None:
                guard(self.plan.place, leave, self.plan, call, self.result)
            else:
                guard(self.plan.place, fail, self.plan, call, error)
        except BaseException:
            if call is not None:
                give_back(call)
            raise
        finally:
            del self.calls[-1:]


class ObservedBlock:
    """Stands for the library's context manager: the span covers the block, everything else is the original's.

    A subclass for each class of the library has the special methods that the original has, no others.
    """

    __slots__ = ("_platform_instrument_visits",)

    def __init__(self, visits: _Visits) -> None:
        object.__setattr__(self, "_platform_instrument_visits", visits)

    @property  # type: ignore[misc] # mypy takes it for a plain attribute
    def __class__(self) -> type:
        """Pass for the original in `isinstance`."""
        return type(self._platform_instrument_visits.block)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the original's
        return getattr(self._platform_instrument_visits.block, name)

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401 - the original's
        setattr(self._platform_instrument_visits.block, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._platform_instrument_visits.block, name)


_classes: dict[type, type[ObservedBlock]] = {}


def observed_block(block: Any, plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return the block under observation."""
    kind = type(block)
    made = _classes.get(kind)
    if made is None:
        if len(_classes) >= _MOST_CLASSES:
            _classes.clear()
        made = _classes[kind] = _class_for(kind)
    return made(_Visits(block, plan, args, kwargs))


def _class_for(kind: type) -> type[ObservedBlock]:
    """Return the class that stands for a class of the library."""
    namespace: dict[str, Any] = {"__slots__": (), "__reduce_ex__": _forwarding("__reduce_ex__")}
    for name in dir(kind):
        if name in _ENTRANCES:
            namespace[name] = _ENTRANCES[name]
        elif name.startswith("__") and name.endswith("__") and name not in _OWN and _overrides(kind, name):
            namespace[name] = _forwarding(name)
    return type(kind.__name__, (ObservedBlock,), namespace)


def _overrides(kind: type, name: str) -> bool:
    attribute = getattr(kind, name, None)  # `dir` lists what a class without an abstract method left does not have
    return callable(attribute) and attribute is not getattr(object, name, None)


@unseen
def _forwarding(name: str) -> Any:  # noqa: ANN401 - a method
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the original's
        block = self._platform_instrument_visits.block
        return getattr(type(block), name)(block, *args, **kwargs)

    return method


@unseen
def _enter(self: Any) -> Any:  # noqa: ANN401 - the original's
    visits: _Visits = self._platform_instrument_visits
    visits.begin()
    try:
        visits.result = visits.block.__enter__()
    except BaseException as error:
        visits.end(error)
        uncover(error)
        raise
    return visits.result


@unseen
def _exit(self: Any, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> Any:  # noqa: ANN401
    visits: _Visits = self._platform_instrument_visits
    try:
        answer = visits.block.__exit__(kind, error, trace)
    except BaseException as second:
        visits.end(second)
        uncover(second)
        raise
    visits.end(error)
    return answer


@unseen
async def _aenter(self: Any) -> Any:  # noqa: ANN401 - the original's
    visits: _Visits = self._platform_instrument_visits
    visits.begin()
    try:
        visits.result = await visits.block.__aenter__()
    except BaseException as error:
        visits.end(error)
        uncover(error)
        raise
    return visits.result


@unseen
async def _aexit(self: Any, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> Any:  # noqa: ANN401
    visits: _Visits = self._platform_instrument_visits
    try:
        answer = await visits.block.__aexit__(kind, error, trace)
    except BaseException as second:
        visits.end(second)
        uncover(second)
        raise
    visits.end(error)
    return answer


_ENTRANCES = {"__enter__": _enter, "__exit__": _exit, "__aenter__": _aenter, "__aexit__": _aexit}
_OWN = {"__class__", "__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__init__", "__new__", "__del__",
        "__init_subclass__", "__subclasshook__", "__class_getitem__", "__get__", "__set__", "__delete__", "__set_name__",
        "__sizeof__", "__reduce_ex__"}  # fmt: skip
"""Special methods of the stand-in itself, and those that concern a class."""
