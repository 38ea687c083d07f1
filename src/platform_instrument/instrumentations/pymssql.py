"""pymssql: statements, batches and stored procedures of every connection that `pymssql.connect` makes.

Its classes are C code, and what it makes is of them and no subclass, so connections and cursors have stand-ins, which pass for
them. How many rows a query has is not known before they are fetched.
Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/sql-server/ (version 1.37.0); pymssql/_pymssql.pyx (2.2 to 2.4).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.engine.standins import observed_connections
from platform_instrument.runtime import leaving
from platform_instrument.semantics.database import PORTS, Database, database
from platform_instrument.semantics.dbapi import Driver

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_SYSTEM = "microsoft.sql_server"


def look(_connection: Any) -> Database:  # noqa: ANN401 - a stand-in, which was told when it was made
    """Return a database of which nothing is known."""
    return database(_SYSTEM)


def described(call: Call) -> Database:
    """Return the database that `connect` was asked for: `server`, or `host`, may hold an instance and a port."""
    server = str(call.kwargs.get("host") or call.argument(0, "server") or "").partition("\\")[0]
    host, colon, port = server.rpartition(":")
    if not colon or not port.isdecimal():
        host, port = server, str(call.kwargs.get("port") or "")
    namespace = call.argument(3, "database") or ""
    return database(_SYSTEM, str(namespace), host, (int(port) if port.isdecimal() else PORTS[_SYSTEM]) if host else 0)


DRIVER = Driver(_SYSTEM, look, text="operation", many="seq_of_parameters", slotted=True)
_CURSOR = DRIVER.cursor("pymssql:Cursor")
_CONNECTIONS: list[Any] = []
"""The class of stand-ins, while it is there."""


def make_class(changes: Changes) -> None:
    """Have the class of stand-ins ready for `connected`."""
    library = sys.modules["pymssql"]
    _CONNECTIONS[:] = [observed_connections(changes, library.Connection, library.Cursor, _CURSOR)]
    leaving.LET_GO.append(_CONNECTIONS.clear)
    changes.on_undo(_CONNECTIONS.clear)


def connected(call: Call, connection: Any) -> Any:  # noqa: ANN401 - pymssql.Connection
    """Return what stands for a connection."""
    where = described(call)
    for kind in _CONNECTIONS:
        made = kind(connection)
        DRIVER.remember(made, where)
        return made
    return None


INSTRUMENTATION = Instrumentation(
    name="pymssql",
    requires="pymssql>=2.2,<3",
    patches=(Custom("pymssql", make_class), EditResult("pymssql:connect", connected)),
    family=families.DB_CLIENT,
    modules=("pymssql",),
)
