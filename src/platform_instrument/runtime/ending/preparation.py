"""An orderly end, put in its places: before SIGTERM's handlers, around the last flush, in the health of the process, in forks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.forks import around_fork
from platform_instrument.engine.health import HEALTH
from platform_instrument.runtime import leaving
from platform_instrument.runtime.ending import calls, registry, tree
from platform_instrument.runtime.ending.budget import Budget
from platform_instrument.runtime.ending.conductor import CONDUCTOR

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings


def prepare(settings: Settings) -> None:
    """Have SIGTERM kept, from when the first library is instrumented on."""
    CONDUCTOR.budget = Budget(settings)
    HEALTH.elsewhere = tree.draining
    leaving.KEEPERS.append(CONDUCTOR)
    leaving.BEFORE_THE_LAST.append(CONDUCTOR.before_flush)
    leaving.AFTER_THE_LAST.append(CONDUCTOR.after_flush)
    leaving.IN_CHILDREN.append(registry.forget)
    around_fork(child=renew)


def release() -> None:
    """Keep it no more."""
    CONDUCTOR.budget = HEALTH.elsewhere = None
    for hooks in (leaving.KEEPERS, leaving.BEFORE_THE_LAST, leaving.AFTER_THE_LAST, leaving.IN_CHILDREN):
        hooks.clear()


def renew() -> None:
    """Begin anew in a fork child."""
    tree.forked()
    calls.forget()
    CONDUCTOR.renew()
