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
    """The scheduling policy of one thread: `batch` is called in that thread, `hurry` in any."""

    __slots__ = ("_refused", "_thread")

    def __init__(self) -> None:
        self._thread = 0
        """The system's number of the thread while it is scheduled in batches, 0 otherwise."""
        self._refused = sys.platform != "linux"
        """Whether the system has no such policy, or a sandbox forbids to choose it."""

    def batch(self) -> None:
        """Let this thread wait for its turn; where a policy was chosen for the process, the thread keeps it."""
        if self._refused or self._thread or sys.platform != "linux" or os.sched_getscheduler(0) != os.SCHED_OTHER:
            return
        self._refused = not _scheduled(0, os.SCHED_BATCH)
        if not self._refused:
            self._thread = threading.get_native_id()

    def hurry(self) -> None:
        """Schedule the thread as any other, until it is to wait again."""
        thread, self._thread = self._thread, 0
        if thread and sys.platform == "linux":
            _scheduled(thread, os.SCHED_OTHER)


def _scheduled(thread: int, policy: int) -> bool:
    """Say whether a thread, 0 for this one, could be given a policy; one that has ended cannot."""
    try:
        os.sched_setscheduler(thread, policy, os.sched_param(0))  # type: ignore[attr-defined,unused-ignore] # Linux only
    except OSError:
        return False
    return True
