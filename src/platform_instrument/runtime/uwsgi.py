"""uWSGI: it forks its workers behind Python's back, unless it is told to call the hooks (`py-call-uwsgi-fork-hooks`).

A worker would go on with a thread that did not come along, with the queue of its parent and with its random numbers.
uWSGI has a hook of its own, which is chained to. Its signals are its own too.
Source: uWSGI 2.0, plugins/python/python_plugin.c `uwsgi_python_post_fork`, uwsgidecorators.py.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine import imports

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from platform_instrument.telemetry.pipeline import Pipeline

_HOOK = "post_fork_hook"


class _Chained:
    """Our link in the chain of hooks."""

    hook: Callable[[], Any] | None = None


def server() -> Any:  # noqa: ANN401 - the module that uWSGI puts into the interpreter it embeds; it has no file
    """Return the module by which uWSGI speaks to the application, None in any other process."""
    found = sys.modules.get("uwsgi")
    return found if hasattr(found, "worker_id") and hasattr(found, "masterpid") else None


def prepare(uwsgi: Any, pipeline: Pipeline, renew: Callable[[], None]) -> None:  # noqa: ANN401 - as above
    """Have no thread in the process that forks, and begin from zero in each that it has forked.

    The process that loads the application forks where there is a master or more than one worker.
    """
    if uwsgi.worker_id():
        return  # `lazy-apps`: a worker, whose fork is over
    if uwsgi.masterpid() or getattr(uwsgi, "numproc", 1) > 1:
        pipeline.stand_by()
    imports.when_imported("uwsgidecorators", partial(_chain, uwsgi, renew))  # which puts its own hook in the place of any
    _chain(uwsgi, renew)


def _chain(uwsgi: Any, renew: Callable[[], None], _module: ModuleType | None = None) -> None:  # noqa: ANN401 - as above
    """Put our hook before the one that is there."""
    previous = getattr(uwsgi, _HOOK, None)
    if previous is not None and previous is _Chained.hook:
        return

    def after_fork() -> Any:  # noqa: ANN401 - the application's hook
        guard("after fork under uWSGI", renew)
        return previous() if previous is not None else None

    _Chained.hook = after_fork
    setattr(uwsgi, _HOOK, after_fork)
