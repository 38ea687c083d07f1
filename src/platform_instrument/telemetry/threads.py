"""What the system knows of a thread of ours, and which signals it is given; threads that gevent does not replace."""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time
from time import sleep
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.telemetry.priority import may_ask

if TYPE_CHECKING:
    from collections.abc import Callable


def wait_until_gone(thread: threading.Thread) -> None:
    """Wait some milliseconds for the system to forget a thread that was joined: Python lets go of it before it has ended.

    Where gevent stands in for threads, it has the number of the one that is the process, which is not waited for.
    """
    wait_until_number_gone(thread.native_id or 0)


def wait_until_number_gone(number: int) -> None:
    """Wait for the same of a thread that is known by the system's number of it alone."""
    if number in (os.getpid(), threading.get_native_id()):
        return
    patience = 50
    while patience and _known(number):
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


def alone(place: str, function: Callable[..., object], *arguments: object) -> bool:
    """Run a function in a thread of the system's, even where greenlets stand in for threads; say whether it was started.

    Nobody waits for it, it is given no signals, and `threading` does not know it.
    """

    def run() -> None:
        guard(place, leave_signals_to_the_application)
        guard(place, function, *arguments)

    try:
        genuine(_thread, "start_new_thread")(run, ())
    except RuntimeError:
        return False  # there are too many, or the interpreter is ending
    return True


def pause(seconds: float) -> None:
    """Sleep in a thread of the system's."""
    genuine(time, "sleep")(seconds)


def genuine(module: Any, name: str) -> Any:  # noqa: ANN401 - a function of a module that gevent replaces
    """Return a function as it is without gevent."""
    monkey = sys.modules.get("gevent.monkey")
    return getattr(module, name) if monkey is None else monkey.get_original(module.__name__, name)


class Bell:
    """Ends the wait of one thread of the system's; it may be rung by a signal handler, before the wait too."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = genuine(_thread, "allocate_lock")()
        self._lock.acquire()

    def ring(self) -> None:
        """End the wait of now, or the next one."""
        try:
            self._lock.release()
        except RuntimeError:
            return  # it has rung already

    def wait(self, seconds: float) -> bool:
        """Wait for the bell; say whether it rang within the time."""
        return bool(self._lock.acquire(timeout=min(max(seconds, 0.0), _LONGEST_WAIT)))


_LONGEST_WAIT = 86_400.0


def wait_for_imports(thread: threading.Thread, seconds: float) -> None:
    """Wait, so long at most, while a thread lives and a module of ours is half imported, such as a mask that is needed first now.

    A child that is forked in the middle of an import can never import that module: the lock is held by a thread that it has not.
    """
    deadline = time.monotonic() + seconds
    while thread.is_alive() and _importing() and time.monotonic() < deadline:
        thread.join(_GLANCE)


def _importing() -> bool:
    specs = [getattr(module, "__spec__", None) for name, module in [*sys.modules.items()] if name.startswith(_OURS)]
    return any(getattr(spec, "_initializing", False) for spec in specs)


_GLANCE = 0.02
_OURS = "platform_instrument."
