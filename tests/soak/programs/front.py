"""A FastAPI service that asks Redis, a database and another service for each request, and logs."""

import logging
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import redis.asyncio
from fastapi import FastAPI

logging.basicConfig(level=logging.INFO, filename=os.devnull)
log = logging.getLogger("front")
database = sqlite3.connect(":memory:", check_same_thread=False)
database.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)")
database.executemany("INSERT INTO items VALUES (?, ?)", [(number, f"item {number}") for number in range(100)])
clients: dict[str, httpx.AsyncClient] = {}
cache = redis.asyncio.Redis.from_url(os.environ["SOAK_REDIS"])


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(base_url=os.environ["SOAK_BACK"], timeout=30) as client:
        clients["back"] = client
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/orders/{number}")
async def order(number: int) -> dict[str, object]:
    log.info("order %d", number)
    (name,) = database.execute("SELECT name FROM items WHERE id = ?", (number % 100,)).fetchone()
    known = await cache.get(f"soak:{number % 10}")
    answer = await clients["back"].get(f"/stock/{number % 100}")
    answer.raise_for_status()
    return {"name": name, "known": known is not None, "stock": answer.json()}
