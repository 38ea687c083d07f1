"""Histograms on the wire, read back with `opentelemetry-proto`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platform_instrument import __version__
from platform_instrument.core.values import CLIENT, Instrument, Operation
from platform_instrument.telemetry import tracer
from platform_instrument.telemetry.context import Ambient
from platform_instrument.telemetry.metrics.cells import use_exemplar_filter
from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS, Limits, Metrics, cell_of
from platform_instrument.telemetry.scope import InstrumentationScope
from platform_instrument.testing import received

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.telemetry.span import Span

TRACE = 0x0AF7651916CD43DD8448EB211C80319C
DURATION = Instrument("test.duration", "How long.", constant=("db.system.name",), varying=("error.type",), bounds=(0.1, 1.0))


@pytest.fixture(autouse=True)
def metrics() -> Iterator[Metrics]:
    before, METRICS.by_name = METRICS.by_name, {}
    yield METRICS
    METRICS.by_name = before
    use_exemplar_filter("trace_based")


def span(flags: int = 1) -> Span:
    made = tracer.start("x", CLIENT, None, None, InstrumentationScope("x"), Ambient(TRACE, 1, flags), 0)
    made.span_id, made.end_ns = 0xB7AD6B7169203331, 1_700_000_000_000_000_000
    return made


def points() -> list[received.Point]:
    return received.points(MetricEncoder({"service.name": "shop"}).encode(METRICS))


def test_every_field_of_a_histogram_arrives(metrics: Metrics) -> None:
    operation = Operation("x", CLIENT, {"db.system.name": "sqlite", "not.a.metric.key": 1}, DURATION)
    cell = cell_of(operation, DURATION, {"error.type": "ValueError"})
    for value in (0.05, 0.1, 0.5, 7.25):
        cell.record(value, span())
    (point,) = points()
    assert point.time_ns > point.start_ns == metrics.start_ns
    exemplars = tuple(
        received.Exemplar(value, 1_700_000_000_000_000_000, "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", {})
        for value in (0.1, 0.5, 7.25)
    )
    assert point == received.Point(
        name="test.duration",
        kind="histogram",
        unit="s",
        description="How long.",
        temporality="CUMULATIVE",
        monotonic=False,
        attributes={"db.system.name": "sqlite", "error.type": "ValueError"},
        value=None,
        count=4,
        sum=pytest.approx(7.9),
        least=0.05,
        most=7.25,
        bounds=(0.1, 1.0),
        counts=(2, 1, 1),
        exemplars=exemplars,
        start_ns=point.start_ns,
        time_ns=point.time_ns,
        scope=received.Scope("platform_instrument.metrics", __version__),
        resource={"service.name": "shop"},
    )


def test_nothing_is_sent_while_nothing_was_recorded() -> None:
    cell_of(Operation("x", CLIENT, {}, DURATION), DURATION, None)
    assert MetricEncoder({}).encode(METRICS) == b""


@pytest.mark.parametrize(
    ("exemplar_filter", "sampled", "unsampled"), [("trace_based", 1, 0), ("always_on", 1, 1), ("always_off", 0, 0)]
)
def test_the_exemplar_filter_decides_which_spans_are_remembered(exemplar_filter: str, sampled: int, unsampled: int) -> None:
    use_exemplar_filter(exemplar_filter)
    for flags in (1, 0):
        operation = Operation("x", CLIENT, {"db.system.name": f"flags {flags}"}, DURATION)
        cell_of(operation, DURATION, None).record(0.5, span(flags))
    assert [len(point.exemplars) for point in points()] == [sampled, unsampled]


@pytest.mark.faults
def test_a_histogram_that_cannot_be_encoded_is_left_out_alone() -> None:
    for name in ("good", "bad"):
        duration = Instrument(name, "How long.", constant=(), varying=(), bounds=(1.0,))
        cell_of(Operation("x", CLIENT, {}, duration), duration, None).record(0.5, span())
    METRICS.by_name["bad"].series()[0].counts[0] = "a fault"  # planted
    assert [point.name for point in points()] == ["good"]


def test_a_reset_histogram_starts_from_zero(metrics: Metrics) -> None:
    operation = Operation("x", CLIENT, {}, DURATION)
    cell_of(operation, DURATION, None).record(0.5, span())
    start = metrics.start_ns
    metrics.reset()
    assert not metrics.recorded()
    cell_of(operation, DURATION, None).record(0.05, span())
    (point,) = points()
    assert (point.count, point.counts, point.least, point.most, len(point.exemplars)) == (1, (1, 0, 0), 0.05, 0.05, 1)
    assert point.start_ns >= start


def test_more_series_than_are_bearable_are_counted_together(capfd: pytest.CaptureFixture[str]) -> None:
    for number in range(Limits.cardinality + 10):
        operation = Operation("x", CLIENT, {"db.system.name": f"system {number}"}, DURATION)
        cell_of(operation, DURATION, None).record(0.5, span())
    read = points()
    assert len(read) == Limits.cardinality + 1
    assert (read[-1].attributes, read[-1].count) == ({"otel.metric.overflow": True}, 10)
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "db.system.name" in said
