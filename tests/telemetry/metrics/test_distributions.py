"""What a histogram puts off until it is read is counted exactly, by several threads, sizes with their exemplars."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_instrument.core.values import HISTOGRAM, SERVER, Instrument
from platform_instrument.telemetry import tracer
from platform_instrument.telemetry.context import Ambient
from platform_instrument.telemetry.metrics.cells import DistributionCell, HistogramCell
from platform_instrument.telemetry.metrics.exponential import ExponentialCell
from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import Metrics
from platform_instrument.telemetry.scope import InstrumentationScope
from platform_instrument.testing import received

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.telemetry.span import Span

BOUNDS = (0.0, 10.0, 100.0)
SIZES = Instrument("test.size", "How large.", unit="By", kind=HISTOGRAM, bounds=BOUNDS)
KINDS: list[Callable[[], DistributionCell]] = [lambda: HistogramCell((), BOUNDS), lambda: ExponentialCell(())]


def span(number: int = 1) -> Span:
    made = tracer.start("x", SERVER, None, None, InstrumentationScope("x"), Ambient(1, 1, 1), 0)
    made.span_id, made.end_ns = number, number
    return made


SOME = span()


def read(cell: DistributionCell) -> received.Point:
    metrics = Metrics()
    metrics.metric(SIZES).cells[cell.attributes] = cell
    (point,) = received.points(MetricEncoder({"service.name": "shop"}).encode(metrics))
    return point


@pytest.mark.parametrize("make", KINDS)
def test_what_is_counted_by_value_reads_as_what_is_recorded_one_by_one(make: Callable[[], DistributionCell]) -> None:
    sizes = [0, 5, 5, 7, 5, 120, 0, 7, 5]
    counted, recorded = make(), make()
    for size in sizes:
        counted.count(size, span())
        recorded.record(float(size), span())
    first, second = read(counted), read(recorded)
    assert (first.count, first.sum, first.counts) == (second.count, second.sum, second.counts)
    assert (first.least, first.most) == (second.least, second.most) == (0, 120)
    for size in sizes:  # a reading is not the end of it
        counted.count(size, span())
    assert (read(counted).count, read(counted).sum) == (2 * len(sizes), 2 * sum(sizes))


def test_each_size_has_a_new_exemplar_after_each_reading() -> None:
    cell = HistogramCell((), BOUNDS)
    for number in (1, 2):
        cell.count(5, span(number))
    assert [exemplar.span_id for exemplar in read(cell).exemplars] == [f"{1:016x}"]
    cell.count(5, span(3))
    assert [exemplar.span_id for exemplar in read(cell).exemplars] == [f"{3:016x}"]


@pytest.mark.parametrize("make", KINDS)
def test_sizes_that_are_all_different_are_bounded_and_none_is_lost(make: Callable[[], DistributionCell]) -> None:
    cell, some = make(), span()
    for size in range(5_000):
        cell.count(size, some)
        cell.count(size, some)
        assert len(cell.seen) <= 256
    assert (read(cell).count, read(cell).sum) == (10_000, 2 * sum(range(5_000)))


@pytest.mark.parametrize(
    "put_off", [lambda cell, number: cell.count(number, SOME), lambda cell, number: cell.note(float(number))]
)
def test_nothing_is_lost_between_threads_and_readings(put_off: Callable[[HistogramCell, int], None]) -> None:
    cell, times = HistogramCell((), BOUNDS), 30_000
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: [put_off(cell, number % 3) for number in range(times)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            cell.fold()
    finally:
        sys.setswitchinterval(before)
    for thread in threads:
        thread.join()
    assert read(cell).count == 4 * times


@pytest.mark.parametrize("make", KINDS)
@given(values=st.lists(st.one_of(st.floats(0, 1_000), st.sampled_from(BOUNDS)), max_size=600))
def test_what_is_noted_reads_as_what_is_measured_one_by_one(make: Callable[[], DistributionCell], values: list[float]) -> None:
    noted, measured = make(), make()
    noted.note(3.0)
    measured.measure(3.0, None)
    for value in values:
        noted.note(value)
        measured.measure(value, None)
        assert len(noted.noted) < 512
    first, second = read(noted), read(measured)
    assert (first.count, first.counts, first.sum) == (second.count, second.counts, pytest.approx(second.sum))
    assert (first.least, first.most) == (second.least, second.most)


def test_a_child_starts_from_zero() -> None:
    cell = HistogramCell((), BOUNDS)
    for _ in range(3):
        cell.count(5, span())
        cell.note(5.0)
    cell.reset()
    cell.count(5, span())
    assert read(cell).count == 1
