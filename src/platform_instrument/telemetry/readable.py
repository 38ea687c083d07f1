"""What people read off SDK spans, answered by ours: read only, in the API's own types.

Loaded when first asked for; by then the application has imported `opentelemetry.trace`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from platform_instrument.telemetry.api_values import attributes, context_of_ids, link, span_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.telemetry.extras import Event
    from platform_instrument.telemetry.span import Span

_KINDS = tuple(trace.SpanKind)


class ReadableEvent:
    """An event as people read it; `timestamp` is nanoseconds since the epoch."""

    __slots__ = ("attributes", "dropped_attributes", "name", "timestamp")

    def __init__(self, event: Event) -> None:
        self.name = event.name
        self.attributes = MappingProxyType(event.attributes)
        self.timestamp = event.time_ns
        self.dropped_attributes = event.dropped_attributes


def _parent(span: Span) -> trace.SpanContext | None:
    return context_of_ids(span, span.parent_id, remote=span.parent_remote) if span.parent_id else None


def _status(span: Span) -> trace.Status:
    text = span.extras.status_description if span.extras is not None else ""
    return trace.Status(trace.StatusCode(span.status_code), text or None)


def _resource(_span: Span) -> Any:  # noqa: ANN401 - the SDK's Resource
    from platform_instrument.telemetry.compat import own_resource  # loads the SDK, whose type is asked for

    return own_resource()


def _sdk_span(span: Span) -> Any:  # noqa: ANN401 - the SDK's ReadableSpan
    from platform_instrument.telemetry.compat import readable_span  # loads the SDK, whose type is asked for

    return readable_span(span, masked=False)


_READ: dict[str, Callable[[Span], Any]] = {
    "attributes": attributes,
    "context": span_context,
    "dropped_attributes": lambda span: span.extras.dropped_attributes if span.extras else 0,
    "dropped_events": lambda span: span.extras.dropped_events if span.extras else 0,
    "dropped_links": lambda span: span.extras.dropped_links if span.extras else 0,
    "end_time": lambda span: span.end_ns or None,
    "events": lambda span: tuple([ReadableEvent(event) for event in span.extras.events]) if span.extras else (),
    "instrumentation_info": lambda span: span.scope,
    "instrumentation_scope": lambda span: span.scope,
    "kind": lambda span: _KINDS[span.kind_code - 1],
    "links": lambda span: tuple([link(made) for made in span.extras.links]) if span.extras else (),
    "parent": _parent,
    "resource": _resource,
    "start_time": lambda span: span.start_ns,
    "status": _status,
    "to_json": lambda span: _sdk_span(span).to_json,
    "_readable_span": lambda span: lambda: _sdk_span(span),
}


def read(span: Span, name: str) -> Any:  # noqa: ANN401 - what the SDK's span would answer
    """Return a property of an SDK span; AttributeError where SDK spans have none of that name."""
    answer = _READ.get(name)
    if answer is None:
        message = f"'Span' object has no attribute {name!r}"
        raise AttributeError(message)
    return answer(span)
