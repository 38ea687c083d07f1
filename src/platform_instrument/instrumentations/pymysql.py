"""PyMySQL: statements, batches and stored procedures of every kind of cursor, and `connection.query`.

Connections and cursors stay of their own classes; `commit`, `ping` and fetches are no statements.
Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/mysql/ (version 1.37.0); pymysql/cursors.py,
pymysql/connections.py (1.0 to 1.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Instrumentation
from platform_instrument.semantics.dbapi import Driver, transactions
from platform_instrument.semantics.mysql import mysql_database

if TYPE_CHECKING:
    from platform_instrument.semantics.database import Database


def look(connection: Any) -> Database:  # noqa: ANN401 - pymysql.Connection
    """Return where a connection leads; one that was never open does not know what its server is."""
    version = getattr(connection, "server_version", "")
    return mysql_database(version, connection.db, connection.host, connection.port, connection.unix_socket)


DRIVER = Driver("mysql", look, commented=True)
_CONNECTION = "pymysql.connections:Connection"

INSTRUMENTATION = Instrumentation(
    name="pymysql",
    requires="pymysql>=1.0,<2",
    patches=(
        *DRIVER.cursor("pymysql.cursors:Cursor"),
        DRIVER.asking(f"{_CONNECTION}.query"),
        DRIVER.opening(f"{_CONNECTION}.connect"),
        DRIVER.leading(f"{_CONNECTION}.select_db"),
        *transactions(_CONNECTION, DRIVER.reached),
    ),
    family=families.DB_CLIENT,
    modules=("pymysql",),
)
