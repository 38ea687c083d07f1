"""Our ids, flags, trace states, attributes and links in the OpenTelemetry API's own types.

Loaded when first asked for; by then the application has imported `opentelemetry.trace`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from platform_instrument.telemetry.context import REMOTE

if TYPE_CHECKING:
    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.span import Link, Span

_FLAGS = tuple(trace.TraceFlags(flags) for flags in range(4))
_STATES: dict[str, trace.TraceState] = {"": trace.TraceState()}
_MOST_STATES = 256


def span_context(span: Span) -> trace.SpanContext:
    """Return the API's `SpanContext` of a span, made once."""
    made = span.api
    if made is None:
        made = span.api = context_of_ids(span, span.span_id, remote=False)
    return made  # type: ignore[no-any-return] # the slot's type is not known where the API is not


def context_of_ids(current: Span | Ambient, span_id: int, *, remote: bool) -> trace.SpanContext:
    """Return a `SpanContext` with the trace, the flags and the trace state of what is current."""
    local = current.local
    state = trace_state(local.trace_state) if local is not None else _STATES[""]
    return trace.SpanContext(current.trace_id, span_id, remote, trace_flags(current.flags), state)


def trace_flags(flags: int) -> trace.TraceFlags:
    """Return flags as the API's."""
    return _FLAGS[flags] if flags < len(_FLAGS) else trace.TraceFlags(flags)


def trace_state(header: str) -> trace.TraceState:
    """Return the API's `TraceState` of a header; services see the same ones again and again."""
    known = _STATES.get(header)
    if known is None:
        if len(_STATES) >= _MOST_STATES:
            _STATES.clear()
            _STATES[""] = trace.TraceState()
        known = _STATES[header] = trace.TraceState.from_header([header])
    return known


def attributes(span: Span) -> MappingProxyType[str, Any]:
    """Return every attribute set so far, the operation's included."""
    own = span.own_attributes or {}
    return MappingProxyType({**span.operation.attributes, **own} if span.operation is not None else own)


def link(made: Link) -> trace.Link:
    """Return a link as the API's."""
    state = trace_state(made.trace_state)
    remote, flags = bool(made.flags & REMOTE), trace_flags(made.flags & ~REMOTE)
    context = trace.SpanContext(made.trace_id, made.span_id, remote, flags, state)
    return trace.Link(context, made.attributes)
