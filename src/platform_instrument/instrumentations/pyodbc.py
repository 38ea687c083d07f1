"""pyodbc: statements and batches of every connection that `pyodbc.connect` makes, with any driver of ODBC.

Its classes are C code that allows no subclass, so connections and cursors have stand-ins, which pass for them. Of a connection
string only the server and the database are read; which system it is the driver says.
Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/sql/ (version 1.37.0); pyodbc/src/connection.cpp,
pyodbc/src/cursor.cpp (5.0 to 5.5).
"""

from __future__ import annotations

import re
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

_DBMS_NAME = 17
_SYSTEMS = {
    **{name: name for name in ("mariadb", "mysql", "postgresql", "sqlite")},
    "microsoft sql server": "microsoft.sql_server",
    "oracle": "oracle.db",
}
_PAIR = re.compile(r"\s*([^=;]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;]*)")
_SERVERS, _DATABASES = ("server", "servername", "host", "address", "addr"), ("database", "initial catalog")


def connected_to(text: str, given: dict[str, Any], name: str) -> Database:
    """Return the database of a connection string and arguments; `name` is what its system calls itself."""
    known = {key.lower(): value.strip().strip("{}") for key, value in _PAIR.findall(text)}
    known.update({key.lower(): str(value) for key, value in given.items() if type(value) in {str, int}})
    system = _SYSTEMS.get(name.lower(), "other_sql")
    server = next((known[key] for key in _SERVERS if known.get(key)), "").rpartition("tcp:")[2]
    host, _, port = server.partition("\\")[0].partition(",")
    namespace = next((known[key] for key in _DATABASES if known.get(key)), "")
    number = port or known.get("port", "")
    return database(system, namespace, host, (int(number) if number.isdecimal() else PORTS.get(system, 0)) if host else 0)


def look(_connection: Any) -> Database:  # noqa: ANN401 - a stand-in, which was told when it was made
    """Return a database of which nothing is known."""
    return database("other_sql")


DRIVER = Driver("other_sql", look, text="sql", many="params", slotted=True)
_CURSOR = DRIVER.cursor("pyodbc:Cursor", procedures=False)
_CONNECTIONS: list[Any] = []
"""The class of stand-ins, while it is there."""


def make_class(changes: Changes) -> None:
    """Have the class of stand-ins ready for `connected`."""
    library = sys.modules["pyodbc"]
    _CONNECTIONS[:] = [observed_connections(changes, library.Connection, library.Cursor, _CURSOR)]
    leaving.LET_GO.append(_CONNECTIONS.clear)
    changes.on_undo(_CONNECTIONS.clear)


def connected(call: Call, connection: Any) -> Any:  # noqa: ANN401 - pyodbc.Connection
    """Return what stands for a connection."""
    where = connected_to(call.argument(0, "connstring", "") or "", call.kwargs, str(connection.getinfo(_DBMS_NAME)))
    for kind in _CONNECTIONS:
        made = kind(connection)
        DRIVER.remember(made, where)
        return made
    return None


INSTRUMENTATION = Instrumentation(
    name="pyodbc",
    requires="pyodbc>=5.0,<6",
    patches=(Custom("pyodbc", make_class), EditResult("pyodbc:connect", connected)),
    family=families.DB_CLIENT,
    modules=("pyodbc",),
)
