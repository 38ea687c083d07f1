"""What the measured service talks to: a collector that counts the spans it receives, and an upstream that says ok.

Run as a process of its own, on the other processor: `python3 -m benchmarks.surroundings`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.environments import COLLECTOR_PORT, UPSTREAM_PORT

Answer = Callable[[str, bytes], bytes]
received = {"spans": 0}


def messages(body: bytes, number: int) -> Iterator[bytes]:
    """Yield the length-delimited fields of this number in a protobuf message."""
    position = 0

    def integer() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = body[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(body):
        key = integer()
        kind = key & 7
        length = {0: 0, 1: 8, 5: 4}.get(kind)
        if length is None:
            length = integer()
        elif kind == 0:
            integer()
        if key >> 3 == number and kind == 2:
            yield body[position : position + length]
        position += length


def collect(path: str, body: bytes) -> bytes:
    """Count the spans of an `ExportTraceServiceRequest`: resource spans (1), scope spans (2), spans (2)."""
    if path == "/received":
        return json.dumps(received).encode()
    if path == "/forget":
        received["spans"] = 0
    if path == "/v1/traces":
        received["spans"] += sum(1 for one in messages(body, 1) for scope in messages(one, 2) for _ in messages(scope, 2))
    return b""


def agree(_path: str, _body: bytes) -> bytes:
    """Answer whatever is asked."""
    return b'{"status": "ok"}'


class Connection(asyncio.Protocol):
    """As much of HTTP/1.1 as an exporter and a client need: keep-alive, bodies with a length or in chunks, gzip."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what we answer through."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self._received += data
        while (request := self._request()) is not None:
            content = self._answer(*request)
            kind = b"application/x-protobuf" if request[0].startswith("/v1/") else b"application/json"
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n%s" % (kind, len(content), content)
            )

    def _request(self) -> tuple[str, bytes] | None:
        """Take path and body of one request out of what was received."""
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        if headers.get("transfer-encoding") == "chunked":
            chunks, end, rest = rest.partition(b"0\r\n\r\n")
            if not end:
                return None
            body = joined(chunks)
        else:
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return None
            body, rest = rest[:length], rest[length:]
        self._received = rest
        return first.split(" ")[1], gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body


def joined(chunks: bytes) -> bytes:
    """Return the content of a chunked body without its last, empty chunk."""
    content = b""
    while chunks:
        size, _, chunks = chunks.partition(b"\r\n")
        length = int(size, 16)
        content, chunks = content + chunks[:length], chunks[length + 2 :]
    return content


async def serve() -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    await loop.create_server(partial(Connection, collect), "127.0.0.1", COLLECTOR_PORT)
    await loop.create_server(partial(Connection, agree), "127.0.0.1", UPSTREAM_PORT)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
