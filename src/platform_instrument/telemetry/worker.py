"""The one background thread of a process: started by the first record, stopped around a fork, asked to flush at the end."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

from platform_instrument.core.guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable


_WATCH = 1.0


class Worker:
    """Calls `turn()` again and again; it returns how many seconds to wait before the next time.

    `finish(deadline)` is what a flush calls instead, in the worker where it runs, else in the thread that asks.
    """

    __slots__ = ("_finish", "_finish_before", "_finished", "_stopping", "_thread", "_turn", "_turning", "_wake", "awaited", "on_start",
                 "watch")  # fmt: skip

    def __init__(self, turn: Callable[[], float], finish: Callable[[float], None]) -> None:
        self._turn = turn
        self._finish = finish
        self._thread: threading.Thread | None = None
        self.on_start: Callable[[], None] | None = None
        """Called in the thread that starts the worker."""
        self.renew()

    def renew(self) -> None:
        """Forget the thread and its locks: in a fork child, where neither is alive."""
        self._thread = None
        self._wake = threading.Lock()
        self._wake.acquire()
        self._turning = threading.Lock()
        self._finished = threading.Event()
        self._finish_before = 0.0
        self._stopping = False
        self.awaited = True
        """True while the next record has to start the thread."""
        self.watch: Callable[[], None] | None = None
        """Called at least once a second while it is set."""

    @property
    def running(self) -> bool:
        """Say whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread, unless it runs already; a process that is too far gone to start one goes on without."""
        if not self._turning.acquire(blocking=False):
            return
        try:
            if self.awaited:
                self.awaited = False
                self._stopping = False
                thread = threading.Thread(target=self._run, name="platform-instrument", daemon=True)
                thread.start()
                self._thread = thread
                if self.on_start is not None:
                    guard("worker start", self.on_start)
        except RuntimeError:
            self._thread = None  # the interpreter is ending: the flush works in the thread that asks
        finally:
            self._turning.release()

    def wake(self) -> None:
        """Let the thread take its turn now."""
        if self._wake.locked():
            try:
                self._wake.release()
            except RuntimeError:
                return  # somebody else was faster

    def flush(self, seconds: float) -> bool:
        """Let everything leave, within `seconds`; say whether it was done in time."""
        deadline = monotonic() + seconds
        if not self.running:
            if not self._turning.acquire(timeout=max(seconds, 0.0)):
                return False
            try:
                guard("flush", self._finish, deadline)
            finally:
                self._turning.release()
            return True
        self._finished.clear()
        self._finish_before = deadline
        self.wake()
        return self._finished.wait(seconds)

    def finish_here(self, seconds: float) -> None:
        """Let everything leave: called in the worker's own thread."""
        self._finish(monotonic() + seconds)

    def stop(self, seconds: float) -> None:
        """End the thread before a fork; one that is in the middle of sending is left behind, the child knows nothing of it."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        self._stopping = True
        self.wake()
        thread.join(seconds)

    def resume(self) -> None:
        """Take up the work again in the parent after a fork."""
        self._stopping = False
        if self.awaited:
            self.start()

    def _run(self) -> None:
        wait = 0.05
        while not self._stopping:
            self._wake.acquire(timeout=wait if self.watch is None else min(wait, _WATCH))
            if self._stopping:
                break
            if self.watch is not None:
                guard("watch", self.watch)
            if self._finish_before:
                deadline, self._finish_before = self._finish_before, 0.0
                guard("flush", self._finish, deadline)
                self._finished.set()
            wait = guard("export", self._turn) or 1.0
        self._thread = None
        self.awaited = True
