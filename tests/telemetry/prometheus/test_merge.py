"""The metrics of several processes are those of one service: nothing is lost, nothing is counted twice."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_instrument.core.values import COUNTER, GAUGE, HISTOGRAM, UP_DOWN_COUNTER
from platform_instrument.telemetry.metrics.registry import Limits, Metrics
from platform_instrument.telemetry.ports.complaints import forget
from platform_instrument.telemetry.prometheus import merge as merging
from platform_instrument.telemetry.prometheus.merge import departed, merge
from platform_instrument.telemetry.prometheus.snapshot import Snapshot
from tests.telemetry.prometheus.scraping import BOUNDS, INSIDE, metric, samples, scraped, taken, value

Parts = list[tuple[Snapshot, bool, str]]


@dataclass
class Worker:
    """A process that measures one of each kind."""

    name: str
    alive: bool = True

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        self.orders = metric(self.metrics, COUNTER, "orders").cell((("kind", "book"),))
        self.active = metric(self.metrics, UP_DOWN_COUNTER, "active").cell(())
        self.gauges = {
            merged: metric(self.metrics, GAUGE, f"level_{merged}", merged=merged).cell(()) for merged in ("sum", "max", "min")
        }
        self.duration = metric(self.metrics, HISTOGRAM, "duration", unit="s").cell(())

    def part(self) -> tuple[Snapshot, bool, str]:
        return (taken(self.metrics), self.alive, self.name)


def workers(count: int = 3, dead: int = 1) -> list[Worker]:
    made = [Worker(f"worker-{number}", alive=number >= dead) for number in range(count)]
    for number, worker in enumerate(made, 1):
        worker.orders.add(number)
        worker.active.add(number)
        for cell in worker.gauges.values():
            cell.put(number)
        worker.duration.measure(0.05 * number, None)
    return made


def parts(of: list[Worker]) -> Parts:
    return [worker.part() for worker in of]


def test_counters_and_histograms_are_summed_those_of_dead_workers_too() -> None:
    families = scraped(merge(parts(workers()), by_instance=False))
    assert value(families, "orders_total", kind="book") == 6
    assert {dict(labels)["le"]: count for labels, count in samples(families, "duration_seconds_bucket").items()} == {
        "0.1": 2,
        "1.0": 3,
        "10.0": 3,
        "+Inf": 3,
    }
    assert value(families, "duration_seconds_sum") == pytest.approx(0.3)


def test_what_is_now_is_that_of_the_living() -> None:
    families = scraped(merge(parts(workers()), by_instance=False))
    assert value(families, "active") == 5
    assert [value(families, f"level_{merged}") for merged in ("sum", "max", "min")] == [5, 3, 2]


def test_whole_numbers_stay_whole() -> None:
    ((*_, rows),) = [family for family in merge(parts(workers()), by_instance=False) if family[0] == "orders"]
    assert [(type(row[1]), row[1]) for row in rows] == [(int, 6)]


def test_by_instance_each_process_keeps_series_of_its_own() -> None:
    families = scraped(merge(parts(workers()), by_instance=True))
    found = {dict(labels)["service_instance_id"]: count for labels, count in samples(families, "orders_total").items()}
    assert found == {"worker-0": 1, "worker-1": 2, "worker-2": 3}
    assert {dict(labels)["service_instance_id"] for labels in samples(families, "level_sum")} == {"worker-1", "worker-2"}


def test_by_instance_a_worker_goes_on_where_the_dead_one_of_its_id_was() -> None:
    dead, alive = workers(2)
    dead.name = alive.name = 'a "slot"\\'
    families = scraped(merge(parts([dead, alive]), by_instance=True))
    assert samples(families, "orders_total") == {frozenset({("kind", "book"), ("service_instance_id", 'a "slot"\\')}): 3}


def test_of_exemplars_the_newest_of_each_bucket_is_kept() -> None:
    first, second = workers(2, dead=0)
    second.duration.measure(0.06, INSIDE)
    first.duration.measure(0.07, INSIDE)
    second.duration.measure(5.0, INSIDE)
    first.orders.measure(1, INSIDE)
    second.orders.measure(2, INSIDE)
    for order in ([first, second], [second, first]):
        families = scraped(merge(parts(order), by_instance=False))
        found = {dict(labels)["le"]: each.value for (_, labels), each in families["duration_seconds"].exemplars.items()}
        assert found == {"0.1": 0.07, "10.0": 5.0}
        assert [each.value for each in families["orders"].exemplars.values()] == [2]


def test_what_departed_is_kept_and_counts_on() -> None:
    made = workers(4, dead=2)
    made[0].duration.measure(0.5, INSIDE)
    before = scraped(merge(parts(made), by_instance=False))
    kept = departed(parts(made))
    assert {family[0] for family in kept} == {"orders", "duration_seconds"}
    living: Parts = [worker.part() for worker in made if worker.alive]
    assert scraped(merge([(kept, False, ""), *living], by_instance=False)) == before


def test_nothing_is_kept_of_the_living() -> None:
    assert departed(parts(workers(2, dead=0))) == []


@settings(max_examples=50, deadline=None)
@given(
    measured=st.lists(st.lists(st.floats(0, 1e9), min_size=1, max_size=5), min_size=2, max_size=5),
    alive=st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_totals_are_exact_and_do_not_change_when_workers_are_written_back(measured: list[list[float]], alive: list[bool]) -> None:
    made = [Worker(str(number), alive=lives) for number, lives in zip(range(len(measured)), alive, strict=False)]
    for worker, amounts in zip(made, measured, strict=True):
        for amount in amounts:
            worker.orders.add(amount)
            worker.duration.measure(amount, None)
    before = scraped(merge(parts(made), by_instance=False))
    assert value(before, "duration_seconds_count") == sum(map(len, measured))
    assert value(before, "orders_total", kind="book") == float(sum(Fraction(worker.orders.value) for worker in made))
    kept: Snapshot = []
    for worker in made:
        if not worker.alive:
            kept = departed([(kept, False, ""), worker.part()])
    living = [worker.part() for worker in made if worker.alive]
    assert scraped(merge([(kept, False, ""), *living], by_instance=False)) == before


def test_of_instruments_with_other_bounds_each_keeps_its_own() -> None:
    narrow, wide = Metrics(), Metrics()
    metric(narrow, HISTOGRAM, bounds=(1.0,)).cell((("process", "a"),)).measure(0.5, None)
    metric(wide, HISTOGRAM, bounds=BOUNDS).cell((("process", "b"),)).measure(0.5, None)
    families = scraped(merge([(taken(narrow), True, ""), (taken(wide), True, "")], by_instance=False))
    assert {dict(labels)["le"] for labels in samples(families, "x_bucket")} == {"0.1", "1.0", "10.0", "+Inf"}
    assert sum(samples(families, "x_count").values()) == 2


def test_a_page_has_no_more_series_than_it_may(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    of: Parts = []
    for number in range(4):
        metrics = Metrics()
        for item in range(4):
            metric(metrics, COUNTER, f"orders_{item}").cell((("worker", str(number)),)).add(1)
        of.append((taken(metrics), True, ""))
    forget()
    monkeypatch.setattr(merging, "_MOST_PROCESSES", 2)
    monkeypatch.setattr(Limits, "series", 5)
    for _ in range(2):
        families = scraped(merge(of, by_instance=False))
        departed([(snapshot, False, instance) for snapshot, _, instance in of])
    assert sum(len(family.samples) for family in families.values()) == 10
    (line,) = capfd.readouterr().err.splitlines()
    assert "have 6 series more than a page" in line
    assert "raise PLATFORM_METRICS_SERIES_LIMIT" in line


def test_parts_are_not_changed() -> None:
    of = parts(workers())
    before: Any = repr(of)
    merge(of, by_instance=True)
    merge(of, by_instance=False)
    departed(of)
    assert repr(of) == before
