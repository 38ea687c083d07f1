"""When checks begin: armed with the first library where probes are asked for, begun where a process serves or records.

A master serves nothing, and what it loads for its workers is checked by those.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from platform_instrument.core.report import say
from platform_instrument.engine.health import HEALTH
from platform_instrument.runtime import beginning, leaving, uwsgi
from platform_instrument.runtime.health import gauge, targets
from platform_instrument.runtime.health.attempts import Question
from platform_instrument.runtime.health.checked import Checked
from platform_instrument.runtime.health.checker import CHECKER
from platform_instrument.runtime.health.dependencies import MATCHED, is_critical
from platform_instrument.runtime.health.quiet import leave_out_suppressed
from platform_instrument.runtime.health.registration import ON_ADDED, REGISTERED
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.metrics.registry import METRICS

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings
    from platform_instrument.runtime.health.registration import Registered

_MOST_NAMED = 10
_REGISTERED = "registered"
"""The type of the application's own checks."""


class _Preparation:
    """What is prepared in this process."""

    done = False


def prepare(settings: Settings) -> None:
    """Check what is known already and what comes; once a process, fork children inherit it."""
    current = pipeline.PIPELINE
    if _Preparation.done or current is None:
        return
    _Preparation.done = True
    leave_out_suppressed()
    METRICS.observers.append(gauge.observe)
    ON_ADDED.append(take)
    for registered in REGISTERED.copy().values():
        take(registered)
    for url in settings.readiness_checks:
        ask = partial(_ask_target, url)
        CHECKER.add(Checked(url, ask, settings, kind=url.partition(":")[0], critical=True))
    HEALTH.on_change.append(CHECKER.changed)
    beginning.ON_SERVING.append(CHECKER.begin)
    CHECKER.on_settled.append(say_unknown)
    current.worker.on_start.append(at_work)
    leaving.AT_THE_END.append(CHECKER.end)
    if uwsgi.server() is not None:
        beginning.ON_RENEWED.extend((HEALTH.renew, CHECKER.after_fork_in_child))


def take(registered: Registered) -> None:
    """Check what the application has registered."""
    listed = is_critical(CHECKER.settings, registered.name, _REGISTERED, None) and not registered.startup
    critical = registered.critical or listed
    check = Checked(
        registered.name,
        partial(_ask_registered, registered),
        CHECKER.settings,
        kind=_REGISTERED,
        critical=critical,
        startup=registered.startup,
        timeout=registered.timeout,
    )
    CHECKER.add(check)


def say_unknown() -> None:
    """Say what of the critical list stands for nothing: it was misspelt, or is not used."""
    unknown = [item for item in CHECKER.settings.readiness_critical if item not in MATCHED]
    if unknown:
        names = ", ".join([check.name for check in CHECKER.checks.copy().values() if not check.startup][:_MOST_NAMED])
        say(
            f"PLATFORM_READINESS_CRITICAL names {', '.join(unknown)!a}, which this process does not depend on; correct it, or "
            f"remove it; what is checked is: {names or 'nothing'}",
            place="critical list",
        )


def at_work() -> None:
    """Begin with the first record, unless this process may be about to fork workers, which say when they serve."""
    if CHECKER.begun or ("gunicorn.arbiter" not in sys.modules and uwsgi.server() is None):
        CHECKER.begin()


def _ask_target(url: str, seconds: float) -> Question:
    return Question(targets.question(url, seconds))


def _ask_registered(registered: Registered, _seconds: float) -> Question:
    """Ask a coroutine function on the loop that ran when it was registered, else on the one that serves, else on its own."""
    function = registered.function
    if not _is_coroutine_function(function):
        return Question(function)
    for known in (registered.loop() if registered.loop is not None else None, CHECKER.loop):
        if known is not None and not known.is_closed():
            return Question(function, known)
    return Question(function)


def _is_coroutine_function(function: object) -> bool:
    """Say whether calling it makes a coroutine: a function, a method, a partial one, or an object that is called as one."""
    inspect = sys.modules.get("inspect")  # loaded wherever there is asyncio
    if inspect is None:
        return False
    while isinstance(function, partial):
        function = function.func
    called = getattr(type(function), "__call__", None)  # noqa: B004 - it is looked at, and not only for
    return bool(inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called))
