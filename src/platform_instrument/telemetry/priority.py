"""How the system schedules the worker: under load, not each time that the application lets go of the interpreter.

A thread that waits for the interpreter is woken by every system call of the application's thread, mostly to find it taken
again; on a busy core these wakes cost more than the worker's own work. A thread of SCHED_BATCH has the same share of the
processor but does not preempt others by waking up. Source: sched(7); ADR 0008.
"""

from __future__ import annotations

import os
import sys
import threading


class Priority:
    """The scheduling policy of the thread that has called `choose`; without that, and outside of Linux, nothing is done."""

    __slots__ = ("_patient", "_thread")

    def __init__(self) -> None:
        self._thread = 0
        """The system's number of the thread, 0 while its policy is not ours to choose."""
        self._patient = False

    def choose(self) -> None:
        """Take over the policy of this thread, unless one was chosen for the process."""
        if sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER:
            self._thread = threading.get_native_id()

    def batch(self) -> None:
        """Let the thread wait for its turn."""
        if self._thread and not self._patient and sys.platform == "linux":
            self._patient = self._schedule(os.SCHED_BATCH)

    def hurry(self) -> None:
        """Schedule the thread as any other."""
        if self._patient and sys.platform == "linux":
            self._patient = False
            self._schedule(os.SCHED_OTHER)

    def _schedule(self, policy: int) -> bool:
        """Say whether the thread has the policy now: a sandbox may forbid it, and is not asked again."""
        try:
            os.sched_setscheduler(self._thread, policy, os.sched_param(0))  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            self._thread = 0
            return False
        return True
