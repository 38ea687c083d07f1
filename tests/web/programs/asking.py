"""An application that makes a query and tells what it was asked; the same as ASGI and as WSGI."""

import sqlite3
from typing import Any

from opentelemetry import baggage

HEADERS = [("X-Answer", "yes"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


def work(path: str) -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("SELECT 1").fetchall()
    connection.close()
    if path == "/baggage":
        return f"{baggage.get_baggage('tenant')},{baggage.get_baggage('plan')}".encode()
    return b"done"


async def asgi(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        raise NotImplementedError
    headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS]
    body = work(scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    body = work(environ["PATH_INFO"])
    start_response("200 OK", HEADERS)
    return [body]
