"""From single results to a state, and to whether that keeps requests away: failures are counted, recoveries awaited."""

from __future__ import annotations

from time import time

from platform_instrument.engine.health import DOWN, UNKNOWN, UP


class Judgement:
    """What is held of one check.

    It is down with its first failure, for everybody to see; `gates` says whether that counts, which takes as many failures in a
    row as are given. Then it takes as many successes in a row until it is up. One that had to be up from the beginning counts
    before its first result.
    """

    __slots__ = ("_failures", "_successes", "failed", "gates", "since", "state", "succeeded")

    def __init__(self, failures: int, successes: int, *, gates: bool) -> None:
        self._failures = failures
        self._successes = successes
        self.gates = gates
        self.state = UNKNOWN
        self.since = time()
        """When the state came, in seconds since 1970."""
        self.failed = self.succeeded = 0
        """How often in a row, by now."""

    def success(self) -> None:
        """Take a success."""
        self.failed = 0
        self.succeeded += 1
        if self.state != DOWN or not self.gates or self.succeeded >= self._successes:
            self.gates = False
            self._enter(UP)

    def failure(self) -> None:
        """Take a failure."""
        self.succeeded = 0
        self.failed += 1
        self.gates = self.gates or self.failed >= self._failures
        self._enter(DOWN)

    def unasked(self) -> None:
        """Take that it could not be asked: nobody is kept waiting for what nobody can know."""
        if self.state == UNKNOWN:
            self.gates = False

    def _enter(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.since = time()
