"""The last records leave with the process: at exit, on SIGTERM, and in multiprocessing children, which skip `atexit`.

SIGTERM is only taken where nothing else has taken it, and the process still dies by the signal: exit status and
skipped `finally` blocks are those of the plain run. A Python handler does not run while the main thread is inside a C
call; then the worker ends the process in its stead.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine import imports
from platform_instrument.telemetry import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType

    from platform_instrument.config.schema import Settings

_GRACE = 0.5
"""Seconds that the main thread has to run the handler before it counts as stuck in a C call."""

AFTER_FLUSH: list[Callable[[], None]] = []
"""Called after each flush: it may be the last thing that this process does."""


class _Leaving:
    """What is prepared in this process."""

    prepared = False
    seconds = 3.0
    signals = False
    pipe: tuple[int, int] | None = None
    identity: tuple[int, int] = (0, 0)
    received = 0.0
    handled = False


def prepare(settings: Settings) -> None:
    """See to it that records leave however the process ends; once a process, again in a fork child."""
    if _Leaving.prepared or pipeline.PIPELINE is None:
        return
    _Leaving.prepared = True
    _Leaving.seconds = settings.flush_timeout
    atexit.register(guard, "flush at exit", flush)
    imports.when_imported("multiprocessing.util", _follow_children)
    if settings.sigterm_handler:
        _Leaving.signals = take_sigterm()
        pipeline.PIPELINE.worker.on_start = arm
        os.register_at_fork(after_in_child=lambda: guard("after fork in the child", _disarm))


def flush() -> bool:
    """Let everything leave within the setting's time."""
    complete = pipeline.PIPELINE is None or pipeline.PIPELINE.flush(_Leaving.seconds)
    for action in AFTER_FLUSH:
        guard("after flush", action)
    return complete


def take_sigterm() -> bool:
    """Handle SIGTERM where nobody does and we may: only in the main thread of the main interpreter."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return False
    try:
        signal.signal(signal.SIGTERM, _terminated)
    except ValueError:  # a sub-interpreter
        return False
    return True


def _terminated(number: int, _frame: FrameType | None) -> None:
    """Flush, then die by the signal as without us."""
    _Leaving.handled = True
    guard("flush on SIGTERM", flush)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


# --- while the main thread is inside a C call -------------------------------------------------------------------------


def arm() -> None:
    """Have the interpreter note signals in a pipe as they come, and the worker look into it; in the main thread only."""
    if (
        _Leaving.pipe is not None
        or threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not _terminated
        or pipeline.PIPELINE is None
    ):
        return
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    if before != -1:  # an event loop uses it, and runs handlers itself
        signal.set_wakeup_fd(before)
        os.close(read)
        os.close(write)
        return
    status = os.fstat(read)
    _Leaving.pipe, _Leaving.identity = (read, write), (status.st_dev, status.st_ino)
    pipeline.PIPELINE.worker.watch = _watch


def _watch() -> None:
    """Look for a SIGTERM that the main thread does not get to; end the process when it is overdue."""
    if _Leaving.handled or _Leaving.pipe is None:
        return
    if not _Leaving.received and _arrived(_Leaving.pipe[0]):
        _Leaving.received = monotonic()
    if _Leaving.received and monotonic() - _Leaving.received > _GRACE and pipeline.PIPELINE is not None:
        guard("flush on SIGTERM", pipeline.PIPELINE.worker.finish_here, _Leaving.seconds)
        _die()


def _arrived(read: int) -> bool:
    """Say whether SIGTERM is in the pipe; an application that closes all descriptors may own the number by now."""
    try:
        status = os.fstat(read)
        if (status.st_dev, status.st_ino) != _Leaving.identity:
            _Leaving.pipe = None
            return False
        return signal.SIGTERM in os.read(read, 4096)
    except BlockingIOError:
        return False
    except OSError:
        _Leaving.pipe = None
        return False


def _die() -> None:
    """Die by SIGTERM from a thread: Python lets only the main thread restore the default action, so ask the C library."""
    from ctypes import CDLL

    CDLL(None).signal(int(signal.SIGTERM), 0)
    os.kill(os.getpid(), signal.SIGTERM)


def _disarm() -> None:
    """Forget the parent's pipe in a fork child; its worker arms its own."""
    pipe, _Leaving.pipe = _Leaving.pipe, None
    _Leaving.received = 0.0
    if pipe is not None:
        if threading.current_thread() is threading.main_thread():
            signal.set_wakeup_fd(-1)
        for end in pipe:
            os.close(end)


# --- multiprocessing --------------------------------------------------------------------------------------------------


def _follow_children(util: ModuleType) -> None:
    """Flush in children of multiprocessing, which leave by `os._exit` after their finalizers."""
    util.register_after_fork(_Leaving, partial(_in_child, util))


def _in_child(util: Any, _owner: object) -> None:  # noqa: ANN401 - the module `multiprocessing.util`
    util.Finalize(None, guard, args=("flush in a child", flush), exitpriority=-100)
