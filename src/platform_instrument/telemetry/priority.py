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
        """Take over the policy of this thread, unless one was chosen for the process or it is better not to ask."""
        self._patient = False
        if sys.platform == "linux" and may_ask() and os.sched_getscheduler(0) == os.SCHED_OTHER:
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

    def forget(self) -> None:
        """Leave the number alone when the thread ends: the system may give it to another, of any process."""
        self._thread = 0
        self._patient = False

    def _schedule(self, policy: int) -> bool:
        """Say whether the thread has the policy now: a sandbox may forbid it, and is not asked again."""
        thread = self._thread
        if not thread:  # which the system would take for the thread that calls
            return False
        try:
            os.sched_setscheduler(thread, policy, os.sched_param(0))  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            self._thread = 0
            return False
        return True


def may_ask() -> bool:
    """Say whether nothing worse than a refusal can come of asking."""
    return harmless(_text_of("/proc/self/status"), _text_of("/proc/self/mountinfo"))


def harmless(status: str, mounts: str) -> bool:
    """Say so from the texts of `/proc`: where system calls are filtered, systemd's filter kills who asks, and no other shows.

    Those of container runtimes refuse. Each of these mounts a file over `/etc/hostname`.
    """
    return "\nSeccomp:\t0\n" in status or (bool(status) and " /etc/hostname " in mounts)


def _text_of(path: str) -> str:
    """Return the text of a file, nothing where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - pathlib costs 8 ms
            return file.read()
    except OSError:
        return ""
