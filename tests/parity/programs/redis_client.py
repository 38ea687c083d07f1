"""redis-py, by threads and by coroutines."""

from __future__ import annotations

import asyncio
import os

import redis
import redis.asyncio
from steps import HOST, step

URL = os.environ["REDIS"]


def threads() -> None:
    """Do what a service does with a cache."""
    client = redis.Redis.from_url(URL)
    client.ping()
    with step("set"):
        client.set("parity", "s3cret")
    with step("get"):
        client.get("parity")
    with step("mget"):
        client.mget("parity", "none")
    with step("pipeline"), client.pipeline(transaction=False) as pipe:
        pipe.get("parity").set("parity", "milk").execute()
    with step("transaction"), client.pipeline() as pipe:
        pipe.get("parity").get("parity").execute()
    with step("wrong type", raises=redis.ResponseError):
        client.lpush("parity", "milk")
    with step("eval"):
        client.eval("return redis.call('GET', KEYS[1])", 1, "parity")
    with step("nobody there", raises=redis.ConnectionError):
        redis.Redis(host=HOST, port=1, retry=None).get("parity")
    with step("watched", raises=redis.WatchError), client.pipeline() as pipe:
        pipe.watch("parity")
        client.set("parity", "tea")
        pipe.multi()
        pipe.get("parity").execute()
    client.close()


async def coroutines() -> None:
    """Do the same by coroutines."""
    client = redis.asyncio.Redis.from_url(URL)
    await client.ping()
    with step("async set"):
        await client.set("parity", "s3cret")
    with step("async get"):
        await client.get("parity")
    with step("async pipeline"):
        async with client.pipeline(transaction=False) as pipe:
            await pipe.get("parity").set("parity", "milk").execute()
    with step("async wrong type", raises=redis.ResponseError):
        await client.lpush("parity", "milk")
    await client.aclose()


threads()
asyncio.run(coroutines())
