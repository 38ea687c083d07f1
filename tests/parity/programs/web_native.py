"""A framework with a server of its own: aiohttp.web, tornado."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from steps import HOST, NAMED, PORT, visit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class RefusedError(Exception):
    """What handlers raise."""


async def by_aiohttp(serve: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    from aiohttp import web

    async def items(request: Any) -> Any:
        await request.read()
        return web.Response(text=request.match_info["number"])

    async def fail(_request: Any) -> Any:
        raise RefusedError

    async def refuse(_request: Any) -> Any:
        return web.Response(status=503)

    app = web.Application()
    app.add_routes([web.get("/items/{number}", items), web.post("/items/{number}", items)])
    app.add_routes([web.get("/fail", fail), web.get("/refuse", refuse)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, HOST, PORT).start()
    await serve(PORT)
    await runner.cleanup()


async def by_tornado(serve: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    from tornado import httpserver, netutil, web

    class Items(web.RequestHandler):
        def get(self, number: str) -> None:
            self.finish(number)

        post = get

    class Fail(web.RequestHandler):
        def get(self) -> None:
            raise RefusedError

    class Refuse(web.RequestHandler):
        def get(self) -> None:
            self.send_error(503)

    app = web.Application([(r"/items/(\d+)", Items), (r"/fail", Fail), (r"/refuse", Refuse)])
    server = httpserver.HTTPServer(app)
    sockets = netutil.bind_sockets(PORT, HOST)
    server.add_sockets(sockets)
    await serve(PORT)
    server.stop()
    await server.close_all_connections()


async def main() -> None:
    """Serve in this thread and ask in another one."""

    async def serve(port: int) -> None:
        await asyncio.to_thread(visit, port)

    await {"aiohttp": by_aiohttp, "tornado": by_tornado}[NAMED](serve)


asyncio.run(main())
