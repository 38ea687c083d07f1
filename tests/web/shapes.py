"""The shapes that the bodies of requests and answers have, and a client on a bare socket that counts their bytes itself."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.processes import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

KIBIBYTE = 1024
BODYLESS = {204, 304}
PART = b"p" * 10 * KIBIBYTE
LARGE = 5 * KIBIBYTE * KIBIBYTE
ENDLESS = 64 * KIBIBYTE * KIBIBYTE
_MULTIPART = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + 20 * PART + b"\r\n--edge--\r\n"


@dataclass(frozen=True)
class Shape:
    """One request: its path is the route, its name what is looked for. Sizes are in bytes.

    `sends` is what goes out after the headers, chunked where `chunked` says so. `declares` is its `Content-Length`, where it
    is not what is sent. `leaves_after` is how much of the answer's body is read before the connection is cut.
    `uploads` is the size of the request that is to be reported, None where none is; `upload_may_be_less` where it is at most this.
    """

    path: str
    method: str = "GET"
    headers: str = ""
    sends: bytes = b""
    chunked: bool = False
    declares: int | None = None
    leaves_after: int | None = None
    uploads: int | None = None
    upload_may_be_less: bool = False
    status: int = 200

    def request(self) -> bytes:
        """Return the request as it goes over the wire."""
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: {HOST}\r\n{self.headers}"
        if self.chunked:
            parts = (self.sends[at : at + 7_000] for at in range(0, len(self.sends), 7_000))
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
            return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + body
        if self.declares is not None or self.sends:
            head += f"Content-Length: {len(self.sends) if self.declares is None else self.declares}\r\n"
        return f"{head}\r\n".encode() + self.sends


SHAPES = {
    "fixed": Shape("/fixed"),
    "empty": Shape("/empty"),
    "streamed": Shape("/streamed"),
    "compressed by a middleware": Shape("/compressed", headers="Accept-Encoding: gzip\r\n"),
    "head": Shape("/head", "HEAD"),
    "204": Shape("/nothing", status=204),
    "304": Shape("/unchanged", headers='If-None-Match: "tag"\r\n', status=304),
    "file": Shape("/file"),
    "large": Shape("/large"),
    "download that the client leaves": Shape("/endless", leaves_after=100_000),
    "stream that fails": Shape("/breaks"),
    "upload": Shape("/upload", "POST", sends=3 * PART, uploads=3 * len(PART)),
    "upload without a byte": Shape("/upload/nothing", "POST", declares=0, uploads=0),
    "upload in chunks": Shape("/upload/chunks", "POST", sends=3 * PART, chunked=True, uploads=3 * len(PART)),
    "large upload": Shape("/upload/large", "POST", sends=b"u" * LARGE, uploads=LARGE),
    "multipart upload that is not read": Shape(
        "/unread",
        "POST",
        headers="Content-Type: multipart/form-data; boundary=edge\r\n",
        sends=_MULTIPART,
        uploads=len(_MULTIPART),
    ),
    "upload that the client leaves": Shape(
        "/upload/left", "POST", sends=PART, declares=LARGE, leaves_after=0, uploads=len(PART), upload_may_be_less=True
    ),
}


def download(port: int, shape: Shape) -> tuple[int, int]:
    """Make the request of a shape; return the status of its answer and the bytes of its body, without framing."""
    with socket.create_connection((HOST, port), 20) as connection:
        connection.sendall(shape.request())
        if shape.leaves_after == 0:
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)
            return shape.status, 0
        stream = connection.makefile("rb")
        status = int(stream.readline().split()[1])
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        if shape.leaves_after is not None:
            return status, len(stream.read(shape.leaves_after))
        if headers.get(b"transfer-encoding") == b"chunked":
            return status, sum(_chunks(stream))
        if shape.method == "HEAD" or status in BODYLESS:
            return status, _waiting(connection)
        return status, len(stream.read(int(headers.get(b"content-length", -1))))


def _waiting(connection: socket.socket) -> int:
    """Return how many bytes came where none is to come."""
    connection.settimeout(0.2)
    try:
        return len(connection.recv(1_024))
    except TimeoutError:
        return 0


def _chunks(stream: BufferedReader) -> Iterator[int]:
    """Yield the size of each chunk; a server that fails half way ends without a last one."""
    while line := stream.readline().strip():
        size = int(line.partition(b";")[0], 16)
        got = len(stream.read(size))
        yield got
        if not size or got < size:
            return
        stream.readline()
