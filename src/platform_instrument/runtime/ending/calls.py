"""Calls that are waited for no longer than they may take, of plain functions and of coroutine functions.

A coroutine runs in the event loop of the main thread: where that runs, or is at rest, and the main thread is not held up by who
waits for it. Else it has a loop of its own.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from contextlib import suppress
from inspect import isawaitable
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import ref

from platform_instrument.core.guard import ask, guard
from platform_instrument.core.report import say
from platform_instrument.telemetry.threads import Bell, alone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from platform_instrument.core.values import Call


class _Main:
    """The loop that the main thread ran last, and whether the main thread waits for us."""

    loop: Callable[[], Any] = staticmethod(lambda: None)
    held = False


class _Runner:
    """A thread that calls what it is given: it was started while threads could be, which CPython 3.12 refuses at its end."""

    __slots__ = ("_bell", "_task")

    def __init__(self) -> None:
        self._bell = Bell()
        self._task: Callable[[], object] = bool

    def give(self, task: Callable[[], object]) -> None:
        """Have a function called, which contains what it raises."""
        self._task = task
        self._bell.ring()

    def work(self) -> None:
        """Call one after another."""
        while True:
            if self._bell.wait(_LONG):
                self._task()
                _idle.append(self)


_idle: deque[_Runner] = deque()
_LONG = 3_600.0
_READY = 4
"""Threads that wait for calls; one that never returns keeps its thread."""


def make_ready() -> None:
    """Start the threads that the end may need: as soon as it is known to come."""
    for _ in range(_READY - len(_idle)):
        runner = _Runner()
        if alone("calls", runner.work):
            _idle.append(runner)


def forget() -> None:
    """Know of no threads, in a fork child."""
    _idle.clear()


def _started(place: str, function: Callable[[], object]) -> bool:
    """Have a function called in a thread; say whether there was one."""
    try:
        _idle.pop().give(function)
    except IndexError:
        return alone(place, function)
    return True


def note_loop(call: Call) -> None:
    """Remember a loop that the main thread is about to run."""
    if threading.current_thread() is threading.main_thread():
        _Main.loop = ref(call.instance)


def main_loop() -> Any:  # noqa: ANN401 - asyncio.AbstractEventLoop
    """Return the loop of the main thread, None where it never had one or it is closed."""
    loop = _Main.loop()
    return None if loop is None or loop.is_closed() else loop


def usable_loop() -> Any:  # noqa: ANN401 - as above
    """Return the loop of the main thread, None where nothing can be run in it now."""
    loop = main_loop()
    return None if loop is None or (_Main.held and loop.is_running()) else loop


def bounded(place: str, function: Callable[[], Any], deadline: float) -> bool:
    """Call a function in a thread, and await what it returns; say whether it was over before the deadline, failed or not.

    Where no thread can be started, while the interpreter ends, it is called here, and takes what it takes.
    """
    bell = Bell()

    def run() -> None:
        try:
            result = ask(place, function)
            if isawaitable(result):
                ask(place, _awaited, result, deadline)
        finally:
            bell.ring()

    if not _started(place, run):
        run()
    if threading.current_thread() is not threading.main_thread():
        return bell.wait(deadline - monotonic())
    before, _Main.held = _Main.held, True
    try:
        return bell.wait(deadline - monotonic())
    finally:
        _Main.held = before


def begun(place: str, function: Callable[[], Any]) -> Callable[[], bool]:
    """Begin a call in a thread; return what says whether it is over."""
    over: list[bool] = []

    def run() -> None:
        try:
            guard(place, function)
        finally:
            over.append(True)

    return (lambda: bool(over)) if _started(place, run) else lambda: True


def together(calls: list[tuple[str, Callable[[], Any], float]]) -> None:
    """Call several functions, each with its name and its deadline, one after another; say which were not waited for."""
    for place, function, deadline in calls:
        if not bounded(place, function, deadline):
            say(f"{place} is not over in its time, and is not waited for any longer", place=f"late {place}")


def _awaited(result: Awaitable[Any], deadline: float) -> None:
    import asyncio  # a program that has coroutines has it

    async def wait() -> None:
        await asyncio.wait_for(result, max(deadline - monotonic(), 0.001))

    loop = usable_loop()
    if loop is None:
        asyncio.run(wait())
    elif loop.is_running():
        asyncio.run_coroutine_threadsafe(wait(), loop).result(max(deadline - monotonic(), 0.001))
    else:
        loop.run_until_complete(wait())


async def beside_the_loop(place: str, function: Callable[[], Any], seconds: float) -> None:
    """Call a function in a thread while the running loop goes on, and wait for it."""
    asyncio = sys.modules["asyncio"]
    loop = asyncio.get_running_loop()
    over = loop.create_future()

    def told() -> None:
        if not over.done():
            over.set_result(None)

    def run() -> None:
        try:
            ask(place, function)
        finally:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any longer
                loop.call_soon_threadsafe(told)

    if _started(place, run):
        await asyncio.wait([over], timeout=seconds)
