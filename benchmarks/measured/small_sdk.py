"""The same small pieces of work, by the OpenTelemetry SDK and its OTLP encoder: prints µs of each as JSON."""

import json

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from timing import best_us
from work import CONSTANT, METRIC, TRACEPARENT, VARYING

tracer = TracerProvider(resource=Resource({"service.name": "bench"})).get_tracer("bench")
meter = MeterProvider(metric_readers=[InMemoryMetricReader()]).get_meter("bench")
histogram = meter.create_histogram("http.server.request.duration", "s")


def span() -> ReadableSpan:
    """Open a span, make it current, give it ten attributes, end it."""
    with tracer.start_as_current_span("GET /plants/{id}", kind=SpanKind.SERVER, attributes=CONSTANT) as opened:
        opened.set_attributes(VARYING)
    assert isinstance(opened, ReadableSpan)
    return opened


ended = [span() for _ in range(512)]
propagator = TraceContextTextMapPropagator()
headers = {"traceparent": TRACEPARENT}
remote = propagator.extract(headers)

with tracer.start_as_current_span("GET /plants/{id}"):
    recording = best_us(lambda: histogram.record(0.003, METRIC))

print(
    json.dumps(
        {
            "span": best_us(span, 5_000),
            "encode": best_us(lambda: encode_spans(ended).SerializeToString(), 5) / len(ended),
            "histogram": recording,
            "meter": recording,
            "extract": best_us(lambda: propagator.extract(headers)),
            "inject": best_us(lambda: propagator.inject({}, remote)),
        }
    )
)
assert trace.get_current_span() is trace.INVALID_SPAN
