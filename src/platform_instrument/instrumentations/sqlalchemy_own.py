"""What a dialect of SQLAlchemy asks by itself, and what the settings ask for of it: part of the instrumentation of SQLAlchemy.

The former is no statement of the application's. Commit and rollback are those of the driver, which knows whether anything is
sent, where we observe it. It learns by that whether a server of MySQL is one of MariaDB.
Source: sqlalchemy/engine/default.py `DefaultDialect.initialize`, sqlalchemy/engine/interfaces.py `Dialect.on_connect_url`
(1.4 to 2.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import EditResult, Observe
from platform_instrument.engine.drive import observe
from platform_instrument.engine.scope import Plan
from platform_instrument.semantics.database import KNOWN, Database, as_mariadb, connected_database
from platform_instrument.semantics.dbapi import ending, own_question
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


_COMMENTED = frozenset(("psycopg2", "pymysql", "mysqldb", "mysqlconnector", "aiomysql", "asyncmy"))
"""Drivers that keep no statement by its text, to servers that keep none."""
_OBSERVED = _COMMENTED | {"psycopg", "asyncpg", "pysqlite", "aiosqlite"}


def initialized(call: Call, _result: None) -> None:
    """Note what the server says it is."""
    fields = call.args[0].__dict__
    if KNOWN in fields and getattr(call.args[0], "is_mariadb", False):
        fields[KNOWN] = as_mariadb(fields[KNOWN])


def unseen(_call: Call, function: Any) -> Any:  # noqa: ANN401 - a function of a connection, or None
    """Return what asks each new connection, such that it leaves no span."""
    plan = Plan("sqlalchemy on_connect", own_question, None, None, None, families.DB_CLIENT, own_scope("sqlalchemy"))
    return None if function is None else observe(function, plan)


def text_of(call: Call) -> tuple[int, str] | None:
    """Return where the text of a statement stands that may end in a comment."""
    return (2, "statement") if call.args[0].driver in _COMMENTED else None


def ended(call: Call) -> Database | None:
    """Return the database in which a transaction ends that no driver of ours tells of."""
    dialect = call.args[0]
    if dialect.driver in _OBSERVED:
        return None
    known: Database | None = dialect.__dict__.get(KNOWN)
    connection = call.argument(1, "dbapi_connection")
    return known or connected_database(getattr(connection, "dbapi_connection", connection), dialect.name)


_DIALECT = "sqlalchemy.engine.default:DefaultDialect"

OWN = (
    Observe(f"{_DIALECT}.initialize", own_question, initialized),
    Observe(f"{_DIALECT}.do_ping", own_question),
    Observe(f"{_DIALECT}.set_isolation_level", own_question),
)

AT_CONNECT = EditResult("sqlalchemy.engine.interfaces:Dialect.on_connect_url", unseen, optional=True)

ENDS = tuple([ending(f"{_DIALECT}.do_{name}", name.upper(), ended) for name in ("commit", "rollback")])
