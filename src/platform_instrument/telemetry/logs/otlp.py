"""Records of logs as the body of an `ExportLogsServiceRequest`, masked on the way.

Source: https://github.com/open-telemetry/opentelemetry-proto (logs/v1).
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.door import mask_attribute, mask_text
from platform_instrument.telemetry.otlp import encode_resource, encode_scope, schema
from platform_instrument.telemetry.protobuf import KeyValues, any_value, field, utf8, varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from platform_instrument.telemetry.logs.record import LogRecord, Site
    from platform_instrument.telemetry.scope import InstrumentationScope

_TIMES = Struct("<BQBQ").pack
_IDS = Struct(">2sQQ2sQ").pack
_FLAGS = Struct("<BI").pack
_TIME, _OBSERVED = 0x09, 0x59
_TRACE_ID, _SPAN_ID = b"\x4a\x10", b"\x52\x08"
_LOWER = (1 << 64) - 1
BODY = "log.body"
"""The key under which a body is masked."""


class LogEncoder:
    """Records to bytes; bodies that are joined are one body of all their records."""

    __slots__ = ("_own", "_resource")

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self._resource = encode_resource(resource)
        self._own = KeyValues(b"\x32")

    def encode(self, records: Iterable[LogRecord]) -> bytes:
        """Encode records, grouped by the scope that made them."""
        groups: dict[int, tuple[InstrumentationScope, list[bytes]]] = {}
        scope: InstrumentationScope | None = None
        parts: list[bytes] = []
        own_attributes = self._own.encode
        for record in records:
            if record.scope is not scope:
                scope = record.scope
                parts = groups.setdefault(id(scope), (scope, []))[1]
            site, body = record.site, record.body
            if type(body) is str:
                value = field(b"\x0a", mask_text(body).encode("utf-8", "replace"))
            else:
                value = any_value(mask_attribute(BODY, body))
            encoded = (
                _TIMES(_TIME, record.time_ns, _OBSERVED, record.observed_ns)
                + (site.encoded or self._site(site))
                + field(b"\x2a", value)
            )
            own, common = record.attributes, site.attributes
            if own:
                if common and not common.keys().isdisjoint(own):  # a key is sent once
                    own = {key: value for key, value in own.items() if key not in common}
                encoded += own_attributes(own)
            if record.dropped:
                encoded += b"\x38" + varint(record.dropped)
            if record.trace_id:
                trace_id = record.trace_id
                encoded += _IDS(_TRACE_ID, trace_id >> 64, trace_id & _LOWER, _SPAN_ID, record.span_id)
                encoded += _FLAGS(0x45, record.flags)
            parts.append(field(b"\x12", encoded))
        scoped = [encode_scope(scope) + b"".join(parts) + schema(scope) for scope, parts in groups.values()]
        return field(b"\x0a", self._resource + b"".join([field(b"\x12", body) for body in scoped]))

    def _site(self, site: Site) -> bytes:
        """Encode what all records of a statement have in common."""
        encoded = b"\x10" + varint(site.severity) if site.severity else b""
        if site.text:
            encoded += field(b"\x1a", utf8(site.text))
        if site.event_name:
            encoded += field(b"\x62", utf8(str(mask_attribute("event.name", site.event_name))))
        site.encoded = encoded + self._own.encode(site.attributes)
        return site.encoded
