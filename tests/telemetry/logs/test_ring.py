"""What is kept of requests: the latest lines, within bounds for one and for all, whatever threads do to it at the same moment."""

from __future__ import annotations

import gc
import sys
import threading
from typing import TYPE_CHECKING

from platform_instrument.telemetry.logs import ring as rings_of
from platform_instrument.telemetry.logs.kept import Kept
from platform_instrument.telemetry.logs.ring import Ring, Rings

if TYPE_CHECKING:
    import pytest


def line(weight: int) -> Kept:
    made = Kept()
    made.weight = weight
    return made


def opened(rings: Rings) -> Ring:
    ring = rings.open(1)
    assert ring is not None
    return ring


def test_the_latest_lines_stay_and_those_that_gave_way_are_counted() -> None:
    rings = Rings(100)
    ring = opened(rings)
    lines = [line(30) for _ in range(5)]
    for each in lines:
        ring.put(each)
    assert (ring.weight, rings.weight, ring.left_out) == (90, 90, 2)
    assert ring.take() == lines[2:]
    assert (ring.weight, rings.weight, ring.take()) == (0, 0, [])


def test_a_line_that_is_larger_than_the_ring_leaves_nothing() -> None:
    ring = opened(Rings(100))
    ring.put(line(60))
    ring.put(line(101))
    assert (ring.weight, ring.left_out, ring.take()) == (0, 2, [])


def test_all_together_have_a_bound_and_each_gives_way_by_its_own_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings_of, "MOST_TOGETHER", 100)
    rings = Rings(80)
    first, second = opened(rings), opened(rings)
    kept = [line(40) for _ in range(2)]
    for each in kept:
        first.put(each)
    second.put(line(30))
    assert (second.take(), second.left_out) == ([], 1)
    assert first.take() == kept
    second.put(line(30))
    assert second.weight == rings.weight == 30


def test_there_are_no_more_than_so_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings_of, "MOST_RINGS", 2)
    rings = Rings(100)
    first, second = opened(rings), opened(rings)
    assert rings.open(1) is None
    first.close()
    first.close()
    third = opened(rings)
    assert rings.open(1) is None
    del second
    assert rings.open(1) is not None
    assert third.opened


def test_a_request_that_is_dropped_without_an_end_gives_back_what_it_held() -> None:
    rings = Rings(100)
    ring = opened(rings)
    ring.put(line(40))
    ring.lines[0].logger = ring  # type: ignore[assignment] # a cycle, as a line's context makes one
    del ring
    gc.collect()
    assert (rings.number, rings.weight) == (0, 0)


def test_what_comes_after_the_end_is_not_kept() -> None:
    rings = Rings(100)
    ring = opened(rings)
    ring.close()
    ring.put(line(40))
    assert (rings.weight, len(ring.lines)) == (0, 0)


def test_threads_lose_no_weight() -> None:
    rings = Rings(1_000)
    ring, seen = opened(rings), []
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def put() -> None:
        for _ in range(2_000):
            ring.put(line(7))

    def take() -> None:
        seen.extend(len(ring.take()) for _ in range(500))

    threads = [threading.Thread(target=act) for act in (put, put, put, take)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    finally:
        sys.setswitchinterval(before)
    ring.close()
    left = len(ring.take())
    assert sum(seen) + left + ring.left_out == 6_000
    assert (ring.weight, rings.weight) == (0, 0)
