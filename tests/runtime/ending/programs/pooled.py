"""A service with a pool of each library, which says when it is closed."""

import os
import sys
from typing import Any

import asyncpg
import psycopg_pool
import redis
import redis.asyncio
import sqlalchemy
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine


def say(name: str) -> None:
    sys.stdout.write(f"closed {name}\n")
    sys.stdout.flush()


class Pool(psycopg_pool.ConnectionPool):
    def close(self, timeout: float = 5.0) -> None:
        super().close(timeout)
        say("psycopg_pool")


class AsyncPool(psycopg_pool.AsyncConnectionPool):
    async def close(self, timeout: float = 5.0) -> None:
        await super().close(timeout)
        say("psycopg_pool of a loop")


class RedisPool(redis.ConnectionPool):
    def disconnect(self, *args: Any, **kwargs: Any) -> None:
        super().disconnect(*args, **kwargs)
        say("redis")


class AsyncRedisPool(redis.asyncio.ConnectionPool):
    async def disconnect(self, *args: Any, **kwargs: Any) -> None:
        await super().disconnect(*args, **kwargs)
        say("redis of a loop")


close = asyncpg.Pool.close


async def closed(self: Any) -> None:
    await close(self)
    say("asyncpg")


asyncpg.Pool.close = closed
URL = os.environ["POSTGRES"]
engine = create_async_engine(URL.replace("postgresql://", "postgresql+asyncpg://"))
event.listen(engine.sync_engine, "close", lambda *_: say("sqlalchemy of a loop"))
pools: list[Any] = []


async def use() -> None:
    if not pools:
        pools.extend((Pool(URL, min_size=1, open=True), AsyncPool(URL, min_size=1, open=False), await asyncpg.create_pool(URL)))
        await pools[1].open()
        pools.append(redis.Redis(connection_pool=RedisPool.from_url(os.environ["REDIS"])))
        pools.append(redis.asyncio.Redis(connection_pool=AsyncRedisPool.from_url(os.environ["REDIS"])))
    with pools[0].connection() as connection:
        connection.execute("SELECT 1")
    async with pools[1].connection() as connection:
        await connection.execute("SELECT 1")
    await pools[2].execute("SELECT 1")
    pools[3].ping()
    await pools[4].ping()
    async with engine.connect() as connection:
        await connection.execute(sqlalchemy.text("SELECT 1"))


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await use()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def serve_aiohttp(port: int) -> None:
    from aiohttp import web

    async def answer(_request: web.Request) -> web.Response:
        await use()
        return web.Response(text="ok")

    application = web.Application()
    application.router.add_get("/", answer)
    web.run_app(application, host="127.0.0.1", port=port)


if __name__ == "__main__":
    serve_aiohttp(int(sys.argv[1]))
