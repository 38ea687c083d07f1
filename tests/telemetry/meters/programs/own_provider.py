"""A service that sets up the SDK's meters itself; it prints what its own reader has read. The words say how and when it does so."""

import inspect
import sqlite3
import sys
import time
from collections.abc import Iterable
from typing import Any

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics import export as sdk
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource

ADVISED = "explicit_bucket_boundaries_advisory" in inspect.signature(metrics.Meter.create_histogram).parameters
reader = sdk.InMemoryMetricReader()
VIEWS = [
    View(instrument_name="orders", attribute_keys={"kind"}),
    View(instrument_name="size", aggregation=ExplicitBucketHistogramAggregation([1, 10])),
    View(instrument_name="fine", aggregation=ExponentialBucketHistogramAggregation()),
    View(instrument_name="noise", aggregation=DropAggregation()),
    View(instrument_name="late.name", name="renamed"),
]


def set_up() -> None:
    readers = [reader] if "reader" in sys.argv else []
    provider = MeterProvider(readers, resource=Resource({"service.name": "own"}), views=VIEWS)
    metrics.set_meter_provider(provider)
    assert metrics.get_meter_provider() is provider


def depth(_options: CallbackOptions) -> Iterable[Observation]:
    return [Observation(4, {"queue": "a"})]


if "before" in sys.argv:
    set_up()
early_provider = metrics.get_meter_provider()
meter = metrics.get_meter("shop", "1.0")
orders = meter.create_counter("orders", "{order}", "Orders.")
size, fine = meter.create_histogram("size", "By"), meter.create_histogram("fine", "s")
advised = ADVISED and meter.create_histogram("advised", "s", explicit_bucket_boundaries_advisory=[5])
meter.create_observable_up_down_counter("depth", [depth])
if "after" in sys.argv:
    orders.add(100, {"kind": "lost, as without us"})
    set_up()
sqlite3.connect(":memory:").execute("SELECT 1")
orders.add(3, {"kind": "web", "user": "ann@example.com"})
orders.add(4, {"kind": "web", "user": "bob@example.com"})
for value in (0.5, 5, 50):
    size.record(value)
    fine.record(value)
    if advised:
        advised.record(value)
meter.create_counter("noise").add(1)
if hasattr(metrics.Meter, "create_gauge"):
    meter.create_gauge("late.name").set(20.5)
early_provider.get_meter("early").create_up_down_counter("waiting").add(-2)
if "added" in sys.argv:
    provider: Any = metrics.get_meter_provider()
    provider.add_metric_reader(reader)
    orders.add(1, {"kind": "web"})
if "twice" in sys.argv:
    metrics.set_meter_provider(MeterProvider())
if "slowly" in sys.argv:
    time.sleep(2)
if "reader" in sys.argv or "added" in sys.argv:
    data: Any = reader.get_metrics_data()
    for scoped in data.resource_metrics[0].scope_metrics:
        for metric in scoped.metrics:
            point = metric.data.data_points[0]
            sys.stdout.write(f"{scoped.scope.name} {metric.name} {getattr(point, 'value', None) or point.count}\n")
