"""OTLP, written by us: spans and histograms as protobuf bytes from parts that are encoded once.

No protobuf library is loaded. The tests parse every message with `opentelemetry-proto`.
Source: https://github.com/open-telemetry/opentelemetry-proto (trace/v1, metrics/v1, common/v1, resource/v1).
"""

from __future__ import annotations

from struct import Struct, pack
from typing import TYPE_CHECKING, Any

from platform_instrument.privacy.text import mask_attribute
from platform_instrument.telemetry.context import SAMPLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from platform_instrument.core.values import Operation
    from platform_instrument.telemetry.scope import InstrumentationScope
    from platform_instrument.telemetry.span import Event, Extras, Link, Span

_TIMES = Struct("<BQBQ").pack
_FLAGS = Struct("<BBI").pack
_DOUBLE = Struct("<Bd").pack
_START, _END, _FLAGS_TAG = 0x39, 0x41, (0x85, 0x01)

_HAS_IS_REMOTE = 0x100
_IS_REMOTE = 0x200

_UNSIGNED = 1 << 64
_ONE_BYTE = 0x80
_TRUE, _FALSE = b"\x10\x01", b"\x10\x00"
_MOST_KNOWN = 4_096
_MOST_KNOWN_LENGTH = 64

SCOPE_SPANS, SCOPE_METRICS = b"\x12", b"\x12"


def varint(number: int) -> bytes:
    """Encode a non-negative integer."""
    if number < _ONE_BYTE:
        return bytes((number,))
    out = bytearray()
    while number >= _ONE_BYTE:
        out.append(number & 0x7F | _ONE_BYTE)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(tag: bytes, body: bytes) -> bytes:
    """Encode a length-delimited field; `tag` is the encoded number and wire type."""
    return tag + varint(len(body)) + body


def utf8(value: str) -> bytes:
    """Encode a text; lone surrogates, which no collector accepts, become question marks."""
    return value.encode("utf-8", "replace")


def any_value(value: Any) -> bytes:  # noqa: ANN401 - an attribute value
    """Encode a value as `AnyValue`."""
    if isinstance(value, str):
        return field(b"\x0a", utf8(value))
    if value is True:
        return _TRUE
    if value is False:
        return _FALSE
    if isinstance(value, int):
        return b"\x18" + varint(value % _UNSIGNED)
    if isinstance(value, float):
        return _DOUBLE(0x21, value)
    return field(b"\x2a", b"".join([field(b"\x0a", any_value(item)) for item in value]))


class KeyValues:
    """Attributes as bytes, masked on the way: the door through which every attribute leaves.

    Short values that masking left alone are remembered with their bytes, since most attributes say the same again and
    again. Used by one thread at a time.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, dict[tuple[str, str | int], bytes]] = {}

    def encode(self, tag: bytes, attributes: Iterable[tuple[str, Any]]) -> bytes:
        """Encode attributes as repeated `KeyValue` fields with this tag."""
        known = self._known.get(tag)
        if known is None:
            known = self._known.setdefault(tag, {})
        parts = []
        for pair in attributes:
            value = pair[1]
            kind = type(value)
            if kind is not str and kind is not int:
                parts.append(_key_value(tag, pair[0], mask_attribute(pair[0], value)))
                continue
            encoded = known.get(pair)
            if encoded is None:
                masked = mask_attribute(pair[0], value)
                encoded = _key_value(tag, pair[0], masked)
                if kind is int or (masked == value and len(value) <= _MOST_KNOWN_LENGTH):
                    if len(known) >= _MOST_KNOWN:
                        known.clear()
                    known[pair] = encoded
            parts.append(encoded)
        return b"".join(parts)


def _key_value(tag: bytes, key: str, value: Any) -> bytes:  # noqa: ANN401 - an attribute value
    return field(tag, field(b"\x0a", utf8(key)) + field(b"\x12", any_value(value)))


class SpanEncoder:
    """Spans to the body of an `ExportTraceServiceRequest`."""

    __slots__ = ("_key_values", "_resource")

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self._key_values = KeyValues()
        self._resource = encode_resource(self._key_values, resource)

    def encode(self, spans: Iterable[Span]) -> bytes:
        """Encode spans, grouped by the scope that made them."""
        scopes: dict[int, tuple[InstrumentationScope, list[bytes]]] = {}
        for span in spans:
            group = scopes.get(id(span.scope))
            if group is None:
                group = scopes[id(span.scope)] = (span.scope, [])
            body = self._span(span)
            group[1].append(b"\x12" + varint(len(body)) + body)
        parts = [self._resource]
        for scope, encoded in scopes.values():
            parts.append(field(SCOPE_SPANS, encode_scope(self._key_values, scope) + b"".join(encoded) + schema(scope)))
        return field(b"\x0a", b"".join(parts))

    def _span(self, span: Span) -> bytes:
        operation = span.operation
        parts = [b"\x0a\x10", span.trace_id.to_bytes(16, "big"), b"\x12\x08", span.span_id.to_bytes(8, "big")]
        if span.parent_id:
            parts += (b"\x22\x08", span.parent_id.to_bytes(8, "big"))
        parts.append(_TIMES(_START, span.start_ns, _END, span.end_ns))
        if operation is not None and span.name is operation.name:
            parts.append(operation.encoded or self._operation(operation))
            own = span.own_attributes
        else:
            parts.append(field(b"\x2a", utf8(span.name)) + b"\x30" + varint(span.kind_code))
            own = {**(operation.attributes if operation else {}), **(span.own_attributes or {})}
        if own:
            parts.append(self._key_values.encode(b"\x4a", own.items()))
        if span.local is not None and span.local.trace_state:
            parts.append(field(b"\x1a", utf8(span.local.trace_state)))
        if span.extras is not None:
            parts.append(self._extras(span.extras))
        if span.status_code:
            parts.append(self._status(span))
        flags = span.flags | _HAS_IS_REMOTE | (_IS_REMOTE if span.parent_remote else 0)
        parts.append(_FLAGS(*_FLAGS_TAG, flags))
        return b"".join(parts)

    def _operation(self, operation: Operation) -> bytes:
        """Encode what all spans of an operation have in common: name, kind, constant attributes."""
        encoded = field(b"\x2a", utf8(str(mask_attribute("span.name", operation.name)))) + b"\x30" + varint(operation.kind)
        operation.encoded = encoded + self._key_values.encode(b"\x4a", operation.attributes.items())
        return operation.encoded

    def _status(self, span: Span) -> bytes:
        text = span.extras.status_description if span.extras else ""
        message = field(b"\x12", utf8(str(mask_attribute("status.message", text)))) if text else b""
        return field(b"\x7a", message + b"\x18" + varint(span.status_code))

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
        body = b"\x09" + pack("<Q", event.time_ns) + field(b"\x12", name)
        body += self._key_values.encode(b"\x1a", event.attributes.items())
        return body + (b"\x20" + varint(event.dropped_attributes) if event.dropped_attributes else b"")

    def _link(self, link: Link) -> bytes:
        body = b"\x0a\x10" + link.trace_id.to_bytes(16, "big") + b"\x12\x08" + link.span_id.to_bytes(8, "big")
        if link.trace_state:
            body += field(b"\x1a", utf8(link.trace_state))
        body += self._key_values.encode(b"\x22", link.attributes.items())
        if link.dropped_attributes:
            body += b"\x28" + varint(link.dropped_attributes)
        return body + b"\x35" + pack("<I", link.flags & SAMPLED | _HAS_IS_REMOTE)


def encode_resource(key_values: KeyValues, resource: Mapping[str, Any]) -> bytes:
    """Encode the `resource` field of `ResourceSpans` and its siblings."""
    return field(b"\x0a", key_values.encode(b"\x0a", resource.items()))


def encode_scope(key_values: KeyValues, scope: InstrumentationScope) -> bytes:
    """Encode the `scope` field of `ScopeSpans` and its siblings, once a scope."""
    if scope.encoded is None:
        body = field(b"\x0a", utf8(scope.name)) + (field(b"\x12", utf8(scope.version)) if scope.version else b"")
        scope.encoded = field(b"\x0a", body + key_values.encode(b"\x1a", scope.attributes.items()))
    return scope.encoded


def schema(scope: InstrumentationScope) -> bytes:
    """Encode the `schema_url` field of `ScopeSpans` and its siblings."""
    return field(b"\x1a", utf8(scope.schema_url)) if scope.schema_url else b""
