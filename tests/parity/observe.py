"""Runs a program under some of upstream's instrumentors and its SDK, and sends what it recorded to a collector.

Called as `python observe.py INSTRUMENTOR,… PROGRAM ARGUMENT …` in an environment that has upstream's packages.
"""

from __future__ import annotations

import http.client
import os
import runpy
import sys
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import urlsplit

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


def main(wanted: list[str], program: str, arguments: list[str]) -> None:
    """Observe a program from before its first import to its end."""
    memory, reader, provider = InMemorySpanExporter(), InMemoryMetricReader(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))
    sys.path[0] = str(Path(program).parent)
    found = {entry.name: entry for entry in entry_points(group="opentelemetry_instrumentor")}
    for name in wanted:
        found[name].load()().instrument(raise_exception_on_conflict=True)
    sys.argv = [program, *arguments]
    runpy.run_path(program, run_name="__main__")
    _send("/v1/traces", encode_spans(memory.get_finished_spans()).SerializeToString())
    measured = reader.get_metrics_data()
    if measured is not None:
        _send("/v1/metrics", encode_metrics(measured).SerializeToString())


def _send(path: str, body: bytes) -> None:
    connection = http.client.HTTPConnection(urlsplit(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]).netloc)
    connection.request("POST", path, body, {"Content-Type": "application/x-protobuf"})
    assert connection.getresponse().status == 200
    connection.close()


if __name__ == "__main__":
    main([name for name in sys.argv[1].split(",") if name], sys.argv[2], sys.argv[3:])
