"""What another agent sends about itself is nothing that the service does: it is left out of traces and metrics.

Agents deliver from threads of their own, known by the module that their class or function is of. In such a thread nothing of
ours observes.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.values import EditCall, Instrumentation
from platform_instrument.distro.agents import AGENTS
from platform_instrument.engine.apply import install
from platform_instrument.telemetry.context import CURRENT, Ambient

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Call

_BELOW = tuple(f"{module}." for module in AGENTS.values())
_GIVEN = ("_target", "function")
"""Where a thread, and a timer, keep the function that they were given. `run` says nothing: some agents wrap everybody's."""


def leave_out() -> None:
    """Observe nothing in the threads that an agent starts from now on."""
    install(INSTRUMENTATION, sys.modules["threading"])


def _begins(call: Call) -> None:
    """Let a thread that is about to start run unobserved, where it is an agent's."""
    thread = call.instance
    if _of_agent(type(thread)) or any(_of_agent(getattr(thread, name, None)) for name in _GIVEN):
        thread.run = partial(_unobserved, thread.run)


def _of_agent(thing: object) -> bool:
    module = getattr(thing, "__module__", None)
    return isinstance(module, str) and f"{module}.".startswith(_BELOW)


def _unobserved(run: Callable[[], None]) -> None:
    CURRENT.set(Ambient(families=SUPPRESSED))
    run()


INSTRUMENTATION = Instrumentation(
    name="agents", requires="python>=3.10,<3.16", patches=(EditCall("threading:Thread.start", _begins),)
)
