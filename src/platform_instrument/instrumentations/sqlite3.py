"""sqlite3: statements of every connection that `sqlite3.connect` makes, also with a factory of the application's.

Its classes are C code and cannot be patched, so connections and cursors are made by subclasses. For a factory's class
the observed one is put between it and the library's, where `super()` finds it.
Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/sql/ (version 1.37.0);
CPython Modules/_sqlite/connection.c: from 3.11 on, `Connection.execute` makes a plain cursor by itself.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.guard import guard
from platform_instrument.core.values import Attributes, Custom, EditCall, Instrumentation, Observe, Operation
from platform_instrument.engine.subclasses import Subclasses, by_way_of, subclass
from platform_instrument.runtime import leaving
from platform_instrument.semantics.database import KNOWN, Database, batch, failure, query, sqlite_database
from platform_instrument.semantics.dbapi import closing_block, transactions

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes
_FACTORY = 5, "factory"


def statement(call: Call) -> Operation:
    """Return what is executed, and where."""
    return query(_where(call), call.argument(1, "sql"))


def many(call: Call) -> tuple[Operation, Attributes | None]:
    """Return what is executed for a list of parameters, and where."""
    return batch(_where(call), call.argument(1, "sql"), call.argument(2, "parameters"))


def failed(_call: Call, error: BaseException) -> Attributes:
    """Return SQLite's name for the error, from Python 3.11 on."""
    return failure(error)


def begun(call: Call) -> Database | None:
    """Return the database of a connection that has begun a transaction."""
    return call.args[0].__dict__[KNOWN] if call.args[0].in_transaction else None


def _where(call: Call) -> Database:
    known: Database = call.args[0].connection.__dict__[KNOWN]
    return known


_CURSOR = (
    *[Observe(f"sqlite3:Cursor.{name}", statement, error=failed) for name in ("execute", "executescript")],
    Observe("sqlite3:Cursor.executemany", many, error=failed),
)
_CONNECTION = (*transactions("sqlite3:Connection", begun), closing_block("sqlite3:Connection.__exit__", begun))


class _Observed:
    """The observed classes of connections and cursors."""

    current: _Observed | None = None

    def __init__(self, changes: Changes) -> None:
        library = sys.modules["sqlite3"]
        self._classes = Subclasses()
        self.cursor = subclass(library.Cursor, {})
        self.connection = self._connection(library.Connection)
        for kind, patches in ((self.cursor, _CURSOR), (self.connection, _CONNECTION)):
            for patch in patches:
                changes.observe(kind, patch)

    def factory(self, factory: Any) -> Any:  # noqa: ANN401 - a class or a function
        """Return the factory that makes observed connections; a function is left alone."""
        return self._classes.between(factory, self.connection)

    def _connection(self, plain: Any) -> Any:  # noqa: ANN401 - sqlite3.Connection
        def create(cls: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the factory is called
            connection = plain.__new__(cls)
            path = args[0] if args else kwargs.get("database", "")
            connection.__dict__[KNOWN] = guard("sqlite3 connect", _database, path) or sqlite_database("")
            return connection

        def cursor(connection: Any, factory: Any = self.cursor) -> Any:  # noqa: ANN401 - sqlite3.Connection, sqlite3.Cursor
            return plain.cursor(connection, factory if factory is self.cursor else self._classes.between(factory, self.cursor))

        methods: dict[str, Any] = {"__new__": create, "cursor": cursor}
        if sys.version_info >= (3, 11):
            methods.update((name, by_way_of(cursor, name)) for name in ("execute", "executemany", "executescript"))
        return subclass(plain, methods)


def _database(path: Any) -> Database:  # noqa: ANN401 - a path or a URI
    return sqlite_database(os.fsdecode(path))


def make_classes(changes: Changes) -> None:
    """Have the observed classes ready for `observed_factory`."""
    _Observed.current = _Observed(changes)
    leaving.LET_GO.append(lambda: setattr(_Observed, "current", None))


def observed_factory(call: Call) -> None:
    """Let the connection be made by an observed class."""
    if _Observed.current is not None:
        call.put(*_FACTORY, _Observed.current.factory(call.argument(*_FACTORY, sys.modules["sqlite3"].Connection)))


INSTRUMENTATION = Instrumentation(
    name="sqlite3",
    requires="python>=3.10,<3.16",
    patches=(
        Custom("sqlite3", make_classes),
        *[EditCall(f"{module}:connect", observed_factory) for module in ("sqlite3", "sqlite3.dbapi2")],
    ),
    family=families.DB_CLIENT,
    modules=("sqlite3",),
)
