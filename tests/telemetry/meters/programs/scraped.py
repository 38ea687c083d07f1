"""A service of two processes that counts by the API, scrapes itself and prints the page. The argument says whose provider."""

import os
import sys
import time
import urllib.request
from collections.abc import Iterable

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation

if "views" in sys.argv:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

    view = View(instrument_name="size", aggregation=ExplicitBucketHistogramAggregation([1, 10]))
    metrics.set_meter_provider(MeterProvider(views=[view]))


def depth(_options: CallbackOptions) -> Iterable[Observation]:
    return [Observation(3, {"queue": "a"})]


meter = metrics.get_meter("shop", "1.0")
orders, size = meter.create_counter("orders", "{order}", "Orders."), meter.create_histogram("size", "By")
meter.create_observable_gauge("depth", [depth])
orders.add(5, {"user": "ann@example.com"})
ready, done = os.pipe(), os.pipe()
child = os.fork()
if not child:
    with trace.get_tracer("shop").start_as_current_span("order"):
        orders.add(1, {"user": "bob@example.com"})
        size.record(7)
    os.write(ready[1], b".")
    os.read(done[0], 1)
    os._exit(0)
os.read(ready[0], 1)
time.sleep(1)
headers = {"Accept": "application/openmetrics-text; version=1.0.0"}
for _ in range(2):
    request = urllib.request.Request(f"http://127.0.0.1:{os.environ['OTEL_EXPORTER_PROMETHEUS_PORT']}/metrics", headers=headers)
    with urllib.request.urlopen(request) as response:  # noqa: S310 - our own page
        page = response.read().decode()
sys.stdout.write(page)
os.write(done[1], b".")
os.waitpid(child, 0)
