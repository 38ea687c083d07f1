"""The clients that a service may have, each made, used and closed in the same way: sync in a thread, async on a loop that runs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import psycopg_pool
import redis
import redis.asyncio
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

from tests.runtime.health.loops import Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Kind(NamedTuple):
    """How a client is made, used with one connection while a function runs, and closed; `most` connections at once."""

    system: str
    make: Callable[[str, int], Any]
    borrow: Callable[[Any], Any]
    close: Callable[[Any], Any]
    asynchronous: bool = False


def _engine(url: str, most: int) -> Any:
    return sqlalchemy.create_engine(url, pool_size=most, max_overflow=0, pool_timeout=0.5)


def _async_engine(url: str, most: int) -> Any:
    return create_async_engine(url, pool_size=most, max_overflow=0, pool_timeout=0.5)


@contextlib.contextmanager
def _sql(engine: Any) -> Iterator[Callable[[], Any]]:
    with engine.connect() as connection:
        yield lambda: connection.execute(sqlalchemy.text("SELECT 1")).scalar()


@contextlib.asynccontextmanager
async def _async_sql(engine: Any) -> Any:
    async with engine.connect() as connection:
        yield lambda: connection.execute(sqlalchemy.text("SELECT 1"))


@contextlib.contextmanager
def _psycopg(pool: Any) -> Iterator[Callable[[], Any]]:
    with pool.connection() as connection:
        yield lambda: connection.execute("SELECT 1")


@contextlib.asynccontextmanager
async def _async_psycopg(pool: Any) -> Any:
    async with pool.connection() as connection:
        yield lambda: connection.execute("SELECT 1")


@contextlib.asynccontextmanager
async def _asyncpg(pool: Any) -> Any:
    async with pool.acquire(timeout=0.5) as connection:
        yield lambda: connection.execute("SELECT 1")


async def _async_pool(url: str, most: int) -> Any:
    pool = psycopg_pool.AsyncConnectionPool(url, min_size=1, max_size=most, open=False, timeout=0.5, reconnect_timeout=1)
    await pool.open(wait=True, timeout=30)
    return pool


def _redis(url: str, most: int) -> Any:
    pool = redis.BlockingConnectionPool.from_url(url, max_connections=most, timeout=0.5, socket_timeout=5)
    return redis.Redis(connection_pool=pool)


def _async_redis(url: str, most: int) -> Any:
    pool = redis.asyncio.BlockingConnectionPool.from_url(url, max_connections=most, timeout=0.5, socket_timeout=5)
    return redis.asyncio.Redis(connection_pool=pool)


@contextlib.contextmanager
def _subscribed(client: Any) -> Iterator[Callable[[], Any]]:
    with client.pubsub() as held:
        held.subscribe("tea")
        yield lambda: None


@contextlib.asynccontextmanager
async def _async_subscribed(client: Any) -> Any:
    async with client.pubsub() as held:
        await held.subscribe("tea")
        yield lambda: asyncio.sleep(0)


def _close_redis(client: Any) -> None:
    client.close()
    client.connection_pool.disconnect()


async def _close_async_redis(client: Any) -> None:
    await (client.aclose if hasattr(client, "aclose") else client.close)()
    await client.connection_pool.disconnect()


def _driver(name: str, make: Callable[[str, int], Any]) -> Callable[[str, int], Any]:
    return lambda url, most: make(url.replace("postgresql://", f"postgresql+{name}://"), most)


def _pool(url: str, most: int) -> Any:
    return psycopg_pool.ConnectionPool(url, min_size=1, max_size=most, open=True, timeout=0.5, reconnect_timeout=1)


def _asyncpg_pool(url: str, most: int) -> Any:
    return asyncpg.create_pool(url, min_size=1, max_size=most)


MODERN = not sqlalchemy.__version__.startswith("1.")
"""Whether SQLAlchemy has a dialect for psycopg."""
DRIVER = "psycopg" if MODERN else "psycopg2"

KINDS = {
    "sqlalchemy": Kind("postgresql", _driver(DRIVER, _engine), _sql, lambda engine: engine.dispose()),
    "sqlalchemy async, asyncpg": Kind(
        "postgresql", _driver("asyncpg", _async_engine), _async_sql, lambda engine: engine.dispose(), asynchronous=True
    ),
    "psycopg_pool": Kind("postgresql", _pool, _psycopg, lambda pool: pool.close()),
    "psycopg_pool async": Kind("postgresql", _async_pool, _async_psycopg, lambda pool: pool.close(), asynchronous=True),
    "asyncpg": Kind("postgresql", _asyncpg_pool, _asyncpg, lambda pool: pool.close(), asynchronous=True),
    "redis": Kind("redis", _redis, _subscribed, _close_redis),
    "redis async": Kind("redis", _async_redis, _async_subscribed, _close_async_redis, asynchronous=True),
}
if MODERN:
    KINDS["sqlalchemy async, psycopg"] = Kind(
        "postgresql", _driver("psycopg", _async_engine), _async_sql, lambda engine: engine.dispose(), asynchronous=True
    )


class Used:
    """A client of a kind, and the loop that it lives on."""

    def __init__(self, name: str, url: str, most: int = 4) -> None:
        self.kind = KINDS[name]
        self.loop = Loop() if self.kind.asynchronous else None
        self.client: Any = self._make(url, most)

    def _make(self, url: str, most: int) -> Any:
        if self.loop is None:
            return self.kind.make(url, most)

        async def made() -> Any:
            client = self.kind.make(url, most)
            return await client if hasattr(client, "__await__") else client

        return self.loop.run(made())

    @contextlib.contextmanager
    def borrowing(self, count: int) -> Iterator[Callable[[], Any]]:
        """Hold so many connections; yield what does something over one of them."""
        if self.loop is None:
            with contextlib.ExitStack() as stack:
                held = [stack.enter_context(self.kind.borrow(self.client)) for _ in range(count)]
                yield held[0] if held else lambda: None
            return
        loop, stack_soon = self.loop, contextlib.AsyncExitStack()

        async def enter() -> list[Any]:
            return [await stack_soon.enter_async_context(self.kind.borrow(self.client)) for _ in range(count)]

        async def call(function: Any) -> None:
            await function()

        held = loop.run(enter())
        yield lambda: loop.run(call(held[0]))
        loop.run(stack_soon.aclose())

    def close(self) -> None:
        """Close the client and its loop, and hold neither."""
        client, self.client = self.client, None
        if self.loop is None:
            self.kind.close(client)
            return

        async def closed() -> None:
            await self.kind.close(client)

        self.loop.run(closed())
        self.loop.close()


@contextlib.contextmanager
def using(name: str, url: str, most: int = 4) -> Iterator[Used]:
    """Yield a client that is closed in the end."""
    used = Used(name, url, most)
    try:
        yield used
    finally:
        if used.client is not None:
            used.close()
