"""How a service stands, by what its workers tell in their common memory; and whose word counts."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from platform_instrument.engine.health import DOWN, HEALTH, UP, Check
from platform_instrument.engine.probes import DRAINING, READY, STARTING, UNREADY
from platform_instrument.runtime.health import tree
from platform_instrument.telemetry.workers import founding, membership
from platform_instrument.telemetry.workers.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

NONE = {STARTING: 0, READY: 0, UNREADY: 0, DRAINING: 0}


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        ({}, STARTING),
        ({STARTING: 3}, STARTING),
        ({READY: 1}, READY),
        ({READY: 1, STARTING: 3}, READY),
        ({READY: 1, DRAINING: 3}, READY),
        ({READY: 3, UNREADY: 1}, UNREADY),
        ({UNREADY: 1, DRAINING: 3}, UNREADY),
        ({STARTING: 1, DRAINING: 1}, DRAINING),
    ],
)
def test_the_service_is_ready_if_one_is_and_none_that_serves_is_not(workers: dict[str, int], expected: str) -> None:
    assert tree.of_all({**NONE, **workers}) == expected


def test_where_the_process_that_ends_them_drains_all_do() -> None:
    HEALTH.elsewhere = lambda: True
    try:
        assert tree.of_all({**NONE, READY: 4}) == DRAINING
    finally:
        HEALTH.elsewhere = None


HOLDER = """
import os, sys
sys.path[:0] = sys.argv[3:]
from platform_instrument.telemetry.workers.locks import lock
descriptor = os.open(sys.argv[1], os.O_RDWR)
print(lock(descriptor, int(sys.argv[2])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """Return the memory of a service in which this process has the slot 0."""
    monkeypatch.setattr(founding.Founded, "descriptor", -1)
    monkeypatch.setattr(founding.Founded, "identity", (0, 0))
    assert founding.make(tell=False)
    made = Ledger(founding.Founded.descriptor)
    monkeypatch.setattr(membership._Here, "ledger", made)
    monkeypatch.setattr(membership._Here, "slot", None)
    HEALTH.renew()
    mine = membership.slot()
    assert mine is not None
    assert mine.number == 0
    yield made
    HEALTH.renew()
    founding.forget()


@pytest.fixture
def another(ledger: Ledger) -> Iterator[subprocess.Popen[str]]:
    """Return a process that has the slot 1, in its first generation."""
    ledger.take(1, 1, 0)
    memory = f"/proc/{os.getpid()}/fd/{ledger.descriptor}"
    words = [sys.executable, "-c", HOLDER, memory, "1", *sys.path]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        yield holder
        holder.kill()


def test_what_this_process_tells_is_how_it_stands(ledger: Ledger) -> None:
    HEALTH.on_change.append(tree.tell)
    try:
        found = []
        for change in (
            HEALTH.load,
            lambda: HEALTH.report(Check("db", DOWN, critical=True)),
            lambda: HEALTH.report(Check("db", UP, critical=True)),
            HEALTH.drain,
        ):
            change()
            generation, told = ledger.health(0)
            found.append((generation, tree.STANDINGS[told]))
    finally:
        HEALTH.on_change.remove(tree.tell)
    assert found == [(1, READY), (1, UNREADY), (1, READY), (1, DRAINING)]


def test_others_count_while_they_live_by_what_they_themselves_have_told(ledger: Ledger, another: subprocess.Popen[str]) -> None:
    HEALTH.load()
    silent = tree.workers()
    ledger.put_health(1, 1, tree.STANDINGS.index(UNREADY))
    told = tree.workers()
    ledger.take(1, 1, 0)
    by_one_before = tree.workers()
    ledger.put_health(1, 2, len(tree.STANDINGS))
    supervising = tree.workers()
    another.kill()
    another.wait()
    ledger.put_health(1, 2, tree.STANDINGS.index(READY))
    gone = tree.workers()
    assert silent == {**NONE, READY: 1, STARTING: 1}
    assert told == {**NONE, READY: 1, UNREADY: 1}
    assert by_one_before == silent
    assert supervising == gone == {**NONE, READY: 1}


def test_who_only_looks_after_others_does_not_count_until_it_serves(ledger: Ledger) -> None:
    try:
        tree.supervise(supervises=True)
        assert (tree.workers(), ledger.health(0)) == (NONE, (1, len(tree.STANDINGS)))
        HEALTH.load()
        assert tree.workers() == {**NONE, READY: 1}
    finally:
        tree.supervise(supervises=False)


def test_a_process_without_a_slot_is_alone_and_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(founding.Founded, "descriptor", -1)
    monkeypatch.setattr(membership._Here, "slot", None)
    HEALTH.renew()
    tree.tell()
    assert membership.held() is None
    assert tree.workers() == {**NONE, STARTING: 1}
