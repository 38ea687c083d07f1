"""An application that sets up the SDK's meter provider itself: it wins, with readers it exports alone, without it leaves through us."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry import metrics
from opentelemetry.sdk import metrics as sdk

from tests.processes import Completed, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector
    from platform_instrument.testing.received import Point

PROGRAM = Path(__file__).parent / "programs" / "own_provider.py"

ADVISED = "explicit_bucket_boundaries_advisory" in inspect.signature(metrics.Meter.create_histogram).parameters
"""Whether the API is of 1.30 or later."""
GAUGES = hasattr(metrics.Meter, "create_gauge")
"""Whether it is of 1.23 or later."""

COUNTED = [
    "early waiting -2",
    *(["shop advised 3"] if ADVISED else []),
    "shop depth 4",
    "shop fine 3",
    "shop orders 7",
    *(["shop renamed 20.5"] if GAUGES else []),
    "shop size 3",
]


def start(collector: Collector, *words: str, env: dict[str, str] | None = None) -> Completed:
    completed = run(["platform-instrument", sys.executable, "-W", "ignore", PROGRAM, *words], collector=collector, env=env)
    assert completed.returncode == 0, completed.stderr
    return completed


def of_the_application(collector: Collector) -> dict[str, list[Point]]:
    """Return the last points of the application's meters, by name."""
    found: dict[str, list[Point]] = {}
    for request in range(len(collector.metrics)):
        point = collector.metrics[request]
        if point.scope.name in {"shop", "early"}:
            known = found.setdefault(point.name, [])
            known[:] = [each for each in known if each.attributes != point.attributes] + [point]
    return found


@pytest.mark.parametrize("when", ["before", "after"])
def test_with_a_reader_of_its_own_it_exports_alone(collector: Collector, when: str) -> None:
    completed = start(collector, when, "reader")
    assert sorted(completed.stdout.splitlines()) == COUNTED
    assert completed.stderr == ""
    assert of_the_application(collector) == {}
    assert "db.client.operation.duration" in {point.name for point in collector.metrics}


@pytest.mark.parametrize("when", ["before", "after"])
def test_without_a_reader_what_it_counts_leaves_through_our_doors(collector: Collector, when: str) -> None:
    completed = start(collector, when)
    assert completed.stderr == ""
    found = of_the_application(collector)
    assert (
        sorted(f"{points[0].scope.name} {name} {points[0].value or points[0].count:g}" for name, points in found.items())
        == COUNTED
    )
    assert {len(points) for points in found.values()} == {1}
    (orders,), (size,), (fine,) = found["orders"], found["size"], found["fine"]
    assert (orders.value, orders.attributes, orders.monotonic, orders.unit) == (7, {"kind": "web"}, True, "{order}")
    assert (orders.description, orders.scope.version) == ("Orders.", "1.0")
    assert (size.bounds, size.counts, size.sum, size.least, size.most) == ((1.0, 10.0), (1, 1, 1), 55.5, 0.5, 50)
    assert (fine.kind, fine.count, sum(fine.counts), fine.sum) == ("exponential_histogram", 3, 3, 55.5)
    assert not ADVISED or found["advised"][0].bounds == (5.0,)
    assert (found["depth"][0].value, found["depth"][0].monotonic, found["depth"][0].kind) == (4, False, "sum")
    assert not GAUGES or found["renamed"][0].kind == "gauge"
    assert "db.client.operation.duration" in {point.name for point in collector.metrics}


def test_again_and_again_while_the_service_runs(collector: Collector) -> None:
    start(collector, "before", "slowly", env={"OTEL_METRIC_EXPORT_INTERVAL": "300"})
    orders = [point for point in collector.metrics if point.name == "orders"]
    assert len(orders) >= 4
    assert {point.value for point in orders} == {7}


@pytest.mark.skipif(not hasattr(sdk.MeterProvider, "add_metric_reader"), reason="the SDK takes readers in the constructor only")
def test_a_reader_that_is_added_later_exports_alone_from_then_on(collector: Collector) -> None:
    completed = start(collector, "before", "added", "slowly", env={"OTEL_METRIC_EXPORT_INTERVAL": "300"})
    assert "shop orders 1" in completed.stdout.splitlines()
    assert {point.value for point in collector.metrics if point.name == "orders"} <= {7}


def test_a_second_provider_is_refused_with_the_words_of_the_api(collector: Collector) -> None:
    completed = start(collector, "before", "twice")
    assert completed.stderr == "Overriding of current MeterProvider is not allowed\n"
    assert of_the_application(collector)["orders"][0].value == 7


def test_where_no_metric_is_exported_its_provider_is_left_alone(collector: Collector) -> None:
    completed = start(collector, "before", "reader", env={"OTEL_METRICS_EXPORTER": "none"})
    assert sorted(completed.stdout.splitlines()) == COUNTED
    start(collector, "before", env={"OTEL_METRICS_EXPORTER": "none"})
    assert not collector.metrics


def test_histograms_that_no_view_speaks_of_are_as_the_settings_want_them(collector: Collector) -> None:
    env = {"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram"}
    completed = run(["platform-instrument", sys.executable, "-c", MASKED], collector=collector, env=env)
    assert (completed.returncode, completed.stderr) == (0, "")
    found = of_the_application(collector)
    assert {name: points[0].kind for name, points in found.items() if name in {"size", "fine"}} == dict.fromkeys(
        ("size", "fine"), "exponential_histogram"
    )
    assert found["size"][0].count == 4


def test_it_is_printed_too(collector: Collector) -> None:
    completed = start(collector, "before", env={"OTEL_METRICS_EXPORTER": "console"})
    assert completed.stderr == ""
    printed = completed.stdout.splitlines()
    assert {"orders kind=web value=7 {order}", "size count=3 mean=18.500 By", "depth queue=a value=4"} <= set(printed)
    assert "fine count=3 mean=18500.000 ms" in printed


MASKED = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
metrics.set_meter_provider(MeterProvider(views=[View(instrument_name="fine", aggregation=ExponentialBucketHistogramAggregation())]))
meter = metrics.get_meter("shop")
logins, size, fine = (getattr(meter, f"create_{kind}")(name) for kind, name in (
    ("counter", "logins"), ("histogram", "size"), ("histogram", "fine")))
meter.create_observable_gauge("now", [lambda _: [metrics.Observation(n, {"user": f"{n}@example.com"}) for n in (1, 2)]])
for number, user in enumerate(("ann@example.com", "bob@example.com"), 1):
    logins.add(1, {"user": user})
    for histogram in (size, fine):
        histogram.record(number, {"user": user})
        histogram.record(number * 1_000, {"user": user})
"""


def test_what_leaves_through_our_doors_is_masked_and_what_leaves_as_one_is_one(collector: Collector) -> None:
    completed = run(["platform-instrument", sys.executable, "-c", MASKED], collector=collector)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert b"example.com" not in b"".join(request.body for request in collector.requests)
    ((logins,), (size,), (fine,), (now,)) = (of_the_application(collector)[name] for name in ("logins", "size", "fine", "now"))
    assert (logins.value, now.value) == (2, 2)
    assert (size.count, size.sum, size.least, size.most) == (4, 3003, 1, 2000)
    assert (fine.count, fine.sum, fine.least, fine.most, sum(fine.counts)) == (4, 3003, 1, 2000, 4)


MANY = """
import time
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
metrics.set_meter_provider(MeterProvider())
meter = metrics.get_meter("shop")
orders, size = meter.create_counter("orders"), meter.create_histogram("size")
for _ in range(4):
    for number in range(7):
        orders.add(1, {"order": number})
        size.record(1, {"order": number})
    time.sleep(1)
"""


def test_what_is_beyond_the_limit_of_series_is_counted_together_at_each_collection(collector: Collector) -> None:
    env = {"PLATFORM_METRICS_CARDINALITY_LIMIT": "5", "OTEL_METRIC_EXPORT_INTERVAL": "200"}
    completed = run(["platform-instrument", sys.executable, "-c", MANY], collector=collector, env=env)
    assert completed.returncode == 0
    assert completed.stderr.count("PLATFORM_METRICS_CARDINALITY_LIMIT") == 2
    for name in ("orders", "size"):
        beyond = [point for point in collector.metrics if point.name == name and "otel.metric.overflow" in point.attributes]
        counted = [point.value if name == "orders" else point.count for point in beyond]
        # Old SDKs leave a histogram out of a collection where nothing was recorded since the last.
        assert len(counted) > 1
        assert counted == sorted(counted)
        assert counted[-1] == 2 * 4


OTHER = """
from opentelemetry import metrics

class Other(metrics.NoOpMeterProvider):
    pass

early = metrics.get_meter("shop").create_counter("early")
metrics.set_meter_provider(Other())
assert type(metrics.get_meter_provider()) is Other
early.add(1)
metrics.get_meter("shop").create_counter("late").add(1)
"""


def test_a_provider_that_is_no_sdk_s_has_the_application_s_metrics_for_itself(collector: Collector) -> None:
    completed = run(["platform-instrument", sys.executable, "-c", OTHER], collector=collector)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert {"early", "late"}.isdisjoint(point.name for point in collector.metrics)


def test_plain_the_program_reads_the_same() -> None:
    plain = run([sys.executable, PROGRAM, "before", "reader"])
    assert sorted(plain.stdout.splitlines()) == COUNTED
