"""DuckDB: statements and batches of every connection, and of the module's own; a relation's query runs later, and is none.

A cursor is a connection of its own, and begins in the database that the first was opened with. Connections have no room to
remember that, so it lies beside them. DuckDB gives its errors no codes.
Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/sql/ (version 1.37.0); https://duckdb.org/docs/api/python/dbapi
(1.0 to 2.0): a database is named like its file, without its ending.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from platform_instrument.core import families
from platform_instrument.core.values import EditResult, Instrumentation, Observe
from platform_instrument.semantics.database import Database, batch, database, query
from platform_instrument.semantics.dbapi import Driver, failed

if TYPE_CHECKING:
    from platform_instrument.core.values import Attributes, Call, Operation

_FIRST: WeakKeyDictionary[Any, Database] = WeakKeyDictionary()
"""The database that a connection was opened with."""


def look(_connection: Any) -> Database:  # noqa: ANN401 - duckdb.DuckDBPyConnection
    """Return a database without a name: a connection does not tell where it leads."""
    return database("duckdb")


def connected(call: Call, connection: Any) -> None:  # noqa: ANN401 - as above
    """Note which file a connection was opened with."""
    name = os.path.basename(os.fsdecode(call.argument(0, "database", ":memory:")))  # noqa: PTH119 - pathlib costs at start
    _remember(connection, database("duckdb", "memory" if name in {"", ":memory:"} else name.partition(".")[0]))


def divided(call: Call, connection: Any) -> None:  # noqa: ANN401 - as above
    """Note where a cursor begins."""
    first = _FIRST.get(call.args[0])
    if first is not None:
        _remember(connection, first)


def _remember(connection: Any, where: Database) -> None:  # noqa: ANN401 - as above
    _FIRST[connection] = DRIVER.remember(connection, where)


def statement(call: Call) -> Operation:
    """Return what the module executes with its own connection, or one that it is given."""
    return query(_where(call), call.argument(0, "query"))


def many(call: Call) -> tuple[Operation, Attributes | None]:
    """Return what the module executes for a list of parameters."""
    return batch(_where(call), call.argument(0, "query"), call.argument(1, "parameters"))


def _where(call: Call) -> Database:
    given = call.argument(2, "connection")
    return database("duckdb", "memory") if given is None else DRIVER.known(given)


DRIVER = Driver("duckdb", look, connection="", many="parameters", slotted=True)

INSTRUMENTATION = Instrumentation(
    name="duckdb",
    requires="duckdb>=1.0,<3",
    patches=(
        *DRIVER.cursor("duckdb:DuckDBPyConnection", procedures=False),
        Observe("duckdb:execute", statement, error=failed),
        Observe("duckdb:executemany", many, error=failed),
        EditResult("duckdb:connect", connected),
        EditResult("duckdb:DuckDBPyConnection.cursor", divided),
        EditResult("duckdb:DuckDBPyConnection.duplicate", divided),
    ),
    family=families.DB_CLIENT,
    modules=("duckdb",),
)
