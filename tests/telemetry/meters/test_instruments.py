"""Instruments of the API: what they refuse, what they bound, what they mask, and that none of it reaches the application."""

from __future__ import annotations

import decimal
import fractions
import gc
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, cast

import pytest
from opentelemetry import context as api_context
from opentelemetry import metrics, trace
from opentelemetry.metrics import Observation
from opentelemetry.sdk import metrics as sdk

from platform_instrument.core.values import Instrument
from platform_instrument.telemetry.meters.provider import PROVIDER
from platform_instrument.telemetry.meters.series import ApplicationMetric
from platform_instrument.telemetry.metrics.registry import METRICS, Limits
from tests.telemetry.meters import exported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.telemetry.pipeline import Pipeline
    from platform_instrument.testing.received import Point


@pytest.fixture
def running() -> Iterator[Pipeline]:
    with exported.ours() as running:
        yield running


@pytest.fixture
def meter(running: Pipeline) -> Any:
    assert running is not None
    return metrics.get_meter("shop", "1.0")


def points(name: str) -> list[Point]:
    return [point for point in exported.points() if point.name == name]


def test_the_sdk_s_classes_and_the_api_s_find_their_own_in_ours(meter: Any) -> None:
    assert isinstance(metrics.get_meter_provider(), (sdk.MeterProvider, metrics.MeterProvider))
    assert isinstance(metrics.get_meter_provider(), sdk.MeterProvider)
    assert isinstance(meter, sdk.Meter)
    for name in ("Counter", "UpDownCounter", "Histogram", "ObservableCounter", "ObservableUpDownCounter", "ObservableGauge"):
        create = getattr(meter, "create_" + "".join(f"_{c.lower()}" if c.isupper() else c for c in name)[1:])
        made = create(name)
        assert isinstance(made, getattr(metrics, name))
        assert isinstance(made, getattr(sdk, name))
        assert made.name == name.lower()
    if hasattr(metrics, "_Gauge"):  # since 1.23
        assert isinstance(meter.create_gauge("gauge"), metrics._Gauge)


def test_equal_scopes_share_a_meter_and_equal_instruments_are_one(meter: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert metrics.get_meter("shop", "1.0") is meter
    assert metrics.get_meter("shop", "1.1") is not meter
    assert (meter.name, meter.version, meter.schema_url) == ("shop", "1.0", None)
    orders: Any = meter.create_counter("orders", "{order}", "Orders.")
    assert meter.create_counter("ORDERS", "{order}", "Orders.") is orders
    assert meter.create_counter("orders", unit="{order}") is orders
    assert [getattr(orders, field) for field in ("name", "unit", "description")] == ["orders", "{order}", "Orders."]
    assert capfd.readouterr().err == ""


def test_conflicting_instruments_both_count_and_it_is_said_once(meter: Any, capfd: pytest.CaptureFixture[str]) -> None:
    meter.create_counter("orders", "1").add(1)
    for _ in range(3):
        meter.create_histogram("orders", "s").record(2)
    assert {(point.kind, point.unit) for point in points("orders")} == {("sum", "1"), ("histogram", "s")}
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "orders of shop is a Counter in 1 and a Histogram in s" in said


def test_what_is_said_of_an_instrument_first_counts(meter: Any, capfd: pytest.CaptureFixture[str]) -> None:
    first = meter.create_histogram("duration", "s", "First.", explicit_bucket_boundaries_advisory=[1, 2])
    second = meter.create_histogram("duration", "s", "Second.", explicit_bucket_boundaries_advisory=[5])
    assert second is first
    second.record(1.5)
    (point,) = points("duration")
    assert (point.bounds, point.description) == ((1.0, 2.0), "First.")
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "description and advisory" in said


@pytest.mark.parametrize("name", ["", "1st", "with space", "é", "a" * 256, None, 7])
def test_an_instrument_without_a_sound_name_counts_nothing_and_breaks_nothing(
    meter: Any, name: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    meter.create_counter(name).add(1)
    meter.create_histogram(name).record(1)
    meter.create_gauge(name).set(1)
    meter.create_observable_gauge(name, [lambda _: [Observation(1)]])
    assert exported.points() == []
    assert "is no name for a metric" in capfd.readouterr().err


@pytest.mark.parametrize("advisory", [[2, 1], [1, 1], ["a"], 5, [float("nan")], [float("-inf"), 1]])
def test_bounds_that_no_buckets_can_have_are_the_usual_ones(meter: Any, advisory: Any, capfd: pytest.CaptureFixture[str]) -> None:
    meter.create_histogram("size", explicit_bucket_boundaries_advisory=advisory).record(1)
    assert len(points("size")[0].bounds) == 15
    assert capfd.readouterr().err.count("\n") == 1


def test_an_infinite_last_bound_is_the_last_bucket(meter: Any) -> None:
    meter.create_histogram("size", explicit_bucket_boundaries_advisory=(1, 2, float("inf"))).record(7)
    assert (points("size")[0].bounds, points("size")[0].counts) == ((1.0, 2.0), (0, 0, 1))


class Loud:
    def __float__(self) -> float:
        raise ValueError("no number")


@pytest.mark.faults
@pytest.mark.parametrize("value", [float("nan"), float("inf"), "3", None, [1], 1j, Loud(), 10**400])
def test_what_is_no_number_is_left_out_and_said_once(meter: Any, value: Any, capfd: pytest.CaptureFixture[str]) -> None:
    made = (meter.create_counter("a").add, meter.create_up_down_counter("b").add, meter.create_histogram("c").record,
            meter.create_gauge("d").set)  # fmt: skip
    for count in made:
        for _ in range(2):
            count(value)
    assert exported.points() == []
    assert [cast("ApplicationMetric", metric).refused for metric in METRICS.foreign] == [2, 2, 2, 2]
    assert capfd.readouterr().err.count("left out") == 4


def test_a_negative_amount_of_a_counter_is_said_once_with_a_remedy(meter: Any, capfd: pytest.CaptureFixture[str]) -> None:
    counter = meter.create_counter("orders")
    counter.add(5)
    counter.add(-3)
    counter.add(-2.5)
    assert points("orders")[0].value == 5
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "orders was given -3, and takes nothing below zero (an up-down counter does)" in said


@pytest.mark.parametrize(
    ("value", "counted"),
    [(True, 1), (decimal.Decimal("1.5"), 1.5), (fractions.Fraction(1, 4), 0.25), (2**63, 2.0**63), (2**70, 2.0**70)],
)
def test_whatever_is_a_number_counts(meter: Any, value: Any, counted: float) -> None:
    meter.create_counter("orders").add(value)
    assert points("orders")[0].value == counted
    assert type(points("orders")[0].value) is type(counted)


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class HostileMapping(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no items")


@pytest.mark.faults
@pytest.mark.parametrize("attributes", [{"a": Hostile()}, HostileMapping(a=1), {1: 2}, {"": 1}, 5, "text", {"a": None}])
def test_attributes_that_say_nothing_are_none(meter: Any, attributes: Any) -> None:
    meter.create_counter("orders").add(1, attributes)
    assert sum(point.value or 0 for point in points("orders")) in {0, 1}
    for point in points("orders"):
        assert point.attributes == {}


def test_a_value_that_changes_later_is_the_one_it_was(meter: Any) -> None:
    counter, tags = meter.create_counter("orders"), ["a"]
    counter.add(1, {"tags": tags})
    tags.append("b")
    counter.add(10, {"tags": tags})
    assert {point.attributes["tags"]: point.value for point in points("orders")} == {("a",): 1, ("a", "b"): 10}


def test_attributes_in_any_order_and_of_any_mapping_are_one_series(meter: Any) -> None:
    counter = meter.create_counter("orders")
    for attributes in ({"a": 1, "b": "x"}, {"b": "x", "a": 1}, HashableMapping({"b": "x", "a": 1})):
        counter.add(1, attributes)
        counter.add(1, attributes)
    (point,) = points("orders")
    assert (point.value, point.attributes) == (6, {"a": 1, "b": "x"})


class HashableMapping(dict[str, Any]):
    """A mapping that is no plain dict."""


def test_a_long_value_is_bounded_and_so_is_the_number_of_attributes(meter: Any) -> None:
    counter = meter.create_counter("orders")
    counter.add(1, {"long": "x" * 1_000_000})
    counter.add(1, {f"key {number}": number for number in range(1_000)})
    one, many = sorted(points("orders"), key=lambda point: len(point.attributes))
    assert len(one.attributes["long"]) <= 32_768
    assert len(many.attributes) == 128


def test_two_values_that_leave_as_one_are_one_series(meter: Any) -> None:
    counter = meter.create_counter("logins")
    for user in ("ann@example.com", "bob@example.com", "ann@example.com"):
        counter.add(1, {"user": user, "password": user})
    (point,) = points("logins")
    assert point.value == 3
    assert "example.com" not in str(point.attributes)


def test_more_sets_than_the_limit_are_counted_together(meter: Any, capfd: pytest.CaptureFixture[str]) -> None:
    counter = meter.create_counter("orders")
    for _ in range(2):
        for number in range(Limits.cardinality + 10):
            counter.add(1, {"order": number, "shop": "a"})
    found = points("orders")
    assert len(found) == Limits.cardinality + 1
    assert (found[-1].attributes, found[-1].value) == ({"otel.metric.overflow": True}, 20)
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "most of them by order" in said


def test_what_is_remembered_of_sets_is_bounded(meter: Any) -> None:
    counter = meter.create_counter("orders")
    for number in range(5 * Limits.cardinality):
        counter.add(1, {"order": number})
    (metric,) = METRICS.foreign
    assert isinstance(metric, ApplicationMetric)
    assert sum(map(len, metric._known.values())) <= 2 * Limits.cardinality


@pytest.mark.parametrize("value", ["x" * 10_000, 10**1_000, {f"key {number}": 1 for number in range(200)}])
def test_what_is_large_is_not_remembered_as_it_was_given(meter: Any, value: Any) -> None:
    attributes = value if isinstance(value, dict) else {"value": value}
    for _ in range(2):
        meter.create_counter("orders").add(1, attributes)
    (metric,) = METRICS.foreign
    assert not cast("ApplicationMetric", metric)._known
    assert [point.value for point in points("orders")] == [2]


def test_a_measurement_belongs_to_the_span_of_its_context(meter: Any) -> None:
    histogram = meter.create_histogram("duration")
    with trace.get_tracer("shop").start_as_current_span("now") as now:
        histogram.record(1)
        elsewhere = trace.get_tracer("shop").start_span("elsewhere")
        histogram.record(100, context=trace.set_span_in_context(elsewhere))
        histogram.record(1_000, context=api_context.Context())
    exemplars = {each.value: each.span_id for each in points("duration")[0].exemplars}
    assert exemplars == {1: f"{now.get_span_context().span_id:016x}", 100: f"{elsewhere.get_span_context().span_id:016x}"}


@pytest.mark.faults
def test_a_context_that_is_none_breaks_nothing(meter: Any) -> None:
    meter.create_counter("orders").add(1, None, "no context")
    assert points("orders")[0].value == 1


def test_a_reset_as_in_a_fork_child_starts_from_zero_and_asks_again(meter: Any) -> None:
    counter, histogram = meter.create_counter("orders"), meter.create_histogram("duration")
    meter.create_observable_gauge("depth", [lambda _: [Observation(3)]])
    counter.add(5, {"a": 1})
    histogram.record(1)
    assert len(exported.points()) == 3
    METRICS.reset()
    assert METRICS.recorded()
    assert [point.name for point in exported.points()] == ["depth"]
    counter.add(1, {"a": 1})
    assert points("orders")[0].value == 1


def test_the_provider_answers_what_code_for_the_sdk_asks(running: Pipeline, capfd: pytest.CaptureFixture[str]) -> None:
    provider: Any = metrics.get_meter_provider()
    metrics.get_meter("shop").create_counter("orders").add(1)
    assert running.worker.awaited is False
    assert provider.force_flush() is False  # there is no collector
    provider.shutdown()
    provider.add_metric_reader(object())
    assert "OTEL_METRICS_EXPORTER" in capfd.readouterr().err


def test_a_series_that_is_said_no_more_is_not_exported(meter: Any) -> None:
    depths = {"a": 1, "b": 2}
    meter.create_observable_up_down_counter(
        "depth", [lambda _: [Observation(depth, {"queue": queue}) for queue, depth in depths.items()]]
    )
    assert {point.attributes["queue"] for point in points("depth")} == {"a", "b"}
    del depths["a"]
    assert {point.attributes["queue"] for point in points("depth")} == {"b"}
    depths["a"] = 7
    assert {point.attributes["queue"]: point.value for point in points("depth")} == {"a": 7, "b": 2}


def test_observed_series_that_come_and_go_do_not_reach_the_limit(meter: Any, capfd: pytest.CaptureFixture[str]) -> None:
    turn = 0
    meter.create_observable_gauge("connection", [lambda _: [Observation(turn, {"id": turn * 1_000 + n}) for n in range(1_000)]])
    for turn in range(6):  # noqa: B007 - read by the callback
        found = points("connection")
    assert {point.attributes["id"] for point in found} == set(range(5_000, 6_000))
    assert len(METRICS.foreign[0].cells) <= Limits.cardinality
    assert capfd.readouterr().err == ""


def test_a_callback_that_hangs_holds_up_nothing_else(meter: Any, capfd: pytest.CaptureFixture[str]) -> None:
    free = threading.Event()

    def hangs(_options: Any) -> list[Observation]:
        free.wait(20)
        return [Observation(1)]

    meter.create_observable_gauge("late", [hangs])
    meter.create_counter("orders").add(1)
    before = time.monotonic()
    assert [point.name for point in exported.points()] == ["orders"]
    assert [point.name for point in exported.points()] == ["orders"]
    assert time.monotonic() - before < 5
    assert "were not answered within 1 s" in capfd.readouterr().err
    free.set()
    time.sleep(0.1)
    assert {point.name for point in exported.points()} == {"orders", "late"}


def test_what_a_callback_does_is_not_observed(meter: Any) -> None:
    seen = []

    def asked(_options: Any) -> list[Observation]:
        seen.append(api_context.get_value(api_context._SUPPRESS_INSTRUMENTATION_KEY))
        return []

    meter.create_observable_gauge("seen", [asked])
    exported.points()
    assert seen == [True]


def test_instruments_are_not_kept_alive_by_what_they_count(meter: Any) -> None:
    """Nor are attribute objects of the application."""

    class Tag:
        def __str__(self) -> str:
            return "tag"

    meter.create_counter("orders").add(1, {"tag": Tag()})
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is Tag]
    assert points("orders")[0].attributes == {"tag": "tag"}


def test_more_metrics_than_are_bearable_count_nothing(
    meter: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Limits, "series", 3)
    for number in range(10):
        meter.create_counter(f"counter.{number}").add(1)
    assert len(METRICS.foreign) == 3
    assert capfd.readouterr().err.count("this process has 3 metrics") == 1


def test_a_meter_of_strange_names_works(running: Pipeline) -> None:
    assert running is not None
    provider: Any = metrics.get_meter_provider()
    for name in (None, "", 5, Hostile):
        provider.get_meter(name, version=7, schema_url=object(), attributes="none").create_counter("orders").add(1)
    assert sum(point.value or 0 for point in points("orders")) == 4
    assert PROVIDER.get_meter("a", None, None, {"x": [1]}) is PROVIDER.get_meter("a", None, None, {"x": (1,)})


def test_an_instrumentor_s_metric_gives_way_to_ours_of_that_name_where_we_observe_the_library(running: Pipeline) -> None:
    assert running is not None
    name = "http.server.request.duration"
    for scope in ("opentelemetry.instrumentation.asgi", "opentelemetry.instrumentation.tornado", "shop"):
        metrics.get_meter(scope).create_histogram(name, "s").record(1)
    assert len(points(name)) == 3
    ours = METRICS.metric(Instrument(name, "Ours.", bounds=(1.0,)))
    assert len(points(name)) == 3
    ours.cell(()).measure(1, None)
    assert {point.scope.name for point in points(name)} == {
        "platform_instrument.metrics",
        "opentelemetry.instrumentation.tornado",
        "shop",
    }


def test_a_set_that_was_seen_is_only_looked_up(meter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = meter.create_counter("orders")
    attributes = {"a": 1, "b": "x", "c": True, "d": 1.5}
    for known in (attributes, None):
        counter.add(1, known)
    monkeypatch.setattr(ApplicationMetric, "_new", None)
    for known in (attributes, None, {}):
        counter.add(1, known)
    assert [point.value for point in points("orders")] == [2, 3]


def test_what_many_threads_count_is_counted_exactly_while_series_are_made(meter: Any) -> None:
    counter, histogram, before = meter.create_counter("orders"), meter.create_histogram("size"), sys.getswitchinterval()

    def count() -> None:
        for turn in range(2_000):
            counter.add(1, {"turn": turn % 100})
            histogram.record(turn % 3, {"turn": turn % 100})

    threads = [threading.Thread(target=count) for _ in range(8)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert {point.value for point in points("orders")} == {160}
    assert {point.count for point in points("size")} == {160}
    assert len(points("orders")) == 100
