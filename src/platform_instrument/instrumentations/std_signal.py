"""shutdown: SIGTERM ends the service in one order, within the times of `PLATFORM_SHUTDOWN_*`; no span.

Handlers are kept from the signal until its delay is over: those of `signal.signal` where they are put in place, those of event
loops, which are told in another way, by what they call. Loops of the main thread are known, so that what has to be closed in
one is closed before it.
Source: asyncio/unix_events.py `add_signal_handler`, `_handle_signal`, asyncio/runners.py `Runner.close` (3.10 to 3.14),
uvloop/loop.pyx (0.17 to 0.22).
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from platform_instrument.config.schema import Settings
from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.engine.frames import COROUTINE, kind_of
from platform_instrument.runtime.ending import calls, closing, preparation
from platform_instrument.runtime.ending.conductor import CONDUCTOR
from platform_instrument.telemetry import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Call, Changes

_with_traceback = BaseException.with_traceback


def keep(changes: Changes) -> None:
    """Have SIGTERM kept until this is undone."""
    current = pipeline.PIPELINE
    preparation.prepare(Settings() if current is None else current.settings)
    changes.on_undo(preparation.release)


class Held:
    """A callback of an event loop for SIGTERM, called when the signal is no longer kept."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[..., Any]) -> None:
        self.callback = callback

    def __call__(self, *args: Any) -> Any:  # noqa: ANN401 - the application's
        """Call it, unless the signal is kept."""
        if CONDUCTOR.holds():
            return None
        try:
            return self.callback(*args)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            raise


def hold(call: Call) -> None:
    """Put `Held` before a callback; what is none is the loop's to refuse."""
    callback = call.argument(2, "callback")
    if call.argument(1, "sig") != signal.SIGTERM or not callable(callback) or kind_of(callback) == COROUTINE:
        return
    held = Held(callback)
    if len(call.args) > 2:  # noqa: PLR2004 - given by position
        call.args = (*call.args[:2], held, *call.args[3:])
    else:
        call.kwargs["callback"] = held


def close_in(call: Call) -> None:
    """Close what belongs to the loop of the main thread, once the process ends: its tasks are about to be cancelled."""
    budget, loop = CONDUCTOR.budget, call.argument(0, "loop")
    if budget is None or not CONDUCTOR.told or threading.current_thread() is not threading.main_thread():
        return
    seconds = budget.close
    loop.run_until_complete(calls.beside_the_loop("close", lambda: closing.close_with_the_loop(seconds), seconds))


INSTRUMENTATION = Instrumentation(
    name="shutdown",
    requires="python>=3.10,<3.16",
    patches=(
        Custom("signal", keep),
        EditCall("asyncio.unix_events:_UnixSelectorEventLoop.add_signal_handler", hold),
        EditCall("asyncio.base_events:BaseEventLoop.run_forever", calls.note_loop),
        EditCall("asyncio.runners:_cancel_all_tasks", close_in, optional=True),
        EditCall("uvloop:Loop.add_signal_handler", hold, optional=True),
        EditCall("uvloop:Loop.run_forever", calls.note_loop, optional=True),
    ),
    modules=("signal",),
    settings=("shutdown",),
)
