"""What nobody catches, as records: one for each, unless the hook that is told of it has logged it.

Source: https://docs.python.org/3/library/sys.html#sys.excepthook, #sys.unraisablehook; asyncio `call_exception_handler`.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from time import time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry import limits, pipeline
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.logs.parts import CAUGHT, described, ids_of, taken_so_far, unobserved_here
from platform_instrument.telemetry.logs.record import LogRecord, Site
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCOPE = own_scope("unhandled")
_FATAL, _ERROR = Site(21, "CRITICAL"), Site(17, "ERROR")
_BEGAN: ContextVar[int] = ContextVar("platform_instrument_hook_began", default=0)


def begins() -> None:
    """Note that a hook is about to be told: what is logged from here on may be its word on it."""
    _BEGAN.set(taken_so_far())


def of_the_program(error: BaseException | None) -> None:
    """Record what ends the program; to interrupt it is no error."""
    if not isinstance(error, (KeyboardInterrupt, SystemExit)):
        _record(error, "unhandled exception in the main thread", _FATAL)


def of_a_thread(error: BaseException | None, thread: Any) -> None:  # noqa: ANN401 - threading.Thread
    """Record what ends a thread."""
    if error is not None and not isinstance(error, SystemExit):
        _record(error, f"unhandled exception in thread {getattr(thread, 'name', '')}", _ERROR)


def of_nobody(raised: Any) -> None:  # noqa: ANN401 - sys.UnraisableHookArgs
    """Record what was raised where nothing can be raised: in finalizers and callbacks; their object is not asked for its name."""
    _record(raised.exc_value, f"{raised.err_msg or 'exception ignored'} in a {type(raised.object).__qualname__}", _ERROR)


def of_a_loop(context: Mapping[str, Any]) -> None:
    """Record what an event loop's handler was told."""
    error = context.get("exception")
    said = limits.name(context.get("message") or "unhandled exception in an event loop")
    _record(error if isinstance(error, BaseException) else None, said, _ERROR)


def at_the_end(ours: object) -> None:
    """Record what ended the program where another hook than ours was told of it."""
    error = getattr(sys, "last_value", None)
    if isinstance(error, BaseException) and sys.excepthook is not ours and not hasattr(sys, "ps1"):
        _BEGAN.set(0)
        of_the_program(error)


def _record(error: BaseException | None, said: str, site: Site) -> None:
    logs, current, now = pipeline.PIPELINE.logs if pipeline.PIPELINE is not None else None, CURRENT.get(), time_ns()
    began = _BEGAN.get()
    if logs is None or unobserved_here(current):
        return
    if error is not None:
        if any(number >= began and known == id(error) for number, known in tuple(CAUGHT)):
            return
        CAUGHT.append((taken_so_far(), id(error)))
    logs.put(LogRecord(site, _SCOPE, said, described(error) if error is not None else None, now, now, *ids_of(current)))
