"""The one background thread of a process: started by the first record, stopped around a fork, asked to flush at the end.

Nothing that it does is observed by our own instrumentations.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from sys import is_finalizing
from time import monotonic
from typing import TYPE_CHECKING

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.guard import guard
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.priority import Priority
from platform_instrument.telemetry.threads import leave_signals_to_the_application, wait_for_imports, wait_until_gone

if TYPE_CHECKING:
    from collections.abc import Callable

_WATCH = 1.0
_AFTER_A_FAULT = 1.0
_SHORTEST = 0.001
_FIRST_TURN = 0.05
"""Seconds before the first turn of a thread: what comes at once goes together."""
_PUT_OFF = 1.0
"""Seconds without a turn in a process that forks all the time, each time before the first of a new thread."""
_ONE_AFTER_ANOTHER = 0.2
"""Seconds that one fork waits for another thread's fork, or for a flush."""
_PREPARATION = 5.0
"""Seconds that a fork waits for our imports: a child that is forked in the middle of one can never import that module."""
COUNTED_LAST = (3, 13) <= sys.version_info < (3, 13, 10) or (3, 14) <= sys.version_info < (3, 14, 1)
"""Whether `os.fork` counts the system's threads when the hooks are done, with those that a hook has started.

Source: CPython, gh-137109.
"""
_MARGIN = 0.1
"""Share of a flush's time that is kept for saying how it ended."""


class Worker:
    """Calls `turn()` again and again; it returns how many seconds to wait before the next time.

    `finish(deadline, last)` is what a flush calls instead, in the worker where it runs, else in the thread that asks; it
    returns whether everything was delivered, and `last` says that the process ends. `prepare()` is called before either: it
    imports what they need.
    """

    __slots__ = ("_at_work", "_finish", "_flushes", "_forking", "_interrupted", "_left_behind", "_prepare", "_prepared",
                 "_stopping", "_thread", "_turn", "_turned", "_wake", "awaited", "called", "held", "on_start", "priority",
                 "urgent", "watch")  # fmt: skip

    def __init__(self, turn: Callable[[], float], finish: Callable[[float, bool], bool], prepare: Callable[[], object]) -> None:
        self._prepare = prepare
        self._prepared = False
        self._turn = turn
        self._finish = finish
        self.on_start: list[Callable[[], None]] = []
        """Called in the thread that starts the worker."""
        self.renew()

    def renew(self) -> None:
        """Forget the thread and its locks: in a fork child, where neither is alive."""
        self.held = False
        """True in a process that must have no thread: the master of a pre-forking server."""
        self._thread: threading.Thread | None = None
        self._left_behind: threading.Thread | None = None
        self._wake = _taken()
        self._at_work = threading.RLock()
        """Held by the one thread that starts the worker, works in its stead, or forks."""
        self._flushes: deque[tuple[float, bool, threading.Lock, list[bool]]] = deque()
        self._forking: set[int] = set()
        self._interrupted = False
        """Whether the thread was at work before the fork."""
        self._stopping = False
        self._turned = 0.0
        """When the last turn began, in whichever thread; 0 before the first."""
        self.called = False
        """True from a call for a turn until that begins."""
        self.priority = Priority()
        self.awaited = True
        """True while the next record has to start the thread."""
        self.watch: Callable[[], None] | None = None
        """Called at least once a second while it is set, but for the time of an export."""
        self.urgent: Callable[[], bool] | None = None
        """Says during an export that `watch` is to be called soon."""

    @property
    def running(self) -> bool:
        """Say whether the thread is alive."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def hurried(self) -> bool:
        """Say whether there is something to do that is better than to wait for an answer; asked in the thread that waits."""
        mine = threading.current_thread() is self._thread
        return (mine and (self._stopping or bool(self._flushes))) or (self.urgent is not None and self.urgent())

    def hold(self, *, for_good: bool = True) -> None:
        """Have no thread from now on, or until the next record; a fork child is free again."""
        self.held = for_good
        self.stop(_ONE_AFTER_ANOTHER)
        self.awaited = self.awaited and not for_good

    def start(self) -> None:
        """Start the thread, unless it runs already; a process that is too far gone to start one goes on without.

        Before 3.12 a thread that is started by a finalizer while the interpreter ends never begins, and is waited for.
        """
        if is_finalizing():
            self.awaited = False
            return
        if not self._at_work.acquire(blocking=False):
            return
        try:
            self._start()
        finally:
            self._at_work.release()

    def wake(self) -> None:
        """Let the thread take its turn now; where none could be started, the next record tries again."""
        self.called = True
        if self._thread is None and not self._stopping:
            self.awaited = not self.held
        self._rouse()

    def _rouse(self) -> None:
        """End the wait of the thread."""
        if self._wake.locked():
            try:
                self._wake.release()
            except RuntimeError:
                return  # somebody else was faster

    def flush(self, seconds: float, *, last: bool = False) -> bool | None:
        """Let everything leave, within `seconds`; say whether it was all delivered, None when it was not done in time.

        A signal handler may call this while the thread that it interrupts is in here too, or forks.
        """
        deadline = monotonic() + seconds * (1 - _MARGIN)
        if not self.running:
            if not self._at_work.acquire(timeout=max(seconds, 0.0)):
                return None
            try:
                if not self.running:  # nor did another thread start it meanwhile
                    return self.finish_here(deadline - monotonic(), last=last)
            finally:
                self._at_work.release()
        self.priority.hurry()
        done, answer = _taken(), [False]
        asked = (deadline, last, done, answer)
        self._flushes.append(asked)
        self._rouse()
        if done.acquire(timeout=max(seconds, 0.0)):
            return answer[0]
        try:
            self._flushes.remove(asked)  # nobody waits for it any more
        except ValueError:
            return None  # it is being done
        return None

    def finish_here(self, seconds: float, *, last: bool) -> bool:
        """Let everything leave, in this thread: the worker's own, or one that works in its stead."""
        token = CURRENT.set(Ambient(families=SUPPRESSED))
        try:
            self._make_ready()
            return bool(guard("flush", self._finish, monotonic() + seconds, last))
        finally:
            CURRENT.reset(token)

    # --- fork -----------------------------------------------------------------------------------------------------

    def before_fork(self, seconds: float) -> None:
        """End the thread, so that the child inherits no lock in mid-air; nobody starts another until the fork is over."""
        if self._at_work.acquire(timeout=_ONE_AFTER_ANOTHER if self._prepared else _PREPARATION):
            self._forking.add(threading.get_ident())
            self._interrupted = self.running
        self.stop(seconds)

    def after_fork_in_parent(self, *, needed: bool) -> None:
        """Take up the work again, if there is some: at once, or with the next record where Python counts threads after this.

        Where that record never comes, what waits leaves with the process.
        """
        thread = threading.get_ident()
        if thread not in self._forking:
            return  # it did not wait for the fork of another thread, which goes on for both
        self._forking.discard(thread)
        self._stopping = False
        try:
            if self._flushes or ((needed or self._interrupted) and not COUNTED_LAST):
                self._start()
        finally:
            self._at_work.release()

    def stop(self, seconds: float) -> None:
        """End the thread; one that does not end in time is left behind, and not waited for again in the same turn.

        One that ends is gone for the system too: as the last thing it does it takes locks of C libraries, such as OpenSSL's,
        and a child that is forked at that moment waits for them for ever.
        """
        thread = self._thread
        if thread is None or thread is threading.current_thread() or thread.ident is None:
            return  # there is none, or another thread is just starting it
        self._stopping = True
        self.priority.hurry()
        self._rouse()
        if thread is not self._left_behind:
            thread.join(seconds if self._prepared else _PREPARATION)
            wait_for_imports(thread, _PREPARATION)
            self._left_behind = thread if thread.is_alive() else None
            if self._left_behind is None:
                wait_until_gone(thread)

    # --- the thread -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Start the thread where the next record would."""
        if not self.awaited:
            return
        self.awaited = False
        self._stopping = False
        self._wake = _taken()  # anew: the thread may be a greenlet since gevent came, which only gevent's lock can suspend
        thread = threading.Thread(target=self._run, args=(threading.get_native_id(),), name="platform-instrument", daemon=True)
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:
            self._thread = None  # the interpreter is ending, there are too many threads, or a sub-interpreter may have none
            self.called = False
            return
        except BaseException:  # what a signal handler raised
            if thread.ident is None:
                self._thread = None
                self.awaited = not self.held
            raise
        for action in self.on_start:
            guard("worker start", action)

    def _make_ready(self) -> None:
        """Import what the work needs, once."""
        if not self._prepared:
            guard("prepare", self._prepare)
            self._prepared = True

    def _run(self, starter: int) -> None:
        if threading.get_native_id() != starter:  # where gevent stands in for threads, they are one to the system
            guard("signal mask", leave_signals_to_the_application)
            self.priority.choose()
        CURRENT.set(Ambient(families=SUPPRESSED))
        try:
            self._make_ready()
            self._work()
        finally:  # whatever ends it: the next record starts another
            self.priority.forget()
            self._thread = None
            self.awaited = not self.held

    def _work(self) -> None:
        """Take one turn after another until the thread is to stop; to look after something in between is no turn."""
        now = monotonic()
        self._turned = self._turned or now
        due = now + (_FIRST_TURN if now - self._turned < _PUT_OFF else 0.0)
        while True:
            if not self.called:
                wait = max(due - monotonic(), 0.0)
                self._wake.acquire(timeout=wait if self.watch is None else min(wait, _WATCH))
            self._left_behind = None
            if self._stopping:
                return
            if self.watch is not None:
                guard("watch", self.watch)
            while self._flushes:
                due = 0.0  # for what a flush has left
                deadline, last, done, answer = self._flushes.popleft()
                answer[0] = self.finish_here(deadline - monotonic(), last=last)
                done.release()
            if not self.called and monotonic() < due:
                continue
            self.called = False
            self._turned = monotonic()
            pause = guard("export", self._turn)
            due = monotonic() + (_AFTER_A_FAULT if pause is None else max(pause, _SHORTEST))


def _taken() -> threading.Lock:
    """Return a lock that is taken already: whoever takes it waits until somebody releases it."""
    lock = threading.Lock()
    lock.acquire()
    return lock
