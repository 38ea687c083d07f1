"""How this process is: whether its start-up is over, whether it drains, and what was last found of each check.

Written by what checks, serves and ends the process; read by the probes, which never wait: nothing in here does I/O, and
reading takes no lock. A fork child begins anew, with nothing known; who checks reports to it again.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from platform_instrument.core.forks import around_fork
from platform_instrument.core.guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UP, DOWN, UNKNOWN = "up", "down", "unknown"
"""States of a check: by its last results, failures counted and recoveries awaited by who checks; or nothing known yet."""

MOST_CHECKS = 256
"""Checks of each kind that are kept; further ones are refused."""


class Check(NamedTuple):
    """What is known of one check, as its checker last found it."""

    name: str
    """What it is told apart by, such as `postgresql db:5432/shop`; without credentials."""
    state: str = UNKNOWN
    latency_seconds: float | None = None
    """How long the last attempt took; None before the first."""
    since: float = 0.0
    """From when on the state holds, in seconds since 1970; kept by the checker while the state stays."""
    critical: bool = False
    """Whether the process is not ready while this is not up: one that is added to a process that serves is tolerated at first."""
    message: str = ""
    """Why it is down, in a line; shown masked, and to who asks for it alone."""
    tolerated: bool = False
    """Whether the process is ready all the same: it has not failed often enough yet, or never had to be up before."""


class Snapshot(NamedTuple):
    """All of it at one moment."""

    started: bool
    draining: bool
    ready: bool
    checks: tuple[Check, ...]
    startup_checks: tuple[Check, ...]


class Health:
    """The health of a process; one a process, `HEALTH`."""

    def __init__(self) -> None:
        self.version = 0
        """Another number after each change."""
        self.on_change: list[Callable[[], object]] = []
        """Called after each change, by whoever made it, which may be a signal handler: quick, and without waiting."""
        self.elsewhere: Callable[[], bool] | None = None
        """Says whether the process that ends this one drains, which then holds for this one too; asked with each look."""
        self._followed = False
        self.renew()

    def renew(self) -> None:
        """Know nothing, in a fork child; what listens stays."""
        self._lock = RLock()  # a signal handler drains while its thread reports
        self._checks: Mapping[str, Check] = {}
        self._startup: Mapping[str, Check] = {}
        self._loaded = self._started = self._draining = False
        self.version += 1

    # --- reading --------------------------------------------------------------------------------------------------

    @property
    def loaded(self) -> bool:
        """Whether the application is loaded, so that only start-up checks may be awaited."""
        return self._loaded

    @property
    def started(self) -> bool:
        """Whether start-up is over, which it stays: the application is loaded, and each start-up check has been up."""
        return self._started

    @property
    def draining(self) -> bool:
        """Whether the process serves what it has and is to be sent nothing more."""
        if not self._draining and self.elsewhere is not None and self.elsewhere():
            self.drain()
        return self._draining

    def ready(self) -> bool:
        """Say whether requests may be sent: started, not draining, and every critical check up or tolerated."""
        checks = self._checks.values()
        return self._started and not self.draining and all(c.state == UP or c.tolerated for c in checks if c.critical)

    def snapshot(self) -> Snapshot:
        """Return everything, in the order in which it was first reported."""
        checks, startup = tuple(self._checks.values()), tuple(self._startup.values())
        return Snapshot(self._started, self.draining, self.ready(), checks, startup)

    # --- writing --------------------------------------------------------------------------------------------------

    def report(self, check: Check) -> bool:
        """Put what was found of a check in the place of what was known of it; False where there are too many."""
        with self._lock:
            self._checks, kept = _with(self._checks, check)
            self._changed()
        return kept

    def report_startup(self, check: Check) -> bool:
        """Put the same of a check that start-up waits for: reported UNKNOWN before the application is loaded, or not awaited."""
        with self._lock:
            self._startup, kept = _with(self._startup, check)
            self._changed()
        return kept

    def forget(self, name: str) -> None:
        """Know a check no more: what it was of is gone."""
        with self._lock:
            self._checks = {known: check for known, check in self._checks.items() if known != name}
            self._changed()

    def load(self) -> None:
        """Say that the application is loaded and can be sent requests: its server has begun, its lifespan is complete."""
        if not self._loaded:
            with self._lock:
                self._loaded = True
                self._changed()

    def drain(self, *, draining: bool = True) -> None:
        """Say that the process is to be sent nothing more, or with False that it goes on after all; safe in a signal handler."""
        with self._lock:
            self._draining = draining
            self._changed()

    def _changed(self) -> None:
        if not self._followed:
            self._followed = True
            around_fork(child=self.renew)
        self._started = self._started or (self._loaded and all(check.state == UP for check in self._startup.values()))
        self.version += 1
        for tell in self.on_change:
            guard("change of health", tell)


def _with(checks: Mapping[str, Check], check: Check) -> tuple[Mapping[str, Check], bool]:
    if check.name not in checks and len(checks) >= MOST_CHECKS:
        return checks, False
    return {**checks, check.name: check}, True


HEALTH = Health()
"""That of this process."""
