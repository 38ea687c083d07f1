"""A service that does all that our metrics tell of: served by gunicorn as `tests.monitoring.everything:app`."""

from __future__ import annotations

import asyncio
import gc
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import redis
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

app = Flask(__name__)
engine = create_engine(os.environ["TEST_POSTGRES"], pool_size=1, max_overflow=0, pool_timeout=0.05)
cache = redis.Redis.from_url(os.environ["TEST_REDIS"])
executor = ThreadPoolExecutor(1)
KEY = os.environ["TEST_KEY"]


@app.route("/plain", methods=["GET", "POST"])
def plain() -> str:
    return "plain"


@app.route("/fail")
def fail() -> str:
    raise RuntimeError


@app.route("/all")
def everything() -> str:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1 AS one")).all()
        with suppress(PoolTimeout):
            engine.connect()
    with suppress(ProgrammingError), engine.connect() as connection:
        connection.execute(text("SELECT * FROM no_such_table"))
    cache.get(f"{KEY}:missing")
    cache.set(f"{KEY}:there", "value", ex=60)
    cache.get(f"{KEY}:there")
    with httpx.Client(timeout=30, verify=False) as client:  # noqa: S501 - certificates take long to load, and none is asked for
        for path in ("/plain", "/missing"):
            client.post(os.environ["TEST_OTHER"] + path, content=b"body")
    asyncio.run(asyncio.sleep(1.2))
    executor.submit(gc.collect).result()
    return "done"
