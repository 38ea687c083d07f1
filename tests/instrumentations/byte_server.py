"""A server on bare sockets that counts the bytes of the bodies it is sent and of those that it sends, without their framing."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

LARGE = 5 * 1024 * 1024
COMPRESSED = gzip.compress(b"compressible " * 20_000, mtime=0)
PARTS = [b"one", b"2" * 70_000, b"f\r\nthree\r\n0\r\n\r\n", b"x"] * 5
"""Parts of a body in chunks; some look like framing."""

_ENDS = {
    "ok": ("200 OK", b"x" * 1_000, ""),
    "empty": ("200 OK", b"", ""),
    "large": ("200 OK", b"l" * LARGE, ""),
    "nothing": ("204 No Content", None, ""),
    "unchanged": ("304 Not Modified", None, 'ETag: "tag"\r\n'),
    "compressed": ("200 OK", COMPRESSED, "Content-Encoding: gzip\r\n"),
    "missing": ("404 Not Found", b"not here", ""),
}


class Counted:
    """Where the server is, and how many bytes of bodies passed."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.received = 0
        self.sent = 0
        self.left = threading.Event()
        """Set when a client has left in the middle."""


@contextlib.contextmanager
def counting() -> Iterator[Counted]:
    """Serve in threads."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        counted = Counted(listener.getsockname()[1])
        threading.Thread(target=_accept, args=(listener, counted), daemon=True).start()
        yield counted


def _accept(listener: socket.socket, counted: Counted) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, counted), daemon=True).start()


def _serve(connection: socket.socket, counted: Counted) -> None:
    stream = connection.makefile("rb")
    with connection, contextlib.suppress(OSError):
        while line := stream.readline():
            method, path, _ = line.decode().split()
            headers = {}
            while field := stream.readline().strip():
                name, _, value = field.decode().partition(":")
                headers[name.lower()] = value.strip()
            counted.received += _body(stream, headers)
            if not _answer(connection, method, path.strip("/"), counted):
                return


def _body(stream: BufferedReader, headers: dict[str, str]) -> int:
    """Read a body; return its size."""
    if headers.get("transfer-encoding") != "chunked":
        return len(stream.read(int(headers.get("content-length", 0))))
    total = 0
    while size := int(stream.readline().partition(b";")[0], 16):
        total += len(stream.read(size))
        stream.readline()
    stream.readline()
    return total


def _answer(connection: socket.socket, method: str, path: str, counted: Counted) -> bool:
    """Send the answer of a path; say whether the connection goes on."""
    if path in _ENDS:
        status, body, more = _ENDS[path]
        length = "" if body is None else f"Content-Length: {len(body)}\r\n"
        connection.sendall(f"HTTP/1.1 {status}\r\n{length}{more}\r\n".encode())
        if body and method != "HEAD":
            counted.sent += len(body)
            connection.sendall(body)
        return True
    if path in {"chunks", "compressed-chunks"}:
        parts = PARTS if path == "chunks" else [COMPRESSED[:100], COMPRESSED[100:]]
        more = "" if path == "chunks" else "Content-Encoding: gzip\r\n"
        connection.sendall(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{more}\r\n".encode())
        for part in parts:
            counted.sent += len(part)
            connection.sendall(b"%x;ext=1\r\n%b\r\n" % (len(part), part))
        connection.sendall(b"0\r\nTrailer: abc\r\n\r\n")
        return True
    if path == "until-closed":
        counted.sent += 5_000
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"c" * 5_000)
    elif path == "cut":
        counted.sent += 5_000
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"c" * 5_000)
    elif path == "endless":
        _endless(connection, counted)
    return False


def _endless(connection: socket.socket, counted: Counted) -> None:
    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {100 * LARGE}\r\n\r\n".encode())
    try:
        for _ in range(100):
            connection.sendall(b"e" * LARGE)
            counted.sent += LARGE
    except OSError:
        counted.left.set()
