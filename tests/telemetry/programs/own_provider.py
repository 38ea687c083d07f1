"""A service that sets up the SDK itself; it prints what its exporter receives. The argument says when it does so."""

import sqlite3
import sys
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult


class Printer(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            parent = f"{span.parent.span_id:016x}" if span.parent else "-"
            ids = f"{span.context.trace_id:032x} {span.context.span_id:016x} {parent}"
            scope = span.instrumentation_scope.name
            sys.stdout.write(f"span {ids} {span.resource.attributes['service.name']} {scope} {span.name.split()[0]}\n")
        return SpanExportResult.SUCCESS


def set_up() -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": "own"}))
    provider.add_span_processor(BatchSpanProcessor(Printer()) if "batch" in sys.argv else SimpleSpanProcessor(Printer()))
    trace.set_tracer_provider(provider)
    assert trace.get_tracer_provider() is provider
    assert isinstance(trace.get_tracer("shop").start_span("of the sdk"), trace.Span)


early = trace.get_tracer("early")
when = sys.argv[1]
if when == "before":
    set_up()
connection = sqlite3.connect(":memory:")
if when == "after":
    connection.execute("SELECT 1")
    with early.start_as_current_span("early"):
        pass
    set_up()
with trace.get_tracer("late").start_as_current_span("app"):
    connection.execute("SELECT 2")
    with early.start_as_current_span("inner"):
        connection.execute("SELECT 3")
if "twice" in sys.argv:
    trace.set_tracer_provider(TracerProvider())
