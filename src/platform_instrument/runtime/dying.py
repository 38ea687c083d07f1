"""Death by SIGTERM from whichever thread, and what ends a process in which Python runs no more."""

from __future__ import annotations

import os
import signal
import threading

from platform_instrument.telemetry.threads import pause

KILLED = 128 + int(signal.SIGTERM)
"""The exit status of who cannot die by SIGTERM: what a shell shows of who has."""

_DIES = 0.3
"""Seconds in which a signal that is not blocked ends the process."""
_MARGIN = 0.5
"""Seconds that are left to whoever can still end the process in a better way."""


def die(*, surely: bool = False) -> None:
    """Die by SIGTERM from a thread: Python lets only the main thread restore the default action, so ask the C library.

    Where it is blocked, or this is the first process of a container, only one that ends `surely` ends.
    """
    try:
        from ctypes import CDLL
    except ImportError:
        os._exit(KILLED)
    CDLL(None).signal(int(signal.SIGTERM), 0)
    os.kill(os.getpid(), signal.SIGTERM)
    if surely:
        pause(_DIES)
        os._exit(KILLED)


def deliver() -> None:
    """Send SIGTERM to the main thread, which may be inside a call that it is to interrupt."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def end_by_force(seconds: float) -> None:
    """Have this process end after so many seconds even where Python runs no more: with its threads on standard error, and 1.

    C code that has the interpreter's lock and keeps it holds every thread up but this, which is C code too.
    """
    import faulthandler  # CPython 3.12 refuses it to sub-interpreters, which never come here

    faulthandler.dump_traceback_later(max(seconds, 0.0) + _MARGIN, exit=True, file=2)
