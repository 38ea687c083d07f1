"""A shop that logs at INFO, and more than that below it: by FastAPI and by Flask."""

from __future__ import annotations

import json
import logging
import os
import time
from typing import TYPE_CHECKING

import fastapi
import flask
from fastapi.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Json(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        shown = {"time": record.created, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        return json.dumps(shown)


logging.basicConfig(level="INFO")
if os.environ.get("SHOP_LOGGING") == "json":
    logging.root.handlers[0].setFormatter(Json())
log = logging.getLogger("shop.orders")


def said(number: str) -> None:
    log.debug("reading order %s", number)
    log.info("order %s", number)
    log.debug("priced %s for %s", number, "bob@example.com")


asgi = fastapi.FastAPI()


@asgi.get("/pay/{number}")
async def pay(number: str) -> str:
    said(number)
    return "paid"


@asgi.get("/fail/{number}")
def fail(number: str) -> str:
    said(number)
    raise ValueError("no money")


@asgi.get("/slow/{number}")
def slow(number: str) -> str:
    said(number)
    time.sleep(2.2)
    return "paid"


@asgi.get("/stream/{number}")
async def stream(number: str) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        said(number)
        if number == "5":
            raise ValueError("no more")
        yield b"two"

    return StreamingResponse(parts())


wsgi = flask.Flask("shop")


@wsgi.get("/pay/<number>")
def flask_pay(number: str) -> str:
    return f"{said(number)}"


@wsgi.get("/fail/<number>")
def flask_fail(number: str) -> str:
    return fail(number)


@wsgi.get("/slow/<number>")
def flask_slow(number: str) -> str:
    return slow(number)
