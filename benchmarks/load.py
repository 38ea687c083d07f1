"""Requests on eight keep-alive connections, as fast as they are answered: by `wrk` where it is found, else by ourselves.

`python3 -m benchmarks.load URL SECONDS` prints how many were answered.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import time
from urllib.parse import urlsplit

from benchmarks.environments import ROOT, on_processor

CONNECTIONS = 8


def load(url: str, seconds: float) -> int:
    """Send requests from another process for some seconds; return how many were answered with 200."""
    tool = shutil.which("wrk")
    if tool:
        command = [tool, "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds:.0f}s", url]
    else:
        command = [sys.executable, "-m", "benchmarks.load", url, str(seconds)]
    said = subprocess.run([*on_processor(1), *command], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    answered = re.search(r"(\d+) requests in", said)
    assert answered, said
    assert "Non-2xx" not in said, said
    return int(answered[1])


class _Client(asyncio.Protocol):
    """One connection: the next request leaves when the last one is answered."""

    def __init__(self, request: bytes, until: float) -> None:
        self._request = request
        self._until = until
        self._received = b""
        self.answered = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Send the next one once an answer is complete."""
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if not end or length is None or len(rest) < int(length[1]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._finish(AssertionError(head.decode("latin-1")))
            return
        self._received = b""
        self.answered += 1
        if time.monotonic() < self._until:
            self._transport.write(self._request)
        else:
            self._finish(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail where the server left first."""
        self._finish(error or AssertionError("the server closed the connection"))

    def _finish(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)
        self._transport.close()


async def _requests(url: str, seconds: float) -> int:
    address = urlsplit(url)
    request = f"GET {address.path} HTTP/1.1\r\nhost: {address.netloc}\r\n\r\n".encode()
    until = time.monotonic() + seconds
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: _Client(request, until), address.hostname, address.port))[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(client.done for client in clients))
    return sum(client.answered for client in clients)


if __name__ == "__main__":
    print(asyncio.run(_requests(sys.argv[1], float(sys.argv[2]))), "requests in", sys.argv[2], "s")
