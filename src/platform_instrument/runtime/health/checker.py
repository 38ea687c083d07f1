"""Who checks: one thread that waits, asks and judges, in a process that serves; none in masters, none where there is no check.

It does no I/O: each question has a thread of its own for as long as it takes, or is a task on its client's event loop.
"""

from __future__ import annotations

import os
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING
from weakref import ref

from platform_instrument.config.schema import Settings
from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.forks import around_fork
from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.engine.health import HEALTH
from platform_instrument.runtime.health.attempts import Inbox
from platform_instrument.runtime.health.registration import running_loop
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.threads import leave_signals_to_the_application, wait_until_gone
from platform_instrument.telemetry.worker import COUNTED_LAST

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from platform_instrument.runtime.health.checked import Checked

MOST_AT_ONCE = 16
"""Threads that ask at the same time: as many servers may be frozen before others are asked no more."""

_JITTER = 0.2
_STOP = 0.2
"""Seconds that a fork, or the end of the process, waits for the thread, and for questions under way."""
_AFTER_A_FAULT = 1.0
_LONGEST_WAIT, _DRAINING = 60.0, 1.0
_SETTLED = 60.0
_FOR_A_THREAD = 0.05
"""Seconds that a question waits for another's thread."""


class Checker:
    """The checks of a process by whether start-up waits for them, and by name; one a process, `CHECKER`."""

    def __init__(self) -> None:
        self.checks: dict[tuple[bool, str], Checked] = {}
        self.begun = False
        """Whether this process was found to serve, or to work."""
        self.on_settled: list[Callable[[], object]] = []
        """Called once, a minute after the first question: who serves has used what it uses."""
        self._followed = False
        self._forking = 0
        self._renew()

    def _renew(self) -> None:
        self.inbox = Inbox()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._stopping = self._ended = False
        self._loop: ref[Any] | None = None
        self._settles = 0.0
        """When that minute is over, on the clock of `time.monotonic`; 0 before it begins."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return pipeline.PIPELINE.settings if pipeline.PIPELINE is not None else Settings()

    @property
    def loop(self) -> Any:  # noqa: ANN401 - an event loop
        """The event loop that this process serves with, None where there is none."""
        return self._loop() if self._loop is not None else None

    @property
    def stopping(self) -> bool:
        """Whether what asks now is to end soon: this process forks, or ends."""
        return self._stopping

    def add(self, check: Checked) -> bool:
        """Check from now on; False where there are too many."""
        key = check.startup, check.name
        if not check.report():
            say(f"more checks than are bearable; {check.name!a} is left out", place="too many checks")
            return False
        self.checks[key] = check
        if not self._followed:  # after the first report: the child's health begins anew before it is told
            self._followed = True
            around_fork(before=self.before_fork, parent=self.after_fork_in_parent, child=self.after_fork_in_child)
        self.wake()
        self._start()
        return True

    def wake(self) -> None:
        """Have the thread look again; safe in a finalizer."""
        self.inbox.put()

    def begin(self) -> None:
        """Check from now on: this process serves or works, and forks no workers."""
        self.begun = True
        self._start()

    def changed(self) -> None:
        """Take a change of health: once the application is loaded this process serves, with the loop that said so."""
        if not HEALTH.loaded:
            return
        loop, known = running_loop(), self.loop
        if loop is not None and (known is None or known.is_closed()):
            self._loop = ref(loop)
        if not self.begun:
            self.begin()

    # --- the thread's life ----------------------------------------------------------------------------------------

    @property
    def _wanted(self) -> bool:
        """Whether there is to be a thread: something to check, in a process that is no master and neither forks nor ends."""
        held = pipeline.PIPELINE is not None and pipeline.PIPELINE.worker.held
        return self.begun and bool(self.checks) and not (held or self._forking or self._ended or sys.is_finalizing())

    def _start(self) -> None:
        if self._thread is not None or not self._wanted:
            return
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                self._stopping = False
                self.inbox.renew()
                thread = threading.Thread(
                    target=self._run, args=(threading.get_native_id(),), name="platform-instrument-checks", daemon=True
                )
                self._thread = thread
                try:
                    thread.start()
                except RuntimeError:
                    self._thread = None  # as in `telemetry.worker`
        finally:
            self._starting.release()

    def stop(self) -> None:
        """End the thread, and wait a little for what it has asked."""
        ends = monotonic() + _STOP
        thread = self._thread
        self._stopping = True
        self.wake()
        if thread is not None and thread is not threading.current_thread() and thread.ident is not None:
            thread.join(_STOP)
            if not thread.is_alive():
                wait_until_gone(thread)
        for check in self.checks.copy().values():
            attempt = check.attempt
            if attempt is not None and attempt.thread is not None and not attempt.overdue:
                attempt.thread.join(max(ends - monotonic(), 0))

    def end(self) -> None:
        """Check no more: the program has ended."""
        self._ended = True
        self.stop()

    def before_fork(self) -> None:
        """Have no thread of ours in mid-air."""
        self._forking += 1
        self.stop()

    def after_fork_in_parent(self) -> None:
        """Go on, or with the next record where Python counts threads after this."""
        self._forking = max(self._forking - 1, 0)
        self._stopping = not self._wanted  # one that was left behind goes on
        if not COUNTED_LAST:
            self._start()

    def after_fork_in_child(self) -> None:
        """Know nothing, and wait for the child to serve; what the parent uses, it may use too."""
        self._forking = 0
        self.begun = False
        self._renew()
        for check in self.checks.copy().values():
            check.renew()
            check.report()

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self, starter: int) -> None:
        if threading.get_native_id() != starter:  # as in `telemetry.worker`
            guard("signal mask", leave_signals_to_the_application)
        CURRENT.set(Ambient(families=SUPPRESSED))
        try:
            while not self._stopping and self._wanted:
                pause = guard("checks", self._turn)
                self._receive(_AFTER_A_FAULT if pause is None else pause)
        finally:
            self._thread = None
        if not self._stopping:
            self._start()  # it was to stop for a fork that is over

    def _turn(self) -> float:
        """Look at every check; return the seconds until one has to be looked at again."""
        now = monotonic()
        draining = HEALTH.draining
        self._settles = self._settles or now + _SETTLED
        if now >= self._settles:
            self._settles = float("inf")
            for action in self.on_settled:
                guard("settled", action)
        least = now + (_DRAINING if draining else _LONGEST_WAIT)
        for key, check in self.checks.copy().items():
            if check.gone():
                if self.checks.get(key) is check:
                    del self.checks[key]
                    HEALTH.forget(check.name)
                continue
            check.tend(now, self._pause())
            if draining:
                continue  # what is used may be closed already
            if check.attempt is None and now >= check.due:
                self._begin(check)
            least = min(least, check.next)
        return max(least - monotonic(), 0.0)

    def _begin(self, check: Checked) -> None:
        attempts = [each.attempt for each in self.checks.copy().values()]
        asking = [attempt for attempt in attempts if attempt is not None and attempt.thread is not None]
        if len(asking) < MOST_AT_ONCE:
            check.begin(self.inbox, self._pause())
            return
        check.due = monotonic() + _FOR_A_THREAD
        if all(attempt.overdue for attempt in asking):
            say(f"{len(asking)} checks hang; others are not asked meanwhile", place="checks hang")

    def _pause(self) -> float:
        """Return the time until the next question, a little different each time: processes that began together spread out."""
        interval = self.settings.readiness_interval
        return interval * (1 - _JITTER + 2 * _JITTER * os.urandom(1)[0] / 255)

    def _receive(self, seconds: float) -> None:
        """Wait for outcomes, or for the time."""
        for outcome in self.inbox.get(seconds):
            for check in self.checks.copy().values():
                if check.attempt is outcome.attempt:
                    guard("outcome of a check", check.end, outcome, self._pause())


CHECKER = Checker()
"""That of this process."""
