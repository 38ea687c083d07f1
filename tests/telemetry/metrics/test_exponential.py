"""Exponential histograms, compared with the SDK's own and read back with `opentelemetry-proto`."""

from __future__ import annotations

import math
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_instrument.config.schema import Settings
from platform_instrument.core.values import CLIENT, HISTOGRAM, Instrument, Operation
from platform_instrument.telemetry.metrics.exponential import MOST_BUCKETS, ExponentialCell, bucket, upper_bound
from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import Aggregation, Metrics, cell_of
from platform_instrument.testing import received
from tests.processes import run

if TYPE_CHECKING:
    from collections.abc import Iterable

SIZES = Instrument("test.size", "How large.", unit="By", kind=HISTOGRAM, bounds=(1.0,))


def cell(values: Iterable[float]) -> ExponentialCell:
    made = ExponentialCell((("kind", "test"),))
    for value in values:
        made.measure(value, None)
    return made


def metrics_of(made: ExponentialCell) -> Metrics:
    metrics = Metrics()
    metrics.metric(SIZES).cells[made.attributes] = made
    return metrics


def sdk_point(values: Iterable[float]) -> object:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

    reader = InMemoryMetricReader()
    view = View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], views=[view], shutdown_on_exit=False)
    histogram = provider.get_meter("test").create_histogram("test.size")
    for value in values:
        histogram.record(value)
    data = reader.get_metrics_data()
    assert data is not None
    return data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 2.0, 4.0, 8.0],
        [0.001 * at for at in range(1, 5_000)],
        [0, 0, 1.5],
        [1e-300, 1e300],
        [7.0] * 10,
        [1 / 3, 2 / 3, 1.0, 1e6],
        [5e-324, 2.0**1023, 1.0],
    ],
)
def test_buckets_are_those_of_the_sdk(values: list[float]) -> None:
    expected = sdk_point(values)
    found = cell(values).read()
    step = found.scale - expected.scale  # type: ignore[attr-defined] # ours may be finer, since its window moves
    assert step >= 0
    ours: dict[int, int] = {}
    for at, count in enumerate(found.counts):
        ours[(found.offset + at) >> step] = ours.get((found.offset + at) >> step, 0) + count
    positive = expected.positive  # type: ignore[attr-defined]
    theirs = {positive.offset + at: count for at, count in enumerate(positive.bucket_counts)}
    assert {at: count for at, count in ours.items() if count} == {at: count for at, count in theirs.items() if count}
    assert found.zeros == expected.zero_count  # type: ignore[attr-defined]
    assert found.sum == pytest.approx(expected.sum)  # type: ignore[attr-defined]


@given(st.lists(st.floats(min_value=1e-250, max_value=1e250), min_size=1, max_size=60))
def test_every_value_lies_in_the_bucket_that_it_is_counted_in(values: list[float]) -> None:
    reading = cell(values).read()
    assert sum(reading.counts) == len(values)
    assert len(reading.counts) <= MOST_BUCKETS
    left = reading.counts.copy()
    for value in values:
        at = bucket(value, reading.scale, math.ldexp(1 / math.log(2), reading.scale))
        left[at - reading.offset] -= 1
        assert value <= upper_bound(at, reading.scale) * (1 + 1e-12)
        assert value >= upper_bound(at - 1, reading.scale) * (1 - 1e-12)
    assert not any(left)


def test_every_field_arrives() -> None:
    made = cell([0, 1.0, 2.0, 1000.0])
    (point,) = received.points(MetricEncoder({}).encode(metrics_of(made)))
    reading = made.read()
    assert (point.kind, point.unit, point.temporality, point.attributes) == (
        "exponential_histogram",
        "By",
        "CUMULATIVE",
        {"kind": "test"},
    )
    assert (point.count, point.sum, point.least, point.most, point.zeros) == (4, 1003.0, 0.0, 1000.0, 1)
    assert (point.scale, point.counts) == (reading.scale, tuple(reading.counts))
    assert point.bounds[0] == pytest.approx(1.0)
    assert point.bounds[-1] >= 1000.0 > point.bounds[-2]


def test_what_is_not_a_number_above_zero_is_told_and_not_counted(capfd: pytest.CaptureFixture[str]) -> None:
    made = cell([-1.0, math.nan, math.inf])
    assert not made.touched
    assert capfd.readouterr().err.count("\n") == 1


def test_the_deltas_of_a_widening_histogram_add_up() -> None:
    made = cell([1.0, 1.0001])
    metrics, encoder = metrics_of(made), MetricEncoder({}, "delta")
    (first,) = received.points(encoder.encode(metrics))
    made.measure(1e9, None)
    made.measure(1e-9, None)
    made.measure(1.0, None)
    (second,) = received.points(encoder.encode(metrics))
    assert (first.temporality, first.count, second.count) == ("DELTA", 2, 3)
    assert (sum(first.counts), sum(second.counts)) == (2, 3)
    assert all(count >= 0 for count in second.counts)
    assert second.start_ns == first.time_ns
    assert (second.least, second.most) == (1e-9, 1e9)
    assert encoder.encode(metrics) == b""


def test_no_measurement_is_lost_between_threads() -> None:
    made = ExponentialCell(())
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def measure(seed: int) -> None:
        for at in range(3_000):
            made.measure(1.5 ** ((at * seed) % 700 - 350), None)

    try:
        threads = [threading.Thread(target=measure, args=(seed,)) for seed in (3, 7, 11, 13)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert sum(made.read().counts) == 12_000


def test_the_setting_makes_all_histograms_exponential() -> None:
    program = (
        "from platform_instrument.config.read import read; from platform_instrument.telemetry import pipeline\n"
        "from platform_instrument.telemetry.metrics.registry import METRICS, new_cell\n"
        "from platform_instrument.core.values import Instrument\n"
        "import os; pipeline.start(read(os.environ)[0]); print(type(new_cell(Instrument('x', ''), ())).__name__)\n"
    )
    for value, expected in (
        ("base2_exponential_bucket_histogram", "ExponentialCell"),
        ("explicit_bucket_histogram", "HistogramCell"),
    ):
        variables = {"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": value}
        assert run([sys.executable, "-c", program], env=variables).stdout.strip() == expected


def test_an_operation_is_counted_in_an_exponential_cell_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Aggregation, "histogram", lambda attributes, _bounds: ExponentialCell(attributes))
    duration = Instrument("test.exponential.duration", "")
    assert type(cell_of(Operation("x", CLIENT, {}, duration), duration, None)) is ExponentialCell
    assert Settings().exporter_otlp_metrics_default_histogram_aggregation == "explicit_bucket_histogram"
