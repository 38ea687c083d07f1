"""Applications that say whom they serve, several at once, and log it in tasks, threads and greenlets.

The user is the query; a request without one says nothing. `began` is logged before it is said, `step` afterwards.
"""

import asyncio
import logging
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

from platform_instrument import request_id, set_attributes

logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
log = logging.getLogger("shop")
STEPS = 4


def asked() -> None:
    sqlite3.connect(":memory:").execute("SELECT 1")


def said(user: str) -> None:
    log.info("began <%s>", user)
    if user:
        set_attributes(user_id=user, tenant_id=f"of-{user}")


async def asgi(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError
    user = scope["query_string"].decode()
    asked()
    said(user)
    loop, context = asyncio.get_running_loop(), copy_context()
    tasks = [loop.create_task(logs(user)) for _ in range(2)]
    for _ in range(STEPS):
        log.info("step <%s>", user)
        await asyncio.sleep(0.002)
    await loop.run_in_executor(None, context.run, log.info, "step <%s>", user)
    await asyncio.gather(*tasks)
    asked()
    headers = [(b"X-Request-Id", b"its own")] if scope["path"] == "/own" else [(b"x-own", str(request_id()).encode())]
    if scope["path"] == "/fails":
        raise LookupError(user)
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": seen(dict(scope["headers"]).get(b"x-request-id"))})
    log.info("step <%s>", user)  # as a background task does


async def logs(user: str) -> None:
    for _ in range(STEPS):
        await asyncio.sleep(0.001)
        log.info("step <%s>", user)


def seen(header: bytes | None) -> bytes:
    return b"none" if header is None else header


def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
    user = environ["QUERY_STRING"]
    asked()
    said(user)
    thread = threading.Thread(target=copy_context().run, args=(log.info, "step <%s>", user))
    thread.start()
    for _ in range(STEPS):
        log.info("step <%s>", user)
        time.sleep(0.002)
    thread.join()
    asked()
    own = ("x-request-id", "its own") if environ["PATH_INFO"] == "/own" else ("X-Own", str(request_id()))
    if environ["PATH_INFO"] == "/fails":
        raise LookupError(user)
    start_response("200 OK", [own])
    if environ["PATH_INFO"] == "/streams":
        return streamed(user)
    return [environ.get("HTTP_X_REQUEST_ID", "none").encode()]


def streamed(user: str) -> Iterator[bytes]:
    for _ in range(STEPS):
        log.info("step <%s>", user)
        yield b"part"
