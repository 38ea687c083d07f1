"""A service that sets up the SDK for its metrics and its logs, and queries a database; it prints what its exporters receive."""

import logging
import sqlite3
import sys
from collections.abc import Sequence
from typing import Any

from opentelemetry import _logs, metrics
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs import export as log_export
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

resource = Resource({"service.name": "own"})
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader], resource=resource))
assert type(metrics.get_meter_provider()) is MeterProvider
InMemory: Any = (
    getattr(log_export, "InMemoryLogRecordExporter", None) or log_export.InMemoryLogExporter
)  # as it was called before
provider, exporter = LoggerProvider(resource=resource), InMemory()
provider.add_log_record_processor(log_export.SimpleLogRecordProcessor(exporter))
_logs.set_logger_provider(provider)
logging.getLogger().addHandler(LoggingHandler(logger_provider=provider))
logging.getLogger().setLevel(logging.INFO)

connection = sqlite3.connect(":memory:")
connection.execute("SELECT 1")
meter = metrics.get_meter("shop")
meter.create_counter("orders").add(3)
meter.create_histogram("orders.size").record(4)
logging.getLogger("shop").info("paid %d", 3)
logging.getLogger("shop").info("paid %d", 4)

found: Any = reader.get_metrics_data()
(scopes,) = found.resource_metrics
names = sorted(metric.name for scope in scopes.scope_metrics for metric in scope.metrics)
records: Sequence[Any] = exporter.get_finished_logs()
sys.stdout.write(f"metrics {names} {dict(scopes.resource.attributes)}\n")
sys.stdout.write(f"logs {[record.log_record.body for record in records]}\n")
sys.stdout.write(f"resource {resource.attributes['service.name']}\n")
