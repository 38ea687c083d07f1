"""Each pause of the garbage collector is counted once, for as long as it was, and nobody's signal is lost in the counting."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.runtime.metrics.pauses import BOUNDS, Pauses
from tests.strikes import StruckError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pauses() -> Iterator[Pauses]:
    """Count pauses, with nobody else's callbacks in between."""
    before = list(gc.callbacks)
    gc.callbacks.clear()
    counting = Pauses()
    counting.begin()
    gc.disable()
    yield counting
    gc.enable()
    counting.end()
    assert gc.callbacks == []
    gc.callbacks.extend(before)


def cycles(count: int) -> list[Any]:
    """Return objects that only the collector frees."""
    made: list[Any] = []
    for _ in range(count):
        one: list[Any] = []
        one.append(one)
        made.append(one)
    return made


def measured(generation: int) -> float:
    """Collect; return the seconds that it took, seen from outside."""
    began = time.perf_counter()
    gc.collect(generation)
    return time.perf_counter() - began


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_a_planted_collection_is_counted_in_its_generation_for_as_long_as_it_took(generation: int, pauses: Pauses) -> None:
    gc.collect()
    before, seconds = [sum(counts) for counts in pauses.counts], pauses.seconds(generation)
    planted = cycles(100_000)
    del planted
    took = measured(generation)
    expected = [count + (each == generation) for each, count in enumerate(before)]
    assert [sum(counts) for counts in pauses.counts] == expected
    pause = pauses.seconds(generation) - seconds
    assert 0.5 * took < pause <= took
    bucket = next(at for at, bound in enumerate((*BOUNDS, float("inf"))) if pause <= bound)
    assert pauses.counts[generation][bucket] >= 1


def test_every_collection_of_every_thread_is_counted_once(pauses: Pauses) -> None:
    gc.collect()
    before = [sum(counts) for counts in pauses.counts]
    stats = [each["collections"] for each in gc.get_stats()]
    gc.enable()
    threads = [threading.Thread(target=cycles, args=(30_000,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.disable()
    collected = [each["collections"] - then for each, then in zip(gc.get_stats(), stats, strict=True)]
    assert sum(collected) > 50
    assert [sum(counts) - then for counts, then in zip(pauses.counts, before, strict=True)] == collected


def test_a_collection_inside_a_finalizer_of_another_counts_no_more_than_it(pauses: Pauses) -> None:
    class Collecting:
        def __del__(self) -> None:
            gc.collect()

    gc.collect()
    before = [sum(counts) for counts in pauses.counts]
    one = Collecting()
    one.itself = one  # type: ignore[attr-defined]
    del one
    gc.collect()
    assert [sum(counts) - then for counts, then in zip(pauses.counts, before, strict=True)] == [0, 0, 1]


def test_a_time_limit_that_strikes_during_a_collection_reaches_the_application(pauses: Pauses) -> None:
    """A callback in Python is where it would strike, and the collector would drop what it raises."""

    def strike(_number: int, _frame: Any) -> None:
        raise StruckError

    planted = cycles(300_000)
    assert measured(2) > 0.002
    handler = signal.signal(signal.SIGALRM, strike)
    try:
        struck = 0
        for _ in range(20):
            signal.setitimer(signal.ITIMER_REAL, 0.002)
            try:
                gc.collect()
                time.sleep(1)
            except StruckError:
                struck += 1
        assert struck == 20
    finally:
        signal.signal(signal.SIGALRM, handler)
    assert planted
    assert sum(pauses.counts[2]) >= 20


def test_it_is_in_nobody_s_way_when_the_collector_is_looked_at(pauses: Pauses) -> None:
    for callback in gc.callbacks:
        callback("start", {"generation": 0, "collected": 0, "uncollectable": 0})
        callback("stop", {"generation": 0, "collected": 0, "uncollectable": 0})
        assert repr(callback)
    assert sum(pauses.counts[0]) == 1


def test_counting_that_begins_in_the_middle_of_a_collection_is_no_fault(capfd: pytest.CaptureFixture[str]) -> None:
    counting = Pauses()

    def late(phase: str, _info: Any) -> None:
        if phase == "start":
            counting.begin()

    gc.callbacks.insert(0, late)
    gc.collect(1)
    gc.callbacks.remove(late)
    gc.collect(1)
    counting.end()
    assert sum(counting.counts[1]) in {1, 2, 3}
    assert capfd.readouterr() == ("", "")


def test_a_fork_child_counts_from_zero(pauses: Pauses) -> None:
    gc.collect()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        pauses.after_fork()
        gc.collect(1)
        os.write(write, f"{[sum(counts) for counts in pauses.counts]} {pauses.seconds(2)} {len(gc.callbacks)}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"[0, 1, 0] 0.0 2"
    assert sum(pauses.counts[2]) == 1
    os.close(read)
    os.close(write)


def test_a_collection_costs_a_few_microseconds_more() -> None:
    """The least of many runs: some of it is what the interpreter spends on having callbacks at all."""
    before = list(gc.callbacks)
    gc.callbacks.clear()
    counting = Pauses()

    def cost() -> float:
        best = 1.0
        for _ in range(200):
            began = time.perf_counter()
            for _ in range(100):
                gc.collect(0)
            best = min(best, (time.perf_counter() - began) / 100)
        return best

    gc.disable()
    try:
        without = cost()
        counting.begin()
        with_counting = cost()
    finally:
        gc.enable()
        counting.end()
        gc.callbacks.extend(before)
    assert with_counting - without < 25e-6, sys.version
