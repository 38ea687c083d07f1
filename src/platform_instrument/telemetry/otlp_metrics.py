"""Histograms as the body of an `ExportMetricsServiceRequest`: cumulative, with exemplars.

Source: https://github.com/open-telemetry/opentelemetry-proto (metrics/v1).
"""

from __future__ import annotations

from struct import pack
from time import time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.telemetry.otlp import encode_resource, encode_scope
from platform_instrument.telemetry.protobuf import KeyValues, field, utf8
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.cells import Cell, Histogram, Histograms

_CUMULATIVE = b"\x10\x02"


class MetricEncoder:
    """Histograms to bytes."""

    __slots__ = ("_key_values", "_resource", "_scope")

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self._key_values = KeyValues(b"\x4a")
        self._resource = encode_resource(resource)
        self._scope = encode_scope(own_scope("metrics"))

    def encode(self, histograms: Histograms) -> bytes:
        """Encode every series that was ever recorded in this process; empty bytes where there is none."""
        now = time_ns()
        every = list(histograms.by_name.values())
        metrics = [guard("encode a histogram", self._histogram, histogram, histograms.start_ns, now) for histogram in every]
        body = b"".join([field(b"\x12", metric) for metric in metrics if metric])
        return field(b"\x0a", self._resource + field(b"\x12", self._scope + body)) if body else b""

    def _histogram(self, histogram: Histogram, start_ns: int, now_ns: int) -> bytes:
        bounds = field(b"\x3a", pack(f"<{len(histogram.duration.bounds)}d", *histogram.duration.bounds))
        points = [self._point(cell, bounds, start_ns, now_ns) for cell in histogram.series() if any(cell.counts)]
        if not points:
            return b""
        head = field(b"\x0a", utf8(histogram.duration.name)) + field(b"\x12", utf8(histogram.duration.description))
        body = b"".join([field(b"\x0a", point) for point in points]) + _CUMULATIVE
        return head + field(b"\x1a", b"s") + field(b"\x4a", body)

    def _point(self, cell: Cell, bounds: bytes, start_ns: int, now_ns: int) -> bytes:
        if cell.encoded is None:
            cell.encoded = self._key_values.encode(dict(cell.attributes))
        counts = cell.counts.copy()
        parts = [
            b"\x11" + pack("<Q", start_ns),
            b"\x19" + pack("<Q", now_ns),
            b"\x21" + pack("<Q", sum(counts)),
            b"\x29" + pack("<d", cell.sum),
            field(b"\x32", pack(f"<{len(counts)}Q", *counts)),
            bounds,
            cell.encoded,
            b"\x59" + pack("<d", cell.least),
            b"\x61" + pack("<d", cell.most),
        ]
        parts.extend(_exemplar(*exemplar) for exemplar in cell.exemplars if exemplar)
        return b"".join(parts)


def _exemplar(value: float, at_ns: int, trace_id: int, span_id: int) -> bytes:
    body = b"\x11" + pack("<Q", at_ns) + b"\x19" + pack("<d", value)
    body += b"\x22\x08" + span_id.to_bytes(8, "big") + b"\x2a\x10" + trace_id.to_bytes(16, "big")
    return field(b"\x42", body)
