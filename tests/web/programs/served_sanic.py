"""An application of Sanic that answers in every way, with a mounted blueprint and a websocket."""

import asyncio
import sys
from typing import Any

from sanic import Blueprint, Sanic
from sanic.exceptions import ServiceUnavailable
from sanic.response import HTTPResponse, text

app = Sanic("served")
inner = Blueprint("inner", url_prefix="/inner")


@inner.get("/things/<thing:int>", name="thing")
@app.get("/items/<item>", name="items")
@app.get("/plain", name="plain")
@app.get("/one", name="one")
@app.get("/two", name="two")
@app.get("/three", name="three")
@app.get("/caf\xe9", name="coffee")
@app.get("/quiet", name="quiet")
async def plain(_request: Any, **_: Any) -> HTTPResponse:
    return text("plain", headers={"X-Answer": "yes"})


@app.get("/id")
async def identified(request: Any) -> HTTPResponse:
    return text(request.headers["X-Request-ID"], headers={"X-Answer": "yes"})


@app.get("/fails")
async def fails(request: Any) -> HTTPResponse:
    raise LookupError(request.path)


@app.get("/late")
async def late(request: Any) -> None:
    response = await request.respond()
    await response.send("part")
    raise LookupError(request.path)


@app.get("/refused")
async def refused(_request: Any) -> HTTPResponse:
    raise ServiceUnavailable


@app.get("/waits")
async def waits(_request: Any) -> HTTPResponse:
    await asyncio.sleep(60)
    return text("")


@app.websocket("/talks")
async def talks(_request: Any, socket: Any) -> None:
    import sqlite3

    async for message in socket:
        sqlite3.connect(":memory:").execute("SELECT 1")
        await socket.send(message)


app.blueprint(inner)
app.static("/files", "bare.py", name="files")


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[1]), workers=int((sys.argv[2:] or ["1"])[0]), access_log=True, motd=False)
