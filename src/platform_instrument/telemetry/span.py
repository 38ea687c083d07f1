"""The span: one slotted object that is at once the record, the context and the OpenTelemetry API's `Span`.

It does not inherit from the API's class, which would import it; `telemetry.api` registers it as a virtual subclass when
the application imports `opentelemetry.trace`. What people read off SDK spans (`name`, `attributes`, `start_time`,
`parent`, `resource`, …) is answered by `telemetry.readable`, loaded when first asked for.
Source: https://opentelemetry.io/docs/specs/otel/trace/api/#span
"""

from __future__ import annotations

from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.telemetry import limits
from platform_instrument.telemetry.context import REMOTE
from platform_instrument.telemetry.extras import Event, Extras

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

    from platform_instrument.core.values import Operation
    from platform_instrument.telemetry.context import Local
    from platform_instrument.telemetry.scope import InstrumentationScope

UNSET, OK, ERROR = range(3)
"""Status codes, numbered as in OTLP."""


class Link:
    """A relation to another span, in this trace or another one."""

    __slots__ = ("attributes", "dropped_attributes", "flags", "span_id", "trace_id", "trace_state")

    def __init__(  # noqa: PLR0913 - the fields of a link
        self, trace_id: int, span_id: int, flags: int, trace_state: str, attributes: dict[str, Any], dropped_attributes: int = 0
    ) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.flags = flags
        self.trace_state = trace_state
        self.attributes = attributes
        self.dropped_attributes = dropped_attributes


class Span:
    """One operation of a trace; ended once, recorded only when the sampler said so.

    `trace_id` and `span_id` are integers, times nanoseconds since the epoch, durations taken from a monotonic clock so
    that they are never negative. Made and filled by `telemetry.tracer.start` alone: an `__init__` would cost a third of it.
    """

    __slots__ = (
        "__weakref__",
        "_statements",
        "api",
        "end_ns",
        "extras",
        "families",
        "flags",
        "kind_code",
        "local",
        "name",
        "operation",
        "own_attributes",
        "parent_id",
        "parent_remote",
        "recording",
        "root",
        "scope",
        "span_id",
        "start_ns",
        "status_code",
        "ticks",
        "trace_id",
    )

    _statements: dict[Operation, int]
    """How often the request executed which statement; absent before the first (`engine.statements`)."""
    api: Any
    """The API's `SpanContext`, once somebody has asked for it."""
    end_ns: int
    extras: Extras | None
    families: int
    flags: int
    kind_code: int
    """Numbered as in OTLP."""
    local: Local | None
    name: str
    operation: Operation | None
    own_attributes: dict[str, Any] | None
    """The attributes besides the operation's."""
    parent_id: int
    parent_remote: bool
    recording: bool
    root: Span | None
    """The span of the request that it is a part of, where this process serves one."""
    scope: InstrumentationScope
    span_id: int
    start_ns: int
    status_code: int
    ticks: int
    trace_id: int

    remote = False
    foreign = None

    def more(self) -> Extras:
        """Return the rare fields, made on first use."""
        if self.extras is None:
            self.extras = Extras()
        return self.extras

    # --- the OpenTelemetry API: nothing in it raises, whatever it is given ----------------------------------------

    def get_span_context(self) -> Any:  # noqa: ANN401 - the API's SpanContext
        """Return the API's `SpanContext` of this span."""
        if self.api is not None:
            return self.api
        from platform_instrument.telemetry.api_values import span_context  # needs the API, which the application has loaded

        return span_context(self)

    def is_recording(self) -> bool:
        """Say whether this span still takes data."""
        return self.recording and not self.end_ns

    def set_attribute(self, key: str, value: Any) -> None:  # noqa: ANN401 - whatever the application passes
        """Set one attribute; what does not fit is left out and counted."""
        if not self.recording or self.end_ns:
            return
        own = self.own_attributes
        if own is None:
            own = self.own_attributes = {}
        bounds = limits.LIMITS
        if not limits.put(own, key, value, bounds.span_attributes, bounds.span_value_length):
            self.more().dropped_attributes += 1

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""
        for key, value in limits.pairs(attributes):
            self.set_attribute(key, value)

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        """Record that something happened, now or at `timestamp` (nanoseconds since the epoch)."""
        if not self.recording or self.end_ns:
            return
        bounds, extras = limits.LIMITS, self.more()
        if len(extras.events) >= bounds.events:
            extras.dropped_events += 1
            return
        kept, dropped = limits.bounded(attributes, bounds.event_attributes, bounds.value_length)
        at = limits.nanoseconds(timestamp)
        extras.events.append(Event(limits.name(name), kept, time_ns() if at is None else at, dropped))

    def add_link(self, context: Any, attributes: Mapping[str, Any] | None = None) -> None:  # noqa: ANN401 - a SpanContext
        """Relate this span to another one; `context` is the API's `SpanContext`."""
        if not self.recording or self.end_ns:
            return
        extras = self.more()
        link = guard("link", link_to, context, attributes)
        if link is None:
            return
        if len(extras.links) >= limits.LIMITS.links:
            extras.dropped_links += 1
        else:
            extras.links.append(link)

    def update_name(self, name: str) -> None:
        """Give the span another name."""
        if self.recording and not self.end_ns:
            self.name = limits.name(name)

    def set_status(self, status: Any, description: str | None = None) -> None:  # noqa: ANN401 - Status or StatusCode
        """Set the status by the specification's rules: OK is final, UNSET changes nothing, only ERROR has a text."""
        if not self.recording or self.end_ns or self.status_code == OK:
            return
        code = getattr(status, "status_code", status)
        number = getattr(code, "value", code)
        if type(number) is not int or number not in (OK, ERROR):
            return
        self.status_code = number
        text = description if code is status else getattr(status, "description", None)
        if number == ERROR and text is not None:
            self.more().status_description = limits.name(text)
        elif self.extras is not None:
            self.extras.status_description = ""

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002 - the API's signature
    ) -> None:
        """Add an `exception` event with type, message and stack. Source: semantic conventions, exceptions."""
        if not self.recording or self.end_ns:
            return
        described: dict[str, Any] = guard("exception", _described, exception) or {}
        if escaped:
            described["exception.escaped"] = "True"
        described.update(limits.pairs(attributes))
        self.add_event("exception", described, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """End the span, once; `end_time` is nanoseconds since the epoch.

        A span that the engine opened is ended by the engine alone, when the observed call has returned.
        """
        if self.end_ns or self.operation is not None:
            return
        self.end_ns = max(self.start_ns + perf_counter_ns() - self.ticks, self.start_ns)  # a frozen clock may have been let go
        if end_time is not None or self.extras is not None:
            self._end_elsewhen(end_time)
        if self.recording:
            limits.ENDED(self)

    def _end_elsewhen(self, end_time: int | None) -> None:
        """Correct the end for a start in the past or an explicit end; never before the start."""
        end_ns = limits.nanoseconds(end_time)
        if end_ns is None:
            end_ns = self.end_ns + self.more().backdated_ns
        self.end_ns = max(end_ns, self.start_ns, 1)

    def __enter__(self) -> Self:
        """Return the span; leaving the block ends it."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Record an exception that leaves the block, and end."""
        if isinstance(error, Exception):
            extras = self.extras
            self.failed(error, record=extras is None or extras.records_exceptions, status=extras is None or extras.sets_status)
        self.end()

    def failed(self, error: Exception, *, record: bool, status: bool) -> None:
        """Note an exception that left the block which this span stands for."""
        if not self.is_recording():
            return
        if record:
            self.record_exception(error)
        if status:
            self.set_status(ERROR, f"{type(error).__name__}: {limits.name(error)}")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - properties of SDK spans
        """Answer the properties that people read off SDK spans."""
        if name.startswith("_") and name != "_readable_span":
            raise AttributeError(name)
        from platform_instrument.telemetry.readable import read  # needs the API

        return read(self, name)

    def __repr__(self) -> str:
        return f"Span({self.name!r}, trace_id={self.trace_id:032x}, span_id={self.span_id:016x})"


def _described(exception: BaseException) -> dict[str, Any]:
    from platform_instrument.telemetry.exceptions import exception_attributes  # needs `traceback`

    return exception_attributes(exception)


def link_to(context: Any, attributes: Mapping[str, Any] | None) -> Link | None:  # noqa: ANN401 - a SpanContext
    """Return the link to a span, None where there is nothing to say: no valid ids, no attributes, no state."""
    if context is None or not (context.is_valid or attributes or context.trace_state):
        return None
    kept, dropped = limits.bounded(attributes, limits.LIMITS.link_attributes, limits.LIMITS.value_length)
    state = context.trace_state.to_header() if context.trace_state else ""
    flags = int(context.trace_flags) | (REMOTE if context.is_remote else 0)
    return Link(context.trace_id, context.span_id, flags, state, kept, dropped)
