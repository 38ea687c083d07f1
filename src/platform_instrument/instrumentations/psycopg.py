"""psycopg 3: statements, batches, streams and copies, sync and async, of every kind of cursor.

Connections and cursors stay of their own classes. `connection.execute` goes through a cursor; `commit`, fetches and
notifications are no statements.
Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/postgresql/ (version 1.37.0);
psycopg/cursor.py, psycopg/server_cursor.py, psycopg/sql.py (3.1 to 3.3).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Attributes, Instrumentation, Observe, Operation
from platform_instrument.semantics.database import batch, connected_database, failure, query, returned_rows

if TYPE_CHECKING:
    from platform_instrument.core.values import Call


def statement(call: Call) -> Operation | None:
    """Return what is executed, and where; an empty text is a pool's way to check a connection."""
    sql = call.argument(1, "query")
    text = sql if type(sql) is str else _text(sql)
    return query(connected_database(call.args[0].connection, "postgresql"), text) if text else None


def many(call: Call) -> tuple[Operation, Attributes | None]:
    """Return what is executed for a list of parameters, and where."""
    where = connected_database(call.instance.connection, "postgresql")
    return batch(where, _text(call.argument(1, "query")), call.argument(2, "params_seq"))


def copied(call: Call) -> Operation:
    """Return what is copied, and where."""
    return query(connected_database(call.instance.connection, "postgresql"), _text(call.argument(1, "statement")))


def rows(call: Call, _result: Any) -> Attributes | None:  # noqa: ANN401 - the cursor itself
    """Return how many rows there are; a server-side cursor does not know."""
    return returned_rows(call.args[0])


def failed(_call: Call, error: BaseException) -> Attributes:
    """Return the SQLSTATE."""
    return failure(error)


def _text(sql: Any) -> str:  # noqa: ANN401 - str, bytes, psycopg.sql.Composable, string.templatelib.Template
    """Return the text of a query; the values that a composed one holds are left out, and nothing of them is called."""
    if isinstance(sql, (str, bytes)):
        return str.__str__(sql) if isinstance(sql, str) else sql.decode("utf-8", "replace")
    composing = sys.modules["psycopg.sql"]
    if isinstance(sql, composing.Composed):
        return "".join([_text(part) for part in sql])
    if isinstance(sql, composing.Identifier):
        return ".".join([_quoted(name) for name in sql._obj])  # noqa: SLF001 - `as_string` needs a connection in 3.1
    if isinstance(sql, composing.Composable):
        return "?" if isinstance(sql, composing.Literal) else str(sql.as_string(None))
    if type(sql).__name__ == "Template":
        return "".join([part if isinstance(part, str) else _interpolated(part) for part in sql])
    return ""  # psycopg will say that it is no query


def _interpolated(part: Any) -> str:  # noqa: ANN401 - string.templatelib.Interpolation
    """Return a field of a template: names and nested queries as they are, values as a question mark."""
    if part.format_spec == "i" and isinstance(part.value, str):
        return _quoted(part.value)
    return _text(part.value) if part.format_spec in {"i", "q"} else "?"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _cursor(name: str) -> tuple[Observe, ...]:
    return (
        Observe(f"psycopg:{name}.execute", statement, rows, failed),
        Observe(f"psycopg:{name}.executemany", many, error=failed),
        Observe(f"psycopg:{name}.stream", statement, error=failed),
        Observe(f"psycopg:{name}.copy", copied, error=failed, context_manager=True),
    )


INSTRUMENTATION = Instrumentation(
    name="psycopg",
    requires="psycopg>=3.1,<4",
    patches=(
        *_cursor("Cursor"),
        *_cursor("AsyncCursor"),
        Observe("psycopg:ServerCursor.execute", statement, error=failed),
        Observe("psycopg:AsyncServerCursor.execute", statement, error=failed),
    ),
    family=families.DB_CLIENT,
    modules=("psycopg",),
)
