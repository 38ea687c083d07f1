"""The errand that keeps a process to its budget: it takes samples, judges windows, leaves out and restores, says and shows it.

It has no thread and no timer of its own: it is done when the worker takes its turn, so that a master without a worker has none of
it, and a fork child begins anew. A window in which the process did next to nothing is no reason to leave anything out.
"""

from __future__ import annotations

import threading
from time import monotonic, process_time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.report import say
from platform_instrument.runtime.overhead.budget import LOGS, SPANS, TRACES, Budget, Step
from platform_instrument.runtime.overhead.figures import Figures, show
from platform_instrument.runtime.overhead.shedding import Shedding
from platform_instrument.runtime.overhead.stopwatch import Stopwatch, worker_ns
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.metrics.registry import METRICS

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings

_SLICE = 0.1
"""Seconds of a sample, at least: the turn that ends it may come later."""
_BETWEEN = 1.0
"""Seconds from the end of one to the beginning of the next, at least."""
_WINDOW = 5.0
"""Seconds of a window, at least."""
_LONGEST_WINDOW = 30.0
_ENOUGH_NS = 50_000_000
"""Nanoseconds of CPU time in the samples of a window that is not to be a longer one."""
_AT_WORK = 0.05
"""Share of one CPU below which a process does next to nothing."""
_MOST_THINNED = 64
"""One trace of so many is kept at least."""
_EXCESS = ("excess", "")
_EVERY = 60.0
"""Seconds between two lines."""


class Governor:
    """What keeps this process to a budget of CPU time, a share of its own."""

    def __init__(self, most: float) -> None:
        self.budget = Budget(most)
        self.shedding = Shedding()
        self.shares: dict[str, float] = {}
        """By instrumentation, in the last window."""
        self._stopwatch = Stopwatch()
        self._shown: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        self._changes_at = 0.0
        self._window: tuple[float, int, int] | None = None
        self._worker: tuple[int, int] | None = None
        self._spent = 0
        self._said: set[tuple[str, str | int]] = set()
        self._said_at = float("-inf")

    # --- the errand -----------------------------------------------------------------------------------------------

    def turn(self) -> float | None:
        """Begin or end a sample where it is time, and judge a window that is full."""
        now = monotonic()
        self._follow_worker()
        if self._window is None:
            self._window = (now, process_time_ns(), self._spent)
        if not self._stopwatch.opened:
            if now < self._changes_at:
                return self._changes_at - now if self.budget.steps else None
            self._stopwatch.open()
            self._changes_at = now + _SLICE
            return _SLICE
        if now < self._changes_at:
            return self._changes_at - now
        self._stopwatch.close()
        self._changes_at = now + _BETWEEN
        self._judge(now)
        self._speak(now)
        return _BETWEEN if self.budget.steps else None

    def before_fork(self, seconds: float) -> None:
        """Have no thread, as always."""

    def renew(self) -> None:
        """Begin anew, with everything exported: in a fork child."""
        self._stopwatch.renew()
        self.budget.renew()
        self.shedding.renew()
        self.shares = {}
        self._begin()

    # --- measuring ------------------------------------------------------------------------------------------------

    def _follow_worker(self) -> None:
        """Add up the CPU time of the threads that are the worker one after another."""
        thread, used = threading.get_ident(), worker_ns()
        if self._worker is not None:
            known, before = self._worker
            self._spent += used - before if thread == known and used >= before else used
        self._worker = (thread, used)

    def _judge(self, now: float) -> None:
        """Judge the window where it is long enough, and begin another."""
        assert self._window is not None  # noqa: S101 - every turn sees to that
        began, process, worker = self._window
        lasted, used = now - began, process_time_ns() - process
        idle = used < lasted * 1e9 * _AT_WORK
        enough = idle or self._stopwatch.sampled_ns >= _ENOUGH_NS or lasted >= _LONGEST_WINDOW
        if lasted < _WINDOW or not enough:
            return
        figures = Figures(*self._stopwatch.take(), used, self._spent - worker)
        self._window = (now, process + used, self._spent)
        self.shares = figures.shares
        cost = 0.0 if idle else figures.cost
        if self.budget.judge(cost, lambda: self._next(figures)):
            self._stopwatch.take()
        self.shedding.follow(self.budget.steps)

    def _next(self, figures: Figures) -> Step | None:
        """Return what is left out next, in the order of what is missed least."""
        steps = self.budget.steps
        if figures.has_low_lines and all(step.kind != LOGS for step in steps):
            return Step(LOGS)
        library = figures.noisiest({str(step.what) for step in steps if step.kind == SPANS})
        if library:
            return Step(SPANS, library)
        kept_of = next((int(step.what) for step in reversed(steps) if step.kind == TRACES), 1) * 2
        return Step(TRACES, kept_of) if figures.tally.roots and kept_of <= _MOST_THINNED else None

    # --- what is said and shown -----------------------------------------------------------------------------------

    def _speak(self, now: float) -> None:
        """Say what is left out now, where that has become more, and when nothing is any more; at most once a minute."""
        state = {(step.kind, step.what) for step in self.budget.steps}
        if self.budget.excess:
            state.add(_EXCESS)
        if now - self._said_at < _EVERY or (state <= self._said if state else not self._said):
            return
        self._said, self._said_at = state, now
        most = f"PLATFORM_MAX_OVERHEAD={self.budget.most * 100:g}%"
        if not state:
            say(f"observing is within {most} again, and everything is exported")
            return
        takes = f"observing takes {sum(self.shares.values()) * 100:.1f}% of this process's CPU time ({most})"
        left = f"left out until there is room: {self.left_out()}" if self.budget.steps else "nothing can be left out"
        end = "; nothing more can be" if self.budget.excess and self.budget.steps else ""
        say(f"{takes}; {left}{end}")

    def left_out(self) -> str:
        """Say what is left out now."""
        steps = self.budget.steps
        libraries = ", ".join(str(step.what) for step in steps if step.kind == SPANS)
        kept_of = max((int(step.what) for step in steps if step.kind == TRACES), default=1)
        parts = [
            "log records below warning" if any(step.kind == LOGS for step in steps) else "",
            f"spans of {libraries}" if libraries else "",
            f"all but one of {kept_of} traces" if kept_of > 1 else "",
        ]
        return ", ".join(part for part in parts if part)

    def show(self) -> None:
        """Put the figures into their series: before each collection."""
        show(self.shares, self._shown, self.budget.excess, self.shedding.shed)

    def status(self) -> dict[str, Any]:
        """Return what doctor shows."""
        shed = self.shedding.shed
        return {
            "most": self.budget.most,
            "shares": dict(self.shares),
            "left_out": self.left_out(),
            "excess": self.budget.excess,
            "shed": {"logs": shed.logs, "spans": shed.spans, "traces": shed.traces},
        }


GOVERNORS: list[Governor] = []
"""The one of this process, where a budget is set."""


def prepare(settings: Settings) -> None:
    """Keep this process to its budget from the first turn of its worker on; once a process, fork children inherit it."""
    running = pipeline.PIPELINE
    if GOVERNORS or running is None or settings.max_overhead is None:
        return
    governor = Governor(settings.max_overhead)
    GOVERNORS.append(governor)
    running.errands.run.append(governor)
    METRICS.observers.append(governor.show)
