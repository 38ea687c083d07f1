"""An application of each kind that writes down which requests it was called for, and ended: `/slow` takes a second."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SLOW = 1.0
sqlite3.connect(":memory:").execute("SELECT 'loaded'")  # recorded by whoever loads the application, a master too


def note(what: str, name: str) -> None:
    """Add a line to the ledger, whole, whichever process writes."""
    ledger = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND)
    os.write(ledger, f"{os.getpid()} {what} {name}\n".encode())
    os.close(ledger)


@contextmanager
def noted(name: str) -> Iterator[None]:
    """Write down that a request is begun, and that it is ended, however."""
    note("begun", name)
    try:
        yield
    finally:
        note("ended", name)


def work(name: str) -> None:
    """Do what a request, or a task, is made for."""
    with noted(name):
        if name == "/slow":
            time.sleep(SLOW)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        raise NotImplementedError
    with noted(scope["path"]):
        if scope["path"] == "/slow":
            await asyncio.sleep(SLOW)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    work(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
