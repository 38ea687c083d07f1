"""A service that switches instrumentors of upstream's on in its own code, and asks them how they are."""

import asyncio
import io
import logging
import os
import sqlite3
from typing import Any

import aiohttp
import httpx
import httpx2
import jinja2
import requests
import sqlalchemy
import urllib3
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor, HTTPXClientInstrumentor
from opentelemetry.instrumentation.jinja2 import Jinja2Instrumentor
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware as WSGIMiddleware

LEAF = f"http://127.0.0.1:{os.environ['PORT']}/leaf"
HOOKS: list[str] = []
CLIENTS = (AioHttpClientInstrumentor, HTTPXClientInstrumentor, RequestsInstrumentor, SQLite3Instrumentor, URLLib3Instrumentor)
OTHERS = (HTTPX2ClientInstrumentor, Jinja2Instrumentor, LoggingInstrumentor)


def server_hook(span: Any, scope: dict[str, Any]) -> None:
    HOOKS.append(scope["path"])
    if span and span.is_recording():
        span.set_attribute("shop.tenant", "ada")


def client_hook(_span: Any, request: Any) -> None:
    HOOKS.append(request.method)


LINES = io.StringIO()
logging.basicConfig(level=logging.INFO, stream=LINES, format="%(message)s")
for instrumentor in (*CLIENTS, *OTHERS):
    options = {"request_hook": client_hook} if instrumentor is RequestsInstrumentor else {}
    instrumentor().instrument(**options)

engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.StaticPool, connect_args={"check_same_thread": False})
SQLAlchemyInstrumentor().instrument(engine=engine)
app = FastAPI()
FastAPIInstrumentor.instrument_app(app, server_request_hook=server_hook)


@app.get("/leaf")
def leaf() -> str:
    return "leaf"


@app.get("/calls")
async def calls() -> list[Any]:
    """Make one call with each library."""
    trace.get_current_span().set_attribute("shop.current", "here")
    async with httpx.AsyncClient() as client:
        answers = [(await client.get(f"{LEAF}?httpx")).json()]
    async with aiohttp.ClientSession() as session, session.get(f"{LEAF}?aiohttp") as response:
        answers.append(await response.json())
    return [*answers, *await asyncio.to_thread(blocking)]


def blocking() -> list[Any]:
    answers = [
        requests.get(f"{LEAF}?requests", timeout=10).json(),
        urllib3.PoolManager().request("GET", f"{LEAF}?urllib3").json(),
        httpx2.get(f"{LEAF}?httpx2").json(),
    ]
    with httpx.Client() as client:
        HTTPXClientInstrumentor.instrument_client(client)
        answers.append(client.get(f"{LEAF}?client").json())
    with engine.connect() as connection:
        answers.append(connection.execute(sqlalchemy.text("SELECT 7")).scalar())
    answers.append(sqlite3.connect(":memory:").execute("SELECT 8").fetchone()[0])
    return [*answers, jinja2.Template("{{ 9 }}").render()]


@app.get("/line")
def line() -> int:
    """Log, and count how often the trace id is in what was printed."""
    logging.getLogger("shop").info("worked")
    trace_id = f"{trace.get_current_span().get_span_context().trace_id:032x}"
    return LINES.getvalue().count(trace_id)


@app.get("/state")
def state() -> dict[str, Any]:
    """Tell what the instrumentors say of themselves, before they are switched off and after."""
    before = [kind().is_instrumented_by_opentelemetry for kind in (*CLIENTS, *OTHERS)]
    for kind in (*CLIENTS, *OTHERS):
        kind().uninstrument()
    after = [kind().is_instrumented_by_opentelemetry for kind in (*CLIENTS, *OTHERS)]
    FastAPIInstrumentor.uninstrument_app(app)
    return {"before": before, "after": after, "hooks": HOOKS}


@app.get("/fails")
def fails() -> str:
    raise ValueError(LEAF)


async def bare(_scope: dict[str, Any], _receive: Any, send: Any) -> None:
    """Answer without a framework."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"bare"})


def bare_wsgi(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"bare"]


asgi = OpenTelemetryMiddleware(bare)
wsgi = WSGIMiddleware(bare_wsgi)
