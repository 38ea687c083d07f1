"""An application of Tornado that answers in every way, with a WSGI application beside it and a websocket."""

import asyncio
import sys
from typing import Any

import bare
from tornado import web, websocket, wsgi
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.process import fork_processes


class Plain(web.RequestHandler):
    def get(self, *_: str, **__: str) -> None:
        self.set_header("X-Answer", "yes")
        self.write("plain")


class Identified(web.RequestHandler):
    async def get(self) -> None:
        await asyncio.sleep(0)
        self.set_header("X-Answer", "yes")
        self.write(self.request.headers["X-Request-ID"])


class Fails(web.RequestHandler):
    async def get(self) -> None:
        await asyncio.sleep(0)
        raise LookupError(self.request.path)


class Late(web.RequestHandler):
    async def get(self) -> None:
        self.write(b"part")
        await self.flush()
        raise LookupError(self.request.path)


class Refused(web.RequestHandler):
    def get(self) -> None:
        raise web.HTTPError(503)


class Waits(web.RequestHandler):
    async def get(self) -> None:
        self.task = asyncio.current_task()
        await asyncio.sleep(60)

    def on_connection_close(self) -> None:
        if self.task is not None:
            self.task.cancel()


class Talks(websocket.WebSocketHandler):
    def on_message(self, message: Any) -> None:
        import sqlite3

        sqlite3.connect(":memory:").execute("SELECT 1")
        self.write_message(message)


def made() -> web.Application:
    return web.Application(
        [
            ("/plain", Plain),
            (r"/items/(?P<item>\w+)", Plain),
            ("/inner/.*", web.Application([(r"/inner/things/(\d+)", Plain)])),
            ("/(?:one|two|three|caf\xe9|caf%C3%A9|quiet)", Plain),
            ("/id", Identified),
            ("/fails", Fails),
            ("/late", Late),
            ("/refused", Refused),
            ("/waits", Waits),
            ("/talks", Talks),
            ("/files/(.*)", web.StaticFileHandler, {"path": "."}),
            ("/old/.*", web.FallbackHandler, {"fallback": wsgi.WSGIContainer(bare.wsgi)}),
        ]
    )


async def serve(sockets: Any) -> None:
    HTTPServer(made(), xheaders=True).add_sockets(sockets)
    await asyncio.Event().wait()


if __name__ == "__main__":
    bound = bind_sockets(int(sys.argv[1]), "127.0.0.1")
    if sys.argv[2:]:
        fork_processes(int(sys.argv[2]))
    asyncio.run(serve(bound))
