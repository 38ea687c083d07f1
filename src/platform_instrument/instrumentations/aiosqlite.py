"""aiosqlite: its statements run in a thread of its own, and belong to the task that waits for them.

Span and metric: those of sqlite3, below it.
Source: aiosqlite/core.py `Connection._execute` (0.17 to 0.22).
"""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING

from platform_instrument.core.values import EditCall, Instrumentation

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def in_context(call: Call) -> None:
    """Let the function that is passed to the thread run in the task's context."""
    connection, function, *arguments = call.args
    call.args = (connection, copy_context().run, function, *arguments)


INSTRUMENTATION = Instrumentation(
    name="aiosqlite",
    requires="aiosqlite>=0.17,<1",
    patches=(EditCall("aiosqlite.core:Connection._execute", in_context),),
    modules=("aiosqlite",),
)
