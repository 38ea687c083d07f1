"""What an OTLP collector was sent, as small frozen values: ids in hex, kinds and states by name, attributes as dicts.

Parsed with `opentelemetry-proto`, so that what our own encoder writes is read by somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_IS_SET = "value"


@dataclass(frozen=True, slots=True)
class Scope:
    """The instrumentation scope that made a record."""

    name: str
    version: str = ""
    schema_url: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a span; `time_ns` is nanoseconds since the epoch."""

    name: str
    attributes: Mapping[str, Any]
    time_ns: int
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a span; ids in hex."""

    trace_id: str
    span_id: str
    attributes: Mapping[str, Any]
    trace_state: str = ""
    flags: int = 0
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """A span: `kind` is INTERNAL, SERVER, CLIENT, PRODUCER or CONSUMER, `status` UNSET, OK or ERROR, `parent_id` "" at a root.

    `resource` and `scope` are those it was sent under; times are nanoseconds since the epoch.
    """

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    status: str
    status_description: str
    attributes: Mapping[str, Any]
    events: tuple[Event, ...]
    links: tuple[Link, ...]
    trace_state: str
    flags: int
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    scope: Scope
    resource: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A measurement that is remembered with its span."""

    value: float
    time_ns: int
    trace_id: str
    span_id: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """One data point: a series of an instrument at one moment.

    `kind` is histogram, sum, gauge, exponential_histogram or summary; `temporality` CUMULATIVE, DELTA or "". A sum and a
    gauge have a `value`; a histogram has `count`, `sum`, `least`, `most`, `bounds` and `counts` by bucket; an exponential one
    the upper bounds of its positive buckets, a `scale` and `zeros`.
    """

    name: str
    kind: str
    unit: str
    description: str
    temporality: str
    monotonic: bool
    attributes: Mapping[str, Any]
    value: float | None
    count: int
    sum: float
    least: float | None
    most: float | None
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    exemplars: tuple[Exemplar, ...]
    start_ns: int
    time_ns: int
    scope: Scope
    resource: Mapping[str, Any]
    scale: int | None = None
    zeros: int = 0


def plain(value: Any) -> Any:  # noqa: ANN401 - an `AnyValue` and what it holds
    """Return what an `AnyValue` holds: arrays as tuples, maps as dicts, nothing as None."""
    kind = value.WhichOneof(_IS_SET)
    if kind is None:
        return None
    if kind == "array_value":
        return tuple(plain(item) for item in value.array_value.values)
    if kind == "kvlist_value":
        return attributes(value.kvlist_value.values)
    return getattr(value, kind)


def attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    """Return repeated `KeyValue` as a dict; a key that is sent twice is a fault of the sender."""
    read: dict[str, Any] = {}
    for pair in pairs:
        if pair.key in read:
            message = f"the attribute {pair.key} was sent twice"
            raise ValueError(message)
        read[pair.key] = plain(pair.value)
    return read


def spans(body: bytes) -> list[Span]:
    """Return the spans of an `ExportTraceServiceRequest` in the order they ended, which its groups by scope hide."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest.FromString(body)
    read = []
    for group in request.resource_spans:
        resource = attributes(group.resource.attributes)
        for scoped in group.scope_spans:
            scope = _scope(scoped)
            read += [_span(span, scope, resource) for span in scoped.spans]
    return sorted(read, key=lambda span: span.end_ns)


def points(body: bytes) -> list[Point]:
    """Return the data points of an `ExportMetricsServiceRequest`."""
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    request = ExportMetricsServiceRequest.FromString(body)
    read: list[Point] = []
    for group in request.resource_metrics:
        resource = attributes(group.resource.attributes)
        for scoped in group.scope_metrics:
            scope = _scope(scoped)
            for metric in scoped.metrics:
                read.extend(_points(metric, scope, resource))
    return read


def _scope(scoped: Any) -> Scope:  # noqa: ANN401 - a protobuf message, here and below
    scope = scoped.scope
    return Scope(scope.name, scope.version, scoped.schema_url, attributes(scope.attributes))


def _span(span: Any, scope: Scope, resource: Mapping[str, Any]) -> Span:  # noqa: ANN401
    return Span(
        name=span.name,
        kind=span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=span.status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
        status_description=span.status.message,
        attributes=attributes(span.attributes),
        events=tuple(
            Event(event.name, attributes(event.attributes), event.time_unix_nano, event.dropped_attributes_count)
            for event in span.events
        ),
        links=tuple(_link(link) for link in span.links),
        trace_state=span.trace_state,
        flags=_flags(span),
        dropped_attributes=span.dropped_attributes_count,
        dropped_events=span.dropped_events_count,
        dropped_links=span.dropped_links_count,
        scope=scope,
        resource=resource,
    )


def _link(link: Any) -> Link:  # noqa: ANN401
    return Link(
        link.trace_id.hex(),
        link.span_id.hex(),
        attributes(link.attributes),
        link.trace_state,
        _flags(link),
        link.dropped_attributes_count,
    )


def _flags(record: Any) -> int:  # noqa: ANN401
    """Return the flags of a span or link, which are unknown to `opentelemetry-proto` before 1.24."""
    return int(getattr(record, "flags", 0))


def _points(metric: Any, scope: Scope, resource: Mapping[str, Any]) -> Iterator[Point]:  # noqa: ANN401
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind)
    temporality = ""
    if hasattr(data, "aggregation_temporality"):
        from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

        temporality = AggregationTemporality.Name(data.aggregation_temporality).removeprefix("AGGREGATION_TEMPORALITY_")
    for point in data.data_points:
        yield Point(
            name=metric.name,
            kind=kind,
            unit=metric.unit,
            description=metric.description,
            temporality=temporality,
            monotonic=getattr(data, "is_monotonic", False),
            attributes=attributes(point.attributes),
            value=_number(point),
            count=getattr(point, "count", 0),
            sum=getattr(point, "sum", 0.0),
            least=point.min if kind.endswith("histogram") and point.HasField("min") else None,
            most=point.max if kind.endswith("histogram") and point.HasField("max") else None,
            bounds=_bounds(point),
            counts=tuple(getattr(getattr(point, "positive", point), "bucket_counts", ())),
            exemplars=tuple(_exemplar(exemplar) for exemplar in getattr(point, "exemplars", ())),
            start_ns=point.start_time_unix_nano,
            time_ns=point.time_unix_nano,
            scope=scope,
            resource=resource,
            scale=getattr(point, "scale", None),
            zeros=getattr(point, "zero_count", 0),
        )


def _bounds(point: Any) -> tuple[float, ...]:  # noqa: ANN401
    """Return the upper bounds of a histogram's buckets."""
    if not hasattr(point, "positive"):
        return tuple(getattr(point, "explicit_bounds", ()))
    first, step = point.positive.offset + 1, 2.0**-point.scale
    return tuple(2.0 ** ((first + at) * step) for at in range(len(point.positive.bucket_counts)))


def _exemplar(exemplar: Any) -> Exemplar:  # noqa: ANN401
    return Exemplar(
        _number(exemplar) or 0.0,
        exemplar.time_unix_nano,
        exemplar.trace_id.hex(),
        exemplar.span_id.hex(),
        attributes(exemplar.filtered_attributes),
    )


def _number(point: Any) -> float | None:  # noqa: ANN401
    """Return the value of a number point or exemplar; None for a histogram's."""
    if "as_int" not in point.DESCRIPTOR.fields_by_name:
        return None
    kind = point.WhichOneof("value")
    return getattr(point, kind) if kind else None
