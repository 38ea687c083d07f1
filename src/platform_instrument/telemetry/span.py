"""The span: one slotted object that is at once the record, the context and the OpenTelemetry API's `Span`.

It does not inherit from the API's class, which would import it; `telemetry.api` registers it as a virtual subclass when
the application imports `opentelemetry.trace`. What people read off SDK spans (`name`, `attributes`, `start_time`,
`parent`, `resource`, …) is answered by `telemetry.readable`, loaded when first asked for.
Source: https://opentelemetry.io/docs/specs/otel/trace/api/#span
"""

from __future__ import annotations

from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry import limits
from platform_instrument.telemetry.context import SAMPLED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from platform_instrument.core.values import Operation
    from platform_instrument.telemetry.context import Local
    from platform_instrument.telemetry.scope import InstrumentationScope

UNSET, OK, ERROR = range(3)
"""Status codes, numbered as in OTLP."""


class Event:
    """Something that happened at one moment of a span; `time_ns` is nanoseconds since the epoch."""

    __slots__ = ("attributes", "dropped_attributes", "name", "time_ns")

    def __init__(self, name: str, attributes: dict[str, Any], time_ns: int, dropped_attributes: int = 0) -> None:
        self.name = name
        self.attributes = attributes
        self.time_ns = time_ns
        self.dropped_attributes = dropped_attributes


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


class Extras:
    """What most spans do not have."""

    __slots__ = ("dropped_attributes", "dropped_events", "dropped_links", "events", "links", "status_description")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.links: list[Link] = []
        self.status_description = ""
        self.dropped_attributes = 0
        self.dropped_events = 0
        self.dropped_links = 0


class Span:
    """One operation of a trace; ended once, recorded only when the sampler said so.

    `trace_id` and `span_id` are integers, times nanoseconds since the epoch, durations taken from a monotonic clock so
    that they are never negative.
    """

    __slots__ = (
        "__weakref__",
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
        "scope",
        "span_id",
        "start_ns",
        "status_code",
        "ticks",
        "trace_id",
    )

    remote = False
    foreign = None

    def __init__(  # noqa: PLR0913 - positional on the hot path: keywords cost more than the rest
        self,
        trace_id: int,
        span_id: int,
        parent_id: int,
        parent_remote: bool,  # noqa: FBT001
        flags: int,
        local: Local | None,
        families: int,
        name: str,
        kind: int,
        operation: Operation | None,
        attributes: dict[str, Any] | None,
        scope: InstrumentationScope,
        recording: bool,  # noqa: FBT001
    ) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_id = parent_id
        self.parent_remote = parent_remote
        self.flags = flags
        self.local = local
        self.families = families
        self.name = name
        self.kind_code = kind
        self.operation = operation
        self.own_attributes = attributes
        self.scope = scope
        self.recording = recording
        self.status_code = UNSET
        self.end_ns = 0
        self.extras: Extras | None = None
        self.api: Any = None
        self.start_ns = time_ns()
        self.ticks = perf_counter_ns()

    def finish(self) -> None:
        """End now; the engine's way: no checks, called exactly once by the scope that opened it."""
        self.end_ns = self.start_ns + perf_counter_ns() - self.ticks

    def more(self) -> Extras:
        """Return the rare fields, made on first use."""
        if self.extras is None:
            self.extras = Extras()
        return self.extras

    # --- the OpenTelemetry API -----------------------------------------------------------------------------------

    def get_span_context(self) -> Any:  # noqa: ANN401 - the API's SpanContext
        """Return the API's `SpanContext` of this span."""
        from platform_instrument.telemetry.readable import span_context

        return span_context(self)

    def is_recording(self) -> bool:
        """Say whether this span still takes data."""
        return self.recording and not self.end_ns

    def set_attribute(self, key: str, value: Any) -> None:  # noqa: ANN401 - whatever the application passes
        """Set one attribute; a value of a type that OpenTelemetry does not know is left out and counted."""
        if not self.recording or self.end_ns:
            return
        if self.own_attributes is None:
            self.own_attributes = {}
        if not limits.put(self.own_attributes, key, value, limits.LIMITS.span_attributes):
            self.more().dropped_attributes += 1

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        """Record that something happened, now or at `timestamp` (nanoseconds since the epoch)."""
        if not self.recording or self.end_ns:
            return
        extras = self.more()
        if len(extras.events) >= limits.LIMITS.events:
            extras.dropped_events += 1
            return
        kept, dropped = limits.bounded(attributes, limits.LIMITS.event_attributes)
        extras.events.append(Event(str(name), kept, timestamp or time_ns(), dropped))

    def add_link(self, context: Any, attributes: Mapping[str, Any] | None = None) -> None:  # noqa: ANN401 - a SpanContext
        """Relate this span to another one; `context` is the API's `SpanContext`."""
        if context is None or not self.recording or self.end_ns:
            return
        if not context.is_valid and not attributes and not context.trace_state:
            return
        extras = self.more()
        if len(extras.links) >= limits.LIMITS.links:
            extras.dropped_links += 1
            return
        kept, dropped = limits.bounded(attributes, limits.LIMITS.link_attributes)
        state = context.trace_state.to_header() if context.trace_state else ""
        extras.links.append(Link(context.trace_id, context.span_id, int(context.trace_flags), state, kept, dropped))

    def update_name(self, name: str) -> None:
        """Give the span another name."""
        if self.recording and not self.end_ns:
            self.name = str(name)

    def set_status(self, status: Any, description: str | None = None) -> None:  # noqa: ANN401 - Status or StatusCode
        """Set the status by the specification's rules: OK is final, UNSET changes nothing, only ERROR has a text."""
        if not self.recording or self.end_ns or self.status_code == OK:
            return
        code = getattr(status, "status_code", status)
        number = int(getattr(code, "value", code))
        if number == UNSET:
            return
        text = description if code is status else status.description
        self.status_code = number
        if number == ERROR and text:
            self.more().status_description = limits.text(str(text))
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
        from platform_instrument.telemetry.exceptions import exception_attributes

        described = exception_attributes(exception)
        if escaped:
            described["exception.escaped"] = "True"
        self.add_event("exception", {**described, **(attributes or {})}, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """End the span, once; `end_time` is nanoseconds since the epoch."""
        if self.end_ns:
            return
        if end_time is None:
            self.finish()
        else:
            self.end_ns = max(int(end_time), 1)
        if self.recording:
            limits.ENDED(self)

    def __enter__(self) -> Span:
        """Return the span; leaving the block ends it."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Record an exception that leaves the block, and end."""
        if error is not None and self.is_recording() and isinstance(error, Exception):
            self.record_exception(error, escaped=False)
            self.set_status(ERROR, f"{type(error).__name__}: {error}")
        self.end()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - properties of SDK spans
        """Answer the properties that people read off SDK spans."""
        if name.startswith("_") and name != "_readable_span":
            raise AttributeError(name)
        from platform_instrument.telemetry.readable import read

        return read(self, name)

    def __repr__(self) -> str:
        return f"Span({self.name!r}, trace_id={self.trace_id:032x}, span_id={self.span_id:016x})"

    @property
    def sampled(self) -> bool:
        """Say whether this span will be exported."""
        return bool(self.flags & SAMPLED)
