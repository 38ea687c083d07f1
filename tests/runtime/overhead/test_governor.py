"""The errand: when samples are taken and windows judged, what comes next, what is said and shown; on a clock of the test's."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from platform_instrument.core import report
from platform_instrument.core.values import CLIENT, SERVER, Operation
from platform_instrument.runtime.overhead import governor as module
from platform_instrument.runtime.overhead import stopwatch as stopwatch_module
from platform_instrument.runtime.overhead.budget import LOGS, SPANS, TRACES
from platform_instrument.runtime.overhead.figures import EXCESS, OVERHEAD, SHED, Figures
from platform_instrument.runtime.overhead.governor import Governor
from platform_instrument.runtime.overhead.tally import Tally
from platform_instrument.telemetry import pipeline, tracer
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.telemetry.scope import own_scope
from tests.engine.observing import installed, target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.telemetry.span import Span

SECOND = 1_000_000_000


class Machine:
    """A clock, and a process that spends CPU time as the test says: in all, and in the worker."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.process = self.worker = 0
        self.busy = self.sending = 0.0
        """Shares of one CPU."""
        self.costs: dict[str, float] = {}
        """Shares of the application's CPU time, by instrumentation."""
        self.spans: list[Span] = []
        """Those that end in each sample, with their names."""
        self.levels: list[int] = []

    def go(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.process += int(seconds * SECOND * self.busy)
        self.worker += int(seconds * SECOND * self.sending)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return one in whose time the governor lives."""
    made = Machine()
    for place in (module, stopwatch_module):
        monkeypatch.setattr(place, "process_time_ns", lambda: made.process)
        monkeypatch.setattr(place, "worker_ns", lambda: made.worker)
    monkeypatch.setattr(module, "monotonic", lambda: made.now)
    monkeypatch.setattr(report, "_last_said", {})
    return made


@pytest.fixture
def governor() -> Iterator[Governor]:
    """Return one with a budget of three per cent, which is gone after the test."""
    with installed(target("place")):
        made = Governor(0.03)
        yield made
        made.renew()


def span(library: str, kind: int = CLIENT, parent: int = 7) -> Span:
    made = tracer.start("x", kind, Operation("x", kind, {}), None, own_scope(library), None, 0)
    made.parent_id = parent
    return made


def live(governor: Governor, machine: Machine, seconds: float) -> None:
    """Let the worker take a turn ten times a second, and the application do what it does in each sample."""
    for _ in range(round(seconds * 10)):
        machine.go(0.1)
        stopwatch = governor._stopwatch
        opened = stopwatch.opened
        governor.turn()
        if not opened and stopwatch.opened:
            for name, cost in machine.costs.items():
                share = stopwatch.tally.share(name)
                share.calls += 1
                share.timed += 1
                share.ns += int(0.1 * SECOND * (machine.busy - machine.sending) * cost)
            for each in machine.spans:
                stopwatch.tally.ended(each, each.scope.name.rpartition(".")[2])
            for level in machine.levels:
                stopwatch.tally.logged(level)


def steps(governor: Governor) -> list[tuple[str, str | int]]:
    return [(step.kind, step.what) for step in governor.budget.steps]


def test_shares_are_of_the_whole_process_whose_worker_is_one_of_them(governor: Governor, machine: Machine) -> None:
    machine.busy, machine.sending, machine.costs = 1.0, 0.1, {"redis": 0.02}
    live(governor, machine, 8)
    assert governor.shares == pytest.approx({"redis": 0.018, "worker": 0.1}, rel=0.1)


def test_samples_are_a_tenth_of_the_time_or_less(governor: Governor, machine: Machine) -> None:
    machine.busy = 1.0
    opened = 0
    for _ in range(200):
        machine.go(0.05)
        governor.turn()
        opened += governor._stopwatch.opened
    assert 10 <= opened <= 30


def test_within_the_budget_nothing_is_left_out_or_said(
    governor: Governor, machine: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    machine.busy, machine.costs = 1.0, {"redis": 0.029}
    machine.spans, machine.levels = [span("redis")], [10]
    live(governor, machine, 60)
    assert steps(governor) == []
    assert capfd.readouterr().err == ""


def test_over_the_budget_logs_go_then_the_noisiest_libraries_then_traces(governor: Governor, machine: Machine) -> None:
    machine.busy, machine.sending, machine.costs = 1.0, 0.05, {"redis": 0.02, "httpx": 0.05, "http": 0.2, "application": 0.3}
    machine.spans = [*[span("redis") for _ in range(5)], span("httpx"), span("http", SERVER, 0), span("application")]
    machine.levels = [20]
    seen: list[tuple[str, str | int]] = []
    for _ in range(60):
        live(governor, machine, 1)
        if steps(governor) != seen:
            seen = steps(governor)
            if len(seen) == 4:
                break
    assert seen == [(LOGS, ""), (SPANS, "httpx"), (SPANS, "redis"), (TRACES, 2)]


def test_a_process_that_does_next_to_nothing_leaves_nothing_out(governor: Governor, machine: Machine) -> None:
    machine.busy, machine.sending, machine.spans = 0.02, 0.015, [span("redis")]
    live(governor, machine, 60)
    assert steps(governor) == []
    assert governor.shares["worker"] == pytest.approx(0.75)


def test_what_is_seldom_is_not_worth_it() -> None:
    tally = Tally()
    for _ in range(500):
        tally.ended(span("redis"), "redis")
    tally.ended(span("httpx"), "httpx")
    tally.logged(10)
    figures = Figures(tally, SECOND, SECOND, SECOND // 10)
    assert figures.noisiest(()) == "redis"
    assert figures.noisiest({"redis"}) == ""
    assert not figures.has_low_lines


def test_what_cannot_be_left_out_is_said_and_shown(
    governor: Governor, machine: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    machine.busy, machine.costs = 1.0, {"redis": 0.08}
    live(governor, machine, 20)
    assert capfd.readouterr().err == (
        "platform-instrument: observing takes 8.0% of this process's CPU time (PLATFORM_MAX_OVERHEAD=3%); nothing can be left out\n"
    )
    governor.show()
    (excess,) = METRICS.metric(EXCESS).series()
    assert excess.value == pytest.approx(0.05, rel=0.1)
    (shown,) = [cell for cell in METRICS.metric(OVERHEAD).series() if dict(cell.attributes)["platform.library.name"] == "redis"]
    assert shown.value == pytest.approx(0.08, rel=0.1)
    assert {dict(cell.attributes)["platform.overhead.kind"] for cell in METRICS.metric(SHED).series()} == {
        "logs",
        "spans",
        "traces",
    }


def test_a_change_is_said_once_and_changes_in_the_same_minute_together(
    governor: Governor, machine: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    machine.busy, machine.costs, machine.levels = 1.0, {"redis": 0.08}, [20]
    machine.spans = [span("redis")]
    live(governor, machine, 40)
    first = capfd.readouterr().err
    assert first.count("\n") == 1
    assert first.endswith("left out until there is room: log records below warning\n")
    live(governor, machine, 60)
    second = capfd.readouterr().err
    assert second.endswith("left out until there is room: log records below warning, spans of redis; nothing more can be\n")
    assert second.count("\n") == 1
    live(governor, machine, 120)
    assert capfd.readouterr().err == ""
    machine.busy = 0.01
    live(governor, machine, 60)
    assert steps(governor) == []
    live(governor, machine, 60)
    assert capfd.readouterr().err == (
        "platform-instrument: observing is within PLATFORM_MAX_OVERHEAD=3% again, and everything is exported\n"
    )


def test_a_fork_child_begins_anew_in_the_middle_of_a_sample(governor: Governor, machine: Machine) -> None:
    machine.busy, machine.costs, machine.levels = 1.0, {"redis": 0.08}, [20]
    live(governor, machine, 20)
    while not governor._stopwatch.opened:
        live(governor, machine, 0.1)
    assert steps(governor)
    governor.renew()
    assert not any((steps(governor), governor._stopwatch.opened))
    assert governor.shares == {}
    assert "settle" not in vars(pipeline.PIPELINE)
    governor.turn()
    assert governor._stopwatch.opened


def test_the_worker_may_be_another_thread_each_time(
    governor: Governor, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    idents = iter(range(1, 10_000))
    current = [0]
    monkeypatch.setattr(threading, "get_ident", lambda: current[0])
    machine.busy, machine.sending = 1.0, 0.2
    for _ in range(8):
        current[0] = next(idents)
        machine.worker = 0
        live(governor, machine, 1)
    assert governor.shares["worker"] == pytest.approx(0.2, rel=0.3)


def test_where_greenlets_stand_in_for_threads_the_worker_is_timed_as_it_encodes(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    del machine
    monkeypatch.setattr(threading, "get_native_id", os.getpid)
    assert stopwatch_module.greenlets()
    with installed(target("place")):
        running = pipeline.PIPELINE
        assert running is not None
        stopwatch = stopwatch_module.Stopwatch()
        stopwatch.open()
        running.outlets().put_spans([span("redis")])
        stopwatch.close()
        assert "put_spans" not in vars(running.outlets())
    assert stopwatch.take()[0].of["worker"].calls == 1
