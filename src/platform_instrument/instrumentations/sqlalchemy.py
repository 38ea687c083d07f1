"""SQLAlchemy: one span a statement with any driver, sync and async, Core and ORM; 1.4, 2.0 and 2.1.

Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/sql/ (version 1.37.0);
sqlalchemy/engine/default.py `DefaultDialect.do_execute` and its siblings, which some dialects override.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Attributes, Instrumentation, Observe, Operation
from platform_instrument.semantics.database import Database, batch, database, failure, query, returned_rows

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_SYSTEMS = {"oracle": "oracle.db", "mssql": "microsoft.sql_server"}
_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "oracle.db": 1521, "microsoft.sql_server": 1433}
_KNOWN = "_platform_instrument_database"


def statement(call: Call) -> Operation:
    """Return what is executed, and where."""
    return query(_where(call, 4), call.argument(2, "statement"))


def statement_without_parameters(call: Call) -> Operation:
    """Return what is executed, and where; the execution context comes one place earlier."""
    return query(_where(call, 3), call.argument(2, "statement"))


def many(call: Call) -> tuple[Operation, Attributes | None]:
    """Return what is executed for a list of parameters, and where."""
    return batch(_where(call, 4), call.argument(2, "statement"), call.argument(3, "parameters"))


def rows(call: Call, _result: None) -> Attributes | None:
    """Return how many rows there are."""
    return returned_rows(call.argument(1, "cursor"))


def failed(_call: Call, error: BaseException) -> Attributes:
    """Return the database's code."""
    return failure(error)


def _where(call: Call, position: int) -> Database:
    """Return the database; a dialect belongs to one engine, and remembers it."""
    dialect = call.instance
    known: Database | None = dialect.__dict__.get(_KNOWN)
    if known is None:
        context = call.argument(position, "context")
        known = _database(dialect.name, context.root_connection.engine.url if context is not None else None)
        setattr(dialect, _KNOWN, known)
    return known


def _database(name: str, url: Any) -> Database:  # noqa: ANN401 - sqlalchemy.engine.URL
    system = _SYSTEMS.get(name, name)
    if url is None:
        return database(system)
    namespace = url.database or ""
    if system == "sqlite":
        return database(system, namespace.rpartition("/")[2] or ":memory:")
    return database(system, namespace, url.host or "", url.port or _PORTS.get(system, 0))


def _many(target: str) -> Observe:
    return Observe(target, many, rows, failed, optional=True)


INSTRUMENTATION = Instrumentation(
    name="sqlalchemy",
    requires="sqlalchemy>=1.4",
    patches=(
        Observe("sqlalchemy.engine.default:DefaultDialect.do_execute", statement, rows, failed),
        Observe("sqlalchemy.engine.default:DefaultDialect.do_execute_no_params", statement_without_parameters, rows, failed),
        Observe("sqlalchemy.engine.default:DefaultDialect.do_executemany", many, rows, failed),
        _many("sqlalchemy.dialects.mysql.mysqldb:MySQLDialect_mysqldb.do_executemany"),
        _many("sqlalchemy.dialects.mssql.pyodbc:MSDialect_pyodbc.do_executemany"),
        _many("sqlalchemy.dialects.oracle.cx_oracle:OracleDialect_cx_oracle.do_executemany"),
        _many("sqlalchemy.dialects.postgresql.psycopg2:PGDialect_psycopg2.do_executemany"),
    ),
    family=families.DB_CLIENT,
    modules=("sqlalchemy",),
)
