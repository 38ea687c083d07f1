"""What leaves: encoded bodies waiting for one collector, bounded in bytes; what is lost is counted and said once.

Used by the worker, or by the thread that flushes when there is no worker; never by two at once.
"""

from __future__ import annotations

import sys
import zlib
from collections import deque
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Protocol

from platform_instrument.core.report import due, say
from platform_instrument.telemetry import losses
from platform_instrument.telemetry.backoff import Backoff

if TYPE_CHECKING:
    from platform_instrument.telemetry.outcome import Outcome

MOST_BYTES = 2 * 1024 * 1024
"""Bodies kept while the collector does not answer, as they are sent: some 30,000 spans, packed."""

_GZIP = 31
"""The window of zlib that means a gzip header."""

_A_FEW = 4
"""Bodies that may wait their turn while the worker leaves the processor to the application."""

_INTERRUPTED = 0.0
"""The pause after an attempt that is to go on as soon as the worker does."""

_LAST_RETRY = 0.25
"""Seconds before the one more attempt that an orderly end makes."""


class Exporter(Protocol):
    """Makes one attempt to deliver one body, within its time; never raises for what a network does."""

    encoding: str
    """How bodies are to be packed: `gzip` or `none`."""

    survives_fork: bool
    """Whether a connection may be open while the process forks."""

    protocol: str
    """How it is called among components: `otlp_http` or `otlp_grpc`."""

    def send(self, body: bytes, deadline: float, *, encoding: str) -> Outcome:
        """Send a body; `deadline` is on the clock of `time.monotonic`."""

    def close(self) -> None:
        """Close the connection; the next attempt opens another."""

    def abandon(self) -> None:
        """Drop an inherited connection without a word on it: in a fork child."""


class Complaints:
    """What was said of each collector: several signals that do not get there for one reason are one line, and one a minute.

    A reason may be the collector's own word, and another one each time.
    """

    __slots__ = ("_reasons",)

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def say(self, unit: str, endpoint: str, reason: str) -> bool:
        """Say that delivery falters, unless another signal has said so, or something was said lately; return whether it was."""
        place = _collector(endpoint)
        told = f"deliver to {place}"
        if self._reasons.get(place) == reason or not due(told):  # under a load at its limit it falters and works by turns
            return False
        self._reasons[place] = reason
        say(f"{unit} cannot be delivered to {endpoint}: {reason}; kept within bounds, losses are counted", place=told)
        return True

    def forget(self, endpoint: str) -> None:
        """Take it back: the collector is well."""
        self._reasons.pop(_collector(endpoint), None)


class Delivery:
    """The way out for one signal; `unit` names what is counted, `timeout` is the longest time for one export, in seconds."""

    __slots__ = ("_backoff", "_complained", "_complaints", "_exporter", "_latest_only", "_not_before", "_pending", "_timeout",
                 "bytes", "delivered", "endpoint", "reason", "unit")  # fmt: skip

    def __init__(  # noqa: PLR0913 - the fields of a way out
        self,
        exporter: Exporter,
        endpoint: str,
        unit: str,
        complaints: Complaints,
        *,
        timeout: float,
        latest_only: bool = False,
    ) -> None:
        self._exporter = exporter
        self._complaints = complaints
        self._backoff = Backoff()
        self._pending: deque[tuple[bytes, int]] = deque()
        self._not_before = 0.0
        self._complained = False
        self._latest_only = latest_only
        self._timeout = timeout
        self.endpoint = endpoint
        self.unit = unit
        self.bytes = 0
        self.delivered = 0
        self.reason = ""
        """Why the last attempt failed, empty when it did not."""

    def put(self, body: bytes, count: int) -> None:
        """Take an encoded body that holds `count` records; the oldest bodies give way when there are too many bytes.

        Cumulative metrics are only worth their latest state, so there an older body that still waits is replaced.
        """
        if self._latest_only:
            self._pending.clear()
            self.bytes = 0
        if self._exporter.encoding == "gzip":
            body = _packed(body)
        self._pending.append((body, count))
        self.bytes += len(body)
        while self.bytes > MOST_BYTES and len(self._pending) > 1:
            self._lose(losses.BUFFER_FULL, "the buffer is full while the collector does not answer")

    def work(self) -> float | None:
        """Make one attempt if one is due; return the seconds until the next, None when nothing waits."""
        if not self._pending:
            return None
        wait = self._not_before - monotonic()
        if wait > 0:
            return wait
        pause = self._attempt(monotonic() + self._timeout)
        self._not_before = 0.0 if pause is None else monotonic() + pause
        return pause if pause is not None else 0.0 if self._pending else None

    @property
    def protocol(self) -> str:
        """How the records leave: `otlp_http` or `otlp_grpc`."""
        return self._exporter.protocol

    @property
    def waiting(self) -> int:
        """How many records wait; asked by any thread."""
        return sum([count for _, count in tuple(self._pending)])

    @property
    def behind(self) -> bool:
        """Say whether more bodies wait than a turn or two will send, though the collector takes them."""
        return len(self._pending) > _A_FEW and self._not_before <= monotonic()

    def finish(self, deadline: float, *, last: bool) -> bool:
        """Send everything that waits before `deadline`, with one more attempt for a collector that falters.

        Return whether everything was delivered. What is left waits on, unless this is the last time: then it is lost.
        """
        chances = 2
        while self._pending and chances and monotonic() < deadline:
            pause = self._attempt(deadline)
            if pause is not None and pause != _INTERRUPTED:
                self._not_before = monotonic() + pause
                chances -= 1
                if chances and self.delivered and monotonic() + _LAST_RETRY < deadline:
                    sleep(_LAST_RETRY)
        complete = not self._pending
        if last:
            while self._pending:
                self._lose(losses.PROCESS_ENDED, self.reason or "the process ended first")
            self._exporter.close()
        return complete

    def close(self) -> None:
        """Close the connection; what waits goes over another."""
        self._exporter.close()

    def before_fork(self) -> None:
        """Close a connection that a fork would break."""
        if not self._exporter.survives_fork:
            self._exporter.close()

    def abandon(self) -> None:
        """Let go of an inherited connection: in a fork child, which makes a delivery of its own."""
        self._exporter.abandon()

    def count_loss(self, count: int, reason: str, said: str) -> None:
        """Count records that were lost, here or before they came here; `said` is the reason in words."""
        losses.count(self.unit, reason, count)
        self._complain(said)

    def status(self) -> dict[str, Any]:
        """Return what doctor shows."""
        return {"endpoint": self.endpoint, "delivered": self.delivered, "waiting": self.waiting, "reason": self.reason}

    def _attempt(self, deadline: float) -> float | None:
        """Try to send the oldest body; return how long to wait after a failure that may pass."""
        body, count = self._pending[0]
        outcome = self._exporter.send(body, deadline, encoding=self._exporter.encoding)
        self.reason = "" if outcome.delivered else outcome.reason
        if outcome.delivered:
            self._done()
            self._backoff.reset()
            self._complained = self._complained and bool(outcome.rejected)
            self._complaints.forget(self.endpoint)
            self.delivered += max(count - outcome.rejected, 0)
            if outcome.rejected:
                self.count_loss(outcome.rejected, losses.REJECTED, f"the collector rejected some: {outcome.reason}")
            return None
        if outcome.interrupted:
            return _INTERRUPTED
        if not outcome.retryable:
            self._lose(losses.REFUSED, outcome.reason)
            return None
        self._complain(outcome.reason)
        return self._backoff.delay(outcome.retry_after)

    def _done(self) -> tuple[bytes, int]:
        body = self._pending.popleft()
        self.bytes -= len(body[0])
        return body

    def _lose(self, reason: str, said: str) -> None:
        self.count_loss(self._done()[1], reason, said)

    def _complain(self, reason: str) -> None:
        """Say once that delivery falters, and again only after it worked in between."""
        if not self._complained:
            self._complained = self._complaints.say(self.unit, self.endpoint, reason)


def _collector(endpoint: str) -> str:
    """Return scheme, host and port of an endpoint."""
    scheme, separator, rest = endpoint.partition("://")
    return scheme + separator + rest.partition("/")[0]


def _packed(body: bytes) -> bytes:
    """Return the body as gzip, in one call where Python can: each lets go of the interpreter."""
    if sys.version_info >= (3, 11):
        return zlib.compress(body, 1, _GZIP)
    compressor = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    return compressor.compress(body) + compressor.flush()
