"""Servers that end, begin anew, or freeze: what depends on them is down in time and up again; nothing else is kept waiting."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from platform_instrument.engine.health import DOWN, HEALTH, UP
from platform_instrument.runtime.health.registration import add_readiness_check
from tests import servers
from tests.own_servers import OwnServer, own
from tests.runtime.health.checking import LIBRARIES, checking, checks, exported, states, until
from tests.runtime.health.clients import KINDS, Used, using

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 0.5
SLOW = {"PLATFORM_READINESS_TIMEOUT": str(TIMEOUT), "PLATFORM_READINESS": "gate"}
every = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def postgres() -> Iterator[OwnServer]:
    with own(servers.POSTGRES) as server:
        yield server


@pytest.fixture(scope="module")
def redis() -> Iterator[OwnServer]:
    with own(servers.REDIS) as server:
        yield server


@pytest.fixture
def server(kind: str, postgres: OwnServer, redis: OwnServer) -> OwnServer:
    return postgres if KINDS[kind].system == "postgresql" else redis


def state(server: OwnServer) -> str:
    """Return the state of the only dependency on a server."""
    (found,) = [state for name, state in states().items() if f":{server.port}/" in name]
    return found


def lags(used: Used) -> list[float]:
    """Return how late the loop of a client was at most while it was asked in vain, several times; nothing where it has none."""
    if used.loop is None:
        return []
    found = []
    for _ in range(5):
        used.loop.lag()
        seen = HEALTH.version
        until(lambda seen=seen: HEALTH.version > seen + 2)
        found.append(used.loop.lag())
    return found


@every
def test_a_server_that_freezes_is_down_in_time_and_keeps_neither_loop_nor_other_checks(kind: str, server: OwnServer) -> None:
    with checking(SLOW, *LIBRARIES), using(kind, server.url) as used:
        others: list[float] = []
        add_readiness_check("other", lambda: others.append(time.monotonic()))
        until(lambda: state(server) == UP and HEALTH.ready())
        server.freeze()
        try:
            began = time.monotonic()
            until(lambda: state(server) == DOWN)
            took = time.monotonic() - began
            assert not HEALTH.ready()
            late = lags(used)
            count = len(others)
            until(lambda: len(others) > count + 3)
            assert checks()["other"].state == UP
            assert 0 in exported().values()
        finally:
            server.thaw()
        until(lambda: state(server) == UP and HEALTH.ready())
        with used.borrowing(1) as work:
            work()
    assert TIMEOUT * 0.8 < took < TIMEOUT + 5  # the interval, and whatever else this machine does
    assert not late or min(late) < 0.005, late


@every
def test_a_server_that_ends_is_down_and_one_that_begins_anew_is_up(kind: str, server: OwnServer) -> None:
    with checking(SLOW, *LIBRARIES), using(kind, server.url) as used:
        with used.borrowing(2) as work:  # which leaves two connections that will not outlive the server
            work()
        until(lambda: state(server) == UP and HEALTH.ready())
        server.stop()
        try:
            until(lambda: state(server) == DOWN and not HEALTH.ready())
        finally:
            server.start()
        until(lambda: state(server) == UP and HEALTH.ready())
        with used.borrowing(1) as work:
            work()


@every
def test_a_server_that_begins_anew_between_two_questions_was_never_down(kind: str, server: OwnServer) -> None:
    """Connections that did not outlive it are no reason: the next one is asked."""
    with checking({**SLOW, "PLATFORM_READINESS_TIMEOUT": "5"}, *LIBRARIES), using(kind, server.url) as used:
        with used.borrowing(3) as work:
            work()
        until(lambda: state(server) == UP)
        HEALTH.drain()  # nothing is asked meanwhile
        time.sleep(0.5)
        server.stop()
        server.start()
        seen: list[str] = []
        HEALTH.on_change.append(lambda: seen.append(state(server)))
        HEALTH.drain(draining=False)
        until(lambda: len(seen) > 5)
        assert set(seen) == {UP}


@every
def test_a_saturated_pool_of_a_frozen_server_is_down(kind: str, server: OwnServer) -> None:
    """It is told from one that is only busy, without a connection more than it may have."""
    with checking(SLOW, *LIBRARIES), using(kind, server.url, 2) as used:
        until(lambda: state(server) == UP)
        with used.borrowing(2):
            seen = HEALTH.version
            until(lambda: HEALTH.version > seen + 5)
            assert state(server) == UP
            server.freeze()
            try:
                until(lambda: state(server) == DOWN)
            finally:
                server.thaw()
            until(lambda: state(server) == UP)
