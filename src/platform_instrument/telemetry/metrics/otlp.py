"""Metrics as the body of an `ExportMetricsServiceRequest`: cumulative or delta, with exemplars.

Source: https://github.com/open-telemetry/opentelemetry-proto (metrics/v1).
"""

from __future__ import annotations

from struct import pack
from time import time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.core.values import COUNTER, GAUGE, HISTOGRAM, UP_DOWN_COUNTER
from platform_instrument.telemetry.door import mask_description
from platform_instrument.telemetry.metrics.exponential import ExponentialCell
from platform_instrument.telemetry.otlp import encode_resource, encode_scope, schema
from platform_instrument.telemetry.protobuf import KeyValues, field, utf8, varint
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.core.values import Instrument
    from platform_instrument.telemetry.metrics.cells import Exemplar
    from platform_instrument.telemetry.metrics.registry import Metric, Metrics

_CUMULATIVE, _DELTA = b"\x10\x02", b"\x10\x01"
_MONOTONIC = b"\x18\x01"
_GAUGE, _SUM, _HISTOGRAM, _EXPONENTIAL = b"\x2a", b"\x3a", b"\x4a", b"\x52"
_POINT = b"\x0a"
_LARGEST = 1 << 63


class MetricEncoder:
    """Metrics to bytes; `temporality` is `cumulative`, `delta` or `lowmemory`, as the exporter's setting has it."""

    __slots__ = ("_exponentials", "_numbers", "_points", "_resource", "_scopes", "_since", "_temporality", "points")

    def __init__(self, resource: Mapping[str, Any], temporality: str = "cumulative") -> None:
        self._numbers = KeyValues(b"\x3a")
        self._points = KeyValues(b"\x4a")
        self._exponentials = KeyValues(b"\x0a")
        self._resource = encode_resource(resource)
        self._scopes: dict[Any, bytes] = {}
        self._temporality = temporality
        self._since = 0
        """When the last collection was; what is delta counts from there."""
        self.points = 0
        """How many data points the last encoding holds."""

    def encode(self, metrics: Metrics) -> bytes:
        """Encode every series that was ever recorded in this process, of delta what is new; empty bytes where there is none."""
        by_scope = metrics.collect(lambda: self._by_scope(metrics))
        if not by_scope:
            return b""
        scoped = [self._scope(scope) + b"".join(found) + (schema(scope) if scope else b"") for scope, found in by_scope.items()]
        body = b"".join([field(b"\x12", each) for each in scoped])
        return field(b"\x0a", self._resource + body)

    def _by_scope(self, metrics: Metrics) -> dict[Any, list[bytes]]:
        """Return the encoded metrics by their instrumentation scopes."""
        now = time_ns()
        since, self._since = max(metrics.start_ns, self._since), now
        self.points = 0
        by_scope: dict[Any, list[bytes]] = {}
        for metric in metrics.every():
            found = guard("encode a metric", self._metric, metric, metrics.start_ns, since, now)
            if found:
                by_scope.setdefault(metric.scope, []).append(found)
        return by_scope

    def _scope(self, scope: Any) -> bytes:  # noqa: ANN401 - an instrumentation scope, None for ours
        encoded = self._scopes.get(scope)
        if encoded is None:
            encoded = self._scopes[scope] = encode_scope(scope or own_scope("metrics"))
        return encoded

    def _metric(self, metric: Metric, start_ns: int, since_ns: int, now_ns: int) -> bytes:
        instrument = metric.instrument
        delta = self._is_delta(instrument)
        times = b"\x11" + pack("<Q", since_ns if delta else start_ns) + b"\x19" + pack("<Q", now_ns)
        series = metric.series()
        exponential = bool(series) and type(series[0]) is ExponentialCell
        point = self._exponential_point if exponential else self._histogram_point
        if instrument.kind != HISTOGRAM:
            point = self._number_point
        points = [encoded for cell in series if (encoded := point(cell, times, delta=delta))]
        if not points:
            return b""
        self.points += len(points)
        head = field(b"\x0a", utf8(instrument.name)) + field(b"\x12", utf8(mask_description(instrument.description)))
        body = b"".join([field(_POINT, encoded) for encoded in points])
        if instrument.kind != GAUGE:
            body += _DELTA if delta else _CUMULATIVE
        if instrument.kind == COUNTER:
            body += _MONOTONIC
        tag = {HISTOGRAM: _EXPONENTIAL if exponential else _HISTOGRAM, GAUGE: _GAUGE}.get(instrument.kind, _SUM)
        return field(b"\x12", head + field(b"\x1a", utf8(instrument.unit)) + field(tag, body))

    def _is_delta(self, instrument: Instrument) -> bool:
        """Say what the exporter's preference means for an instrument.

        Source: https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/otlp/.
        """
        if self._temporality == "cumulative" or instrument.kind in {GAUGE, UP_DOWN_COUNTER}:
            return False
        return self._temporality == "delta" or not instrument.observable

    def _histogram_point(self, cell: Any, times: bytes, *, delta: bool) -> bytes:  # noqa: ANN401 - a histogram's cell
        counts, total, least, most = cell.counts.copy(), cell.sum, cell.least, cell.most
        if delta:
            before, before_sum = cell.pushed or ([0] * len(counts), 0.0)
            cell.pushed = (counts, total)
            cell.least, cell.most = float("inf"), float("-inf")
            counts, total = [now - then for now, then in zip(counts, before, strict=True)], total - before_sum
        if not any(counts):
            return b""
        parts = [
            times,
            b"\x21" + pack("<Q", sum(counts)),
            b"\x29" + pack("<d", total),
            field(b"\x32", pack(f"<{len(counts)}Q", *counts)),
            field(b"\x3a", pack(f"<{len(cell.bounds)}d", *cell.bounds)),
            self._attributes(cell, self._points),
        ]
        if least <= most:
            parts += [b"\x59" + pack("<d", least), b"\x61" + pack("<d", most)]
        parts.extend([_exemplar(b"\x42", found) for found in cell.exemplars if found])
        return b"".join(parts)

    def _exponential_point(self, cell: ExponentialCell, times: bytes, *, delta: bool) -> bytes:
        reading, least, most = cell.read(), cell.least, cell.most
        if delta:
            reading, cell.pushed = reading.since(cell.pushed), reading
            cell.least, cell.most = float("inf"), float("-inf")
        count = reading.total
        if not count:
            return b""
        buckets = b"\x08" + varint(_zigzag(reading.offset)) + field(b"\x12", b"".join(map(varint, reading.counts)))
        parts = [
            self._attributes(cell, self._exponentials),
            times,
            b"\x21" + pack("<Q", count),
            b"\x29" + pack("<d", reading.sum),
            b"\x30" + varint(_zigzag(reading.scale)),
            b"\x39" + pack("<Q", reading.zeros),
            field(b"\x42", buckets),
        ]
        if least <= most:
            parts += [b"\x61" + pack("<d", least), b"\x69" + pack("<d", most)]
        parts.extend([_exemplar(b"\x5a", found) for found in cell.exemplars if found])
        return b"".join(parts)

    def _number_point(self, cell: Any, times: bytes, *, delta: bool) -> bytes:  # noqa: ANN401 - a number's cell
        value, found = cell.value, cell.exemplar
        if delta:
            before = cell.pushed or 0
            cell.pushed = value
            value -= before
            if not value:
                return b""
        parts = [times, _number(b"\x31", b"\x21", value), self._attributes(cell, self._numbers)]
        if found:
            parts.append(_exemplar(b"\x2a", found))
        return b"".join(parts)

    def _attributes(self, cell: Any, key_values: KeyValues) -> bytes:  # noqa: ANN401 - a cell
        if cell.encoded is None:
            cell.encoded = key_values.encode(dict(cell.attributes))
        encoded: bytes = cell.encoded
        return encoded


def _number(whole: bytes, real: bytes, value: float) -> bytes:
    """Encode a number: a whole one that fits into 64 bits as such."""
    if isinstance(value, int) and -_LARGEST <= value < _LARGEST:
        return whole + pack("<q", value)
    return real + pack("<d", value)


def _zigzag(number: int) -> int:
    """Return a signed number as protobuf's `sint32` has it."""
    return number * 2 if number >= 0 else -number * 2 - 1


def _exemplar(tag: bytes, exemplar: Exemplar) -> bytes:
    value, at_ns, trace_id, span_id = exemplar
    body = b"\x11" + pack("<Q", at_ns) + _number(b"\x31", b"\x19", value)
    if trace_id:
        body += b"\x22\x08" + span_id.to_bytes(8, "big") + b"\x2a\x10" + trace_id.to_bytes(16, "big")
    return field(tag, body)
