"""The pools of SQLAlchemy as they really are, of every class; the same file holds for 1.4, 2.0 and 2.1."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import threading
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock
from urllib.parse import urlsplit
from weakref import WeakSet

import pytest
import sqlalchemy as sa
from sqlalchemy import pool as kinds
from sqlalchemy.ext.asyncio import create_async_engine

from tests.instrumentations.pooled import alive, points, pool, pools, state, until
from tests.instrumentations.recording import Recording, ids, inside, recording

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:sqlalchemy",
    "ignore:.*:sqlalchemy.exc.MovedIn20Warning",
    "ignore:unclosed database:ResourceWarning",  # of engines that are dropped; from Python 3.13 on
)

VERSION = tuple(int(part) for part in version("sqlalchemy").split(".")[:2])
PAUSE = 0.05

_engines: WeakSet[sa.engine.Engine] = WeakSet()


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    gc.collect()
    yield
    for engine in list(_engines):
        engine.dispose()
    gc.collect()


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording("sqlalchemy") as running:
        yield running


def created(url: str, **options: Any) -> sa.engine.Engine:
    """Return an engine, whose connections are closed after the test where it is not dropped before."""
    engine = sa.create_engine(url, **options)
    _engines.add(engine)
    return engine


@pytest.fixture
def url(recorded: Recording, tmp_path: Path) -> str:  # noqa: ARG001 - recording goes on meanwhile
    return f"sqlite:///{tmp_path}/shop.db"


def made(url: str, **options: Any) -> sa.engine.Engine:
    options = {"poolclass": kinds.QueuePool, "pool_size": 3, "max_overflow": 0, "pool_timeout": PAUSE, **options}
    return created(url, connect_args={"check_same_thread": False}, **options)


def later(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_pool_of_three_tells_what_is_used_idle_and_waited_for(url: str) -> None:
    engine = made(url, pool_timeout=30)
    held = [engine.connect() for _ in range(3)]
    held.pop().close()
    assert state() == (2, 1, 0)
    assert state("max", "idle.max", "idle.min", "timeouts") == (3, 3, 0, 0)
    held.append(engine.connect())
    thread = later(lambda: engine.connect().close())
    until(lambda: pool()["pending_requests"] == 1)
    assert state() == (3, 0, 1)
    held.pop().close()
    thread.join()
    assert state() == (2, 1, 0)
    for connection in held:
        connection.close()
    assert state() == (0, 3, 0)
    assert pool()["create_time"].count == 3
    assert pool()["wait_time"].count == pool()["use_time"].count == 5


def test_who_waits_in_vain_is_a_timeout_and_has_waited_for_nothing(url: str) -> None:
    engine = made(url, pool_size=1)
    with engine.connect():
        for _ in range(2):
            with pytest.raises(sa.exc.TimeoutError):
                engine.connect()
        assert state("timeouts", "pending_requests", "used") == (2, 0, 1)
    assert pool()["wait_time"].count == 1


def test_a_database_that_is_not_there_is_no_timeout(tmp_path: Path, recorded: Recording) -> None:  # noqa: ARG001
    engine = made(f"sqlite:///{tmp_path}/no/such/folder/shop.db")
    with pytest.raises(sa.exc.OperationalError):
        engine.connect()
    assert pools() == {}


def test_times_are_those_of_a_watch(url: str) -> None:
    def slowly() -> Any:
        time.sleep(PAUSE)
        return sqlite3.connect(url.removeprefix("sqlite:///"), check_same_thread=False)

    engine = created(url, creator=slowly, poolclass=kinds.QueuePool, pool_size=1, max_overflow=0)
    began = time.perf_counter()
    connection = engine.connect()
    opened = time.perf_counter() - began
    thread = later(lambda: engine.connect().close())
    until(lambda: pool()["pending_requests"] == 1)
    time.sleep(PAUSE)
    connection.close()
    thread.join()
    whole = time.perf_counter() - began
    only = pool()
    assert PAUSE <= only["create_time"].most <= opened
    assert only["create_time"].sum < only["wait_time"].sum
    assert 2 * PAUSE <= only["wait_time"].sum <= 2 * whole
    assert PAUSE <= only["use_time"].most <= whole - opened + 0.01
    assert (only["create_time"].count, only["wait_time"].count, only["use_time"].count) == (1, 2, 2)
    assert only["wait_time"].point.bounds[0] < 0.001


def test_overflow_is_used_and_never_idle(url: str) -> None:
    engine = made(url, pool_size=1, max_overflow=2)
    held = [engine.connect() for _ in range(3)]
    assert state() == (3, 0, 0)
    assert state("max", "idle.max") == (3, 1)
    for connection in held:
        connection.close()
    assert state() == (0, 1, 0)


def test_where_there_is_no_limit_none_is_told(url: str) -> None:
    engine = made(url, pool_size=1, max_overflow=-1)
    with engine.connect():
        assert state("used", "max", "idle.max") == (1, None, 1)
    engine = made(url.replace("shop", "other"), pool_size=0, max_overflow=-1)
    with engine.connect():
        assert pools()["other.db"].get("idle.max", pools()["other.db"].get("max")) is None


@pytest.mark.parametrize(
    ("kind", "options", "out", "back", "limits"),
    [
        (kinds.NullPool, {}, (1, 0), (0, 0), (None, 0)),
        (kinds.StaticPool, {}, (1, 0), (0, 1), (1, 1)),
        (kinds.SingletonThreadPool, {"pool_size": 4}, (1, 0), (0, 1), (4, 4)),
        (kinds.AssertionPool, {}, (1, 0), (0, 1), (1, 1)),
    ],
)
def test_pools_of_every_class_are_told(  # noqa: PLR0913 - one row
    url: str, kind: Any, options: Any, out: Any, back: Any, limits: Any
) -> None:
    engine = created(url, poolclass=kind, **options)
    for _ in range(2):
        with engine.connect():
            assert state("used", "idle") == out
        assert state("used", "idle") == back
    assert state("max", "idle.max", "pending_requests") == (*limits, 0)
    assert pool()["wait_time"].count == pool()["use_time"].count == 2
    assert pool()["create_time"].count == (2 if kind is kinds.NullPool else 1)


def test_a_thread_that_asks_again_for_its_own_connection_does_not_wait(url: str) -> None:
    engine = created(url, poolclass=kinds.SingletonThreadPool)
    with engine.connect(), engine.connect():
        assert state("used", "idle") == (1, 0)
    assert pool()["wait_time"].count == pool()["use_time"].count == 1


def test_what_is_invalidated_or_detached_is_no_connection_of_the_pool(url: str) -> None:
    engine = made(url)
    connection = engine.connect()
    connection.invalidate()
    assert state("used", "idle") == (0, 0)
    connection.close()
    with engine.connect():
        assert state("used", "idle") == (1, 0)
    assert (pool()["create_time"].count, pool()["use_time"].count) == (2, 2)
    raw = engine.raw_connection()
    raw.detach()
    assert state("used", "idle") == (0, 0)
    raw.close()
    assert pool()["use_time"].count == 2


def test_a_connection_that_a_ping_finds_dead_is_made_anew_within_the_wait(url: str) -> None:
    engine = made(url, pool_pre_ping=True)
    with engine.connect() as connection:
        dead = connection.connection
        raw = getattr(dead, "dbapi_connection", None) or dead.connection
    raw.close()
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        assert state("used", "idle") == (1, 0)
    assert (pool()["create_time"].count, pool()["wait_time"].count) == (2, 2)


def test_the_reset_on_return_belongs_to_the_use(url: str) -> None:
    engine = made(url)

    @sa.event.listens_for(engine, "reset")
    def slowly(*_args: Any) -> None:
        time.sleep(PAUSE)

    engine.connect().close()
    assert pool()["use_time"].most >= PAUSE


def test_a_connection_that_is_forgotten_goes_back(url: str) -> None:
    engine = made(url)
    connection = engine.raw_connection()
    assert state("used", "idle") == (1, 0)
    del connection
    gc.collect()
    assert state("used", "idle") == (0, 1)
    assert pool()["use_time"].count == 1


def test_a_pool_whose_engine_is_disposed_of_or_dropped_vanishes_and_what_was_counted_stays(url: str) -> None:
    engine = made(url)
    held = engine.connect()
    engine.connect().close()
    assert alive() == {"shop.db"}
    engine.dispose()
    assert alive() == set()
    assert pools()["shop.db"]["wait_time"].count == 2
    with engine.connect():
        assert alive() == {"shop.db"}
        assert state("used", "idle") == (1, 0)
    held.close()
    assert pool()["use_time"].count == 3
    del engine, held
    gc.collect()
    assert alive() == set()
    assert pool()["wait_time"].count == 3


def test_an_engine_that_was_never_asked_for_a_connection_is_not_told(url: str) -> None:
    engine = made(url)
    assert points() == []
    assert str(engine.url) == url


def test_two_pools_of_one_database_are_told_apart_and_a_name_that_is_free_is_used_again(url: str) -> None:
    engines = [made(url) for _ in range(3)]
    held = [engine.connect() for engine in engines]
    held[1].close()
    assert {name: (each["used"], each["idle"]) for name, each in pools().items()} == {
        "shop.db": (1, 0),
        "shop.db#2": (0, 1),
        "shop.db#3": (1, 0),
    }
    del held[1], engines[1]
    gc.collect()
    assert alive() == {"shop.db", "shop.db#3"}
    with made(url).connect():
        assert alive() == {"shop.db", "shop.db#2", "shop.db#3"}


def test_however_many_pools_there_are_the_names_are_few_and_the_numbers_add_up(url: str) -> None:
    engines = [made(url) for _ in range(40)]
    held = [engine.connect() for engine in engines]
    assert alive() == {"shop.db", *[f"shop.db#{number}" for number in range(2, 33)]}
    assert sum(each["used"] for each in pools().values()) == len(held)
    assert pools()["shop.db#32"]["used"] == 9


def test_a_pool_is_called_as_the_application_calls_it_or_as_its_database_without_credentials(
    recorded: Recording,  # noqa: ARG001 - recording goes on meanwhile
    url: str,
    postgres_url: str,
) -> None:
    address = urlsplit(postgres_url)
    with made(url, pool_logging_name="orders").connect():
        assert alive() == {"orders"}
    gc.collect()
    plain = kinds.QueuePool(lambda: sqlite3.connect(":memory:"))
    plain.connect().close()
    assert alive() == {"sqlalchemy"}
    del plain
    gc.collect()

    async def main() -> set[str]:
        server = f"{address.username}:s3cret@{address.hostname}:{address.port or 5432}"
        engine = create_async_engine(f"postgresql+asyncpg://{server}{address.path}")
        async with engine.connect():
            names = alive()
        await engine.dispose()
        return names

    assert asyncio.run(main()) == {f"{address.hostname}:{address.port or 5432}{address.path}"}


def test_an_asynchronous_pool_tells_the_same(recorded: Recording, postgres_url: str) -> None:  # noqa: ARG001
    address = urlsplit(postgres_url)

    async def main(work: Callable[[Any], Awaitable[None]]) -> None:
        server = f"{address.username}@{address.hostname}:{address.port or 5432}"
        engine = create_async_engine(
            f"postgresql+asyncpg://{server}{address.path}", pool_size=2, max_overflow=0, pool_timeout=2 * PAUSE
        )
        await work(engine)
        await engine.dispose()
        assert alive() == set()

    async def work(engine: Any) -> None:
        async def wait() -> None:
            async with engine.connect():
                await asyncio.sleep(0)

        async with engine.connect(), engine.connect():
            assert state() == (2, 0, 0)
            waiter = asyncio.ensure_future(wait())
            await asyncio.sleep(PAUSE / 2)
            assert state() == (2, 0, 1)
            with pytest.raises(sa.exc.TimeoutError):
                await waiter
            assert state("used", "pending_requests", "timeouts") == (2, 0, 1)
            cancelled = asyncio.ensure_future(wait())
            await asyncio.sleep(PAUSE / 2)
            cancelled.cancel()
            await asyncio.gather(cancelled, return_exceptions=True)
            assert state("pending_requests", "timeouts") == (0, 1)
        assert state() == (0, 2, 0)
        assert state("max", "idle.max") == (2, 2)
        async with engine.connect():
            pass
        only = pool()
        assert (only["create_time"].count, only["wait_time"].count, only["use_time"].count) == (2, 3, 3)

    asyncio.run(main(work))


def test_threads_lose_no_measurement_and_leave_nothing_used(url: str) -> None:
    engine = made(url, pool_size=3, max_overflow=2, pool_timeout=30)

    def work() -> None:
        for _ in range(50):
            with engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
            pools()

    threads = [later(work) for _ in range(8)]
    for thread in threads:
        thread.join()
    only = pool()
    assert (only["wait_time"].count, only["use_time"].count) == (400, 400)
    assert (only["used"], only["pending_requests"]) == (0, 0)
    assert only["idle"] == 3
    assert only["create_time"].count >= 3


def test_a_wait_is_remembered_with_the_span_that_waited(url: str) -> None:
    engine = made(url, pool_size=1)
    held = engine.connect()
    giving = threading.Timer(0.01, held.close)
    giving.start()
    with inside() as span:
        with engine.connect():
            time.sleep(0.002)
        giving.join()
        engine.connect().close()  # what is over at once leads to no trace
    found = [exemplar for each in points() for exemplar in each.exemplars]
    assert {(exemplar.trace_id, exemplar.span_id) for exemplar in found} == {ids(span)}
    assert {each.name.rpartition(".")[2] for each in points() if each.exemplars} == {"wait_time", "use_time"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_child_sees_its_pools_as_they_are_and_times_from_zero(url: str) -> None:
    from platform_instrument.telemetry.metrics.registry import METRICS

    engine = made(url)
    held = engine.connect()
    engine.connect().close()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        METRICS.reset()  # as the pipeline does in every child
        told = repr((state("used", "idle", "wait_time", "timeouts"), state("max")))
        held.close()
        told += repr(pool()["use_time"].count)
        os.write(writing, told.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 1000).decode() == "((1, 1, None, 0), (3,))1"
    os.close(reading)
    os.close(writing)
    assert pool()["wait_time"].count == 2
    held.close()


@pytest.mark.faults
def test_a_fault_of_ours_is_invisible(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    engine = made(url, pool_size=1)
    for name in ("taken", "given_back", "made", "timed_out", "closed"):
        monkeypatch.setattr(f"platform_instrument.engine.pools.Pools.{name}", broken)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1
        with pytest.raises(sa.exc.TimeoutError):
            engine.connect()
    engine.dispose()
    assert points() == []


def test_a_connection_of_nobody_s_driver_goes_back_at_once_where_it_is_dropped(recorded: Recording) -> None:  # noqa: ARG001
    told: list[str] = []
    of_mocks = kinds.QueuePool(creator=lambda: Mock(closed=False))
    sa.event.listen(of_mocks, "checkin", lambda *_: told.append("checkin"))
    connection = of_mocks.connect()
    assert state("used", "idle") == (1, 0)
    del connection
    assert told == ["checkin"]
    assert alive() == {"sqlalchemy"}


def test_after_undo_no_pool_is_told_any_more(tmp_path: Path) -> None:
    with recording("sqlalchemy"):
        engine = made(f"sqlite:///{tmp_path}/shop.db")
        engine.connect().close()
        assert alive() == {"shop.db"}
    engine.connect().close()
    assert points() == []
    with recording("sqlalchemy"), engine.connect():
        assert state("used", "idle") == (1, 0)
