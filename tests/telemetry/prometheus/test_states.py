"""States of workers in their slots: whoever reads at any moment counts each once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.config.schema import Settings
from platform_instrument.core.values import COUNTER, GAUGE, Instrument
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.telemetry.ports import complaints
from platform_instrument.telemetry.prometheus.merge import merge
from platform_instrument.telemetry.prometheus.states import States
from platform_instrument.telemetry.workers import founding, membership
from platform_instrument.telemetry.workers.ledger import LEFT, STATE, Ledger
from platform_instrument.telemetry.workers.membership import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORK = Instrument("test.work", "Work.", unit="{piece}", kind=COUNTER)
WAITING = Instrument("test.waiting", "Waiting.", unit="{piece}", kind=GAUGE, merged="sum")


class Service:
    """A service whose workers are this process, one after the other in slot 0."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.states = States(Settings())
        self.begin()

    def begin(self) -> None:
        """Be the next worker in the slot."""
        for metric in METRICS.every():
            metric.reset()
        membership._Here.slot = Slot(self.ledger, 0, os.getpid())

    def work(self, times: int) -> None:
        """Count, and say how things are."""
        METRICS.metric(WORK).cell(()).add(times)
        METRICS.metric(WAITING).cell(()).put(times)

    def end(self, times: int) -> None:
        """Be a worker that counts, writes its state and ends."""
        self.work(times)
        self.states.write()
        self.begin()

    def total(self, name: str = "test_work") -> float:
        """Return what the page would say, 0 where it says nothing."""
        merged = merge(self.states.parts(), by_instance=False)
        return sum(float(row[1]) for family in merged if family[0] == name for row in family[6])


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Return a service of this process alone."""
    monkeypatch.setattr(founding.Founded, "descriptor", -1)
    monkeypatch.setattr(membership._Here, "slot", None)
    assert founding.make(tell=False)
    before = dict(METRICS.by_name)
    METRICS.by_name.clear()
    yield Service(Ledger(founding.Founded.descriptor))
    METRICS.by_name.clear()
    METRICS.by_name.update(before)
    founding.forget()


def test_a_worker_that_takes_over_keeps_the_counters_and_not_the_gauges(service: Service) -> None:
    for times in (5, 7, 11):
        service.end(times)
    assert (service.total(), service.total("test_waiting")) == (23, 0)
    service.work(2)
    service.states.write()
    assert (service.total(), service.total("test_waiting")) == (25, 2)


def test_every_moment_of_a_takeover_shows_the_same_total(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.end(5)
    service.end(7)
    totals = []
    put = Ledger.put

    def watched(ledger: Ledger, *arguments: Any) -> None:
        totals.append(service.total())
        put(ledger, *arguments)
        totals.append(service.total())

    monkeypatch.setattr(Ledger, "put", watched)
    service.states.write()
    assert totals == [12] * 4  # before and after what is left, and the first state


def test_a_takeover_between_the_two_records_that_are_read_changes_no_total(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.end(5)
    service.end(7)
    service.work(1)
    get, taken_over = Ledger.get, []

    def interrupted(ledger: Ledger, slot: int, record: int) -> tuple[int, bytes]:
        found = get(ledger, slot, record)
        if not taken_over:
            taken_over.append(True)
            service.states.write()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "get", interrupted)
        assert service.total() in {12, 13}
    assert service.total() == 13


@pytest.mark.parametrize("at", range(1, 6))
def test_a_worker_that_is_killed_at_any_write_of_a_takeover_is_counted_once(
    at: int, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.end(5)
    service.end(7)
    service.work(1)
    left = [at]

    def dying(write: Callable[..., int]) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            left[0] -= 1
            if left[0] <= 0:
                raise KeyboardInterrupt  # which nothing contains
            return write(*arguments)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", dying(os.pwrite))
        try:
            service.states.write()
        except KeyboardInterrupt:
            assert service.total() in {12, 13}
    total = service.total()
    service.begin()
    service.work(100)
    service.states.write()
    assert service.total() == total + 100


def test_a_worker_that_never_wrote_leaves_what_was_there(service: Service) -> None:
    service.end(5)
    service.begin()
    service.begin()
    assert service.total() == 5
    service.end(1)
    assert service.total() == 6
    assert service.ledger.get(0, LEFT)[0] == 1
    assert service.ledger.get(0, STATE)[0] == 4


def test_a_state_that_cannot_be_written_is_said_once_and_breaks_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    complaints.forget()
    monkeypatch.setattr(os, "pwrite", full)
    service.work(1)
    service.states.write()
    service.states.write()
    assert capfd.readouterr().err.count("other workers cannot see the metrics of this one: No space left") == 1
