"""A Flask application that answers and reads bodies of every shape."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import Flask, Response, request, send_file

FILE = Path(__file__)
app = Flask(__name__)


def parts(number: int, *, fails: bool = False) -> Iterator[bytes]:
    for _ in range(number):
        yield b"s" * 65_536
    if fails:
        message = "half way"
        raise LookupError(message)


ANSWERS: dict[str, Callable[[], Response]] = {
    "/fixed": lambda: Response(b"f" * 1_000),
    "/empty": Response,
    "/head": lambda: Response(b"f" * 1_000),
    "/streamed": lambda: Response(parts(10)),
    "/compressed": lambda: Response(b"compressible " * 10_000, mimetype="text/plain"),
    "/nothing": lambda: Response(status=204),
    "/unchanged": lambda: Response(status=304, headers={"ETag": '"tag"'}),
    "/file": lambda: send_file(FILE),
    "/large": lambda: Response(b"l" * 5 * 1024 * 1024),
    "/endless": lambda: Response(parts(1_024)),
    "/breaks": lambda: Response(parts(3, fails=True)),
}


def unread() -> Response:
    return Response()


def read() -> str:
    size = 0
    while part := request.stream.read(16_384):
        size += len(part)
    return str(size)


for path, answer in ANSWERS.items():
    app.add_url_rule(path, path, answer)
app.add_url_rule("/unread", "unread", unread, methods=["POST"])
for rest in ("", "/nothing", "/chunks", "/large", "/left"):
    app.add_url_rule(f"/upload{rest}", f"upload{rest}", read, methods=["POST"])


def compressing(wrapped: Any) -> Any:
    """Compress the answers of one path, inside of whatever observes the application."""

    def middleware(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/compressed":
            return wrapped(environ, start_response)
        begun: list[Any] = []
        body = wrapped(environ, lambda *said: begun.append(said))
        whole = gzip.compress(b"".join(body))
        kept = [(name, value) for name, value in begun[0][1] if name.lower() != "content-length"]
        start_response(begun[0][0], [*kept, ("Content-Encoding", "gzip"), ("Content-Length", str(len(whole)))])
        return [whole]

    return middleware


app.wsgi_app = compressing(app.wsgi_app)  # type: ignore[method-assign] # as Flask's documentation says
