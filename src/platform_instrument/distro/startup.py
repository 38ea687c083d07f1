"""Start, once per process: read the settings, arm the import hooks, touch nothing else.

Start path: an empty program pays for this module and what it imports, some milliseconds in all.
"""

from __future__ import annotations

import os
import sys

from platform_instrument.config.read import NOTHING, read
from platform_instrument.config.schema import INSTANCE_ID, switched_off
from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.distro.activation import refusal, unsafe
from platform_instrument.distro.agents import AGENTS
from platform_instrument.engine import imports
from platform_instrument.instrumentations._index import NEEDED, OWNED, TRIGGERS
from platform_instrument.telemetry.workers.founding import found

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from platform_instrument.config.problem import ConfigProblem
    from platform_instrument.config.schema import Settings


class Start:
    """What start-up did in this process: for doctor and for the second door."""

    __slots__ = ("doors", "problems", "reason", "settings")

    def __init__(self, door: str) -> None:
        self.doors = [door]
        self.reason = ""
        """Why nothing is instrumented; empty where it is."""
        self.settings: Settings | None = None
        self.problems: list[ConfigProblem] = []


RECORD = "_PLATFORM_INSTRUMENT_RECORD"
"""Set by doctor: the folder where each process writes what became of it."""

INSTANCE = "_PLATFORM_INSTRUMENT_INSTANCE"
"""Set by the first process that finds a `service.instance.id`: its children inherit that, and are instances of their own."""

STARTED: Start | None = None
"""What start-up did; None before it."""


def start(door: str) -> Start:
    """Start, and return the record of it; a second call only notes its door."""
    global STARTED  # noqa: PLW0603 - one a process
    if STARTED is not None:
        STARTED.doors.append(door)
        return STARTED
    STARTED = Start(door)
    if RECORD in os.environ:
        from platform_instrument.distro.record import keep

        keep(os.environ[RECORD], STARTED)
    STARTED.reason = unsafe() or refusal(door, getattr(sys, "orig_argv", sys.argv), os.environ)
    if STARTED.reason:
        return STARTED
    settings, STARTED.problems = read(os.environ)
    STARTED.settings = settings
    if switched_off(settings):
        STARTED.reason = "switched off by PLATFORM_ENABLED or OTEL_SDK_DISABLED"
        return STARTED
    if INSTANCE_ID in settings.resource_attributes:
        settings.instance = os.environ.setdefault(INSTANCE, str(os.getpid()))
    for problem in STARTED.problems:
        say(str(problem))
    guard("ledger", found, os.environ)
    imports.install()
    _arm(settings)
    return STARTED


def _arm(settings: Settings) -> None:
    """Wait for the imports of what is to be instrumented."""
    if settings.shutdown:
        import signal  # noqa: F401 - an orderly end is prepared at once: before any handler is put in place
    for trigger, entries in TRIGGERS.items():
        if _asked_for(settings, entries):
            imports.when_imported(trigger, _hook(settings, entries))
    for agent in AGENTS.values():
        imports.when_imported(agent, _agent_arrived)
    names = instrumentors()
    if not names <= OWNED or "contrib" in settings.instrumentation_switches.values():
        from platform_instrument.distro.contrib import wait  # few environments hold instrumentors for what is not ours

        guard("contrib", wait, settings, names)


def instrumentors() -> set[str]:
    """Return the packages of upstream's instrumentors that are found in the folders of `sys.path`; nothing of them is read."""
    found: set[str] = set()
    for folder in sys.path:
        try:
            found.update(os.listdir(f"{folder}/opentelemetry/instrumentation"))
        except OSError:
            continue
    return {name for name in found if "." not in name and not name.startswith("_")}


def _asked_for(settings: Settings, entries: tuple[tuple[str, str], ...]) -> bool:
    """Say whether an import is worth waiting for: not where each of its instrumentations needs a setting that is off."""
    for name, _ in entries:
        needed = NEEDED.get(name, ())
        if not needed or any(getattr(settings, setting) not in NOTHING for setting in needed):
            return True
    return False


def _hook(settings: Settings, entries: tuple[tuple[str, str], ...]) -> Callable[[ModuleType], None]:
    """Return the import hook of one trigger; the engine is loaded by the first that fires."""

    def arrive(module: ModuleType) -> None:
        from platform_instrument.distro.arrival import arrived

        arrived(settings, entries, module)

    return arrive


def _agent_arrived(_module: ModuleType) -> None:
    """Leave what another agent sends about itself out of our traces."""
    from platform_instrument.distro.deliveries import leave_out

    leave_out()
