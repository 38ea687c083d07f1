"""uWSGI: it forks its workers behind Python's back, unless it is told to call the hooks (`py-call-uwsgi-fork-hooks`).

A worker would go on with a thread that did not come along, with the queue of its parent and with its random numbers.
uWSGI has a hook of its own, which is chained to. Its signals are its own too. Nothing is called in the master any more once the
application is loaded: what was recorded until then is left to the first worker, or sent before the fork where that is known.
Source: uWSGI 2.0, plugins/python/python_plugin.c `uwsgi_python_post_fork`, uwsgidecorators.py.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core.forks import around_fork
from platform_instrument.core.guard import guard
from platform_instrument.engine import imports
from platform_instrument.telemetry.descriptors import identity_of, out_of_the_way

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Protocol

    from platform_instrument.telemetry.pipeline import Pipeline

    class Renew(Protocol):
        """Begins from zero in a worker, or with what waits in its parent."""

        def __call__(self, *, inherits: bool) -> None:
            """Do so."""


_HOOK = "post_fork_hook"
_BEFORE_FORK = 0.5
"""Seconds that the master waits for the collector before it forks, where it is told."""


class _Chained:
    """Our link in the chain of hooks."""

    hook: Any = None
    pipeline: Pipeline | None = None
    """That of the master, None where no process forks."""
    will = -1
    """The end of a pipe with one byte in it: who reads it inherits what waits in the master."""
    identity = (0, 0)


def server() -> Any:  # noqa: ANN401 - the module that uWSGI puts into the interpreter it embeds; it has no file
    """Return the module by which uWSGI speaks to the application, None in any other process."""
    found = sys.modules.get("uwsgi")
    return found if hasattr(found, "worker_id") and hasattr(found, "masterpid") else None


def prepare(uwsgi: Any, pipeline: Pipeline, renew: Renew) -> None:  # noqa: ANN401 - as above
    """Have no thread in the process that forks, and begin from zero in each that it has forked.

    The process that loads the application forks where there is a master or more than one worker.
    """
    if uwsgi.worker_id():
        return  # `lazy-apps`: a worker, whose fork is over
    if uwsgi.masterpid() or getattr(uwsgi, "numproc", 1) > 1:
        pipeline.stand_by()
        _Chained.pipeline = pipeline
        _Chained.will = _will()
        _Chained.identity = identity_of(_Chained.will)
        around_fork(before=_before_fork)
    imports.when_imported("uwsgidecorators", partial(_chain, uwsgi, renew))  # which puts its own hook in the place of any
    _chain(uwsgi, renew)


def _will() -> int:
    """Return what one process can read a byte from, and all others nothing."""
    read, write = os.pipe()
    os.write(write, b"1")
    os.close(write)
    return out_of_the_way(read)


def _before_fork() -> None:
    """Send what there is: this uWSGI calls Python's hooks, which have the child begin from zero."""
    if _Chained.pipeline is not None and _Chained.pipeline.queue:
        _Chained.pipeline.hold(_BEFORE_FORK)


def _inherits(uwsgi: Any) -> bool:  # noqa: ANN401 - the module `uwsgi`
    """Say whether this is the first worker of the master: one only, and not those that are forked anew."""
    _Chained.pipeline = None
    if not uwsgi.worker_id() or _Chained.will < 0:
        return False
    try:
        return identity_of(_Chained.will) == _Chained.identity and bool(os.read(_Chained.will, 1))
    except OSError:
        return False


def _chain(uwsgi: Any, renew: Renew, _module: ModuleType | None = None) -> None:  # noqa: ANN401 - as above
    """Put our hook before the one that is there."""
    previous = getattr(uwsgi, _HOOK, None)
    if previous is not None and previous is _Chained.hook:
        return

    def after_fork() -> Any:  # noqa: ANN401 - the application's hook
        inherits = bool(guard("the first worker of uWSGI", _inherits, uwsgi))
        guard("after fork under uWSGI", renew, inherits=inherits)
        return previous() if previous is not None else None

    _Chained.hook = after_fork
    setattr(uwsgi, _HOOK, after_fork)
