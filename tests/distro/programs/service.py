"""One piece of work, as an ASGI application, a WSGI application and a script: a query and a log line."""

import logging
import sqlite3
import sys
from typing import Any

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s: %(message)s")
log = logging.getLogger("service")


def work() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE guests (name TEXT)")
    connection.execute("SELECT name FROM guests WHERE name = 'Ada'").fetchall()
    connection.close()
    log.info("worked")
    return b"done"


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = work()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})


def wsgi(_environ: Any, start_response: Any) -> list[bytes]:
    body = work()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    work()
