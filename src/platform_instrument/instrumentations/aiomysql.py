"""aiomysql: statements, batches and stored procedures of every kind of cursor, and `connection.query`.

Span: `db.query.summary`. Metrics: of operations, and of connection pools.
Source: https://opentelemetry.io/docs/specs/semconv/database/mysql/ (version 1.37.0); aiomysql/cursors.py,
aiomysql/connection.py (0.1 to 0.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Instrumentation
from platform_instrument.instrumentations.aiomysql_pool import pooled
from platform_instrument.semantics.dbapi import Driver, transactions
from platform_instrument.semantics.mysql import mysql_database

if TYPE_CHECKING:
    from platform_instrument.semantics.database import Database


def look(connection: Any) -> Database:  # noqa: ANN401 - aiomysql.Connection
    """Return where a connection leads."""
    version = getattr(connection, "server_version", "")
    return mysql_database(version, connection.db, connection.host, connection.port, connection.unix_socket)


DRIVER = Driver("mysql", look, commented=True)
_CONNECTION = "aiomysql.connection:Connection"

INSTRUMENTATION = Instrumentation(
    name="aiomysql",
    requires="aiomysql>=0.1,<1",
    patches=(
        *DRIVER.cursor("aiomysql.cursors:Cursor"),
        DRIVER.asking(f"{_CONNECTION}.query"),
        DRIVER.opening(f"{_CONNECTION}._connect"),
        DRIVER.leading(f"{_CONNECTION}.select_db"),
        *pooled("aiomysql", "_fill_free_pool", "_connect"),
        *transactions(_CONNECTION, DRIVER.reached),
    ),
    family=families.DB_CLIENT,
    modules=("aiomysql",),
)
