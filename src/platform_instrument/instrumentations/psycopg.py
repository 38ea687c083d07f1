"""psycopg 3: statements, batches, streams and copies, sync and async, of every kind of cursor.

Connections and cursors stay of their own classes. `connection.execute` goes through a cursor; `commit`, fetches and
notifications are no statements.
Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/postgresql/ (version 1.37.0);
psycopg/cursor.py, psycopg/server_cursor.py, psycopg/sql.py (3.1 to 3.3).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Attributes, Instrumentation, Observe, Operation
from platform_instrument.semantics.database import batch, connected_database, failure, query, returned_rows
from platform_instrument.semantics.dbapi import closing_block, own_question, transactions
from platform_instrument.semantics.postgresql import query_text

if TYPE_CHECKING:
    from platform_instrument.core.values import Call
    from platform_instrument.semantics.database import Database

_IDLE = 0  # psycopg.pq.TransactionStatus.IDLE
_text = partial(query_text, composing="psycopg.sql")


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


def text_of(call: Call) -> tuple[int, str] | None:
    """Return where the text of a statement stands that neither psycopg nor the server will keep."""
    cursor = call.args[0]
    prepares = cursor.connection.prepare_threshold is not None and "ClientCursor" not in [
        kind.__name__ for kind in type(cursor).__mro__
    ]
    return None if prepares or call.kwargs.get("prepare") else (1, "query")


def begun(call: Call) -> Database | None:
    """Return the database of a connection in a transaction, or of the outermost block that is one."""
    found = call.args[0]
    connection = getattr(found, "connection", found)
    if connection.closed or connection.pgconn.transaction_status == _IDLE or not getattr(found, "_outer_transaction", True):
        return None
    return connected_database(connection, "postgresql")


def _cursor(name: str) -> tuple[Observe, ...]:
    return (
        Observe(f"psycopg:{name}.execute", statement, rows, failed, comment=text_of),
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
        *[Observe(f"psycopg.types:TypeInfo._fetch{kind}", own_question, optional=True) for kind in ("", "_async")],
        *transactions("psycopg:Connection", begun),
        *transactions("psycopg:AsyncConnection", begun),
        closing_block("psycopg:Transaction.__exit__", begun),
        closing_block("psycopg:AsyncTransaction.__aexit__", begun),
    ),
    family=families.DB_CLIENT,
    modules=("psycopg",),
)
