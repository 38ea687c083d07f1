"""An application of aiohttp that answers in every way, with a mounted one and a websocket."""

import asyncio
import sys
from pathlib import Path

from aiohttp import web


async def plain(_request: web.Request) -> web.Response:
    return web.Response(text="plain", headers={"X-Answer": "yes"})


async def identified(request: web.Request) -> web.Response:
    return web.Response(text=request.headers["X-Request-ID"], headers={"X-Answer": "yes"})


async def fails(request: web.Request) -> web.Response:
    raise LookupError(request.path)


async def late(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"part")
    raise LookupError(request.path)


async def refused(_request: web.Request) -> web.Response:
    raise web.HTTPServiceUnavailable


async def waits(_request: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


async def talks(request: web.Request) -> web.WebSocketResponse:
    import sqlite3

    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        sqlite3.connect(":memory:").execute("SELECT 1")
        await socket.send_str(message.data)
    return socket


def made() -> web.Application:
    application, inner = web.Application(), web.Application()
    inner.router.add_get("/things/{thing}", plain)
    application.add_subapp("/inner/", inner)
    for path, handler in {
        "/plain": plain,
        "/items/{item}": plain,
        "/one": plain,
        "/two": plain,
        "/three": plain,
        "/caf\xe9": plain,
        "/id": identified,
        "/quiet": plain,
        "/fails": fails,
        "/late": late,
        "/refused": refused,
        "/waits": waits,
        "/talks": talks,
    }.items():
        application.router.add_get(path, handler)
    application.router.add_static("/files", Path(__file__).parent)
    return application


if __name__ == "__main__":
    web.run_app(made(), host="127.0.0.1", port=int(sys.argv[1]), handler_cancellation=True)
