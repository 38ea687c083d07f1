"""The last records leave with the process: at exit, on SIGTERM, and in multiprocessing children, which skip `atexit`.

All flushes of one end share the time of `PLATFORM_FLUSH_TIMEOUT`: a server that flushes as it shuts down and then dies by
the signal does not wait twice for a collector that does not answer. What was spent comes back as time goes on.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
from functools import partial
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.forks import around_fork
from platform_instrument.core.guard import guard
from platform_instrument.engine import apply, imports
from platform_instrument.runtime import alone, beginning, sigterm, uwsgi
from platform_instrument.telemetry import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from platform_instrument.config.schema import Settings
    from platform_instrument.runtime.keeping import Keeper

_AFTER_EVERYTHING = -100
"""The priority of our finalizer in a multiprocessing child: after those of everybody else."""

AT_THE_END: list[Callable[[], object]] = []
"""Called when the program has ended, before the last flush: by what looks at how it ended."""

LAST_WORDS: list[Callable[[], object]] = []
"""Called before each flush that may be the last: by what has something left to say, within a bound."""

AFTER_FLUSH: list[Callable[[], None]] = []
"""Called after each flush, which may be the last thing that this process does: doctor's record is written then."""

LET_GO: list[Callable[[], None]] = [apply.let_go]
"""Called after the last flush: whoever holds what belongs to a library, or to the application, holds it no more.

Else finalizers that the interpreter runs as it empties the modules would run later, when standard output is gone.
"""

BEFORE_THE_LAST: list[Callable[[], None]] = []
"""Called before what may be the last flush: by an orderly end."""

AFTER_THE_LAST: list[Callable[[], None]] = []
"""Called after it."""

IN_CHILDREN: list[Callable[[], None]] = []
"""Called in children of multiprocessing when they begin."""

KEEPERS: list[Keeper] = []
"""Who says when a SIGTERM reaches its handler: nobody, or one."""

_BEFORE_WORKERS = 0.5
"""Seconds that a master waits for the collector before its first fork; what is left goes when it ends."""


class _Leaving:
    """What is prepared in this process, and the seconds that its end may still take."""

    prepared = False
    subordinate = False
    handles_sigterm = False
    seconds = 3.0
    left = 3.0
    flushed = 0.0
    """When the last flush ended, on the clock of `time.monotonic`."""


def prepare(settings: Settings) -> None:
    """See to it that records leave however the process ends; once a process, fork children inherit it."""
    if pipeline.PIPELINE is None:
        return
    if not _Leaving.prepared:
        _Leaving.prepared = True
        seconds = settings.shutdown_flush_timeout if KEEPERS else settings.flush_timeout
        _Leaving.seconds = _Leaving.left = min(seconds, settings.flush_timeout)
        _Leaving.subordinate = _in_a_sub_interpreter()
        atexit.register(guard, "flush at exit", _at_exit)
        around_fork(child=_renew)
        imports.when_imported("multiprocessing.util", _follow_children)
        embedder = uwsgi.server()
        if embedder is not None:
            _Leaving.handles_sigterm = True  # uWSGI does
            guard("uWSGI", uwsgi.prepare, embedder, pipeline.PIPELINE, _begin_in_a_worker)
    wanted = settings.sigterm_handler or KEEPERS
    if wanted and not _Leaving.handles_sigterm:  # a thread that imports a library may not take it
        keeper = KEEPERS[0] if KEEPERS else None
        _Leaving.handles_sigterm = sigterm.take(pipeline.PIPELINE.worker, end, _flush_in_the_worker, keeper)


def end() -> bool:
    """Let everything leave for the last time, with what is to be done before and after that; say whether it did."""
    for action in BEFORE_THE_LAST:
        guard("before the last flush", action)
    complete = flush()
    for action in AFTER_THE_LAST:
        guard("after the last flush", action)
    return complete


def flush(*, last: bool = True, within: float | None = None) -> bool:
    """Let everything leave within what is left of the setting's time; say whether it did. With `last` the process ends."""
    if pipeline.PIPELINE is None:
        return True
    began = monotonic()
    left = _Leaving.left = min(_Leaving.left + began - _Leaving.flushed, _Leaving.seconds)
    left = left if within is None else min(left, within)
    if last:
        _say_last_words()
    complete = pipeline.PIPELINE.flush(max(left + began - monotonic(), 0.0), last=last)
    _Leaving.flushed = monotonic()
    _Leaving.left = _Leaving.seconds if complete else max(left - (_Leaving.flushed - began), 0.0)
    for action in AFTER_FLUSH:
        guard("after flush", action)
    return complete


def _say_last_words() -> None:
    for words in LAST_WORDS:
        guard("last words", words)


def _flush_in_the_worker() -> bool:
    _say_last_words()
    return pipeline.PIPELINE is None or pipeline.PIPELINE.worker.finish_here(_Leaving.left, last=True)


def become_master(*, for_good: bool = True) -> None:
    """Send what was recorded so far, and have neither thread nor connection: this process forks workers from now on.

    One that may have more to tell, when it is not `for_good`, has them again from then on.
    """
    if pipeline.PIPELINE is not None:
        pipeline.PIPELINE.hold(min(_Leaving.seconds, _BEFORE_WORKERS), for_good=for_good)


def _in_a_sub_interpreter() -> bool:
    """Say whether this interpreter is not the process's main one, as under mod_wsgi."""
    try:
        interpreters = import_module("_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters")
    except ImportError:
        return False
    return bool(interpreters.get_current() != interpreters.get_main())


def _at_exit() -> None:
    for look in AT_THE_END:
        guard("the end", look)
    end()
    if _Leaving.subordinate and pipeline.PIPELINE is not None:
        pipeline.PIPELINE.stop(_Leaving.left)  # a sub-interpreter that has a thread left takes the process with it
    for action in LET_GO:
        guard("let go", action)
    for keeper in KEEPERS:
        guard("left", keeper.left)
    if getattr(sys, "last_type", None) is KeyboardInterrupt:
        _remain_interrupted()


def _remain_interrupted() -> None:
    """Remind the interpreter that SIGINT ended it, which decides its exit status.

    It forgets that when a text is run as code, as modules do that are imported for the flush.
    Source: CPython, Python/pythonrun.c `run_eval_code_obj`.
    """
    with contextlib.suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt", {})  # noqa: S102 - by a text, not a function: that is what it notices


def _renew() -> None:
    _Leaving.left = _Leaving.seconds
    threading = sys.modules.get("threading")
    if threading is not None and type(threading.main_thread()) is threading.Thread:
        alone.follow(threading, _leave_with_its_thread)


def _leave_with_its_thread() -> None:
    flush()
    if pipeline.PIPELINE is not None:
        pipeline.PIPELINE.stop(_Leaving.left)


def _begin_in_a_worker(*, inherits: bool) -> None:
    if pipeline.PIPELINE is not None:
        pipeline.PIPELINE.after_fork_in_child(inherits=inherits)
        pipeline.PIPELINE.serve()
    beginning.renew()
    _renew()


# --- multiprocessing --------------------------------------------------------------------------------------------------


def _follow_children(util: ModuleType) -> None:
    """Flush in children of multiprocessing, which leave by `os._exit` after their finalizers."""
    util.register_after_fork(_Leaving, partial(_in_child, util))
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        _in_child(util, _Leaving)  # a child that knew nothing of us when it began


def _in_child(util: Any, _owner: object) -> None:  # noqa: ANN401 - the module `multiprocessing.util`
    for action in IN_CHILDREN:
        guard("begin in a child", action)
    util.Finalize(None, guard, args=("flush in a child", end), exitpriority=_AFTER_EVERYTHING)
