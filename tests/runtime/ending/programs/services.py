"""One service in every shape that a server wants: `/quick`, `/slow` (2 s), `/hang`, and a pool that says when it is closed."""

import asyncio
import os
import sys
import tempfile
import time
from typing import Any

import sqlalchemy
from sqlalchemy import event, pool

SLOW, ENDLESS = 2.0, 3_600.0
PATHS = {"/slow": SLOW, "/hang": ENDLESS}

engine = sqlalchemy.create_engine(f"sqlite:///{tempfile.gettempdir()}/services-{os.getpid()}.db", poolclass=pool.QueuePool)


@event.listens_for(engine, "close")
def _closed(*_: object) -> None:
    sys.stdout.write("connection closed\n")
    sys.stdout.flush()


def work() -> None:
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT 1"))


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    work()
    await asyncio.sleep(PATHS.get(scope["path"], 0))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    work()
    time.sleep(PATHS.get(environ["PATH_INFO"], 0))
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def fast() -> Any:
    from fastapi import FastAPI

    application = FastAPI()

    @application.get("/{path}")
    async def answer(path: str) -> str:
        work()
        await asyncio.sleep(PATHS.get(f"/{path}", 0))
        return "ok"

    return application


def flask() -> Any:
    from flask import Flask

    application = Flask("services")

    @application.get("/<path>")
    def answer(path: str) -> str:
        work()
        time.sleep(PATHS.get(f"/{path}", 0))
        return "ok"

    return application


def serve_werkzeug(port: int) -> None:
    from werkzeug.serving import run_simple

    run_simple("127.0.0.1", port, wsgi, threaded=True)


def serve_wsgiref(port: int) -> None:
    from wsgiref.simple_server import make_server

    make_server("127.0.0.1", port, wsgi).serve_forever()


def serve_waitress(port: int) -> None:
    import waitress

    waitress.serve(flask(), host="127.0.0.1", port=port)


def serve_aiohttp(port: int) -> None:
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        work()
        await asyncio.sleep(PATHS.get(request.path, 0))
        return web.Response(text="ok")

    application = web.Application()
    application.router.add_get("/{path}", answer)
    web.run_app(application, host="127.0.0.1", port=port)


def serve_tornado(port: int) -> None:
    from tornado import web

    class Answer(web.RequestHandler):
        async def get(self) -> None:
            work()
            await asyncio.sleep(PATHS.get(self.request.path, 0))
            self.write("ok")

    async def serve() -> None:
        web.Application([(".*", Answer)]).listen(port, "127.0.0.1")
        await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    globals()[f"serve_{sys.argv[1]}"](int(sys.argv[2]))
