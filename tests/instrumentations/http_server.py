"""A real HTTP/1.1 server on a loopback port, which does what its paths say and keeps the headers it was sent."""

from __future__ import annotations

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Server:
    """Where it is, and what it was sent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.received: list[tuple[str, dict[str, str]]] = []

    @property
    def last(self) -> dict[str, str]:
        """The headers of the last request, names in lower case."""
        return self.received[-1][1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    kept: Server

    def _answer(self) -> None:
        self.kept.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        length = int(self.headers.get("content-length") or 0)
        self.rfile.read(length)
        kind, _, argument = self.path.partition("?")[0].strip("/").partition("/")
        getattr(self, f"answer_{kind or 'ok'}", self.answer_ok)(argument)

    do_GET = do_POST = do_PUT = do_HEAD = do_BREW = _answer  # noqa: N815 - the names that http.server calls

    def _send(self, status: int, body: bytes = b"ok", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_ok(self, _argument: str) -> None:
        self._send(200, X_Kind="tea", Set_Cookie="session=s3cret")

    def answer_status(self, argument: str) -> None:
        self._send(int(argument.partition("/")[0]))

    def answer_redirect(self, argument: str) -> None:
        left = int(argument)
        self._send(302, Location=f"/redirect/{left - 1}" if left > 1 else "/ok", body=b"")

    def answer_flaky(self, argument: str) -> None:
        """Answer 503 until it was asked more often than the argument says."""
        asked = sum(path == self.path for path, _ in self.kept.received)
        self._send(503 if asked <= int(argument) else 200)

    def answer_protected(self, _argument: str) -> None:
        if self.headers.get("Authorization", "").startswith("Digest"):
            self._send(200)
        else:
            self._send(401, WWW_Authenticate='Digest realm="shop", nonce="abc", qop="auth", algorithm=MD5')

    def answer_slow(self, _argument: str) -> None:
        time.sleep(0.5)
        self._send(200)

    def answer_stream(self, _argument: str) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(3):
            self.wfile.write(b"3\r\none\r\n")
            self.wfile.flush()
            time.sleep(0.05)
        self.wfile.write(b"0\r\n\r\n")

    def answer_drop(self, _argument: str) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """Serve in a thread."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that leaves early is no event
    kept = Server(server.server_port)
    server.RequestHandlerClass = type("Handler", (_Handler,), {"kept": kept})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
