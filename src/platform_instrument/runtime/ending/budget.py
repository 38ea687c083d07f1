"""How long each phase of an orderly end may take, in seconds, and until when the whole has to be over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.report import say

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings

_FOLLOWERS_SOONER = 0.5
"""Seconds before its parent that a worker is over at the latest."""

_SPARE = 0.1
"""Share of a server's own limit that is left for the flush: after it the server kills."""


class Budget:
    """The times of the settings, and the limit of a server that would kill this process before."""

    def __init__(self, settings: Settings) -> None:
        self.delay = settings.shutdown_delay
        self.http = settings.shutdown_http_timeout
        self.grpc = settings.shutdown_grpc_timeout
        self.flush = min(settings.shutdown_flush_timeout, settings.flush_timeout)
        self.close = settings.shutdown_close_timeout
        self.total = settings.shutdown_timeout
        self.killed_after: float | None = None
        """Seconds that a server gives this process from when it tells it to go; None where it does not kill."""
        needed = self.delay + max(self.http, self.grpc) + self.flush + self.close
        if needed > self.total:
            say(
                f"PLATFORM_SHUTDOWN_TIMEOUT={self.total:g} s is less than the {needed:g} s of its phases: the drain is cut; "
                f"set it to {needed:g} or more, and terminationGracePeriodSeconds above it"
            )

    def end(self, since: float, *, follower: bool) -> float:
        """Return when all is over, that began at `since`, on the clock of `time.monotonic`."""
        return since + max(self.total - (_FOLLOWERS_SOONER if follower else 0.0), 0.0)

    def delayed(self, since: float, end: float) -> float:
        """Return until when requests are answered as before."""
        return max(min(since + self.delay, end - self.flush - self.close), since)

    def drained(self, began: float, end: float, *, serves: bool) -> float:
        """Return until when a drain that began at `began` may last; who serves nobody has all the time that is left."""
        until = end - self.flush - self.close
        if serves:
            until = min(until, began + max(self.http, self.grpc))
        if self.killed_after is not None:
            until = min(until, began + self.killed_after * (1 - _SPARE))
        return max(until, began)
