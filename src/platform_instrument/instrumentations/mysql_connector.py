"""mysql-connector-python: statements, batches and stored procedures of every kind of cursor, pure, with its extension, asyncio.

Connections and cursors stay of their own classes; `commit`, `ping` and what a property asks are no statements.
Span: `db.query.summary`. Metrics: of operations, and of connection pools.
Source: https://opentelemetry.io/docs/specs/semconv/database/mysql/ (version 1.37.0); mysql/connector/cursor.py,
mysql/connector/cursor_cext.py, mysql/connector/aio/cursor.py, mysql/connector/abstracts.py (8.0 to 26.10).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Custom, Instrumentation, Observe
from platform_instrument.engine.edits import Edit, edit_result
from platform_instrument.instrumentations.mysql_connector_pool import POOLED
from platform_instrument.semantics.dbapi import Driver, own_question, transactions
from platform_instrument.semantics.mysql import mysql_database

if TYPE_CHECKING:
    from platform_instrument.core.values import Changes, Patch
    from platform_instrument.semantics.database import Database


def look(connection: Any) -> Database:  # noqa: ANN401 - mysql.connector.abstracts.MySQLConnectionAbstract
    """Return where a connection leads.

    The driver passes the trace context on to its server with each statement in a span, and warns where that takes no such
    attributes: there it is told not to.
    """
    if getattr(connection, "otel_context_propagation", False) and not getattr(connection, "_query_attrs_supported", True):
        connection.otel_context_propagation = False
    version = (getattr(connection, "_handshake", None) or {}).get("server_version_original", "")
    namespace = connection._database  # noqa: SLF001 - `database` asks the server
    return mysql_database(version, namespace, connection.server_host, connection.server_port, connection.unix_socket)


DRIVER = Driver("mysql", look, connection="_connection", formerly="_cnx", text="operation", many="seq_params", commented=True)
_PURE, _EXTENDED, _ASYNC = (f"mysql.connector.{name}" for name in ("connection", "connection_cext", "aio.connection"))


def lead_by_property(changes: Changes) -> None:
    """Note where `connection.database = name` leads: the extension does it without a method of the connection's."""
    owner = sys.modules[_EXTENDED].CMySQLConnection
    plain = vars(owner)["database"]
    setter = edit_result(plain.fset, Edit("mysql database", lambda call, _: DRIVER.lead(*call.args)))
    changes.replace(owner, "database", property(plain.fget, setter, plain.fdel, plain.__doc__))


def _connection(target: str) -> tuple[Patch, ...]:
    return (
        Observe(f"{target}.info_query", own_question, optional=True),
        *transactions(target, DRIVER.reached, optional=True),
        DRIVER.leading(f"{target}.cmd_init_db", "database", optional=True),
        DRIVER.leading(f"{target}.cmd_change_user", "database", position=3, optional=True),
    )


INSTRUMENTATION = Instrumentation(
    name="mysql",
    requires="mysql-connector-python>=8.1,<27",
    patches=(
        *DRIVER.cursor("mysql.connector.cursor:MySQLCursor"),
        *DRIVER.cursor("mysql.connector.cursor:MySQLCursorPrepared", procedures=False),
        *DRIVER.cursor("mysql.connector.cursor_cext:CMySQLCursor", optional=True),
        *DRIVER.cursor("mysql.connector.cursor_cext:CMySQLCursorPrepared", procedures=False, optional=True),
        *DRIVER.cursor("mysql.connector.aio.cursor:MySQLCursor", optional=True),
        *DRIVER.cursor("mysql.connector.aio.cursor:MySQLCursorPrepared", procedures=False, optional=True),
        DRIVER.opening("mysql.connector.abstracts:MySQLConnectionAbstract.connect"),
        DRIVER.opening(f"{_ASYNC}:MySQLConnection.connect", optional=True),
        *_connection(f"{_PURE}:MySQLConnection"),
        *_connection(f"{_EXTENDED}:CMySQLConnection"),
        *_connection(f"{_ASYNC}:MySQLConnection"),
        DRIVER.leading(f"{_ASYNC}:MySQLConnection.set_database", "value", optional=True),
        Custom(_EXTENDED, lead_by_property, optional=True),
        *POOLED,
    ),
    family=families.DB_CLIENT,
    modules=("mysql.connector",),
)
