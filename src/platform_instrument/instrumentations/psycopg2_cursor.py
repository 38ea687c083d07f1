"""What cursors of psycopg2 execute: part of the instrumentation of psycopg2.

`execute_values` and `execute_batch` are one span, whatever the number of pages. A statement of an asynchronous connection ends
when it is sent.
Source: psycopg/cursor_type.c, lib/extras.py (2.9).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Attributes, Observe, Operation
from platform_instrument.semantics.database import Database, batch, connected_database, query, returned_rows
from platform_instrument.semantics.dbapi import failed, own_question, procedure, transactions
from platform_instrument.semantics.postgresql import named, query_text

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_READY = 1  # psycopg2.extensions.STATUS_READY
_text = partial(query_text, composing="psycopg2.sql")


def statement(call: Call) -> Operation | None:
    """Return what is executed, and where; nothing is sent for an empty text."""
    sql = call.argument(1, "query")
    text = sql if type(sql) is str else _text(sql)
    return query(_where(call.args[0]), text) if text else None


def many(call: Call) -> tuple[Operation, Attributes | None]:
    """Return what is executed for a list of parameters, and where."""
    return batch(_where(call.args[0]), _text(call.argument(1, "query")), call.argument(2, "vars_list"))


def pages(call: Call) -> tuple[Operation, Attributes | None]:
    """Return what `execute_values(cur, sql, argslist, …)` and its like execute; what a page holds is not looked at."""
    return batch(_where(call.argument(0, "cur")), _text(call.argument(1, "sql")), call.argument(2, "argslist"))


def called(call: Call) -> Operation:
    """Return the procedure that is called, and where."""
    return procedure(_where(call.args[0]), str(call.argument(1, "procname")))


def copied(call: Call, way: str = "") -> Operation:
    """Return what is copied, and where."""
    text = f"COPY {named(call.argument(2, 'table'))} {way}" if way else _text(call.argument(1, "sql"))
    return query(_where(call.args[0]), text)


def rows(call: Call, _result: None) -> Attributes | None:
    """Return how many rows there are; a server-side cursor does not know."""
    return returned_rows(call.args[0])


def fetched(_call: Call, result: list[Any] | None) -> Attributes | None:
    """Return how many rows `execute_values` has fetched."""
    return None if result is None else {"db.response.returned_rows": len(result)}


def _where(cursor: Any) -> Database:  # noqa: ANN401 - psycopg2.extensions.cursor
    return connected_database(cursor.connection, "postgresql")


def text_of(_call: Call) -> tuple[int, str]:
    """Return where the text of a statement stands, which psycopg2 never keeps."""
    return 1, "query"


def begun(call: Call) -> Database | None:
    """Return the database of a connection that has begun a transaction."""
    connection = call.args[0]
    return None if connection.closed or connection.status == _READY else connected_database(connection, "postgresql")


CONNECTION = transactions("psycopg2.extensions:connection", begun)
"""Of the observed class of connections."""

CURSOR = (
    Observe("psycopg2.extensions:cursor.execute", statement, rows, failed, comment=text_of),
    Observe("psycopg2.extensions:cursor.executemany", many, error=failed),
    Observe("psycopg2.extensions:cursor.callproc", called, rows, failed),
    Observe("psycopg2.extensions:cursor.copy_from", partial(copied, way="FROM STDIN"), error=failed),
    Observe("psycopg2.extensions:cursor.copy_to", partial(copied, way="TO STDOUT"), error=failed),
    Observe("psycopg2.extensions:cursor.copy_expert", copied, error=failed),
)
"""Of the observed class of cursors."""

EXTRAS = (
    Observe("psycopg2.extras:execute_values", pages, fetched, failed),
    Observe("psycopg2.extras:execute_batch", pages, error=failed),
    Observe("psycopg2.extras:HstoreAdapter.get_oids", own_question),
    Observe("psycopg2.extras:CompositeCaster._from_db", own_question),
)
"""With what psycopg2 asks about types by itself."""
