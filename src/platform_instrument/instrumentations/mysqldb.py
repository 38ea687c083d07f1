"""mysqlclient: statements, batches and stored procedures of every kind of cursor of `MySQLdb`, and `connection.query`.

Connections and cursors stay of their own classes: what is C code lies below methods written in Python. libmysqlclient takes
the socket file for `localhost`, so that it is asked how it is connected.
Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/mysql/ (version 1.37.0); MySQLdb/cursors.py,
MySQLdb/connections.py, MySQLdb/_mysql.c (2.1 to 2.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Instrumentation, Observe
from platform_instrument.semantics.dbapi import Driver, own_question, transactions
from platform_instrument.semantics.mysql import mysql_database

if TYPE_CHECKING:
    from platform_instrument.core.values import Call
    from platform_instrument.semantics.database import Database

_OVER_NETWORK = " via TCP/IP"


def look(connection: Any, namespace: Any = None, socket: Any = None) -> Database:  # noqa: ANN401 - MySQLdb.connections.Connection
    """Return where a connection leads."""
    host, over_network, _ = connection.get_host_info().partition(_OVER_NETWORK)
    namespace = namespace or getattr(connection, "database", None)
    if over_network:
        return mysql_database(connection.get_server_info(), namespace, host, connection.port)
    return mysql_database(connection.get_server_info(), namespace, "localhost", 0, socket)


def opened(call: Call, _result: None) -> None:
    """Let a connection know its database, of which only the arguments tell."""
    namespace = call.argument(4, "database") or call.kwargs.get("db")
    DRIVER.remember(call.args[0], look(call.args[0], namespace, call.argument(6, "unix_socket")))


DRIVER = Driver("mysql", look, commented=True)
_CONNECTION = "MySQLdb.connections:Connection"

INSTRUMENTATION = Instrumentation(
    name="mysqlclient",
    requires="mysqlclient>=2.1,<3",
    patches=(
        *DRIVER.cursor("MySQLdb.cursors:BaseCursor"),
        DRIVER.asking(f"{_CONNECTION}.query"),
        Observe(f"{_CONNECTION}.__init__", own_question, opened),
        Observe(f"{_CONNECTION}.begin", own_question),
        DRIVER.leading(f"{_CONNECTION}.select_db"),
        *transactions(_CONNECTION, DRIVER.reached),
    ),
    family=families.DB_CLIENT,
    modules=("MySQLdb",),
)
