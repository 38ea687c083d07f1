"""oracledb: statements, batches, stored procedures and functions of cursors, thin and thick, sync and asyncio.

A pipeline is no statement; how many rows a query has no cursor knows.
Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/oracledb/ (version 1.37.0); oracledb/cursor.py,
oracledb/connection.py (2.0 to 26.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Instrumentation, Observe
from platform_instrument.semantics.dbapi import Driver, failed
from platform_instrument.semantics.oracle import oracle_database

if TYPE_CHECKING:
    from platform_instrument.semantics.database import Database


def look(connection: Any) -> Database:  # noqa: ANN401 - oracledb.Connection, oracledb.AsyncConnection
    """Return where a connection leads; one that is closed does not tell."""
    if getattr(connection, "_impl", None) is None:
        return oracle_database(None)
    names = [getattr(connection, name, None) for name in ("instance_name", "db_name", "service_name")]
    return oracle_database(connection.dsn, *names)


DRIVER = Driver("oracle.db", look, text="statement", many="parameters")


def _cursor(name: str, *, optional: bool = False) -> tuple[Observe, ...]:
    target = f"oracledb.cursor:{name}"
    return (
        *DRIVER.cursor(target, optional=optional),
        Observe(f"{target}.callfunc", DRIVER.procedure, error=failed, optional=optional),
    )


INSTRUMENTATION = Instrumentation(
    name="oracledb",
    requires="oracledb>=2.0,<27",
    patches=(
        *_cursor("Cursor"),
        *_cursor("AsyncCursor", optional=True),
        DRIVER.opening("oracledb.connection:Connection.__init__"),
    ),
    family=families.DB_CLIENT,
    modules=("oracledb",),
)
