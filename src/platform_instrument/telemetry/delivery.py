"""What leaves: encoded bodies waiting for one collector, bounded in bytes; what is lost is counted and said once.

Used by the worker, or by the thread that flushes when there is no worker; never by two at once.
"""

from __future__ import annotations

import zlib
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from platform_instrument.core.report import say
from platform_instrument.telemetry.backoff import Backoff

if TYPE_CHECKING:
    from platform_instrument.telemetry.http_exporter import Outcome

MOST_BYTES = 4 * 1024 * 1024
"""Compressed bodies kept while the collector does not answer."""

_GZIP = 31
"""The window of zlib that means a gzip header."""

_LAST_RETRY = 0.25
"""Seconds before the one more attempt that an orderly end makes."""


class Exporter(Protocol):
    """Makes one attempt to deliver one body, within its time; never raises for what a network does."""

    def send(self, body: bytes, deadline: float, *, encoding: str) -> Outcome:
        """Send a body; `deadline` is on the clock of `time.monotonic`."""

    def close(self) -> None:
        """Close the connection."""

    def abandon(self) -> None:
        """Drop an inherited connection without a word on it: in a fork child."""


class Delivery:
    """The way out for one signal; `unit` names what is counted."""

    __slots__ = ("_backoff", "_complained", "_exporter", "_latest_only", "_not_before", "_pending", "bytes", "delivered", "endpoint",
                 "lost", "reason", "unit")  # fmt: skip

    def __init__(self, exporter: Exporter, endpoint: str, unit: str, *, latest_only: bool = False) -> None:
        self._exporter = exporter
        self._backoff = Backoff()
        self._pending: deque[tuple[bytes, int]] = deque()
        self._not_before = 0.0
        self._complained = False
        self._latest_only = latest_only
        self.endpoint = endpoint
        self.unit = unit
        self.bytes = 0
        self.delivered = 0
        self.lost = 0
        self.reason = ""
        """Why the last attempt failed, empty when it did not."""

    def put(self, body: bytes, count: int) -> None:
        """Take an encoded body that holds `count` records; the oldest bodies give way when there are too many bytes.

        Cumulative metrics are only worth their latest state, so there an older body that still waits is replaced.
        """
        if self._latest_only:
            self._pending.clear()
            self.bytes = 0
        compressor = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
        packed = compressor.compress(body) + compressor.flush()
        self._pending.append((packed, count))
        self.bytes += len(packed)
        while self.bytes > MOST_BYTES and len(self._pending) > 1:
            self._lose("the queue is full while the collector does not answer")

    def work(self) -> float | None:
        """Send what is due; return the seconds until the next attempt, None when nothing waits."""
        wait = self._not_before - monotonic()
        if wait > 0:
            return wait if self._pending else None
        while self._pending:
            pause = self._attempt(monotonic() + 10.0)
            if pause is not None:
                self._not_before = monotonic() + pause
                return pause
        return None

    def finish(self, deadline: float) -> None:
        """Send everything that waits before `deadline`, with one more attempt for a collector that falters; say what is lost."""
        chances = 2
        while self._pending and chances and monotonic() < deadline:
            pause = self._attempt(deadline)
            if pause is not None:
                chances -= 1
                if chances and monotonic() + _LAST_RETRY < deadline and self.delivered:
                    self._sleep(_LAST_RETRY)
        while self._pending:
            self._lose(self.reason or "the process ended first")

    def forget(self) -> None:
        """Start from nothing in a fork child: what waits belongs to the parent."""
        self._exporter.abandon()
        self._pending.clear()
        self.bytes = self.delivered = self.lost = 0
        self._not_before = 0.0
        self._complained = False
        self._backoff.reset()

    def count_loss(self, count: int, reason: str) -> None:
        """Count records that were lost before they came here."""
        self.lost += count
        self._complain(reason)

    def _attempt(self, deadline: float) -> float | None:
        """Try to send the oldest body; return how long to wait after a failure that may pass."""
        packed, count = self._pending[0]
        outcome = self._exporter.send(packed, deadline, encoding="gzip")
        if outcome.delivered:
            self._done()
            self._backoff.reset()
            self._complained = False
            self.reason = ""
            self.delivered += count - outcome.rejected
            if outcome.rejected:
                self.count_loss(outcome.rejected, f"the collector rejected them: {outcome.reason}")
            return None
        self.reason = outcome.reason
        if not outcome.retryable:
            self._lose(outcome.reason)
            return None
        self._complain(outcome.reason)
        return self._backoff.delay(outcome.retry_after)

    def _done(self) -> tuple[bytes, int]:
        body = self._pending.popleft()
        self.bytes -= len(body[0])
        return body

    def _lose(self, reason: str) -> None:
        self.count_loss(self._done()[1], reason)

    def _complain(self, reason: str) -> None:
        """Say once that delivery falters, and again only after it worked in between."""
        if not self._complained:
            self._complained = True
            say(f"{self.unit} cannot be delivered to {self.endpoint}: {reason}; kept within bounds, losses are counted")

    @staticmethod
    def _sleep(seconds: float) -> None:
        from time import sleep

        sleep(seconds)
