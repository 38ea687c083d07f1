"""How a process is: what it takes to be started and ready, and that nothing of it outlives a fork."""

from __future__ import annotations

import os
import threading

import pytest

from platform_instrument.engine.health import DOWN, HEALTH, MOST_CHECKS, UNKNOWN, UP, Check, Health, Snapshot

_NOTHING = Snapshot(started=False, draining=False, ready=False, checks=(), startup_checks=())


@pytest.fixture
def serving() -> Health:
    health = Health()
    health.load()
    return health


def test_a_process_is_ready_once_its_application_is_loaded() -> None:
    health = Health()
    before = health.started, health.ready()
    health.load()
    assert (before, health.started, health.ready()) == ((False, False), True, True)


def test_start_up_waits_for_its_checks_and_is_over_for_good() -> None:
    health = Health()
    health.report_startup(Check("cache warm"))
    health.load()
    waiting = health.started
    health.report_startup(Check("cache warm", DOWN))
    failing = health.started
    health.report_startup(Check("cache warm", UP))
    done = health.started
    health.report_startup(Check("cache warm", DOWN))
    assert (waiting, failing, done, health.started) == (False, False, True, True)


@pytest.mark.parametrize("state", [DOWN, UNKNOWN])
def test_a_critical_check_that_is_not_up_makes_unready_until_it_is(serving: Health, state: str) -> None:
    serving.report(Check("postgresql", state, critical=True))
    before = serving.ready()
    serving.report(Check("postgresql", UP, critical=True))
    assert (before, serving.ready()) == (False, True)


@pytest.mark.parametrize("state", [DOWN, UNKNOWN])
def test_a_critical_check_that_is_tolerated_leaves_ready(serving: Health, state: str) -> None:
    serving.report(Check("postgresql", state, critical=True, tolerated=True))
    before = serving.ready()
    serving.report(Check("postgresql", state, critical=True))
    assert (before, serving.ready()) == (True, False)


def test_a_check_that_is_not_critical_is_shown_alone(serving: Health) -> None:
    down = Check("redis", DOWN, 0.25, 17.5, critical=False, message="ConnectionError")
    serving.report(down)
    assert serving.snapshot() == Snapshot(started=True, draining=False, ready=True, checks=(down,), startup_checks=())


def test_what_is_forgotten_holds_up_nobody(serving: Health) -> None:
    serving.report(Check("postgresql", DOWN, critical=True))
    serving.forget("postgresql")
    serving.forget("nobody")
    assert serving.snapshot() == Snapshot(started=True, draining=False, ready=True, checks=(), startup_checks=())


def test_a_draining_process_is_started_and_not_ready(serving: Health) -> None:
    serving.drain()
    drained = serving.started, serving.draining, serving.ready()
    serving.drain(draining=False)
    assert (drained, serving.ready()) == ((True, True, False), True)


def test_every_change_is_told_and_has_a_version_of_its_own() -> None:
    health = Health()
    told: list[int] = []
    health.on_change.append(lambda: told.append(health.version))
    health.load()
    health.load()
    health.report(Check("redis", UP))
    health.report_startup(Check("warm", UP))
    health.forget("redis")
    health.drain()
    assert told == list(range(told[0], told[0] + 5))


def test_checks_are_bounded() -> None:
    health = Health()
    kept = [health.report(Check(str(number), UP)) for number in range(MOST_CHECKS + 1)]
    again = health.report(Check("0", DOWN))
    assert (kept, again) == ([True] * MOST_CHECKS + [False], True)


def test_nothing_is_lost_between_threads() -> None:
    health = Health()
    names = [[f"{thread}.{number}" for number in range(25)] for thread in range(8)]
    threads = [threading.Thread(target=lambda mine=mine: [health.report(Check(name, UP)) for name in mine]) for mine in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {check.name for check in health.snapshot().checks} == {name for mine in names for name in mine}


def test_a_fork_child_knows_nothing_and_its_parent_what_it_knew() -> None:
    HEALTH.load()
    HEALTH.report(Check("redis", UP))
    HEALTH.drain()
    before = HEALTH.snapshot()
    try:
        child = os.fork()
        if not child:
            found = HEALTH.snapshot()
            HEALTH.load()
            os._exit(0 if found == _NOTHING and HEALTH.ready() else 1)
        _, status = os.waitpid(child, 0)
        assert (os.waitstatus_to_exitcode(status), HEALTH.snapshot()) == (0, before)
    finally:
        HEALTH.renew()


def test_a_process_drains_with_the_one_that_ends_it(serving: Health) -> None:
    parent: list[bool] = []
    serving.elsewhere = lambda: bool(parent)
    before = serving.draining, serving.ready()
    changes: list[int] = []
    serving.on_change.append(lambda: changes.append(1))
    parent.append(True)
    assert (before, serving.ready(), serving.draining, serving.snapshot().draining) == ((False, True), False, True, True)
    assert len(changes) == 1
