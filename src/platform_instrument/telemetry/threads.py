"""What the system knows of a thread of ours, and which signals it is given."""

from __future__ import annotations

import os
import sys
import threading
from time import sleep

from platform_instrument.telemetry.priority import may_ask


def wait_until_gone(thread: threading.Thread) -> None:
    """Wait some milliseconds for the system to forget a thread that was joined: Python lets go of it before it has ended.

    Where gevent stands in for threads, it has the number of the one that is the process, which is not waited for.
    """
    if thread.native_id in (os.getpid(), threading.get_native_id()):
        return
    patience = 50
    while patience and _known(thread.native_id or 0):
        patience -= 1
        sleep(0.001)


def _known(thread: int) -> bool:
    """Say whether the system has this thread still: by /proc, or by the scheduler where /proc is that of another namespace.

    There a thread has another number, so that we do not find the one that asks either.
    """
    found, asking = (os.path.exists(f"/proc/self/task/{number}") for number in (thread, threading.get_native_id()))  # noqa: PTH110 - pathlib costs 8 ms
    if found or asking or sys.platform != "linux" or not may_ask():
        return found
    try:
        os.sched_getscheduler(thread)
    except OSError:
        return False
    return True


def leave_signals_to_the_application() -> None:
    """Have no signal delivered to this thread: a thread that waits for one (`sigwait`) has it blocked in its own only."""
    import signal  # takes a millisecond, and this thread is not waited for

    signal.pthread_sigmask(
        signal.SIG_BLOCK, signal.valid_signals() - {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
    )
