"""One check as the checker keeps it: how to ask, when, what is under way, and what came of it."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from platform_instrument.core.guard import guard
from platform_instrument.engine.health import DOWN, HEALTH, UP, Check
from platform_instrument.runtime.health.attempts import BROKEN_OFF, Attempt, Question
from platform_instrument.runtime.health.judgement import Judgement

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.config.schema import Settings
    from platform_instrument.runtime.health.attempts import Inbox, Outcome

NEVER = float("inf")
_TRAFFIC_PAUSE = 1.0
"""Most seconds for which it is enough that operations have succeeded: it costs nothing to look again."""
_START_UP_PAUSE = 1.0
"""Most seconds between two questions that start-up waits for."""


class Checked:
    """A check; its methods are the checker's thread's, but for `report` at the beginning.

    `ask(seconds)` returns a `Question`, True where it is known to be well without one, or why it cannot be asked now. `kind` is
    that of the metric; `gone` says that what it is of is no more.
    """

    __slots__ = ("_ask", "_judgement", "_latency", "_message", "_settings", "attempt", "critical", "due", "gone", "kind", "name",
                 "startup", "timeout")  # fmt: skip

    def __init__(  # noqa: PLR0913 - what a check is
        self,
        name: str,
        ask: Callable[[float], Question | bool | str],
        settings: Settings,
        *,
        kind: str,
        critical: bool,
        startup: bool = False,
        timeout: float | None = None,
        gone: Callable[[], bool] | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.critical = critical
        self.startup = startup
        self.timeout = timeout if timeout is not None else settings.readiness_timeout
        self.gone = gone or bool  # which is False
        self._ask = ask
        self._settings = settings
        self.renew()

    def renew(self) -> None:
        """Know nothing, in the beginning and in a fork child."""
        settings = self._settings
        gates = self.critical and not HEALTH.started
        self._judgement = Judgement(settings.readiness_failures, settings.readiness_successes, gates=gates)
        self._latency: float | None = None
        self._message = ""
        self.attempt: Attempt | None = None
        self.due = 0.0
        """When it is asked next, on the clock of `time.monotonic`."""

    def report(self) -> bool:
        """Tell what is known; False where there are too many."""
        held = self._judgement
        check = Check(self.name, held.state, self._latency, held.since, self.critical, self._message, tolerated=not held.gates)
        return HEALTH.report_startup(check) if self.startup else HEALTH.report(check)

    @property
    def up(self) -> bool | None:
        """Whether it is up, None where nobody knows yet."""
        state = self._judgement.state
        return True if state == UP else False if state == DOWN else None

    def begin(self, inbox: Inbox, pause: float) -> None:
        """Ask, unless there is no need to, or no way."""
        self.due = monotonic() + pause
        asked = guard(f"check of {self.kind}", self._ask, self.timeout)
        if asked is True:
            before = self._judgement.state, self._message
            self._judgement.success()
            self._message = ""
            self.due = min(self.due, monotonic() + _TRAFFIC_PAUSE)
            if before != (self._judgement.state, ""):
                self.report()
        elif isinstance(asked, Question):
            attempt = Attempt(asked, inbox, self.timeout)
            try:
                attempt.begin()
            except RuntimeError:
                self._leave_unasked("no thread can be started")
            else:
                self.attempt = attempt
        else:
            self._leave_unasked(asked or "it cannot be asked")

    def _leave_unasked(self, why: str) -> None:
        self._judgement.unasked()
        self._message = why
        self.report()

    def end(self, outcome: Outcome, pause: float) -> None:
        """Take how it ended; what ends after its time has failed already, and is asked anew where it ended well."""
        attempt, self.attempt = self.attempt, None
        if attempt is not None and attempt.overdue:
            self.due = self.due if outcome.message else 0.0
            return
        if outcome.message is BROKEN_OFF:
            self.due = 0.0
            return
        self._latency = outcome.seconds
        self._conclude(outcome.message, pause)

    def tend(self, now: float, pause: float) -> None:
        """Let what does not answer fail: at its time, and each time that it would be asked anew."""
        attempt = self.attempt
        if attempt is None or now < (self.due if attempt.overdue else attempt.deadline):
            return
        if not attempt.overdue:
            attempt.overdue = True
            attempt.give_up()
        self._latency = None
        self._conclude(f"no answer within {self.timeout:g} s", pause)
        if attempt.lost:
            self.attempt = None

    @property
    def next(self) -> float:
        """When it has to be looked at next."""
        return self.attempt.deadline if self.attempt is not None and not self.attempt.overdue else self.due

    def _conclude(self, message: str, pause: float) -> None:
        if message:
            self._judgement.failure()
        else:
            self._judgement.success()
        self._message = message
        self.due = monotonic() + (min(pause, _START_UP_PAUSE) if self.startup else pause)
        if self.startup and not message:
            self.due = NEVER
        self.report()
