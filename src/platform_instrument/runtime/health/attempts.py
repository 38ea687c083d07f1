"""One check under way: in a thread of its own, or on the event loop that its client lives on; nothing of it is observed.

How it ended is put into the checker's inbox. Nobody waits for it: what does not end in time is left behind, and asked for later.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Coroutine, Generator
from contextvars import Context
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from platform_instrument.core.errors import error_type
from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.guard import guard
from platform_instrument.privacy.cuts import masked_start
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.door import mask_attribute
from platform_instrument.telemetry.threads import leave_signals_to_the_application

if TYPE_CHECKING:
    from collections.abc import Callable

LOOP_CLOSED = "the event loop of its client is closed"
CANCELLED = "it was cancelled"
BROKEN_OFF = "it was broken off"
"""Of an attempt that says nothing of what it asked."""

_LONGEST_MESSAGE = 300


class Question(NamedTuple):
    """How something is asked, once: what to call, and on which event loop; in a thread where there is none."""

    function: Callable[[], Any]
    loop: Any = None


class BrokenOff(Exception):  # noqa: N818 - it is no error
    """What a question raises that ends before it knows anything, since the process forks or ends."""


class Outcome(NamedTuple):
    """How an attempt ended; `message` says why it failed, and is empty where it did not."""

    attempt: Attempt
    message: str
    seconds: float


class Inbox:
    """What the checker is told, by any thread, also in a finalizer; only its lock is waited for."""

    __slots__ = ("_told", "_wake")

    def __init__(self) -> None:
        self._told: deque[Outcome] = deque()
        self.renew()

    def renew(self) -> None:
        """Wait by another lock: the thread may be a greenlet since gevent came, which only gevent's lock can suspend."""
        self._wake = threading.Lock()
        self._wake.acquire()

    def put(self, outcome: Outcome | None = None) -> None:
        """Tell an outcome, or only wake the checker up."""
        if outcome is not None:
            self._told.append(outcome)
        if self._wake.locked():
            try:
                self._wake.release()
            except RuntimeError:
                return  # somebody else was faster

    def get(self, seconds: float) -> list[Outcome]:
        """Wait until something is told, or so long; return it."""
        self._wake.acquire(timeout=seconds)
        return [self._told.popleft() for _ in range(len(self._told))]


class Attempt:
    """A question that was asked; `deadline` is on the clock of `time.monotonic`."""

    __slots__ = ("_began", "_given_up", "_inbox", "_question", "_task", "deadline", "overdue", "thread")

    def __init__(self, question: Question, inbox: Inbox, timeout: float) -> None:
        self._question = question
        self._inbox = inbox
        self._task: Any = None
        self._given_up = False
        self._began = perf_counter()
        self.deadline = monotonic() + timeout
        self.overdue = False
        """Set by the checker, which then has told already that it failed."""
        self.thread: threading.Thread | None = None
        """The one that asks, where no loop does."""

    def begin(self) -> None:
        """Ask, without waiting; RuntimeError where no thread can be started."""
        loop = self._question.loop
        if loop is None:
            thread = threading.Thread(
                target=self._in_a_thread, args=(threading.get_native_id(),), name="platform-instrument-check", daemon=True
            )
            thread.start()
            self.thread = thread
            return
        context = Context()
        context.run(CURRENT.set, Ambient(families=SUPPRESSED))
        try:
            loop.call_soon_threadsafe(self._on_the_loop, context=context)
        except RuntimeError:
            self._end(LOOP_CLOSED)

    def give_up(self) -> None:
        """Cancel what runs on a loop; a thread goes on."""
        self._given_up = True
        if self._question.loop is not None:
            try:
                self._question.loop.call_soon_threadsafe(self._cancel)
            except RuntimeError:
                return  # closed meanwhile

    @property
    def lost(self) -> bool:
        """Say whether it will never end: its loop is closed."""
        loop = self._question.loop
        return loop is not None and bool(loop.is_closed())

    def _in_a_thread(self, starter: int) -> None:
        if threading.get_native_id() != starter:  # where gevent stands in for threads, they are one to the system
            guard("signal mask", leave_signals_to_the_application)
        CURRENT.set(Ambient(families=SUPPRESSED))
        try:
            result = self._question.function()
            if hasattr(result, "__await__"):
                import asyncio  # whoever returns what can be awaited has it

                result = asyncio.run(_awaited(result))
            message = judged(result)
        except BrokenOff:
            message = BROKEN_OFF
        except BaseException as error:  # noqa: BLE001 - of the application or its library: it is what was asked for
            message = described(error)
        self._end(message)

    # --- on the loop ----------------------------------------------------------------------------------------------

    def _on_the_loop(self) -> None:
        if self._given_up:
            self._end(CANCELLED)  # it was blocked until now
            return
        task = sys.modules["asyncio"].Task(_Begun(self._asked), loop=self._question.loop, name="platform-instrument check")
        task._log_destroy_pending = False  # noqa: SLF001 - as asyncio itself does: a loop that ends owes us nothing
        self._task = task

    async def _asked(self) -> None:
        try:
            result = self._question.function()
            self._end(judged(await result if hasattr(result, "__await__") else result))
        except BaseException as error:
            self._end(described(error))
            if not isinstance(error, Exception):
                raise  # the loop's, or a signal handler's

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _end(self, message: str) -> None:
        self._inbox.put(Outcome(self, message, perf_counter() - self._began))


class _Begun(Coroutine[Any, Any, None]):
    """A coroutine that is made when it is begun: of one that its loop never came to, nothing is said to the application."""

    def __init__(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._function = function
        self._coroutine: Coroutine[Any, Any, None] | None = None

    def send(self, value: Any) -> Any:  # noqa: ANN401 - a loop's
        """Go on."""
        if self._coroutine is None:
            self._coroutine = self._function()
        return self._coroutine.send(value)

    def throw(self, kind: Any, value: Any = None, trace: Any = None) -> Any:  # noqa: ANN401 - as above
        """Go on with an exception."""
        if self._coroutine is not None:
            return self._coroutine.throw(kind, value, trace) if trace is not None else self._coroutine.throw(kind)
        raise kind

    def close(self) -> None:
        """End."""
        if self._coroutine is not None:
            self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, None]:
        """Be awaited, which nobody does."""
        return (yield from self._function().__await__())


async def _awaited(awaitable: Any) -> Any:  # noqa: ANN401 - of the application
    return await awaitable


def judged(result: object) -> str:
    """Return what is wrong with a result, nothing where it says that all is well."""
    if result is None or result is True:
        return ""
    return "it returned False" if result is False else f"it returned {type(result).__name__}, not True, False or None"


def described(error: BaseException) -> str:
    """Return an exception in a line, bounded and masked; at least its class, whatever its `__str__` does."""
    text = guard("message of a check", _text, error)
    return f"{error_type(error)}: {text}" if text else error_type(error)


def _text(error: BaseException) -> str:
    text = masked_start(" ".join(str(error).split()), _LONGEST_MESSAGE)
    return str(mask_attribute("exception.message", text))
