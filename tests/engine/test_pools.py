"""The bounds of what watches pools: too many of them, a clock that goes back, a pool that cannot be asked."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.core import report
from platform_instrument.core.guard import clear_faults, faults
from platform_instrument.engine import pools
from platform_instrument.semantics.pools import State
from platform_instrument.testing.recorder import recording
from tests.instrumentations.pooled import alive, pool, state

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pool:
    """One of a library's, whose connections are objects with a `__dict__`."""


@pytest.fixture(autouse=True)
def _recording() -> Iterator[None]:
    gc.collect()
    report.forget()
    with recording():
        yield
    clear_faults()


def library(look: Any = lambda _pool, _connections: State(1, 2, 3, 4, None)) -> pools.Pools:
    return pools.Pools("shop", lambda _pool, _connection: "shop", look)


def test_a_pool_is_watched_from_its_first_connection_on() -> None:
    shop, tea, connection = library(), Pool(), Pool()
    shop.taken(time.perf_counter() - 2, tea, connection, connection.__dict__)
    assert state("used", "idle", "pending_requests", "max", "idle.max", "idle.min") == (1, 2, 3, 4, None, 0)
    taken = connection.__dict__[pools._BORROWED]
    shop.given_back(taken + 3, tea, connection.__dict__)
    assert pool()["wait_time"].sum >= 2
    assert pool()["use_time"].sum == pytest.approx(3)


def test_a_clock_that_goes_back_makes_no_time_negative() -> None:
    shop, tea, connection = library(), Pool(), Pool()
    ahead = time.perf_counter() + 100
    shop.made(ahead, tea, connection)
    shop.taken(ahead, tea, connection, connection.__dict__)
    shop.given_back(time.perf_counter() - 100, tea, connection.__dict__)
    assert [pool()[name].sum for name in ("create_time", "wait_time", "use_time")] == [0, 0, 0]


def test_more_pools_than_are_bearable_are_left_alone_and_said_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pools, "_MOST_POOLS", 2)
    shop, many = library(), [Pool() for _ in range(5)]
    for each in many:
        connection = Pool()
        shop.taken(0, each, connection, connection.__dict__)
        shop.given_back(1, each, connection.__dict__)
        shop.made(0, each, connection)
        shop.timed_out(each)
    assert alive() == {"shop", "shop#2"}
    said = capfd.readouterr().err.splitlines()
    assert said == ["platform-instrument: more than 2 pools of connections are alive; further ones are not measured"]


def test_a_pool_that_cannot_be_asked_vanishes_and_takes_no_other_with_it() -> None:
    def fails(_pool: Any, _connections: Any) -> State:
        message = "planted"
        raise AttributeError(message)

    tea, milk = Pool(), Pool()
    library(fails).taken(0, tea, tea, tea.__dict__)
    library().taken(0, milk, milk, milk.__dict__)
    assert alive() == {"shop#2"}
    assert [(fault.place, fault.count) for fault in faults()] == [("shop pool", 1)]


def test_a_connection_that_was_given_back_twice_was_used_once() -> None:
    shop, tea, connection = library(), Pool(), Pool()
    shop.given_back(1, tea, connection.__dict__)
    shop.taken(0, tea, connection, connection.__dict__)
    for _ in range(2):
        shop.given_back(time.perf_counter(), tea, connection.__dict__)
    assert pool()["use_time"].count == 1
