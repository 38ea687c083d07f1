"""The pools of aiomysql, asyncmy and mysql-connector-python as they really are."""

from __future__ import annotations

import asyncio
import gc
import importlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.instrumentations.pooled import alive, pool, pools, state
from tests.instrumentations.recording import Recording, ids, inside, recording

if TYPE_CHECKING:
    from collections.abc import Iterator

PAUSE = 0.05


@pytest.fixture(params=["aiomysql", "asyncmy"])
def library(request: Any) -> Any:
    return pytest.importorskip(request.param)


@pytest.fixture
def recorded(library: Any) -> Iterator[Recording]:
    gc.collect()
    with recording(library.__name__) as running:
        yield running


def options(library: Any, mariadb_url: str) -> dict[str, Any]:
    address = urlsplit(mariadb_url)
    named = "db" if library.__name__ == "aiomysql" else "database"
    return {"host": address.hostname, "port": address.port or 3306, "user": address.username, named: "mysql"}


def name(mariadb_url: str) -> str:
    address = urlsplit(mariadb_url)
    return f"{address.hostname}:{address.port or 3306}/mysql"


def test_a_pool_tells_what_is_used_idle_and_waited_for(library: Any, recorded: Recording, mariadb_url: str) -> None:
    async def main() -> None:
        shop = await library.create_pool(minsize=1, maxsize=2, **options(library, mariadb_url))
        held = await shop.acquire()
        assert alive() == {name(mariadb_url)}
        assert state() == (1, 0, 0)
        assert state("max", "idle.max", "idle.min", "timeouts") == (2, 2, 1, 0)
        second = await shop.acquire()
        waiting = asyncio.ensure_future(shop.acquire())
        await asyncio.sleep(PAUSE)
        assert state() == (2, 0, 1)
        await shop.release(second)
        third = await waiting
        assert state() == (2, 0, 0)
        await shop.release(third)
        await shop.release(held)
        assert state() == (0, 2, 0)
        only = pool()
        assert (only["create_time"].count, only["wait_time"].count, only["use_time"].count) == (2, 3, 3)
        assert only["wait_time"].most >= PAUSE
        assert only["use_time"].most >= PAUSE
        shop.close()
        await shop.wait_closed()
        assert alive() == set()

    asyncio.run(main())
    assert recorded.spans == ()


def test_who_gives_up_waiting_waits_no_more_and_is_no_timeout(library: Any, recorded: Recording, mariadb_url: str) -> None:
    async def main() -> None:
        async with library.create_pool(minsize=1, maxsize=1, **options(library, mariadb_url)) as shop:
            async with shop.acquire():
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(shop.acquire(), PAUSE)
                assert state("used", "pending_requests", "timeouts") == (1, 0, 0)
            assert pool()["wait_time"].count == 1

    asyncio.run(main())
    assert recorded.spans == ()


def test_two_pools_of_one_database_are_told_apart(library: Any, recorded: Recording, mariadb_url: str) -> None:
    async def main() -> None:
        async with (
            library.create_pool(minsize=1, maxsize=2, **options(library, mariadb_url)) as first,
            library.create_pool(minsize=1, maxsize=3, **options(library, mariadb_url)) as second,
            first.acquire(),
            second.acquire(),
        ):
            read = pools()
        assert {each: read[each]["max"] for each in read} == {name(mariadb_url): 2, f"{name(mariadb_url)}#2": 3}

    asyncio.run(main())
    assert recorded.spans == ()


def test_a_connection_outside_of_a_pool_is_none_of_its_own(library: Any, recorded: Recording, mariadb_url: str) -> None:
    async def main() -> None:
        connection = await library.connect(**options(library, mariadb_url))
        await connection.ensure_closed()

    asyncio.run(main())
    assert pools() == {}
    assert recorded.spans == ()


def test_statements_of_concurrent_borrowers_keep_their_parents(library: Any, recorded: Recording, mariadb_url: str) -> None:
    async def request(shop: Any) -> str:
        with inside() as parent:
            async with shop.acquire() as connection, connection.cursor() as cursor:
                await cursor.execute("SELECT SLEEP(0.01)")
        return ids(parent)[1]

    async def main() -> list[str]:
        async with library.create_pool(minsize=1, maxsize=2, **options(library, mariadb_url)) as shop:
            return await asyncio.gather(*(request(shop) for _ in range(6)))

    parents = asyncio.run(main())
    assert sorted(span.parent_id for span in recorded.take()) == sorted(parents)


@pytest.fixture
def connector(mariadb_url: str) -> Iterator[Any]:
    del mariadb_url
    pytest.importorskip("mysql.connector")
    with recording("mysql_connector"):
        yield importlib.import_module("mysql.connector.pooling")


def test_a_pool_of_mysql_connector_tells_what_is_used_and_idle(connector: Any, mariadb_url: str) -> None:
    address = urlsplit(mariadb_url)
    where = {"host": address.hostname, "port": address.port or 3306, "user": address.username, "database": "mysql"}
    shop = connector.MySQLConnectionPool(pool_size=2, **where)
    assert alive() == {name(mariadb_url)}
    assert state() == (0, 2, 0)
    first = shop.get_connection()
    assert state("used", "idle", "max", "idle.max", "idle.min") == (1, 1, 2, 2, 2)
    second = shop.get_connection()
    with pytest.raises(connector.PoolError):
        shop.get_connection()
    assert state("used", "idle", "pending_requests", "timeouts") == (2, 0, 0, 0)
    first.close()
    second.close()
    only = pool()
    assert state() == (0, 2, 0)
    assert (only["create_time"].count, only["wait_time"].count, only["use_time"].count) == (2, 2, 2)
    shop._remove_connections()


def test_a_pool_of_mysql_connector_is_called_as_the_application_called_it(connector: Any, mariadb_url: str) -> None:
    address = urlsplit(mariadb_url)
    where = {"host": address.hostname, "port": address.port or 3306, "user": address.username}
    shop = connector.MySQLConnectionPool(pool_name="shop", pool_size=1, **where)
    assert alive() == {"shop"}
    shop._remove_connections()
