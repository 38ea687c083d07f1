"""The HTTP server behind the collector of tests: answers well, or badly in every way that collectors do."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request is answered; without arguments, as a collector that is well does."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    manner: str = ""
    """"" answers; else `hang`, `drip`, `garble`, `flood` or `hang up`."""
    pause: float = 0.0
    """Seconds before an answer, or between two drops."""
    fault: bool | None = None

    def __post_init__(self) -> None:
        if self.fault is None:
            object.__setattr__(self, "fault", bool(self.manner) or self.status >= 300)  # noqa: PLR2004 - HTTP


Receive = "Callable[[str, Mapping[str, str], bytes], Answer]"


class Server:
    """Listens from the moment it is made until `close`, which ends open connections too."""

    def __init__(self, receive: Callable[[str, Mapping[str, str], bytes], Answer], tls: ssl.SSLContext | None, port: int) -> None:
        self._http = _Http((_HOST, port), receive, tls)
        self.port: int = self._http.server_address[1]
        self.listening = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="collector", daemon=True)
        self._thread.start()

    @property
    def connections(self) -> int:
        """How many connections were accepted."""
        return self._http.accepted

    def close(self) -> None:
        """Stop listening and end every connection."""
        if not self.listening:
            return
        self.listening = False
        self._http.ending.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._http.hang_up()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        receive: Callable[[str, Mapping[str, str], bytes], Answer],
        tls: ssl.SSLContext | None,
    ) -> None:
        self.receive = receive
        self.tls = tls
        self.ending = threading.Event()
        self.accepted = 0
        self.open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override] # the stub unites datagrams
        self.accepted += 1
        self.open.add(request)
        super().process_request(request, client_address)

    def finish_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override] # as above
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            self.open.add(wrapped)
            try:
                super().finish_request(wrapped, client_address)
            finally:
                self.open.discard(wrapped)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override] # as above
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: clients that hang up or fail a handshake are what some tests are about."""

    def hang_up(self) -> None:
        """End every open connection."""
        for connection in tuple(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.receive(self.path, headers, body)
        if answer.manner:
            self.close_connection = True
            self._misbehave(answer)
            return
        if answer.pause:
            self.server.ending.wait(answer.pause)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the inherited name
        """Print nothing."""

    def _misbehave(self, answer: Answer) -> None:
        ending = self.server.ending
        if answer.manner == "hang":
            ending.wait(60)
        elif answer.manner == "garble":
            self.wfile.write(b"\x00\xff\xfe not HTTP at all\r\n" * 100)
        elif answer.manner == "flood":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while not ending.is_set():
                self.wfile.write(b"x" * 65_536)
        elif answer.manner == "drip":
            for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Drip: drip\r\n" * 10_000:
                self.wfile.write(bytes((byte,)))
                if ending.wait(answer.pause):
                    break
