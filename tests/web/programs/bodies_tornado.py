"""An application of Tornado that answers and reads bodies of every shape."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from tornado import web


class Answer(web.RequestHandler):
    def get(self) -> None:
        bodies: dict[str, bytes] = {
            "/fixed": b"f" * 1_000,
            "/head": b"f" * 1_000,
            "/compressed": b"compressible " * 10_000,
            "/large": b"l" * 5 * 1024 * 1024,
        }
        self.set_header("Content-Type", "text/plain")
        self.write(bodies.get(self.request.path, b""))

    head = get

    def post(self) -> None:
        pass


class Nothing(web.RequestHandler):
    def get(self) -> None:
        self.set_status(204)


class Unchanged(web.RequestHandler):
    def get(self) -> None:
        self.set_status(304)


class Streamed(web.RequestHandler):
    async def get(self) -> None:
        numbers = {"/streamed": 10, "/endless": 1_024, "/breaks": 3}
        for _ in range(numbers[self.request.path]):
            self.write(b"s" * 65_536)
            await self.flush()
        if self.request.path == "/breaks":
            message = "half way"
            raise LookupError(message)


class Whole(web.RequestHandler):
    def post(self) -> None:
        self.write(str(len(self.request.body)))


@web.stream_request_body
class AsItComes(web.RequestHandler):
    size = 0

    def data_received(self, chunk: bytes) -> None:
        self.size += len(chunk)

    def post(self) -> None:
        self.write(str(self.size))


class File(web.StaticFileHandler):
    async def get(self, path: str = "bare.py", include_body: bool = True) -> None:  # noqa: FBT001, FBT002 - Tornado's
        await super().get(path, include_body)


HANDLERS: list[Any] = [
    *[(path, Answer) for path in ("/fixed", "/empty", "/head", "/compressed", "/large", "/unread")],
    ("/nothing", Nothing),
    ("/unchanged", Unchanged),
    *[(path, Streamed) for path in ("/streamed", "/endless", "/breaks")],
    ("/file", File, {"path": str(Path(__file__).parent)}),
    *[(path, Whole) for path in ("/upload", "/upload/nothing", "/upload/large", "/upload/left")],
    ("/upload/chunks", AsItComes),
]


async def serve(port: int) -> None:
    web.Application(HANDLERS, compress_response=True).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
