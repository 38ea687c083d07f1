"""An orderly end: from SIGTERM on one order, each step of it within its time, whatever the main thread is doing.

Not ready, delay, drain, flush, close. The signal is kept from who handles it until the delay is over, and sent again then: a
server drains by its own means, and the exit status is its own. A thread that begins with the signal counts the time, and ends
the process where that is over. A worker of a server does not decide about itself: its parent has waited when it tells it to go,
and one that is told to go while its parent stays is recycled, which is none of our business.
"""

from __future__ import annotations

import os
import signal
import sys
from time import monotonic
from typing import TYPE_CHECKING

from platform_instrument.core.guard import ask, guard
from platform_instrument.core.report import say
from platform_instrument.engine.health import HEALTH
from platform_instrument.runtime import dying, leaving, sigterm
from platform_instrument.runtime.ending import calls, closing, listening, registry, servers, tree
from platform_instrument.telemetry.threads import Bell, alone, pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.runtime.ending.budget import Budget
    from platform_instrument.telemetry.workers.ledger import Drain

IDLE, HOLDING, DRAINING = range(3)

_SETTLES, _LOOK = 0.25, 0.1
"""Seconds that a worker waits for its parent to say that it drains: some supervisors signal all processes at once."""
_STUCK, _AT_ONCE = 0.2, 0.3
"""Seconds until the main thread counts as stuck in a handler, and those of the last flush of a process that ends at once."""


class Conductor:
    """The end of this process; one a process, `CONDUCTOR`. It is the keeper of SIGTERM."""

    def __init__(self) -> None:
        self.budget: Budget | None = None
        self.renew()

    def renew(self) -> None:
        """Begin anew, in a fork child too: nothing was told to it."""
        self.state = IDLE
        self.parent = 0
        self.default = self.free = self.expected = self.owed = self.hurried = self.serves = False
        self.since = self.until = self.end = self.drained_from = 0.0
        self.leaving = self.said = self.ours = False
        self.calls = self.seen = 0
        """How often a handler was called, and how often when the last signal was noted."""
        self.lost = 0
        self.bell = Bell()
        self.others: Callable[[], bool] = lambda: True
        """Says whether those that drain beside HTTP are done."""

    # --- in a signal handler --------------------------------------------------------------------------------------

    def passes(self, *, default: bool) -> bool:
        """Say whether a SIGTERM reaches its handler: when it is sent again by us, or is not ours to decide about."""
        self.calls += 1
        if self.state == DRAINING and self.expected:
            self.expected = self.owed = False
            return True
        if self.state == HOLDING and self.owed:  # the main thread comes late to the one that has begun all this
            self.owed = False
            return False
        if self.state == IDLE:
            return self._begin(default=default)
        if self.free or (default and not self.default):
            return True  # a server has drained, put the default back, and ends as it was told to
        if self.parent and not self._parent_hurries():
            self.bell.ring()
            if self.default:  # it ends when its requests are answered, however often it is told: some masters tell it twice
                self.until = 0.0
            else:
                self.state = DRAINING
            return not self.default
        self.hurried = True
        self.bell.ring()
        return False

    def holds(self) -> bool:
        """Say whether a callback for SIGTERM is to wait: its loop is told in another way than handlers are."""
        if self.state == IDLE and not sigterm.keeps():
            return not self.passes(default=False)
        return self.state == HOLDING

    def _begin(self, *, default: bool) -> bool:
        """Take note of the first SIGTERM; say whether it passes."""
        self.parent = tree.parent()
        mark = tree.marked(self.parent)
        if self.budget is None or (self.parent and default and mark is None):
            return True
        now = monotonic()
        self.default = default
        self.since = mark.since if mark else now
        at_once = mark is not None and mark.until <= now and not mark.hurried and not default
        self.state = DRAINING if at_once else HOLDING
        self.lost = closing.lost_spans(waiting=False)
        if not self.parent:
            HEALTH.drain()
            tree.mark(now, now + self.budget.delay)
        if not alone("shutdown", self._run, self.budget, mark):
            self.state = IDLE  # the interpreter is ending
            return True
        return at_once

    def _parent_hurries(self) -> bool:
        return bool((mark := tree.marked(self.parent)) and mark.hurried)

    # --- in a thread of its own -----------------------------------------------------------------------------------

    def noted(self) -> None:
        """Begin where the main thread does not get to it."""
        for _ in range(10):
            if self.calls != self.seen:
                self.seen, self.ours = self.calls, False
                return
            pause(_STUCK / 10)
        if self.state == IDLE:
            self.owed = True
            if self._begin(default=sigterm.is_default()):
                leaving.end()
                dying.die(surely=True)
        elif self.ours:
            self.ours = False
        elif not self.parent:
            self.hurried = True
            self.bell.ring()

    def left(self) -> None:
        """Die by the signal all the same where the application has left it to the system: its servers stopped, and it ended."""
        if self.default and self.state != IDLE:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    ask("a standard stream", stream.flush)
            dying.die(surely=True)

    def outlived(self) -> None:
        """End the first process of a container, which the kernel spares, where nothing else would."""
        if self.default:
            os._exit(dying.KILLED)

    def _run(self, budget: Budget, mark: Drain | None) -> None:
        guard("shutdown", self._conduct, budget, mark)
        if self.state == HOLDING:
            self._deliver()  # a fault of ours: it ends as without us

    def _conduct(self, budget: Budget, mark: Drain | None) -> None:
        if self.parent and mark is None:
            mark = self._settled()
            if mark is None:
                self.free = True
                self._deliver()
                return
            self.since = mark.since
        self.end = budget.end(self.since, follower=bool(self.parent))
        calls.make_ready()
        guard("last watch", dying.end_by_force, self.end - monotonic())
        if mark is None:
            alone("unready", closing.run, registry.UNREADY, self.since + budget.delay + _LOOK)
        self.serves = bool(mark) or listening.listens(tree.followers())
        if mark is None:
            self._announce(budget)
        else:
            self.until = mark.until
        while self.state == HOLDING and not self._hurries() and monotonic() < self.until:
            self.bell.wait(min(self.until - monotonic(), _LOOK if self.parent else self.end))
        if not self._hurries():
            self._drain(budget)
        self._end_at_once()

    def _settled(self) -> Drain | None:
        """Return how the parent drains, None where it does not."""
        deadline = monotonic() + _SETTLES
        while monotonic() < deadline and self.state == HOLDING:
            mark = tree.marked(self.parent)
            if mark is not None:
                return mark
            pause(_LOOK / 2)
        return tree.marked(self.parent)

    def _announce(self, budget: Budget) -> None:
        self.until = budget.delayed(self.since, self.end) if self.serves else self.since
        tree.mark(self.since, self.until)
        goes_on = f"requests are answered for {self.until - self.since:g} s more" if self.serves else "nobody has to see it"
        say(f"shutdown: SIGTERM, not ready any more; {goes_on}")

    def _hurries(self) -> bool:
        return self.hurried or (bool(self.parent) and self._parent_hurries())

    def _deliver(self) -> None:
        """Send the signal again, to who handles it."""
        self.expected = self.ours = True
        self.state = DRAINING
        dying.deliver()

    def _drain(self, budget: Budget) -> None:
        """Let the server drain; return where the process has to be ended from here."""
        self.drained_from = monotonic()
        limit = late = budget.drained(self.drained_from, self.end, serves=self.serves)
        workers = [] if self.parent or self.default else tree.followers()
        if workers:
            limit = self.end  # theirs are those of the requests
        say(f"shutdown: draining, for {max(limit - monotonic(), 0.0):.1f} s at most")
        stopped = servers.stop(min(budget.grpc, limit - monotonic()))
        done = calls.begun("drain", lambda: closing.run(registry.DRAIN, limit))
        self.others = lambda: stopped() and done()
        told_to_go = self.state == DRAINING
        if self.default:
            servers.stop_accepting()
            servers.wait_until(lambda: servers.answered() and self.others(), limit, self._hurries)
        if not told_to_go:
            self._deliver()
        if workers:
            self._wait_for_workers(late + _LOOK)
        patience = monotonic() + _STUCK if self.default else limit
        while not self.leaving and not self._hurries() and monotonic() < patience:
            self.bell.wait(min(patience - monotonic(), _LOOK))
        if self._hurries():
            return
        if self.leaving:
            while monotonic() < self.end and not self._hurries():
                self.bell.wait(_LOOK)
            return
        if not self.default:
            took, cut = monotonic() - self.drained_from, servers.open_requests()
            say(f"shutdown: not drained after {took:.1f} s; {cut} requests are cut off")
        leaving.end()
        dying.die(surely=True)

    def _wait_for_workers(self, late: float) -> None:
        """Wait for the end of the workers; tell those that are late, and kill them before the whole time is over."""
        told = False
        while not self.leaving and not self._hurries() and monotonic() < self.end - _AT_ONCE:
            self.bell.wait(_LOOK)
            if monotonic() > late and not told:
                told = True
                tree.tell(tree.followers(), signal.SIGTERM)
        if not self.leaving and not self._hurries():
            tree.kill(monotonic())

    def _end_at_once(self) -> None:
        """End the process and its workers, with what can be sent in a moment."""
        say("shutdown: SIGTERM again, it ends at once" if self._hurries() else "shutdown: its time is over, it ends at once")
        workers = [] if self.parent else tree.followers()
        tree.mark(self.since, self.since, hurried=True)
        if workers and self.state == HOLDING:
            self._deliver()  # else it starts others in their place
        tree.tell(workers, signal.SIGTERM)
        deadline = monotonic() + _AT_ONCE
        leaving.flush(within=_AT_ONCE)
        if workers:
            tree.kill(deadline)
        self._tell_losses()
        dying.die(surely=True)

    # --- in whichever thread ends the process ---------------------------------------------------------------------

    def before_flush(self) -> None:
        """Do what comes before the last flush; the drain is over."""
        self.leaving = True
        self.bell.ring()
        budget = self.budget
        if budget is None:
            return
        began = monotonic()
        if self.drained_from and not self.said:
            servers.wait_until(self.others, self.drained_from + budget.grpc, self._hurries)
            closing.told("drained", self.drained_from)
        closing.run(registry.FLUSH, began + budget.flush)

    def after_flush(self) -> None:
        """Do what comes after it."""
        budget = self.budget
        if budget is None:
            return
        tells, self.said = bool(self.drained_from) and not self.said, True
        if tells:
            self._tell_losses()
        began = monotonic()
        closed, of = closing.close(budget.close)
        if tells:
            closing.told(f"closed {closed} of {of} pools", began)

    def _tell_losses(self) -> None:
        lost = closing.lost_spans(waiting=True) - self.lost
        say(f"shutdown: telemetry flushed, {lost} spans lost" if not lost else f"shutdown: {lost} spans are lost")

    @property
    def told(self) -> bool:
        """Whether this process or its parent was told to go."""
        return self.state == DRAINING or HEALTH.draining


CONDUCTOR = Conductor()
"""That of this process."""
