"""The pools of psycopg_pool as they really are, sync and async; the same file holds for 3.1 to 3.3."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import psycopg_pool
import pytest

from tests.instrumentations.pooled import alive, points, pool, pools, state, until
from tests.instrumentations.recording import Recording, ids, inside, recording
from tests.processes import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

PAUSE = 0.05


@pytest.fixture
def recorded() -> Iterator[Recording]:
    gc.collect()
    with recording("psycopg_pool", "psycopg") as running:
        yield running


@pytest.fixture
def url(recorded: Recording, postgres_url: str) -> str:  # noqa: ARG001 - recording goes on meanwhile
    return postgres_url


def name(url: str) -> str:
    address = urlsplit(url)
    return f"{address.hostname}:{address.port or 5432}{address.path}"


def later(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def borrow(of: Any) -> None:
    with of.connection():
        pass


def test_a_pool_of_three_tells_what_is_used_idle_and_waited_for(url: str) -> None:
    with psycopg_pool.ConnectionPool(url, min_size=3, max_size=3, open=True) as shop:
        shop.wait()
        held = [shop.getconn() for _ in range(2)]
        assert alive() == {name(url)}
        assert state() == (2, 1, 0)
        assert state("max", "idle.max", "idle.min", "timeouts") == (3, 3, 3, 0)
        held.append(shop.getconn())
        thread = later(lambda: borrow(shop))
        until(lambda: pool()["pending_requests"] == 1)
        assert state() == (3, 0, 1)
        shop.putconn(held.pop())
        thread.join()
        until(lambda: state() == (2, 1, 0))
        for connection in held:
            shop.putconn(connection)
        assert state() == (0, 3, 0)
        only = pool()
        assert (only["create_time"].count, only["wait_time"].count, only["use_time"].count) == (3, 4, 4)
    assert alive() == set()
    assert pool()["use_time"].count == 4


def test_a_pool_that_grows_has_its_limits(url: str) -> None:
    with psycopg_pool.ConnectionPool(url, min_size=1, max_size=2, open=True) as shop:
        with shop.connection(), shop.connection():
            assert state("used", "idle", "max", "idle.max", "idle.min") == (2, 0, 2, 2, 1)
        assert state() == (0, 2, 0)


def test_who_waits_in_vain_is_a_timeout_and_waits_no_more(url: str) -> None:
    with psycopg_pool.ConnectionPool(url, min_size=1, max_size=1, open=True) as shop:
        with shop.connection():
            for _ in range(2):
                with pytest.raises(psycopg_pool.PoolTimeout):
                    shop.getconn(timeout=PAUSE)
            assert state("used", "idle", "pending_requests", "timeouts") == (1, 0, 0, 2)
        assert pool()["wait_time"].count == 1


def test_a_request_that_is_turned_away_at_once_is_no_timeout(url: str) -> None:
    with psycopg_pool.ConnectionPool(url, min_size=1, max_size=1, max_waiting=1, open=True) as shop:
        with shop.connection():
            thread = later(lambda: borrow(shop))
            until(lambda: pool()["pending_requests"] == 1)
            with pytest.raises(psycopg_pool.TooManyRequests):
                shop.getconn(timeout=5)
        thread.join()
        assert state("timeouts") == (0,)


def test_times_are_those_of_a_watch(url: str) -> None:
    def slowly(_connection: Any) -> None:
        time.sleep(PAUSE)

    began = time.perf_counter()
    with psycopg_pool.ConnectionPool(url, min_size=1, max_size=1, configure=slowly, open=True) as shop:
        connection = shop.getconn()
        thread = later(lambda: borrow(shop))
        until(lambda: pool()["pending_requests"] == 1)
        time.sleep(PAUSE)
        shop.putconn(connection)
        thread.join()
        whole = time.perf_counter() - began
        only = pool()
        assert PAUSE <= only["create_time"].most <= whole
        assert PAUSE <= only["wait_time"].most <= whole
        assert PAUSE <= only["use_time"].most <= whole
        assert only["wait_time"].sum >= 1.5 * PAUSE
        assert (only["create_time"].count, only["wait_time"].count, only["use_time"].count) == (1, 2, 2)


def test_a_broken_connection_is_replaced_and_the_new_one_is_counted(url: str) -> None:
    with psycopg_pool.ConnectionPool(url, min_size=1, max_size=1, open=True) as shop:
        with shop.connection() as connection:
            connection.close()
        until(lambda: state() == (0, 1, 0))
        assert pool()["create_time"].count == 2


def test_a_null_pool_keeps_none_idle(url: str) -> None:
    with psycopg_pool.NullConnectionPool(url, max_size=2, open=True) as shop:
        with shop.connection():
            assert state("used", "idle", "max", "idle.max", "idle.min") == (1, 0, 2, 0, 0)
        assert state() == (0, 0, 0)


def test_a_pool_is_called_as_the_application_calls_it_else_as_its_database_without_credentials(url: str) -> None:
    address = urlsplit(url)
    secret = f"postgresql://{address.username}:s3cret@{address.hostname}:{address.port or 5432}{address.path}"
    with psycopg_pool.ConnectionPool(secret, min_size=1, name="orders", open=True) as shop:
        shop.wait()
        assert alive() == {"orders"}
    fields = {"host": address.hostname, "port": address.port or 5432, "user": address.username, "dbname": address.path[1:]}
    with (
        psycopg_pool.ConnectionPool(secret, min_size=1, open=True) as first,
        psycopg_pool.ConnectionPool("", kwargs=fields, min_size=1, open=True) as second,
    ):
        first.wait()
        second.wait()
        assert alive() == {name(url), f"{name(url)}#2"}
    assert "s3cret" not in repr(points())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_pool_whose_database_is_down_counts_timeouts_and_no_connection(recorded: Recording) -> None:  # noqa: ARG001
    port = free_port()
    shop = psycopg_pool.ConnectionPool(f"host={HOST} port={port} dbname=shop", min_size=1, reconnect_timeout=1, open=True)
    with pytest.raises(psycopg_pool.PoolTimeout):
        shop.getconn(timeout=PAUSE)
    assert alive() == {f"{HOST}:{port}/shop"}
    assert state("used", "idle", "pending_requests", "timeouts") == (0, 0, 0, 1)
    assert "wait_time" not in pool()
    shop.close()
    assert alive() == set()


def test_nonsense_as_an_address_is_no_fault_of_ours(recorded: Recording) -> None:  # noqa: ARG001
    shop = psycopg_pool.ConnectionPool("nonsense", min_size=1, open=True)
    with pytest.raises(psycopg_pool.PoolTimeout):
        shop.getconn(timeout=PAUSE)
    assert alive() == {"postgresql"}
    shop.close()


def test_an_asynchronous_pool_tells_the_same(url: str) -> None:
    async def asynchronously(work: Callable[[Any], Awaitable[None]]) -> None:
        async with psycopg_pool.AsyncConnectionPool(url, min_size=2, max_size=2, open=False) as shop:
            await shop.wait()
            await work(shop)
        assert alive() == set()

    async def work(shop: Any) -> None:
        async def wait() -> None:
            async with shop.connection(timeout=2 * PAUSE):
                pass

        async with shop.connection(), shop.connection():
            waiter = asyncio.ensure_future(wait())
            await asyncio.sleep(PAUSE / 2)
            assert state() == (2, 0, 1)
            with pytest.raises(psycopg_pool.PoolTimeout):
                await waiter
            assert state("used", "pending_requests", "timeouts") == (2, 0, 1)
        assert state() == (0, 2, 0)
        await wait()
        only = pool()
        assert (only["create_time"].count, only["wait_time"].count, only["use_time"].count) == (2, 3, 3)
        assert state("max", "idle.max", "idle.min") == (2, 2, 2)

    asyncio.run(asynchronously(work))


def test_a_wait_is_remembered_with_the_span_that_waited(url: str) -> None:
    with psycopg_pool.ConnectionPool(url, min_size=1, max_size=1, open=True) as shop:
        shop.wait()
        held = shop.getconn()
        giving = threading.Timer(0.01, shop.putconn, (held,))
        giving.start()
        with inside() as span, shop.connection():
            time.sleep(0.002)
        giving.join()
        borrow(shop)  # what is over at once leads to no trace
        found = {each.name.rpartition(".")[2]: each.exemplars for each in points() if each.exemplars}
        assert set(found) == {"wait_time", "use_time"}
        assert {(each.trace_id, each.span_id) for several in found.values() for each in several} == {ids(span)}


def test_threads_lose_no_measurement_and_leave_nothing_used(url: str) -> None:
    with psycopg_pool.ConnectionPool(url, min_size=2, max_size=3, open=True) as shop:

        def work() -> None:
            for _ in range(30):
                with shop.connection() as connection:
                    connection.execute("SELECT 1")
                pools()

        threads = [later(work) for _ in range(8)]
        for thread in threads:
            thread.join()
        only = pool()
        assert (only["wait_time"].count, only["use_time"].count) == (240, 240)
        assert (only["used"], only["pending_requests"]) == (0, 0)


def test_a_connection_of_another_pool_is_refused_and_not_counted(url: str) -> None:
    with psycopg_pool.ConnectionPool(url, min_size=1, open=True) as shop, psycopg.connect(url) as foreign:
        with pytest.raises(ValueError, match="can't return connection"):
            shop.putconn(foreign)
        shop.putconn(conn=shop.getconn())
        assert pool()["use_time"].count == 1
