"""A counter at 5, two fork children that add 1 each; a histogram, a gauge and an observable beside it. The argument says whose provider."""

import os
import sys
from collections.abc import Iterable

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

if "views" in sys.argv:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.view import View

    metrics.set_meter_provider(MeterProvider(views=[View(instrument_name="orders", name="orders.renamed")]))

meter = metrics.get_meter("shop", "1.0")
orders = meter.create_counter("orders", "{order}")
duration = meter.create_histogram("duration", "s")
asked: set[int] = set()


def ask(_options: CallbackOptions) -> Iterable[Observation]:
    asked.add(os.getpid())
    yield Observation(len(asked))


meter.create_observable_counter("asked", [ask])
orders.add(5, {"kind": "web"})
duration.record(3)
for _ in range(2):
    if not os.fork():
        orders.add(1, {"kind": "web"})
        duration.record(4)
        sys.exit(0)
for _ in range(2):
    _, status = os.wait()
    assert status == 0
