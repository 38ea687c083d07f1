"""Sums, gauges, temporality, limits and observers, read back from the wire with `opentelemetry-proto`."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.config.schema import Settings
from platform_instrument.core.values import CLIENT, COUNTER, GAUGE, UP_DOWN_COUNTER, Instrument, Operation
from platform_instrument.telemetry import tracer
from platform_instrument.telemetry.context import Ambient
from platform_instrument.telemetry.metrics import registry
from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS, Limits, Metric, Metrics, beside, cell_of
from platform_instrument.telemetry.pipeline import Pipeline
from platform_instrument.telemetry.prometheus.snapshot import snapshot
from platform_instrument.telemetry.scope import InstrumentationScope
from platform_instrument.testing import received

if TYPE_CHECKING:
    from platform_instrument.telemetry.metrics.cells import Pairs
    from platform_instrument.telemetry.span import Span

ORDERS = Instrument("shop.orders", "Orders taken.", unit="{order}", kind=COUNTER)
OPEN = Instrument("shop.open", "Open orders.", unit="{order}", kind=UP_DOWN_COUNTER)
ASKED = Instrument("shop.asked", "What is asked for.", unit="By", kind=COUNTER, observable=True)
LEVEL = Instrument("shop.level", "How full.", unit="1", kind=GAUGE)
ROWS = Instrument("shop.rows", "Rows.", unit="{row}", constant=("db.system.name",), value="rows", bounds=(10.0,))
DURATION = Instrument(
    "shop.duration", "", constant=("db.system.name", "db.namespace"), varying=("error.type",), bounds=(1.0,), along=(ROWS,)
)
WITHIN = Ambient(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, 1)


@pytest.fixture(autouse=True)
def metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Metrics()
    for name in ("by_name", "foreign", "observers", "count"):
        monkeypatch.setattr(METRICS, name, getattr(fresh, name))


def points(encoder: MetricEncoder | None = None) -> dict[str, received.Point]:
    return {point.name: point for point in received.points((encoder or MetricEncoder({})).encode(METRICS))}


def ended() -> Span:
    span = tracer.start("x", CLIENT, None, None, InstrumentationScope("x"), WITHIN, 0)
    span.end_ns = span.start_ns + 1
    return span


def test_sums_and_gauges_arrive_with_their_kind_number_and_exemplar() -> None:
    METRICS.metric(ORDERS).cell((("kind", "new"),)).measure(3, WITHIN)
    METRICS.metric(OPEN).cell(()).add(-2)
    METRICS.metric(LEVEL).cell(()).put(0.25)
    read = points()
    orders, opened, level = read["shop.orders"], read["shop.open"], read["shop.level"]
    assert (orders.kind, orders.monotonic, orders.temporality, orders.unit) == ("sum", True, "CUMULATIVE", "{order}")
    assert (orders.value, type(orders.value), orders.attributes) == (3, int, {"kind": "new"})
    (exemplar,) = orders.exemplars
    assert (exemplar.value, exemplar.trace_id, exemplar.span_id) == (3, "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert (opened.kind, opened.monotonic, opened.temporality, opened.value) == ("sum", False, "CUMULATIVE", -2)
    assert (level.kind, level.temporality, level.value) == ("gauge", "", 0.25)


@pytest.mark.parametrize(("preference", "counted", "asked"), [("delta", "DELTA", "DELTA"), ("lowmemory", "DELTA", "CUMULATIVE")])
def test_a_delta_counts_from_one_export_to_the_next(preference: str, counted: str, asked: str) -> None:
    encoder = MetricEncoder({}, preference)
    histogram = cell_of(Operation("x", CLIENT, {}, DURATION), DURATION, None)
    for amount in (5, 2):
        METRICS.metric(ORDERS).cell(()).add(amount)
        METRICS.metric(OPEN).cell(()).add(amount)
        METRICS.metric(ASKED).cell(()).put(100 * amount)
        histogram.record(amount / 10, ended())
        read = points(encoder)
    assert (read["shop.orders"].temporality, read["shop.orders"].value) == (counted, 2)
    assert (read["shop.open"].temporality, read["shop.open"].value) == ("CUMULATIVE", 7)
    assert (read["shop.asked"].temporality, read["shop.asked"].value) == (asked, -300 if asked == "DELTA" else 200)
    duration = read["shop.duration"]
    assert (duration.temporality, duration.count, duration.sum) == (counted, 1, pytest.approx(0.2))
    assert (duration.least, duration.most) == (0.2, 0.2)
    assert duration.start_ns > METRICS.start_ns
    assert set(points(encoder)) == ({"shop.open"} if asked == "DELTA" else {"shop.open", "shop.asked"})


def test_what_a_call_answered_is_measured_along_with_its_duration() -> None:
    pipeline = Pipeline(Settings())
    span = ended()
    span.operation = Operation("x", CLIENT, {"db.system.name": "sqlite", "db.namespace": "shop"}, DURATION)
    cell = pipeline.settle(span, {"rows": 12, "error.type": None})
    read = points()
    assert cell is not None
    assert (read["shop.duration"].count, read["shop.rows"].count, read["shop.rows"].sum) == (1, 1, 12)
    assert read["shop.duration"].attributes == {"db.system.name": "sqlite", "db.namespace": "shop"}
    assert read["shop.rows"].attributes == {"db.system.name": "sqlite"}
    assert [found.span_id for found in read["shop.rows"].exemplars] == [f"{span.span_id:016x}"]
    pipeline.settle(span, {"error.type": "ValueError"})
    assert points()["shop.rows"].count == 1
    pipeline.queue.clear()


def test_the_overflow_of_one_instrument_has_one_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limits, "cardinality", 2)
    for system in ("a", "b", "c", "d"):
        cell = cell_of(Operation("x", CLIENT, {"db.system.name": system}, DURATION), DURATION, None)
        cell.record(0.5, ended())
        beside(cell, ROWS).record(3, ended())
    read = received.points(MetricEncoder({}).encode(METRICS))
    found = [(point.name, point.attributes, point.count) for point in read if "otel.metric.overflow" in point.attributes]
    assert found == [("shop.duration", {"otel.metric.overflow": True}, 2), ("shop.rows", {"otel.metric.overflow": True}, 2)]


class SlowlyMade(Metric):
    """A metric while whose series are made other threads come."""

    def make(self, attributes: Pairs) -> Any:
        time.sleep(0.02)
        return super().make(attributes)


def test_threads_that_reach_the_limit_together_share_one_overflow_and_say_so_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Limits, "cardinality", 0)
    metric, together = SlowlyMade(ORDERS), threading.Barrier(8)

    def count(at: int) -> None:
        together.wait(10)
        metric.cell((("at", at),)).add(1)

    threads = [threading.Thread(target=count, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [cell.value for cell in metric.series()] == [8]
    assert capfd.readouterr().err.count("PLATFORM_METRICS_CARDINALITY_LIMIT") == 1


def test_all_instruments_together_have_a_limit_too(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(Limits, "series", 3)
    for instrument in (ORDERS, OPEN):
        for at in range(3):
            METRICS.metric(instrument).cell((("at", at),)).add(1)
    read = received.points(MetricEncoder({}).encode(METRICS))
    assert [(point.name, point.value) for point in read] == [("shop.orders", 1)] * 3 + [("shop.open", 3)]
    said = capfd.readouterr().err
    assert "PLATFORM_METRICS_SERIES_LIMIT" in said
    assert "shop.open" in said
    assert said.count("\n") == 1


def test_a_retired_series_is_exported_no_more_makes_room_and_comes_back_from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limits, "series", 2)
    metric = METRICS.metric(OPEN)
    held = [metric.cell((("shop", name),)) for name in ("east", "west")]
    for cell in held:
        cell.put(3)
    metric.retire((("shop", "east"),))
    metric.retire((("shop", "never"),))
    held[0].put(4)
    assert [cell.attributes for cell in metric.series()] == [(("shop", "west"),)]
    assert metric.cell((("shop", "north"),)) is not metric.overflow
    metric.retire((("shop", "north"),))
    assert metric.cell((("shop", "east"),)).value == 0
    assert METRICS.count == 2


def test_observers_are_asked_before_each_collection() -> None:
    asked: list[int] = []

    def observe() -> None:
        asked.append(1)
        METRICS.metric(LEVEL).cell(()).put(len(asked))

    METRICS.observers.append(observe)
    assert [points()["shop.level"].value, points()["shop.level"].value] == [1, 2]


@pytest.mark.faults
def test_an_observer_that_fails_takes_nothing_else_with_it() -> None:
    METRICS.observers.append(lambda: 1 / 0)
    METRICS.observers.append(lambda: METRICS.metric(LEVEL).cell(()).put(1))
    assert points()["shop.level"].value == 1


def test_a_collection_that_another_holds_up_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_PATIENCE", 0.05)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        done.wait(10)

    thread = threading.Thread(target=lambda: METRICS.collect(hold))
    METRICS.metric(ORDERS).cell(()).add(1)
    thread.start()
    held.wait(10)
    assert MetricEncoder({}).encode(METRICS) == b""
    done.set()
    thread.join()
    assert set(points()) == {"shop.orders"}


def test_metrics_of_other_scopes_leave_under_their_own() -> None:
    scope = InstrumentationScope("shop", "2.0")
    metric = Metric(ORDERS, scope)
    metric.cell(()).add(1)
    METRICS.foreign.append(metric)
    METRICS.metric(OPEN).cell(()).add(1)
    read = points()
    assert (read["shop.orders"].scope.name, read["shop.orders"].scope.version) == ("shop", "2.0")
    assert read["shop.open"].scope.name == "platform_instrument.metrics"


def test_after_a_reset_only_what_is_recorded_anew_is_exported() -> None:
    METRICS.metric(ORDERS).cell(()).add(5)
    METRICS.metric(LEVEL).cell(()).put(5)
    METRICS.reset()
    assert not METRICS.recorded()
    METRICS.metric(ORDERS).cell(()).add(1)
    assert {name: point.value for name, point in points().items()} == {"shop.orders": 1}


def test_what_is_said_of_a_metric_is_masked_on_every_way_out() -> None:
    told = Instrument("shop.told", "Ask jane.doe@example.com about it.", kind=COUNTER)
    METRICS.metric(told).cell(()).add(1)
    assert points()["shop.told"].description == "Ask [email] about it."
    state = snapshot(METRICS)
    assert state is not None
    assert [family[3] for family in state] == ["Ask [email] about it."]
