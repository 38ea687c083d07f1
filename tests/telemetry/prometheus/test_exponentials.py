"""Exponential histograms come out as classic ones whose counts are true, with few bounds that all series of a family share."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_instrument.core.values import HISTOGRAM
from platform_instrument.telemetry.metrics.cells import HistogramCell
from platform_instrument.telemetry.metrics.exponential import MOST_BUCKETS, use_exponential_histograms
from platform_instrument.telemetry.metrics.registry import Aggregation, Metrics
from platform_instrument.telemetry.prometheus.merge import departed, merge
from tests.telemetry.prometheus.scraping import INSIDE, metric, samples, scraped, taken, value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from platform_instrument.telemetry.prometheus.snapshot import Snapshot

MEASURED = st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e6), st.sampled_from((1.0, 2.0, 4.0))), min_size=1, max_size=20)
ANY = st.lists(st.floats(0, 1e300), min_size=1, max_size=5)


@pytest.fixture(autouse=True, scope="module")
def _exponential() -> Iterator[None]:
    use_exponential_histograms()
    yield
    Aggregation.histogram = HistogramCell


def measured(series: dict[str, Iterable[float]]) -> Snapshot:
    metrics = Metrics()
    made = metric(metrics, HISTOGRAM, "size")
    for kind, values in series.items():
        cell = made.cell((("kind", kind),))
        for each in values:
            cell.measure(each, INSIDE)
    return taken(metrics)


def buckets(of: Snapshot, kind: str) -> dict[float, float]:
    found = samples(scraped(of), "size_bucket")
    return {float(dict(labels)["le"]): count for labels, count in found.items() if dict(labels)["kind"] == kind}


@settings(max_examples=50, deadline=None)
@given(values=MEASURED)
def test_each_bucket_counts_what_is_not_above_its_bound(values: list[float]) -> None:
    of = measured({"a": values})
    found = buckets(of, "a")
    assert len(found) <= 21
    assert found == {bound: sum(each <= bound for each in values) for bound in found}
    assert value(scraped(of), "size_sum", kind="a") == pytest.approx(sum(values))


@settings(max_examples=50, deadline=None)
@given(first=MEASURED, second=MEASURED)
def test_all_series_of_a_family_have_the_same_bounds(first: list[float], second: list[float]) -> None:
    of = measured({"a": first, "b": second})
    assert buckets(of, "a").keys() == buckets(of, "b").keys()
    for kind, values in (("a", first), ("b", second)):
        assert all(count == sum(each <= bound for each in values) for bound, count in buckets(of, kind).items())


@settings(max_examples=50, deadline=None)
@given(of=st.lists(MEASURED, min_size=2, max_size=4), alive=st.lists(st.booleans(), min_size=4, max_size=4))
def test_processes_are_merged_exactly(of: list[list[float]], alive: list[bool]) -> None:
    parts = [(measured({"a": values}), lives, "") for values, lives in zip(of, alive, strict=False)]
    every = [each for values in of for each in values]
    merged = merge(parts, by_instance=False)
    assert all(count == sum(each <= bound for each in every) for bound, count in buckets(merged, "a").items())
    kept = [(departed(parts), False, ""), *[part for part in parts if part[1]]]
    assert scraped(merge(kept, by_instance=False)) == scraped(merged)


@settings(max_examples=50, deadline=None)
@given(of=st.lists(ANY, min_size=2, max_size=4))
def test_whatever_the_range_buckets_stay_few(of: list[list[float]]) -> None:
    merged = merge([(measured({"a": values}), True, "") for values in of], by_instance=False)
    assert len(merged[0][6][0][1][2]) <= MOST_BUCKETS
    assert len(buckets(merged, "a")) <= 21
    assert value(scraped(merged), "size_count", kind="a") == sum(map(len, of))


def test_when_the_range_grows_what_was_scraped_goes_on() -> None:
    metrics = Metrics()
    cell = metric(metrics, HISTOGRAM, "size").cell((("kind", "a"),))
    before: dict[float, float] = {}
    for exponent in range(40):
        cell.measure(1.5**exponent, None)
        now = buckets(taken(metrics), "a")
        for bound in before.keys() & now.keys():
            assert now[bound] >= before[bound]
        assert len(before) < 6 or len(before.keys() & now.keys()) >= len(before) // 2
        before = now


def test_exemplars_are_in_the_buckets_of_their_values() -> None:
    families = scraped(measured({"a": [0.001, 0.5, 0.0, 70.0]}))
    found = families["size"].exemplars
    assert sorted(each.value for each in found.values()) == [0.001, 0.5, 70.0] or len(found) == 3
    for (_, labels), each in found.items():
        bound = float(dict(labels)["le"])
        lower = max(
            (other for other in buckets(measured({"a": [0.001, 0.5, 0.0, 70.0]}), "a") if other < bound), default=-math.inf
        )
        assert lower < each.value <= bound


@pytest.mark.parametrize("values", [(4.10, 4.12), (4.12, 4.10)])
def test_of_exemplars_in_one_bucket_the_newest_is_shown(values: tuple[float, float]) -> None:
    families = scraped(measured({"a": values}))
    assert [each.value for each in families["size"].exemplars.values()] == [values[1]]


def test_bounds_are_no_finer_than_eight_to_a_doubling() -> None:
    bounds = sorted(buckets(measured({"a": [1.001, 1.05, 1.2, 1.3]}), "a"))[:-1]
    assert [high / low for low, high in pairwise(bounds)] == pytest.approx([2**0.125] * (len(bounds) - 1))
    assert len(bounds) == 4


def test_zeros_alone_are_counted() -> None:
    found = buckets(measured({"a": [0.0, 0.0]}), "a")
    assert set(found.values()) == {2}
