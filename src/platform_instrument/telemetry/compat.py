"""Our spans and resource in the SDK's types: the one module that imports `opentelemetry.sdk`.

Loaded when somebody asks for it: a span processor or an SDK provider of the application's, or a reader of `span.resource`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from platform_instrument.telemetry import api_values, pipeline
from platform_instrument.telemetry.door import mask_attribute, mask_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.telemetry.extras import Event as OwnEvent
    from platform_instrument.telemetry.span import Link, Span

    Mask = Callable[[str, Any], Any]


class _Known:
    """What is converted once: the resource, which a fork child has anew, and the scopes."""

    resource: Resource | None = None
    born = 0
    scopes: dict[int, tuple[Any, InstrumentationScope]] = {}  # noqa: RUF012 - one a process


_MOST_SCOPES = 1_024


def own_resource() -> Resource:
    """Return the resource of this process."""
    running = pipeline.PIPELINE
    if running is None:
        return Resource.get_empty()
    if _Known.resource is None or _Known.born != running.born:
        _Known.resource, _Known.born = Resource(running.outlets().resource), running.born
    return _Known.resource


def readable_span(span: Span, *, masked: bool, resource: Resource | None = None) -> ReadableSpan:
    """Return a copy of a span as the SDK's; masked as what leaves through our own exporter."""
    mask = mask_attribute if masked else _as_it_is
    extras = span.extras
    return ReadableSpan(
        name=str(mask("span.name", span.name)),
        context=_state(api_values.span_context(span), mask),
        parent=_state(span.parent, mask),
        resource=own_resource() if resource is None else resource,
        attributes=_bounded(api_values.attributes(span), span.dropped_attributes, mask),
        events=_counted([_event(event, mask) for event in extras.events], extras.dropped_events) if extras else (),
        links=_counted([_link(link, mask) for link in extras.links], extras.dropped_links) if extras else (),
        kind=span.kind,
        status=_status(span, mask),
        start_time=span.start_ns,
        end_time=span.end_ns or None,
        instrumentation_scope=_scope(span),
    )


def _as_it_is(_key: str, value: Any) -> Any:  # noqa: ANN401 - an attribute value
    return value


def _name(key: str, mask: Mask) -> str:
    return key if mask is _as_it_is else mask_name(key)


def _state(context: Any, mask: Mask) -> Any:  # noqa: ANN401 - a SpanContext, or None at a root
    """Return a context whose trace state is masked; the same one, mostly."""
    written = context.trace_state.to_header() if context is not None and context.trace_state else ""
    masked = mask("trace.state", written) if written else written
    if context is None or masked == written:
        return context
    return trace.SpanContext(
        context.trace_id, context.span_id, context.is_remote, context.trace_flags, api_values.trace_state(masked)
    )


def _bounded(attributes: Mapping[str, Any], dropped: int, mask: Mask) -> BoundedAttributes:
    """Return attributes in the SDK's mapping, which is where it counts those that were dropped."""
    kept = BoundedAttributes(attributes={_name(key, mask): mask(key, value) for key, value in attributes.items()})
    kept.dropped = dropped
    return kept


def _counted(items: list[Any], dropped: int) -> Any:  # noqa: ANN401 - the SDK's BoundedList
    bounded: Any = BoundedList.from_seq(max(len(items), 1), items)
    bounded.dropped = dropped
    return bounded


def _event(event: OwnEvent, mask: Mask) -> Event:
    attributes = _bounded(event.attributes, event.dropped_attributes, mask)
    return Event(str(mask("event.name", event.name)), attributes, event.time_ns)


def _link(link: Link, mask: Mask) -> trace.Link:
    made = api_values.link(link)
    return trace.Link(_state(made.context, mask), _bounded(link.attributes, link.dropped_attributes, mask))


def _status(span: Span, mask: Mask) -> trace.Status:
    status: trace.Status = span.status
    return trace.Status(status.status_code, str(mask("status.message", status.description)) if status.description else None)


def _scope(span: Span) -> InstrumentationScope:
    """Return the SDK's scope; exporters group by it."""
    scope = span.scope
    known = _Known.scopes.get(id(scope))
    if known is None or known[0] is not scope:
        if len(_Known.scopes) >= _MOST_SCOPES:
            _Known.scopes.clear()
        named = (mask_name(scope.name), mask_name(scope.version), scope.schema_url or None)
        try:
            made = InstrumentationScope(*named, _bounded(scope.attributes, 0, mask_attribute))
        except TypeError:  # before 1.27 scopes have no attributes
            made = InstrumentationScope(*named)
        known = _Known.scopes[id(scope)] = (scope, made)
    return known[1]
