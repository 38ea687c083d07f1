"""asyncmy: statements, batches and stored procedures of every kind of cursor, and `connection.query`.

Its cursors are C code and cannot be patched, so they are made by subclasses; for a class of Python, the library's or the
application's, the observed one is put between it and the library's, where `super()` finds it.
Span: `db.query.summary`. Metrics: of operations, and of connection pools.
Source: https://opentelemetry.io/docs/specs/semconv/database/mysql/ (version 1.37.0); asyncmy/cursors.pyx,
asyncmy/connection.pyx (0.2.9 to 0.2.18).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Custom, EditCall, Instrumentation
from platform_instrument.engine.frames import COROUTINE, kind_of
from platform_instrument.engine.subclasses import Subclasses, subclass
from platform_instrument.instrumentations.aiomysql_pool import pooled
from platform_instrument.runtime import leaving
from platform_instrument.semantics.dbapi import Driver, transactions
from platform_instrument.semantics.mysql import mysql_database

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes
    from platform_instrument.semantics.database import Database


def look(connection: Any) -> Database:  # noqa: ANN401 - asyncmy.connection.Connection
    """Return where a connection leads."""
    known = vars(connection).get
    return mysql_database(known("server_version"), known("_db"), known("_host"), known("_port"), known("_unix_socket"))


DRIVER = Driver("mysql", look, commented=True)
_CONNECTION = "asyncmy.connection:Connection"
_CURSOR = DRIVER.cursor("asyncmy.cursors:Cursor")


class _Observed:
    """The observed classes of cursors."""

    current: _Observed | None = None

    def __init__(self, changes: Changes) -> None:
        self._classes = Subclasses()
        self._cursor = subclass(sys.modules["asyncmy.cursors"].Cursor, {})
        for patch in _CURSOR:
            changes.observe(self._cursor, patch)

    def of(self, wanted: Any) -> Any:  # noqa: ANN401 - a class, or what the application takes for one
        """Return the observed class that stands for one."""
        return self._classes.between(wanted, self._cursor)


def make_classes(changes: Changes) -> None:
    """Have the observed classes ready for `observed_cursor`; AttributeError where Cython does not say what is a coroutine."""
    if kind_of(sys.modules["asyncmy.cursors"].Cursor.execute) != COROUTINE:
        message = "coroutine functions of this Cython"
        raise AttributeError(message)
    _Observed.current = _Observed(changes)
    changes.on_undo(forget)
    leaving.LET_GO.append(forget)


def forget() -> None:
    """Make no more cursors of observed classes."""
    _Observed.current = None


def observed_cursor(call: Call) -> None:
    """Let the cursor be made by an observed class."""
    if _Observed.current is not None:
        wanted = call.argument(1, "cursor") or call.args[0]._cursor_cls  # noqa: SLF001 - there is no public way to it
        call.args, call.kwargs = (call.args[0], _Observed.current.of(wanted)), {}


INSTRUMENTATION = Instrumentation(
    name="asyncmy",
    requires="asyncmy>=0.2.9,<1",
    patches=(
        Custom("asyncmy.cursors", make_classes),
        EditCall(f"{_CONNECTION}.cursor", observed_cursor),
        DRIVER.asking(f"{_CONNECTION}.query"),
        DRIVER.opening(f"{_CONNECTION}.connect"),
        DRIVER.leading(f"{_CONNECTION}.select_db"),
        *pooled("asyncmy", "fill_free_pool", "connect"),
        *transactions(_CONNECTION, DRIVER.reached),
    ),
    family=families.DB_CLIENT,
    modules=("asyncmy",),
)
