"""Applications whose health is what they are told: what probes answer is seen without anything that checks."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

STARTS_WITH = os.environ.get("STARTS_WITH")
"""A file that has to be there before start-up is over."""


def wait() -> None:
    while STARTS_WITH and not Path(STARTS_WITH).exists():
        time.sleep(0.02)


def tell(query: str) -> None:
    """Report a check by its fields, drain, or be loaded, in a process that is under telemetry."""
    if "platform_instrument.engine.health" not in sys.modules:
        return
    from platform_instrument.engine.health import HEALTH, Check

    told = dict(parse_qsl(query))
    if "drain" in told:
        HEALTH.drain()
        return
    report = HEALTH.report_startup if told.pop("startup", "") else HEALTH.report
    report(
        Check(told["name"], told["state"], 0.25, 1_700_000_000.5, critical="critical" in told, message=told.get("message", ""))
    )


def answer(method: str, path: str, query: str, body: bytes) -> bytes:
    if path == "/tell":
        tell(query)
    elif path == "/busy":
        time.sleep(float(query))
    return f"{method} {path} {body.decode()} {os.getpid()}".encode()


if "RECORDS" in os.environ:
    import sqlite3

    sqlite3.connect(":memory:").execute("SELECT 1")
    time.sleep(float(os.environ["RECORDS"]))

if "TELLS" in os.environ:
    tell(os.environ["TELLS"])


if "HANGS" in os.environ:
    import platform_instrument

    platform_instrument.add_readiness_check("hangs", lambda: time.sleep(60), timeout=30)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await asyncio.to_thread(wait)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": scope["path"]})
        await send({"type": "websocket.close"})
        return
    body = b""
    while (message := await receive()).get("more_body"):
        body += message["body"]
    content = answer(scope["method"], scope["path"], scope["query_string"].decode(), body + message["body"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(content)).encode())]})
    await send({"type": "http.response.body", "body": content})


def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    content = answer(environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", ""), body)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))])
    return [content]
