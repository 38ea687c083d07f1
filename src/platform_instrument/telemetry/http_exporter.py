"""OTLP over HTTP: one kept-alive connection, one attempt a call, never longer than its time.

`http.client` is loaded here, in the worker: it costs milliseconds that no start pays.
Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException, HTTPResponse
from time import monotonic, time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from platform_instrument import __version__
from platform_instrument.telemetry.connection import Interrupted, TimedSocket, connect, load
from platform_instrument.telemetry.outcome import Outcome, accepted, fit_to_be_said

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.config.otlp import OtlpSettings

_RETRYABLE = frozenset((429, 502, 503, 504))
_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)
_LONGEST_ANSWER = 64 * 1024


class HttpExporter:
    """Posts encoded bodies to one URL; `hurried` is asked while it waits for an answer, and ends the wait."""

    __slots__ = ("_asked", "_connection", "_headers", "_hurried", "_otlp", "_socket", "_until", "_used", "encoding")

    survives_fork = True
    protocol = "otlp_http"

    def __init__(self, otlp: OtlpSettings, hurried: Callable[[], bool] = bool) -> None:
        load(otlp)
        self._otlp = otlp
        self._hurried = hurried
        self._asked: bytes | None = None
        """The body that was sent and whose answer was not waited for."""
        self._until = 0.0
        """When the attempt that was left so is over."""
        self._headers = {
            "User-Agent": f"platform-instrument/{__version__}",
            **otlp.headers,
            "Content-Type": "application/x-protobuf",
        }
        self._connection: HTTPConnection | None = None
        self._socket: TimedSocket | None = None
        self._used = False
        self.encoding = otlp.compression
        """How bodies are to be packed: `gzip` or `none`."""

    def send(self, body: bytes, deadline: float, *, encoding: str) -> Outcome:
        """Make one attempt; a connection that the collector closed while it was idle does not count as one."""
        deadline = min(deadline, monotonic() + self._otlp.timeout)
        if self._asked is body:
            deadline = min(deadline, self._until)
        elif self._asked is not None:
            self.close()  # the answer that is due belongs to another body
        self._until = deadline
        try:
            if self._used:
                try:
                    return self._exchange(body, deadline, encoding)
                except ConnectionError:
                    self.close()
            return self._exchange(body, deadline, encoding)
        except Interrupted:
            return Outcome(delivered=False, retryable=True, interrupted=True)
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            return _failure(error)

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.hang_up()
        self._connection = self._socket = self._asked = None
        self._used = False

    def abandon(self) -> None:
        """Drop the inherited descriptor; nothing is written, so the parent's connection goes on."""
        self.close()

    def _exchange(self, body: bytes, deadline: float, encoding: str) -> Outcome:
        """Send a request and read its answer."""
        connection, socket = self._open(deadline)
        socket.deadline = deadline
        if self._asked is None:
            headers = {**self._headers, "Content-Encoding": "gzip"} if encoding == "gzip" else self._headers
            connection.request("POST", self._target(), body, headers)
            socket.flush()
            self._asked = body
        response = connection.getresponse()
        self._asked = None
        answer = response.read(_LONGEST_ANSWER)
        self._used = True
        if response.will_close or not response.isclosed():
            self.close()
        return fit_to_be_said(self._outcome(response, answer), self._otlp.headers)

    def _open(self, deadline: float) -> tuple[HTTPConnection, TimedSocket]:
        """Return the connection, made when there is none."""
        if self._connection is None or self._socket is None:
            self._socket = connect(self._otlp, deadline)
            self._socket.hurried = self._hurried
            self._connection = HTTPConnection(urlsplit(self._otlp.endpoint).netloc)
            self._connection.set_debuglevel(0)  # an application's may be on for all: it prints headers
            self._connection.sock = self._socket
        return self._connection, self._socket

    def _target(self) -> str:
        """Return what the request line names: the path, and the whole URL where a proxy has to know it."""
        if self._socket is not None and self._socket.proxied:
            return self._otlp.endpoint
        parts = urlsplit(self._otlp.endpoint)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    @staticmethod
    def _outcome(response: HTTPResponse, answer: bytes) -> Outcome:
        """Say what an answer means."""
        status = response.status
        if status in _SUCCESS:
            return accepted(answer)
        if status in _REDIRECT:
            return Outcome(delivered=False, reason=f"it answers {status} and points elsewhere, which is not followed")
        reason = f"it answers {status} {response.reason}".strip()
        if status not in _RETRYABLE:
            return Outcome(delivered=False, reason=reason)
        return Outcome(delivered=False, retryable=True, reason=reason, retry_after=_seconds(response.getheader("Retry-After")))


def _failure(error: OSError | HTTPException | ValueError) -> Outcome:
    """Say what an attempt failed of."""
    if isinstance(error, TimeoutError):
        reason = "it did not answer in time"
    elif isinstance(error, ConnectionError):
        reason = error.strerror or "it closed the connection"
    elif isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
    elif isinstance(error, HTTPException):
        reason = f"it does not speak HTTP ({type(error).__name__})"
    else:  # a header that cannot be sent; its value is not said
        return Outcome(delivered=False, reason=f"the request cannot be written ({type(error).__name__})")
    return Outcome(delivered=False, retryable=True, reason=reason)


def _seconds(retry_after: str | None) -> float | None:
    """Return a `Retry-After` in seconds, None where there is none that can be read."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    from email.utils import parsedate_to_datetime

    try:
        return max(parsedate_to_datetime(text).timestamp() - time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
