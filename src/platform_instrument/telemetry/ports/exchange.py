"""One request over HTTP/1.1 and its answer, on a socket that never blocks; bounded in bytes and in time."""

from __future__ import annotations

import _socket
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from platform_instrument.telemetry.ports.sockets import OwnSocket

LONGEST_REQUEST = 16 * 1024
_PATIENCE = 10.0
"""Seconds for a request to come, and for its answer to go."""
_LINGER = 1.0
"""Seconds that the client has to close: a socket that is closed with something unread takes the answer with it."""
_CHUNK = 256 * 1024

_REASONS = {
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


class Request(NamedTuple):
    """What is asked: header names in lower case, the first of those that come twice."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


class Exchange:
    """A connection that is accepted, answered once and closed."""

    __slots__ = ("_left", "_received", "_sent", "asked", "deadline", "ended", "head_only", "since", "socket")

    def __init__(self, socket: OwnSocket) -> None:
        self.socket = socket
        self._received = b""
        self._left = memoryview(b"")
        self._sent = False
        self.asked = False
        """Whether the request is whole: nothing more is read of it."""
        self.ended = False
        """Whether nothing more will come from the client, which may wait for its answer all the same."""
        self.head_only = False
        self.since = 0.0
        """From when on the client has been waited for: for its request, to read, or to close."""
        self.deadline = 0.0
        self._allow(_PATIENCE)

    @property
    def sending(self) -> bool:
        """Whether there is an answer that has not all been sent."""
        return bool(self._left)

    @property
    def answered(self) -> bool:
        """Whether the whole answer was given away."""
        return self._sent or self.closed

    @property
    def pending(self) -> bool:
        """Whether the client waits for us: its request is whole, and there is no answer yet."""
        return self.asked and not self.sending and not self.answered

    def read(self) -> Request | None:
        """Read what has come; return the request once it is whole. What cannot be one is answered with its fault."""
        try:
            received = self.socket.recv(LONGEST_REQUEST)
        except BlockingIOError:
            return None
        except OSError:
            received = b""
        if not received:
            self.ended = True
            if self._sent or not self.asked:
                self.close()
        if not received or self.asked:
            return None
        self._received += received
        head, end, _ = self._received.partition(b"\r\n\r\n")
        if end:
            self.asked = True
            request = parsed(head)
            if request is None:
                self.answer(400, b"not a request of HTTP/1.1\n")
            return request
        if len(self._received) >= LONGEST_REQUEST:
            self.asked = True
            self.answer(431, b"the request is too long\n")
        return None

    def answer(self, status: int, body: bytes, content_type: str = "text/plain; charset=utf-8", *, more: str = "") -> None:
        """Send an answer; `more` are further header lines."""
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
            f"{more}Connection: close\r\n\r\n"
        )
        self._left = memoryview(head.encode("latin-1") + (b"" if self.head_only else body))
        self._received = b""
        self.asked = True
        self._allow(_PATIENCE)
        self.write()

    def write(self) -> None:
        """Send as much as the client takes now."""
        while self._left:
            try:
                self._left = self._left[self.socket.send(self._left[:_CHUNK]) :]
            except BlockingIOError:
                return
            except OSError:
                self.close()
                return
        if not self._sent:
            self._sent = True
            self._allow(_LINGER)
            try:
                self.socket.shutdown(_socket.SHUT_WR)
            except OSError:
                self.ended = True
            if self.ended:
                self.close()

    def expire(self) -> None:
        """Close the connection where the time is up; a client whose request never came whole is told so."""
        if monotonic() < self.deadline:
            return
        if self.asked:
            self.close()
        else:
            self.answer(408, b"the request did not come in time\n")

    def _allow(self, seconds: float) -> None:
        self.since = monotonic()
        self.deadline = self.since + seconds

    def close(self) -> None:
        """Close the connection, whatever is left."""
        self._left = memoryview(b"")
        self.socket.close()

    @property
    def closed(self) -> bool:
        """Whether the connection is over."""
        return self.socket.fileno() < 0


def parsed(head: bytes) -> Request | None:
    """Return the request of a head, None where it is none."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004 - method, target, version
        return None
    target = words[1]
    if target.startswith("http://"):
        target = f"/{target[7:].partition('/')[2]}"
    if not target.startswith("/"):
        return None
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            return None
        headers.setdefault(name.lower(), value.strip())
    path, _, query = target.partition("?")
    return Request(words[0], path, query, headers)
