"""An application of aiohttp that answers and reads bodies of every shape."""

import sys
from pathlib import Path
from typing import Any

from aiohttp import web

FILE = Path(__file__)


async def streamed(request: web.Request, number: int = 10, *, fails: bool = False) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(number):
        await response.write(b"s" * 65_536)
    if fails:
        message = "half way"
        raise LookupError(message)
    return response


async def compressed(_request: web.Request) -> web.Response:
    response = web.Response(body=b"compressible " * 10_000, content_type="text/plain")
    response.enable_compression()
    return response


async def compressed_in_parts(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_compression()
    await response.prepare(request)
    for _ in range(100):
        await response.write(b"compressible " * 100)
    return response


async def fixed(_request: web.Request) -> web.Response:
    return web.Response(body=b"f" * 1_000)


async def empty(_request: web.Request) -> web.Response:
    return web.Response()


async def large(_request: web.Request) -> web.Response:
    return web.Response(body=b"l" * 5 * 1024 * 1024)


async def nothing(_request: web.Request) -> web.Response:
    return web.Response(status=204)


async def unchanged(_request: web.Request) -> web.Response:
    return web.Response(status=304, headers={"ETag": '"tag"'})


async def file(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(FILE)


async def endless(request: web.Request) -> web.StreamResponse:
    return await streamed(request, 1_024)


async def breaks(request: web.Request) -> web.StreamResponse:
    return await streamed(request, 3, fails=True)


async def read(request: web.Request) -> web.Response:
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
    return web.Response(text=str(size))


application = web.Application()
ANSWERS: dict[str, Any] = {
    "/fixed": fixed,
    "/empty": empty,
    "/head": fixed,
    "/streamed": streamed,
    "/compressed": compressed,
    "/compressed/parts": compressed_in_parts,
    "/nothing": nothing,
    "/unchanged": unchanged,
    "/file": file,
    "/large": large,
    "/endless": endless,
    "/breaks": breaks,
}
for path, handler in ANSWERS.items():
    application.router.add_get(path, handler)
application.router.add_post("/unread", empty)
for rest in ("", "/nothing", "/chunks", "/large", "/left"):
    application.router.add_post(f"/upload{rest}", read)

if __name__ == "__main__":
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]))
