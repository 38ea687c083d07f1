"""SIGTERM where the application leaves it to the system: the last records leave, then the process dies by it.

Exit status and skipped `finally` blocks are those of the plain run, and the application sees the default action in place.

A Python handler runs in the main thread, between two instructions. While that is inside a long C call the signal is only
noted, by `faulthandler`, whose handler is C code and writes into a pipe; the worker looks into it, flushes in the main
thread's stead and ends the process. C code that neither gives up the interpreter's lock nor looks for signals holds both
up: that process ends by SIGKILL.
"""

from __future__ import annotations

import os
import signal
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.forks import around_fork
from platform_instrument.core.guard import guard
from platform_instrument.engine.edits import Edit, edit_call, edit_result
from platform_instrument.engine.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from platform_instrument.core.values import Call
    from platform_instrument.telemetry.worker import Worker

_GRACE = 0.3
"""Seconds that the main thread has to run the handler before it counts as stuck in a C call."""

_HIGH = 500
"""Descriptors from here on are not given to an application that closes all it has and opens its own."""

_TERM = int(signal.SIGTERM)
_KILLED = 128 + _TERM
_signal, _getsignal = signal.signal, signal.getsignal


class _Handling:
    """What is prepared in this process."""

    worker: Worker
    flush: Callable[[], bool]
    """Lets everything leave, asked for by any thread but the worker."""
    flush_here: Callable[[], bool]
    """The same in the worker's own thread."""
    journal = Journal()
    noted: tuple[int, int] | None = None
    """The pipe into which a SIGTERM is noted: read end and write end."""
    identity: tuple[int, int] = (0, 0)
    received = 0.0
    """When the note was found, on the clock of `time.monotonic`; 0 while there is none."""
    begun = False
    masks: dict[int, set[Any]]
    """The signals that a forking thread had blocked before, by its identifier."""


_Handling.masks = {}


def take(worker: Worker, flush: Callable[[], bool], flush_here: Callable[[], bool]) -> bool:
    """Handle SIGTERM where nobody does and we may: only in the main thread of the main interpreter. Say whether we do."""
    if threading.current_thread() is not threading.main_thread() or _getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return False
    if not _is_default():
        return False
    _Handling.worker, _Handling.flush, _Handling.flush_here = worker, flush, flush_here
    try:
        _signal(signal.SIGTERM, _terminated)
    except ValueError:  # a sub-interpreter
        return False
    _hide()
    worker.on_start.append(_note)
    around_fork(before=_before_fork, parent=_after_fork_in_parent, child=_after_fork_in_child)
    return True


def _is_default() -> bool:
    """Say whether no C code has taken the signal either; Python only knows what it was like at the start."""
    try:
        with open("/proc/self/status", "rb") as status:  # noqa: PTH123 - pathlib is heavy
            caught = next((line for line in status if line.startswith(b"SigCgt:")), b"SigCgt: 0")
    except OSError:
        return True
    return not int(caught.split()[1], 16) >> (_TERM - 1) & 1


def _terminated(_number: int, _frame: FrameType | None) -> None:
    """Flush, then die by the signal as without us; as the first process of a container, which it does not kill, go on."""
    if _Handling.begun:
        return
    _Handling.begun = True
    guard("flush on SIGTERM", _Handling.flush)
    _unnote()
    _signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
    _signal(signal.SIGTERM, _terminated)
    _Handling.begun = False
    _Handling.received = 0.0
    if _Handling.worker.running:
        _note()


# --- what the application sees ----------------------------------------------------------------------------------------


def _hide() -> None:
    """Let the application find the default action where it left it, and put ours in place when it asks for the default."""
    replace, shown = _Handling.journal.replace, Edit("signal", _shown)
    replace(signal, "signal", edit_result(edit_call(_signal, Edit("signal", _asked)), shown))
    replace(signal, "getsignal", edit_result(_getsignal, shown))


def _asked(call: Call) -> None:
    """Handle what is to be left to the system. The note goes first: it would outlast the handler it belongs to."""
    number, handler = call.argument(0, "signalnum"), call.argument(1, "handler")
    if number != _TERM or threading.current_thread() is not threading.main_thread():
        return
    _unnote()
    if handler is signal.SIG_DFL or (type(handler) is int and handler == int(signal.SIG_DFL)):
        call.args, call.kwargs = (number, _terminated), {}


def _shown(_call: Call, handler: Any) -> Any:  # noqa: ANN401 - a signal handler
    """Show the default action where the handler is ours."""
    return signal.SIG_DFL if handler is _terminated else None


# --- while the main thread is inside a C call -------------------------------------------------------------------------


def _note() -> None:
    """Have a SIGTERM noted in a pipe as it comes, and the worker look into it."""
    if _Handling.noted is None and _getsignal(signal.SIGTERM) is _terminated:
        read, write = (_out_of_the_way(end) for end in os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC))
        status = os.fstat(read)
        _Handling.noted, _Handling.identity = (read, write), (status.st_dev, status.st_ino)
        import faulthandler  # CPython 3.12 refuses it to sub-interpreters, which never come here

        faulthandler.register(signal.SIGTERM, file=write, all_threads=False, chain=True)
        signal.siginterrupt(signal.SIGTERM, True)  # noqa: FBT003 - else a blocking call goes on, and no handler runs
    _Handling.worker.watch, _Handling.worker.urgent = _watch, _noticed


def _out_of_the_way(descriptor: int) -> int:
    """Return the descriptor under a high number, where there is one."""
    import fcntl

    try:
        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except OSError:
        return descriptor
    os.close(descriptor)
    return moved


def _unnote() -> None:
    """Take the note back; the signal's action is again what Python put there."""
    noted, _Handling.noted = _Handling.noted, None
    if noted is None:
        return
    if callable(_getsignal(signal.SIGTERM)):  # else a handler would be put back that Python has none for
        import faulthandler  # as above

        faulthandler.unregister(signal.SIGTERM)
    if _is_ours(noted[0]):
        for end in noted:
            os.close(end)


def _is_ours(read: int) -> bool:
    """Say whether the descriptor still is our pipe."""
    try:
        status = os.fstat(read)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == _Handling.identity


def _watch() -> None:
    """End the process when a SIGTERM is overdue that the main thread does not get to."""
    if _Handling.noted is None and not _Handling.begun:
        _note()
    if not _noticed():
        return
    while not _Handling.begun and monotonic() - _Handling.received < _GRACE:
        _pause()
    if not _Handling.begun:
        _Handling.begun = True
        guard("flush on SIGTERM", _Handling.flush_here)
        _die()


def _noticed() -> bool:
    """Say whether a SIGTERM was noted that is ours to handle and that nobody handles yet."""
    noted = _Handling.noted  # which a fork in another thread takes back
    if _Handling.begun or noted is None or _getsignal(signal.SIGTERM) is not _terminated:
        _Handling.received = 0.0
        return False
    if not _Handling.received and _arrived(noted[0]):
        _Handling.received = monotonic()
    return bool(_Handling.received)


def _arrived(read: int) -> bool:
    """Say whether something is noted."""
    if not _is_ours(read):
        return False
    try:
        return bool(os.read(read, 65_536))
    except OSError:
        return False


def _pause() -> None:
    from time import sleep

    sleep(0.02)


def _die() -> None:
    """Die by SIGTERM from a thread: Python lets only the main thread restore the default action, so ask the C library."""
    try:
        from ctypes import CDLL
    except ImportError:
        os._exit(_KILLED)
    CDLL(None).signal(_TERM, 0)
    os.kill(os.getpid(), signal.SIGTERM)


# --- fork -------------------------------------------------------------------------------------------------------------


def _before_fork() -> None:
    """Have nothing noted while a child may share the pipe, and keep a signal to the child until it is whole.

    Python forgets what came for a child before its first instruction; a blocked signal waits.
    Source: CPython, Modules/signalmodule.c `_PySignal_AfterFork`.
    """
    guard("before fork", _unnote)
    if _getsignal(signal.SIGTERM) is _terminated:
        _Handling.masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _after_fork_in_parent() -> None:
    if _Handling.worker.running:
        guard("after fork in the parent", _note)
    _unblock()


def _after_fork_in_child() -> None:
    _Handling.received = 0.0
    _Handling.begun = False
    _unblock()
    _Handling.masks.clear()


def _unblock() -> None:
    mask = _Handling.masks.pop(threading.get_ident(), None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
