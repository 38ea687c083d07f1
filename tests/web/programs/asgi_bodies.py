"""A Starlette application that answers and reads bodies of every shape."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

FILE = Path(__file__)


async def parts(number: int, *, fails: bool = False) -> AsyncIterator[bytes]:
    for _ in range(number):
        yield b"s" * 65_536
    if fails:
        message = "half way"
        raise LookupError(message)


ANSWERS: dict[str, Callable[[], Response]] = {
    "/fixed": lambda: Response(b"f" * 1_000),
    "/empty": Response,
    "/head": lambda: Response(b"f" * 1_000),
    "/streamed": lambda: StreamingResponse(parts(10)),
    "/compressed": lambda: Response(b"compressible " * 10_000, media_type="text/plain"),
    "/nothing": lambda: Response(status_code=204),
    "/unchanged": lambda: Response(status_code=304, headers={"etag": '"tag"'}),
    "/file": lambda: FileResponse(FILE),
    "/large": lambda: Response(b"l" * 5 * 1024 * 1024),
    "/endless": lambda: StreamingResponse(parts(1_024)),
    "/breaks": lambda: StreamingResponse(parts(3, fails=True)),
}


async def answered(request: Request) -> Response:
    return ANSWERS[request.url.path]()


async def unread(_request: Request) -> Response:
    return Response()


async def read(request: Request) -> Response:
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
    except ClientDisconnect:
        return Response("left", 400)
    return Response(str(size))


class Compressing:
    """GZipMiddleware for one path."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.compressing = GZipMiddleware(app)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        chosen = self.compressing if scope.get("path") == "/compressed" else self.app
        await chosen(scope, receive, send)


app = Starlette(
    routes=[
        *[Route(path, answered) for path in ANSWERS],
        Route("/unread", unread, methods=["POST"]),
        *[Route(f"/upload{rest}", read, methods=["POST"]) for rest in ("", "/nothing", "/chunks", "/large", "/left")],
    ],
    middleware=[Middleware(Compressing)],
)
