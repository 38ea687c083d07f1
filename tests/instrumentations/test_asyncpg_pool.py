"""The pools of asyncpg as they really are; the same file holds for 0.27 to 0.32."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.instrumentations.pooled import alive, points, pool, state
from tests.instrumentations.recording import Recording, ids, inside, recording

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

PAUSE = 0.05


@pytest.fixture
def recorded() -> Iterator[Recording]:
    gc.collect()
    with recording("asyncpg") as running:
        yield running


@pytest.fixture
def url(recorded: Recording, postgres_url: str) -> str:  # noqa: ARG001 - recording goes on meanwhile
    return postgres_url


def run(url: str, work: Callable[[Any], Awaitable[None]], **options: Any) -> None:
    """Do `work` with a pool; afterwards it is closed, and not told of any more."""

    async def main() -> None:
        shop = await asyncpg.create_pool(url, **{"min_size": 1, "max_size": 2, **options})
        try:
            await work(shop)
        except BaseException:
            shop.terminate()  # closing it would wait for what is still in use
            raise
        await shop.close()
        assert alive() == set()

    asyncio.run(main())


def test_a_pool_tells_what_is_used_idle_and_waited_for(url: str) -> None:
    async def work(shop: Any) -> None:
        async def wait() -> None:
            async with shop.acquire(timeout=2 * PAUSE):
                pass

        address = urlsplit(url)
        assert alive() == {f"{address.hostname}:{address.port or 5432}{address.path}"}
        assert state() == (0, 1, 0)
        async with shop.acquire():
            assert state() == (1, 0, 0)
            second = await shop.acquire()
            assert state() == (2, 0, 0)
            waiter = asyncio.ensure_future(wait())
            await asyncio.sleep(PAUSE / 2)
            assert state() == (2, 0, 1)
            with pytest.raises(asyncio.TimeoutError):
                await waiter
            assert state("pending_requests", "timeouts") == (0, 1)
            await shop.release(second)
            await shop.release(second)
            assert state() == (1, 1, 0)
        assert state("max", "idle.max", "idle.min") == (2, 2, 1)
        await shop.fetchval("SELECT 1")
        only = pool()
        assert (only["create_time"].count, only["wait_time"].count, only["use_time"].count) == (2, 3, 3)

    run(url, work)
    assert pool()["use_time"].count == 3


def test_times_are_those_of_a_watch(url: str) -> None:
    async def slowly(_connection: Any) -> None:
        await asyncio.sleep(PAUSE)

    async def work(shop: Any) -> None:
        began = time.perf_counter()

        async def use() -> None:
            async with shop.acquire():
                await asyncio.sleep(PAUSE)

        await asyncio.gather(use(), use())
        whole = time.perf_counter() - began
        only = pool()
        assert only["create_time"].most >= PAUSE
        assert PAUSE <= only["wait_time"].most <= whole
        assert PAUSE <= only["use_time"].most <= whole
        assert 2 * PAUSE <= only["use_time"].sum <= whole

    run(url, work, max_size=1, init=slowly)


def test_a_connection_that_is_closed_while_it_is_used_is_none_of_the_pool_s_any_more(url: str) -> None:
    async def work(shop: Any) -> None:
        connection = await shop.acquire()
        await connection.close()
        assert state("used", "idle") == (0, 0)
        await shop.release(connection)
        assert pool()["use_time"].count == 1
        async with shop.acquire():
            assert state("used", "idle") == (1, 0)
        assert pool()["create_time"].count == 2

    run(url, work, min_size=0, max_size=1)


def test_a_cancelled_wait_is_no_timeout(url: str) -> None:
    async def work(shop: Any) -> None:
        async with shop.acquire():
            waiter = asyncio.ensure_future(shop.acquire().__aenter__())
            await asyncio.sleep(PAUSE / 2)
            waiter.cancel()
            await asyncio.gather(waiter, return_exceptions=True)
            assert state("used", "pending_requests", "timeouts") == (1, 0, 0)

    run(url, work, max_size=1)


def test_a_pool_that_is_dropped_vanishes(url: str) -> None:
    async def main() -> None:
        shop = await asyncpg.create_pool(url, min_size=1, max_size=1)
        assert len(alive()) == 1
        shop.terminate()
        del shop
        gc.collect()
        assert alive() == set()

    asyncio.run(main())


def test_two_pools_of_one_database_are_told_apart(url: str) -> None:
    async def work(_shop: Any) -> None:
        other = await asyncpg.create_pool(url, min_size=1, max_size=1)
        first, second = sorted(alive())
        assert second == f"{first}#2"
        await other.close()
        assert alive() == {first}

    run(url, work)


async def giving_back(shop: Any, held: Any) -> None:
    await asyncio.sleep(0.01)
    await shop.release(held)


def test_a_wait_is_remembered_with_the_span_that_waited(url: str) -> None:
    async def work(shop: Any) -> None:
        held = await shop.acquire()
        giving = asyncio.ensure_future(giving_back(shop, held))
        with inside() as span:
            async with shop.acquire():
                pass
        await giving
        found = {each.name.rpartition(".")[2]: each.exemplars for each in points() if each.exemplars}
        assert {(each.trace_id, each.span_id) for each in found["wait_time"]} == {ids(span)}

    run(url, work, max_size=1)
