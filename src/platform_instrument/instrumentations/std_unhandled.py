"""unhandled: what nobody catches is exported as a record: in the main thread, in threads, in event loops, in finalizers.

Span: none. The hooks that are there are called as before, and what they log themselves is not recorded a second time. uvloop's
own loops tell nobody but their handler; without one they log, and that is exported as any other line.
Source: see `telemetry/unhandled.py`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.engine import edits
from platform_instrument.runtime import leaving

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Call, Changes


def hooks(changes: Changes) -> None:
    """Look at what the hooks of the interpreter are told; those of threads are looked up when a thread has failed."""
    _follow(changes, sys, "excepthook", lambda call: _told().of_the_program(call.argument(1, "value")))
    _follow(changes, sys, "unraisablehook", lambda call: _told().of_nobody(call.argument(0, "unraisable")))
    ours = sys.excepthook

    def look() -> None:
        if hasattr(sys, "last_value"):
            _told().at_the_end(ours)

    leaving.AT_THE_END.append(look)
    changes.on_undo(lambda: leaving.AT_THE_END.remove(look))


def _follow(changes: Changes, owner: Any, name: str, told: Callable[[Call], None]) -> None:  # noqa: ANN401 - a module
    """Put a hook around one that is there; it knows when that begins, and what it was told."""
    after = edits.Edit(f"unhandled {name}", lambda call, _result: told(call))
    before = edits.Edit(f"unhandled {name}", begins)
    changes.replace(owner, name, edits.edit_call(edits.edit_result(getattr(owner, name), after), before))


def of_thread(_call: Call, invoke: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return what a thread that fails calls, whatever hook it finds by then."""

    def invoke_and_record(thread: Any) -> None:  # noqa: ANN401 - threading.Thread
        guard("unhandled in a thread", begins)
        error = sys.exc_info()[1]
        invoke(thread)
        guard("unhandled in a thread", lambda: _told().of_a_thread(error, thread))

    return invoke_and_record


def begins(_call: Call | None = None) -> None:
    """Note that a hook is about to be told."""
    _told().begins()


def told_to_a_loop(call: Call, _result: object) -> None:
    """Record what a loop's exception handler was told."""
    _told().of_a_loop(call.argument(1, "context"))


def _told() -> Any:  # noqa: ANN401 - our module
    from platform_instrument.telemetry import unhandled  # most programs never need it

    return unhandled


_LOOP = "asyncio.base_events:BaseEventLoop.call_exception_handler"

INSTRUMENTATION = Instrumentation(
    name="unhandled",
    requires="python>=3.10,<3.16",
    patches=(
        Custom("logging", hooks),
        EditResult("threading:_make_invoke_excepthook", of_thread),
        EditResult(_LOOP, told_to_a_loop, optional=True),
        EditCall(_LOOP, begins, optional=True),
    ),
    modules=("logging",),
    settings=("logs_exporter",),
)
