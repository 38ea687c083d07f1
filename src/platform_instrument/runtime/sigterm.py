"""SIGTERM where the application leaves it to the system: the last records leave, then the process dies by it.

Exit status and skipped `finally` blocks are those of the plain run, and the application sees the default action in place.
For an orderly end a keeper stands before this handler and before those of the application: it says when they are called.

A Python handler runs in the main thread, between two instructions. While that is inside a long C call the signal is only
noted, by C code; the worker looks after that, flushes in the main thread's stead and ends the process. C code that neither
gives up the interpreter's lock nor looks for signals holds both up: that process ends by SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.forks import around_fork
from platform_instrument.core.guard import guard
from platform_instrument.engine.edits import Edit, edit_call, edit_result
from platform_instrument.engine.journal import Journal
from platform_instrument.runtime import dying
from platform_instrument.telemetry.threads import pause
from platform_instrument.telemetry.worker import COUNTED_LAST

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from platform_instrument.core.values import Call
    from platform_instrument.runtime.keeping import Keeper
    from platform_instrument.runtime.noting import Note
    from platform_instrument.telemetry.worker import Worker

_GRACE = 0.3
"""Seconds that the main thread has to run the handler before it counts as stuck in a C call."""

_PAUSE = 0.02
_SPAWNED = "--multiprocessing-fork"
"""What the command line of a child of multiprocessing says that is not forked. Source: multiprocessing/spawn.py."""

_TERM = int(signal.SIGTERM)
_signal, _getsignal = signal.signal, signal.getsignal
_with_traceback = BaseException.with_traceback


class Kept:
    """A handler of the application's behind the keeper."""

    __slots__ = ("handler",)

    def __init__(self, handler: Callable[[int, FrameType | None], Any]) -> None:
        self.handler = handler

    def __call__(self, number: int, frame: FrameType | None) -> Any:  # noqa: ANN401 - what the application returns
        """Call it, unless the signal is kept."""
        keeper = _Handling.keeper
        if keeper is not None and guard("SIGTERM", keeper.passes, default=False) is False:
            return None
        try:
            return self.handler(number, frame)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise


class _Handling:
    """What is prepared in this process."""

    worker: Worker
    flush: Callable[[], bool]
    """Lets everything leave, asked for by any thread but the worker."""
    flush_here: Callable[[], bool]
    """The same in the worker's own thread."""
    journal = Journal()
    keeper: Keeper | None = None
    noted: Note | None = None
    received = 0.0
    """When the note was found, on the clock of `time.monotonic`; 0 while there is none."""
    begun = False
    dormant = False
    """Whether the action is still the system's: this child has recorded nothing so far, so nothing has to leave."""
    masks: dict[int, set[Any]]
    """The signals that a forking thread had blocked before, by its identifier."""


_Handling.masks = {}


def take(worker: Worker, flush: Callable[[], bool], flush_here: Callable[[], bool], keeper: Keeper | None = None) -> bool:
    """Handle SIGTERM where nobody does and we may: only in the main thread of the main interpreter. Say whether we do.

    With a keeper, put it before whoever handles it.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    found = _getsignal(signal.SIGTERM)
    if found is signal.SIG_DFL and not _untouched():
        return False
    handler: Any = _terminated if found is signal.SIG_DFL else Kept(found) if callable(found) else found
    if handler is not _terminated and (keeper is None or handler is None):
        return False
    _Handling.worker, _Handling.flush, _Handling.flush_here = worker, flush, flush_here
    _Handling.keeper = keeper
    if handler is _terminated and keeper is None and _SPAWNED in sys.orig_argv:
        _Handling.dormant = True
    else:
        try:
            _signal(signal.SIGTERM, handler)
        except ValueError:  # a sub-interpreter
            return False
    _hide()
    if keeper is not None:
        _note()
    worker.on_start.append(_note)
    around_fork(before=_before_fork, parent=_after_fork_in_parent, child=_after_fork_in_child)
    return True


def _untouched() -> bool:
    """Say whether no C code has taken the signal either; Python only knows what it was like at the start."""
    try:
        with open("/proc/self/status", "rb") as status:  # noqa: PTH123 - pathlib is heavy
            caught = next((line for line in status if line.startswith(b"SigCgt:")), b"SigCgt: 0")
    except OSError:
        return True
    return not int(caught.split()[1], 16) >> (_TERM - 1) & 1


def _terminated(_number: int, _frame: FrameType | None) -> None:
    """Flush, then die by the signal as without us; as the first process of a container, which it does not kill, go on."""
    keeper = _Handling.keeper
    if keeper is not None and guard("SIGTERM", keeper.passes, default=True) is False:
        return
    if _Handling.begun:
        return
    _Handling.begun = True
    guard("flush on SIGTERM", _Handling.flush)
    _unnote()
    _signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
    if keeper is not None:
        keeper.outlived()
    _signal(signal.SIGTERM, _terminated)
    _Handling.begun = False
    _Handling.received = 0.0
    if _Handling.worker.running:
        _note()


# --- what the application sees ----------------------------------------------------------------------------------------


def _hide() -> None:
    """Let the application find the default action where it left it, and put ours in place when it asks for the default."""
    replace = _Handling.journal.replace
    replace(signal, "signal", edit_result(edit_call(_signal, Edit("signal", _asked)), Edit("signal", _settled)))
    replace(signal, "getsignal", edit_result(_getsignal, Edit("signal", _shown)))


def _asked(call: Call) -> None:
    """Handle what is to be left to the system. The note goes first: it would outlast the handler it belongs to."""
    number, handler = call.argument(0, "signalnum"), call.argument(1, "handler")
    if number != _TERM or threading.current_thread() is not threading.main_thread():
        return
    _unnote()
    _Handling.dormant = False
    if handler is signal.SIG_DFL or (type(handler) is int and handler == int(signal.SIG_DFL)):
        call.args, call.kwargs = (number, _terminated), {}
    elif _Handling.keeper is not None and callable(handler):
        call.args, call.kwargs = (number, Kept(handler)), {}


def _settled(call: Call, before: Any) -> Any:  # noqa: ANN401 - a signal handler
    """Have a SIGTERM noted again for the new handler; show the one before."""
    if _Handling.keeper is not None and call.argument(0, "signalnum") == _TERM:
        _note()
    return _shown(call, before)


def _shown(_call: Call, handler: Any) -> Any:  # noqa: ANN401 - a signal handler
    """Show the default action where the handler is ours, and the application's own where the keeper stands before it."""
    if type(handler) is Kept:
        return handler.handler
    return signal.SIG_DFL if handler is _terminated else None


# --- while the main thread is inside a C call -------------------------------------------------------------------------


def _note() -> None:
    """Have a SIGTERM noted as it comes, and the worker look after it, or the keeper be told."""
    keeper = _Handling.keeper
    if _is_dormant() and threading.current_thread() is threading.main_thread():
        _Handling.dormant = False
        _signal(signal.SIGTERM, _terminated)
    if _Handling.noted is None and _is_handled() and not (keeper is not None and _Handling.worker.held):
        from platform_instrument.runtime.noting import Note  # with the first record, not at start

        _Handling.noted = Note(None if keeper is None else keeper.noted, chain=not _is_dormant())
    if keeper is None:
        _Handling.worker.watch, _Handling.worker.urgent = _watch, _noticed


def _is_handled() -> bool:
    """Say whether we stand between the signal and whoever handles it."""
    return is_default() or type(_getsignal(signal.SIGTERM)) is Kept


def _unnote() -> None:
    """Take the note back."""
    noted, _Handling.noted = _Handling.noted, None
    if noted is not None:
        noted.take_back(registered=_is_dormant() if _Handling.dormant else callable(_getsignal(signal.SIGTERM)))


def _watch() -> None:
    """End the process when a SIGTERM is overdue that the main thread does not get to."""
    if _Handling.noted is None and not _Handling.begun:
        _note()
    if not _noticed():
        return
    while not (_Handling.begun or _Handling.dormant) and monotonic() - _Handling.received < _GRACE:
        pause(_PAUSE)
    if not _Handling.begun:
        _Handling.begun = True
        guard("flush on SIGTERM", _Handling.flush_here)
        dying.die()


def _noticed() -> bool:
    """Say whether a SIGTERM was noted that is ours to handle and that nobody handles yet."""
    noted = _Handling.noted  # which a fork in another thread takes back
    if _Handling.begun or noted is None or not is_default():
        _Handling.received = 0.0
        return False
    if not _Handling.received and noted.arrived():
        _Handling.received = monotonic()
    return bool(_Handling.received)


def keeps() -> bool:
    """Say whether the keeper stands before the handler that is in place."""
    return _Handling.keeper is not None and _is_handled()


def is_default() -> bool:
    """Say whether the application has left the signal to the system."""
    return _is_dormant() or _getsignal(signal.SIGTERM) is _terminated


def _is_dormant() -> bool:
    return _Handling.dormant and _getsignal(signal.SIGTERM) is signal.SIG_DFL


# --- fork -------------------------------------------------------------------------------------------------------------


def _before_fork() -> None:
    """Have nothing noted while a child may share the pipe, and keep a signal to the child until it is whole.

    Python forgets what came for a child before its first instruction; a blocked signal waits.
    Source: CPython, Modules/signalmodule.c `_PySignal_AfterFork`.
    """
    guard("before fork", _unnote)
    if _is_handled():
        _Handling.masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _after_fork_in_parent() -> None:
    if _Handling.worker.running or (_Handling.keeper is not None and not COUNTED_LAST):
        guard("after fork in the parent", _note)
    _unblock()


def _after_fork_in_child() -> None:
    _Handling.received = 0.0
    _Handling.begun = False
    if _Handling.keeper is None and is_default():
        guard("after fork in the child", _leave_to_the_system)
    _unblock()
    _Handling.masks.clear()


def _leave_to_the_system() -> None:
    """Handle nothing before there is something to send.

    A signal that comes just before a call that blocks, such as a pool's `get`, waits for a Python handler as long as that does;
    later the worker looks after it. A record of another thread than the main one starts a note alone, for the worker.
    """
    _signal(signal.SIGTERM, signal.SIG_DFL)
    _Handling.dormant = True


def _unblock() -> None:
    mask = _Handling.masks.pop(threading.get_ident(), None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
