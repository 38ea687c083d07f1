"""sqlite3: statements of every connection that `sqlite3.connect` makes.

Its classes are C code and cannot be patched, so a connection is made by a subclass, of the application's own factory
where it gives one, whose cursors are observed. A factory that overrides `cursor` is left alone.
Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/sql/ (version 1.37.0); the documentation of sqlite3.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.guard import guard
from platform_instrument.core.values import Attributes, Custom, EditCall, Instrumentation, Observe, Operation
from platform_instrument.semantics.database import Database, batch, database, failure, query

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_FACTORY = 5
_KNOWN = "_platform_instrument_database"


def statement(call: Call) -> Operation:
    """Return what is executed, and where."""
    return query(_where(call.instance), call.argument(1, "sql"))


def many(call: Call) -> tuple[Operation, Attributes | None]:
    """Return what is executed for a list of parameters, and where."""
    return batch(_where(call.instance), call.argument(1, "sql"), call.argument(2, "parameters"))


def failed(_call: Call, error: BaseException) -> Attributes:
    """Return SQLite's name for the error, from Python 3.11 on."""
    return failure(error)


def _where(cursor: Any) -> Database:  # noqa: ANN401 - sqlite3.Cursor
    known: Database = cursor.connection.__dict__[_KNOWN]
    return known


def _database(path: Any) -> Database:  # noqa: ANN401 - a path or a URI
    text = os.fsdecode(path)
    return database("sqlite", text.partition("?")[0].rpartition("/")[2])


_CURSOR = (
    Observe("sqlite3:Cursor.execute", statement, error=failed),
    Observe("sqlite3:Cursor.executemany", many, error=failed),
    Observe("sqlite3:Cursor.executescript", statement, error=failed),
)


class _Classes:
    """The observed subclasses, one for each class of the library or of the application."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._made: dict[type, type] = {}

    def cursor(self, base: type) -> type:
        """Return an observed subclass of a cursor class."""
        made = self._made.get(base)
        if made is None:
            made = self._made[base] = _subclass(base, {})
            for patch in _CURSOR:
                self._changes.observe(made, patch)
        return made

    def connection(self, base: type) -> type:
        """Return a subclass of a connection class that makes observed cursors."""
        made = self._made.get(base)
        return made if made is not None else self._made.setdefault(base, self._new_connection(base))

    def _new_connection(self, base: Any) -> type:  # noqa: ANN401 - a subclass of sqlite3.Connection
        plain = sys.modules["sqlite3"].Cursor

        def initialize(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the application's factory has it
            self.__dict__[_KNOWN] = guard("sqlite3 connect", _database, args[0] if args else kwargs.get("database"))
            base.__init__(self, *args, **kwargs)

        def cursor(connection: Any, factory: Any = plain) -> Any:  # noqa: ANN401 - sqlite3.Connection, sqlite3.Cursor
            observed = guard("sqlite3 cursor", self.cursor, factory) if isinstance(factory, type) else None
            return base.cursor(connection, observed or factory)

        cursor.__doc__ = base.cursor.__doc__
        return _subclass(base, {"__init__": initialize, "cursor": cursor})


def _subclass(base: type, namespace: dict[str, Any]) -> type:
    """Return a subclass that answers to the name of its base."""
    shared = {"__module__": base.__module__, "__qualname__": base.__qualname__, "__doc__": base.__doc__}
    return type(base)(base.__name__, (base,), {**shared, **namespace})


def observe_connections(changes: Changes) -> None:
    """Have the observed classes ready for `with_observed_cursors`."""
    _State.classes = _Classes(changes)


class _State:
    """What the `Custom` patch prepared."""

    classes: _Classes | None = None


def with_observed_cursors(call: Call) -> None:
    """Let the connection be made by an observed subclass."""
    plain = sys.modules["sqlite3"].Connection
    factory = call.argument(_FACTORY, "factory", plain)
    if _State.classes is None or not isinstance(factory, type) or factory.cursor is not plain.cursor:  # type: ignore[attr-defined]
        return
    observed = _State.classes.connection(factory)
    if len(call.args) > _FACTORY:
        call.args = (*call.args[:_FACTORY], observed, *call.args[_FACTORY + 1 :])
    else:
        call.kwargs["factory"] = observed


INSTRUMENTATION = Instrumentation(
    name="sqlite3",
    requires="python>=3.10",
    patches=(
        Custom("sqlite3", observe_connections),
        EditCall("sqlite3:connect", with_observed_cursors),
        EditCall("sqlite3.dbapi2:connect", with_observed_cursors),
    ),
    family=families.DB_CLIENT,
    modules=("sqlite3",),
)
