"""A program that has set the SDK up before telemetry starts, as where its modules are imported before ours."""

import sqlite3
import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
if "own" in sys.argv:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop")

from platform_instrument import _boot  # noqa: E402 - this is what the program is about

_boot.start("command")
with tracer.start_as_current_span("app"):
    sqlite3.connect(":memory:").execute("SELECT 1")
for span in exporter.get_finished_spans():
    sys.stdout.write(f"{span.name.split()[0]} {span.parent is not None}\n")
