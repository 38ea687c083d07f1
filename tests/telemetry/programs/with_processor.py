"""A program that adds a batch processor to the global tracer provider; the exporter prints."""

import os
import signal
import sqlite3
import sys
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult


class Printer(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            sys.stdout.write(f"{span.name.split()[0]}\n")
        sys.stdout.flush()
        return SpanExportResult.SUCCESS


trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(Printer()))
with trace.get_tracer("shop").start_as_current_span("work"):
    sqlite3.connect(":memory:").execute("SELECT 1")
if sys.argv[1] == "sigterm":
    os.kill(os.getpid(), signal.SIGTERM)
