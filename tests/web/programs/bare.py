"""Applications without a framework, which start fast."""

import io
import os
from collections.abc import Iterator
from typing import Any

if os.environ.get("AT_IMPORT"):
    import sqlite3

    sqlite3.connect(":memory:").execute("SELECT 1")


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        raise NotImplementedError
    if scope["path"] == "/waits":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    if scope["path"] == "/fails":
        raise LookupError(scope["path"])
    if scope["path"] == "/silent":
        return
    if scope["path"] == "/late":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        raise LookupError(scope["path"])
    if scope["path"] == "/reads":
        while (await receive()).get("more_body"):
            pass
    body = dict(scope["headers"])[b"x-request-id"] if scope["path"] == "/id" else b"bare"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-answer", b"yes")]})
    await send({"type": "http.response.body", "body": body})


def factory() -> Any:
    return asgi


class Closing:
    """A body that says when it is closed."""

    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield b"closing"

    def close(self) -> None:
        type(self).closed += 1


def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
    path = environ["PATH_INFO"]
    if path == "/fails":
        raise LookupError(path)
    if path == "/reads":
        environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Answer", "yes")])
    if path == "/closing":
        return Closing()
    if path == "/closed":
        return [str(Closing.closed).encode()]
    if path == "/file":
        return environ["wsgi.file_wrapper"](io.BytesIO(b"file"))
    return [environ["HTTP_X_REQUEST_ID"].encode() if path == "/id" else b"bare"]
