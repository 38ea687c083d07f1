"""OTLP, written by us: spans as protobuf bytes, from parts that are encoded once.

What all spans of an operation have in common is one piece of bytes; ids and times are packed by `struct`; the rest is
looked up. The tests parse every message with `opentelemetry-proto`.
Source: https://github.com/open-telemetry/opentelemetry-proto (trace/v1, resource/v1).
"""

from __future__ import annotations

from struct import Struct, pack
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.context import REMOTE, SAMPLED
from platform_instrument.telemetry.door import mask_attribute, mask_name
from platform_instrument.telemetry.protobuf import KeyValues, field, utf8, varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from platform_instrument.core.values import Operation
    from platform_instrument.telemetry.extras import Event, Extras
    from platform_instrument.telemetry.scope import InstrumentationScope
    from platform_instrument.telemetry.span import Link, Span

_IDS = Struct(">2sQQ2sQ").pack
_IDS_AND_PARENT = Struct(">2sQQ2sQ2sQ").pack
_TIMES_AND_FLAGS = Struct("<BQBQ2sI").pack
_IDS_LENGTH, _PARENT_LENGTH, _TIMES_AND_FLAGS_LENGTH = 28, 10, 24

_TRACE_ID, _SPAN_ID, _PARENT_ID = b"\x0a\x10", b"\x12\x08", b"\x22\x08"
_START, _END, _FLAGS = 0x39, 0x41, b"\x85\x01"
_LOWER = (1 << 64) - 1

_HAS_IS_REMOTE = 0x100

_SPANS = tuple(b"\x12" + varint(length) for length in range(1_024))
"""The head of a span by its length."""

_MOST_NAMES = 1_024


class SpanEncoder:
    """Spans to the body of an `ExportTraceServiceRequest`; bodies that are joined are one body of all their spans."""

    __slots__ = ("_events", "_links", "_names", "_own", "_resource")

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self._resource = encode_resource(resource)
        self._own = KeyValues(b"\x4a")
        self._events = KeyValues(b"\x1a")
        self._links = KeyValues(b"\x22")
        self._names: dict[tuple[str, int], bytes] = {}

    def encode(self, spans: Iterable[Span]) -> bytes:
        """Encode spans, grouped by the scope that made them."""
        groups: dict[int, tuple[InstrumentationScope, list[bytes]]] = {}
        scope: InstrumentationScope | None = None
        parts: list[bytes] = []
        own_attributes = self._own.encode
        for span in spans:
            if span.scope is not scope:
                scope = span.scope
                parts = groups.setdefault(id(scope), (scope, []))[1]
            operation, own = span.operation, span.own_attributes
            if operation is None or span.name is not operation.name or (own and not operation.attributes.keys().isdisjoint(own)):
                common, own = self._renamed(span)
            else:
                common = operation.encoded or self._operation(operation)
            rest = own_attributes(own) if own else b""
            if span.status_code or span.extras is not None or span.local is not None:
                rest += self._rare(span)
            trace_id, parent_id, flags = span.trace_id, span.parent_id, span.flags | _HAS_IS_REMOTE
            length = _IDS_LENGTH + _TIMES_AND_FLAGS_LENGTH + len(common) + len(rest)
            if parent_id:
                length += _PARENT_LENGTH
                ids = _IDS_AND_PARENT(_TRACE_ID, trace_id >> 64, trace_id & _LOWER, _SPAN_ID, span.span_id, _PARENT_ID, parent_id)
                if span.parent_remote:
                    flags |= REMOTE
            else:
                ids = _IDS(_TRACE_ID, trace_id >> 64, trace_id & _LOWER, _SPAN_ID, span.span_id)
            parts += (
                _SPANS[length] if length < len(_SPANS) else b"\x12" + varint(length),
                ids,
                _TIMES_AND_FLAGS(_START, span.start_ns, _END, span.end_ns, _FLAGS, flags),
                common,
                rest,
            )
        scoped = [encode_scope(scope) + b"".join(parts) + schema(scope) for scope, parts in groups.values()]
        return field(b"\x0a", self._resource + b"".join([field(b"\x12", body) for body in scoped]))

    def _operation(self, operation: Operation) -> bytes:
        """Encode what all spans of an operation have in common: name, kind, constant attributes."""
        operation.encoded = _name(operation.name, operation.kind) + self._own.encode(operation.attributes)
        return operation.encoded

    def _renamed(self, span: Span) -> tuple[bytes, dict[str, Any]]:
        """Return name and kind of a span that is not as its operation says or has none, and all of its attributes."""
        key = (span.name, span.kind_code)
        name = self._names.get(key)
        if name is None:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            name = self._names[key] = _name(*key)
        operation = span.operation
        return name, {**(operation.attributes if operation else {}), **(span.own_attributes or {})}

    def _rare(self, span: Span) -> bytes:
        """Encode what few spans have: trace state, events, links, dropped counts, status."""
        parts = []
        if span.local is not None and span.local.trace_state:
            parts.append(field(b"\x1a", utf8(mask_attribute("trace.state", span.local.trace_state))))
        if span.extras is not None:
            parts.append(self._extras(span.extras))
        if span.status_code:
            text = span.extras.status_description if span.extras else ""
            message = field(b"\x12", utf8(str(mask_attribute("status.message", text)))) if text else b""
            parts.append(field(b"\x7a", message + b"\x18" + varint(span.status_code)))
        return b"".join(parts)

    def _extras(self, extras: Extras) -> bytes:
        parts = []
        for number, count in (
            (b"\x50", extras.dropped_attributes),
            (b"\x60", extras.dropped_events),
            (b"\x70", extras.dropped_links),
        ):
            if count:
                parts.append(number + varint(count))
        parts.extend(field(b"\x5a", self._event(event)) for event in extras.events)
        parts.extend(field(b"\x6a", self._link(link)) for link in extras.links)
        return b"".join(parts)

    def _event(self, event: Event) -> bytes:
        name = utf8(str(mask_attribute("event.name", event.name)))
        body = b"\x09" + pack("<Q", event.time_ns) + field(b"\x12", name) + self._events.encode(event.attributes)
        return body + (b"\x20" + varint(event.dropped_attributes) if event.dropped_attributes else b"")

    def _link(self, link: Link) -> bytes:
        body = _TRACE_ID + link.trace_id.to_bytes(16, "big") + _SPAN_ID + link.span_id.to_bytes(8, "big")
        if link.trace_state:
            body += field(b"\x1a", utf8(mask_attribute("trace.state", link.trace_state)))
        body += self._links.encode(link.attributes)
        if link.dropped_attributes:
            body += b"\x28" + varint(link.dropped_attributes)
        return body + b"\x35" + pack("<I", link.flags & (SAMPLED | REMOTE) | _HAS_IS_REMOTE)


def _name(name: str, kind: int) -> bytes:
    return field(b"\x2a", utf8(str(mask_attribute("span.name", name)))) + b"\x30" + varint(kind)


def encode_resource(resource: Mapping[str, Any]) -> bytes:
    """Encode the `resource` field of `ResourceSpans` and its siblings."""
    return field(b"\x0a", KeyValues(b"\x0a").encode(resource))


def encode_scope(scope: InstrumentationScope) -> bytes:
    """Encode the `scope` field of `ScopeSpans` and its siblings, once a scope."""
    if scope.encoded is None:
        name, version = mask_name(scope.name), mask_name(scope.version)
        body = field(b"\x0a", utf8(name)) + (field(b"\x12", utf8(version)) if version else b"")
        scope.encoded = field(b"\x0a", body + KeyValues(b"\x1a").encode(scope.attributes))
    return scope.encoded


def schema(scope: InstrumentationScope) -> bytes:
    """Encode the `schema_url` field of `ScopeSpans` and its siblings."""
    return field(b"\x1a", utf8(scope.schema_url)) if scope.schema_url else b""
