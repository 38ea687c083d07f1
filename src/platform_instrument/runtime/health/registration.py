"""Checks of the application's own: noted here, asked by who checks; where nothing is instrumented they are never asked.

Light: an application imports this with `platform_instrument`, whether it is instrumented or not. Nothing in here raises.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from weakref import ref

from platform_instrument.core.guard import guard
from platform_instrument.core.report import say

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 256
"""Checks of each kind; further ones are left out, and said."""

_LONGEST_NAME = 100
_SHORTEST, _LONGEST = 0.05, 60.0


class Registered:
    """One check: `function` returns True or None where all is well, False where not, or raises; it may be a coroutine function.

    `timeout` is in seconds, None where the setting's holds; `loop` is the event loop that ran when it was registered.
    """

    __slots__ = ("critical", "function", "loop", "name", "startup", "timeout")

    def __init__(self, name: str, function: Callable[[], Any], *, critical: bool, timeout: float | None, startup: bool) -> None:
        self.name = name
        self.function = function
        self.critical = critical
        self.timeout = timeout
        self.startup = startup
        loop = running_loop()
        self.loop = ref(loop) if loop is not None else None


REGISTERED: dict[tuple[bool, str], Registered] = {}
"""By whether start-up waits for them, and by their names."""

ON_ADDED: list[Callable[[Registered], object]] = []
"""Called with each one that is added."""


def add_readiness_check(name: Any, function: Any = None, *, critical: bool = True, timeout: float | None = None) -> Any:  # noqa: ANN401 - a decorator too
    """Have `function` asked from time to time; while a critical one fails again and again, the service is not ready.

    Also as a decorator: `@add_readiness_check("postgres", timeout=1.0)`. A second one of the same name takes the place of the
    first. Returns the function.
    """
    return _add(name, function, critical=critical, timeout=timeout, startup=False)


def add_startup_check(name: Any, function: Any = None, *, timeout: float | None = None) -> Any:  # noqa: ANN401 - as above
    """Have start-up wait until `function` was well once; afterwards it is asked no more. Also as a decorator, as above."""
    return _add(name, function, critical=True, timeout=timeout, startup=True)


def running_loop() -> Any:  # noqa: ANN401 - an event loop
    """Return the event loop that runs in this thread, None where there is none; asyncio is not loaded for it."""
    asyncio = sys.modules.get("asyncio.events")
    return asyncio._get_running_loop() if asyncio is not None else None  # noqa: SLF001 - documented, for frameworks


def _add(name: Any, function: Any, *, critical: Any, timeout: Any, startup: bool) -> Any:  # noqa: ANN401 - of the application
    if callable(name) and function is None:  # a decorator without arguments
        name, function = getattr(name, "__name__", "check"), name
    if function is None:
        return lambda decorated: _add(name, decorated, critical=critical, timeout=timeout, startup=startup)
    if not callable(function) or not isinstance(name, str) or not name.strip():
        given = f"{type(name).__name__}, {type(function).__name__}"
        say(f"a check is left out: it takes a name and a function, and got {given}", place="check left out")
        return function
    name = " ".join(name.split())[:_LONGEST_NAME]
    key = startup, name
    if key not in REGISTERED and sum(known[0] is startup for known in REGISTERED) >= MOST:
        say(f"the check {name!a} is left out: there are {MOST} already", place="checks left out")
        return function
    added = Registered(name, function, critical=bool(critical), timeout=_fit(name, timeout), startup=startup)
    REGISTERED[key] = added
    for tell in tuple(ON_ADDED):
        guard("check added", tell, added)
    return function


def _fit(name: str, timeout: Any) -> float | None:  # noqa: ANN401 - as above
    """Return a timeout that can be kept, None where there is none or it is nonsense."""
    if timeout is None:
        return None
    if isinstance(timeout, (int, float)) and _SHORTEST <= timeout <= _LONGEST:
        return float(timeout)
    given = f"{timeout:g}" if isinstance(timeout, (int, float)) else type(timeout).__name__
    problem = f"timeout {given} is no number of seconds from {_SHORTEST:g} to {_LONGEST:g}"
    say(f"the check {name!a}: {problem}; PLATFORM_READINESS_TIMEOUT holds", place=f"timeout of {name}")
    return None
