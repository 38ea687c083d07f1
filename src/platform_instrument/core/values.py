"""What a library module says and the engine reads: operations, calls, the five verbs.

Plain classes with slots: a named tuple takes ten times as long to make, and every start of a service would pay for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Protocol, TypeAlias

Attributes: TypeAlias = Mapping[str, Any]
"""Attribute names of the semantic conventions to str, bool, int, float or homogeneous sequences of them."""

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(1, 6)
"""Span kinds, numbered as in OTLP."""


UNSEEN: Any = object()
"""Beside an operation, in place of attributes: it is counted, but leaves no span, and nothing below it does."""

OPEN: Any = object()
"""What `end` returns where the operation goes on after the call: the `begin` of a later call returns its span."""


COUNTER, UP_DOWN_COUNTER, GAUGE, HISTOGRAM = range(1, 5)
"""Kinds of instruments, as the OpenTelemetry API has them."""


class Instrument:
    """What is measured, and which attributes its series may carry.

    `constant` keys are known before a call and taken from its operation; `varying` keys from what the call answered. `bounds`
    are the upper bounds of a histogram's buckets, by the semantic conventions. `along` are instruments that are measured with
    each call too, with the same attributes: each takes what the call answered under the name `value`. `merged` says what one
    page makes of the gauges of several processes: their `sum`, `max` or `min`. `observable`: the value is asked for.
    """

    __slots__ = ("along", "bounds", "constant", "description", "kind", "merged", "name", "observable", "unit", "value", "varying")

    def __init__(  # noqa: PLR0913 - what an instrument is
        self,
        name: str,
        description: str,
        *,
        unit: str = "s",
        kind: int = HISTOGRAM,
        constant: tuple[str, ...] = (),
        varying: tuple[str, ...] = (),
        bounds: tuple[float, ...] = (),
        along: tuple[Instrument, ...] = (),
        value: str = "",
        merged: str = "sum",
        observable: bool = False,
    ) -> None:
        self.name = name
        self.description = description
        self.unit = unit
        self.kind = kind
        self.constant = constant
        self.varying = varying
        self.bounds = bounds
        self.along = along
        self.value = value
        self.merged = merged
        self.observable = observable

    def __repr__(self) -> str:
        return f"Instrument({self.name!r})"


class Operation:
    """What a call is: equal calls share one operation, so it is built once and found by key afterwards.

    It holds everything that is the same for each of them, so that the hot path copies nothing and the encoder writes
    the constant part from bytes made once. Slotted and not a dataclass because it is made on the caller's thread and
    carries two slots for what the floors above remember of it.
    """

    __slots__ = ("attributes", "cells", "duration", "encoded", "kind", "name")

    def __init__(self, name: str, kind: int, attributes: Mapping[str, Any], duration: Instrument | None = None) -> None:
        self.name = name
        self.kind = kind
        self.attributes = attributes
        self.duration = duration
        """The histogram that its calls are counted in."""
        self.encoded: bytes | None = None
        """The constant attributes as OTLP, written by the encoder on first use."""
        self.cells: Any = None
        """The cells of `duration` by varying key, written by the metrics on first use."""

    def __repr__(self) -> str:
        return f"Operation({self.name!r}, {dict(self.attributes)!r})"


class Call:
    """One call of the application, as a library module sees it: `args` includes the instance of a method."""

    __slots__ = ("args", "kwargs", "previous", "span", "state")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs
        self.span: Any = None
        self.previous: Any = None
        self.state: Any = None
        """Room for what `begin` wants `end` to know."""

    @property
    def instance(self) -> Any:  # noqa: ANN401 - the application's object
        """The object whose method was called."""
        return self.args[0]

    def argument(self, position: int, name: str, default: Any = None) -> Any:  # noqa: ANN401 - the application's value
        """Return one argument, however it was passed; `position` counts the instance of a method as 0."""
        if position < len(self.args):
            return self.args[position]
        return self.kwargs.get(name, default)

    def put(self, position: int, name: str, value: Any) -> None:  # noqa: ANN401 - as above
        """Have the call made with another value for one argument; where it is not passed, it is passed by its name."""
        if position < len(self.args):
            self.args = (*self.args[:position], value, *self.args[position + 1 :])
        else:
            self.kwargs = {**self.kwargs, name: value}


class Observe:
    """Observe a call: a span, a duration.

    `begin(call)` says what the call is: an `Operation`, or `(operation, varying attributes)`, or None to let it pass.
    `end(call, result)` says what it answered, `error(call, exception)` how it failed; both may return None.
    Where an operation takes several calls, `end` returns `OPEN`, and `begin` of the next call the span of the first.
    `carrier(call)` returns the mapping of headers into which the trace context is put, or None.
    A plain function, a coroutine function, a generator and an async generator are told apart by the engine;
    `context_manager` says that the returned object is entered and left, and that the span covers the block.
    `comment(call)` returns position and name of the argument that is a statement of SQL, and may end in a comment; None where
    somebody keeps statements by their text. `setting` names a setting that has to be on: else nothing is patched.
    """

    __slots__ = ("begin", "carrier", "comment", "context_manager", "end", "error", "optional", "setting", "target")

    def __init__(  # noqa: PLR0913 - what a patch is
        self,
        target: str,
        begin: Callable[[Call], Any],
        end: Callable[[Call, Any], Any] | None = None,
        error: Callable[[Call, BaseException], Any] | None = None,
        carrier: Callable[[Call], MutableMapping[str, str] | None] | None = None,
        *,
        optional: bool = False,
        context_manager: bool = False,
        comment: Callable[[Call], tuple[int, str] | None] | None = None,
        setting: str = "",
    ) -> None:
        self.target = target
        self.begin = begin
        self.end = end
        self.error = error
        self.carrier = carrier
        self.optional = optional
        self.context_manager = context_manager
        self.comment = comment
        self.setting = setting


class EditCall:
    """Change the arguments of a call before it is made: `edit(call)` assigns `call.args` or `call.kwargs`."""

    __slots__ = ("edit", "optional", "target")

    def __init__(self, target: str, edit: Callable[[Call], None], *, optional: bool = False) -> None:
        self.target = target
        self.edit = edit
        self.optional = optional


class EditResult:
    """Change what a call returns: `edit(call, result)` returns the value that the application gets instead."""

    __slots__ = ("edit", "optional", "target")

    def __init__(self, target: str, edit: Callable[[Call, Any], Any], *, optional: bool = False) -> None:
        self.target = target
        self.edit = edit
        self.optional = optional


class Time:
    """Time a call that is no operation of its own, such as taking a connection from a pool: no span, nothing in flight.

    `end(began, result, args, kwargs)` is told when the call began, in seconds of `time.perf_counter`, what it returned and
    what it was called with; `error(began, exception, args, kwargs)` how it failed.
    """

    __slots__ = ("end", "error", "optional", "target")

    def __init__(
        self,
        target: str,
        end: Callable[..., None],
        error: Callable[..., None] | None = None,
        *,
        optional: bool = False,
    ) -> None:
        self.target = target
        self.end = end
        self.error = error
        self.optional = optional


class Changes(Protocol):
    """What a `Custom` patch may do: every change is noted and can be undone exactly."""

    def replace(self, owner: Any, name: str, value: Any) -> None:  # noqa: ANN401 - the application's objects
        """Set attribute `name` of a module or class."""

    def observe(self, owner: Any, patch: Observe) -> None:  # noqa: ANN401 - a class of the library
        """Apply an `Observe` to an attribute of `owner`, named by the last part of its target."""

    def edit(self, owner: Any, patch: EditCall | EditResult) -> None:  # noqa: ANN401 - a class of the library
        """Apply an edit to an attribute of `owner`, named by the last part of its target."""

    def on_undo(self, action: Callable[[], None]) -> None:
        """Note how to take back a change that is not an attribute."""


class Custom:
    """The reviewed exception: `apply(changes)` makes its changes through a journal, so that they can be undone.

    `module` is the module whose import it waits for.
    """

    __slots__ = ("apply", "module", "optional")

    def __init__(self, module: str, apply: Callable[[Changes], None], *, optional: bool = False) -> None:
        self.module = module
        self.apply = apply
        self.optional = optional


Patch: TypeAlias = "Observe | EditCall | EditResult | Time | Custom"


class Instrumentation:
    """One library: its name for settings, the distribution it needs, its family and its patches.

    `requires` is the tested range, such as ``redis>=4.5,<9``; a version outside of it is patched all the same, and doubtful.
    `family` is a bit of `core.families`; `modules` are the top-level imports that trigger it; `settings` names settings
    of which one has to be on; not `native` is what upstream's instrumentor does. `used` is a function of the module that
    triggers it, such as `HTTPConnection.__init__`: nothing is loaded before that is called, for what many import and few use. A
    database without `statements` takes commands.
    """

    __slots__ = ("family", "modules", "name", "native", "patches", "requires", "settings", "statements", "used")

    def __init__(  # noqa: PLR0913 - what a library is
        self,
        name: str,
        requires: str,
        patches: tuple[Patch, ...],
        family: int = 0,
        modules: tuple[str, ...] = (),
        settings: tuple[str, ...] = (),
        *,
        native: bool = True,
        statements: bool = True,
        used: str = "",
    ) -> None:
        self.name = name
        self.statements = statements
        self.used = used
        self.native = native
        self.requires = requires
        self.patches = patches
        self.family = family
        self.modules = modules
        self.settings = settings
