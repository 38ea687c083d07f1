"""A service that depends on databases by clients that are made while it is loaded, as services do; it says how late its loop is."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from typing import Any

import redis
import redis.asyncio
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

import platform_instrument

at_fork: list[list[str]] = []
os.register_at_fork(before=lambda: at_fork.append([thread.name for thread in threading.enumerate()]))  # the first: called last

POSTGRES, REDIS = os.environ["TEST_POSTGRES"], os.environ["TEST_REDIS"]
engine = sqlalchemy.create_engine(POSTGRES.replace("postgresql://", "postgresql+psycopg://"))
cache = redis.Redis.from_url(REDIS)
async_engine = create_async_engine(f"{POSTGRES.replace('postgresql://', 'postgresql+asyncpg://').rpartition('/')[0]}/template1")
async_cache = redis.asyncio.Redis.from_url(f"{REDIS.rpartition('/')[0]}/1")
asked = 0
late = 0.0


@platform_instrument.add_readiness_check("own", critical=True)
def own() -> None:
    global asked  # noqa: PLW0603 - what a service does
    asked += 1


if "TEST_ASKS" in os.environ:  # while it is loaded
    cache.ping()
    cache.connection_pool.disconnect()
    time.sleep(0.5)
asked_before = asked


def told() -> bytes:
    """Return what is known of this process."""
    global late  # noqa: PLW0603 - as above
    health = [name for name in sys.modules if name.startswith("platform_instrument.runtime.health")]
    found = {
        "pid": os.getpid(),
        "asked": asked,
        "asked_before": asked_before,
        "late": late,
        "health": sorted(health),
        "threads": sorted(thread.name for thread in threading.enumerate()),
    }
    late = 0.0
    return json.dumps(found).encode()


async def beat() -> None:
    global late  # noqa: PLW0603 - as above
    while True:
        began, spent = time.perf_counter(), time.thread_time()
        await asyncio.sleep(0.01)
        blocked = time.perf_counter() - began - 0.01
        late = max(late, time.thread_time() - spent, blocked if blocked > 0.25 else 0.0)


async def work() -> bytes:
    async with async_engine.connect() as connection:
        await connection.execute(sqlalchemy.text("SELECT 1"))
    await async_cache.ping()
    return b"done"


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        task = asyncio.create_task(beat())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        task.cancel()
        await send({"type": "lifespan.shutdown.complete"})
        return
    content = await work() if scope["path"] == "/work" else told()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(content)).encode())]})
    await send({"type": "http.response.body", "body": content})


def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
    content = told()
    if environ.get("PATH_INFO") == "/work":
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT 1"))
        content = b"done"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))])
    return [content]


if __name__ == "__main__":
    cache.ping()
    deadline = time.monotonic() + float(sys.argv[1])
    while not asked and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(float(sys.argv[2]))
    children = []
    for _ in range(int(sys.argv[3])):
        before = asked
        began = time.perf_counter()
        pid = os.fork()
        if not pid:
            names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
            from platform_instrument.engine.health import HEALTH

            states = {check.state for check in HEALTH.snapshot().checks}
            os._exit(len(names) + (10 if states != {"unknown"} else 0))
        children.append((os.waitpid(pid, 0)[1] >> 8, time.perf_counter() - began))
        cache.ping()  # a record, with which it goes on where Python counts threads after a fork
        while asked == before:
            time.sleep(0.01)
    sys.stdout.write(json.dumps({"asked": asked, "children": children, "at_fork": at_fork}))
