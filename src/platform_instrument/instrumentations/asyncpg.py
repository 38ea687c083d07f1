"""asyncpg: statements, batches, prepared statements, cursors and copies; one span each, and the metrics of its pools.

To prepare a statement is a span only where it fails, since to execute it is one. That of a cursor ends with the first rows.
What asyncpg asks by itself (types, the reset of a connection), begin, commit and rollback are no statements.
Span: `db.query.summary`. Metrics: of operations, and of connection pools (`asyncpg_pool`).
Source: https://opentelemetry.io/docs/specs/semconv/database/postgresql/ (version 1.37.0);
asyncpg/connection.py, asyncpg/prepared_stmt.py, asyncpg/cursor.py, asyncpg/transaction.py (0.27 to 0.32).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import OPEN, Attributes, Instrumentation, Observe, Operation
from platform_instrument.instrumentations.asyncpg_pool import POOLED
from platform_instrument.semantics.database import batch, query
from platform_instrument.semantics.dbapi import ending, failed, own_question
from platform_instrument.semantics.postgresql import asyncpg_database, named

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Call
    from platform_instrument.semantics.database import Database


def statement(call: Call, name: str = "query") -> Operation:
    """Return what is executed, and where."""
    return query(asyncpg_database(call.args[0]), call.argument(1, name))


def many(call: Call, name: str = "query") -> tuple[Operation, Attributes | None]:
    """Return what is executed for a list of arguments, and where."""
    return batch(asyncpg_database(call.args[0]), call.argument(1, name), call.argument(2, "args"))


def prepared(call: Call) -> Operation:
    """Return what a prepared statement or a cursor executes, and where."""
    resource = call.args[0]
    return query(asyncpg_database(resource._connection), resource._query)  # noqa: SLF001 - a cursor has no public way to it


def prepared_many(call: Call) -> tuple[Operation, Attributes | None]:
    """Return what a prepared statement executes for a list of arguments, and where."""
    resource = call.args[0]
    return batch(asyncpg_database(resource._connection), resource._query, call.argument(1, "args"))  # noqa: SLF001 - as above


def copied(call: Call, way: str) -> Operation:
    """Return what is copied, and where."""
    table = named(call.kwargs.get("schema_name"), call.argument(1, "table_name"))
    return query(asyncpg_database(call.args[0]), f"COPY {table} {way}")


def copied_query(call: Call) -> Operation:
    """Return which query's rows are copied, and where."""
    return query(asyncpg_database(call.args[0]), f"COPY ({call.argument(1, 'query')}) TO STDOUT")


def going_on(_call: Call, _result: Any) -> Any:  # noqa: ANN401 - a statement
    """Leave no span of a statement that was prepared."""
    return OPEN


def rows(_call: Call, result: list[Any]) -> Attributes:
    """Return how many rows there are."""
    return {"db.response.returned_rows": len(result)}


def row(_call: Call, result: Any) -> Attributes:  # noqa: ANN401 - a record, or None
    """Return that there is a row, or none."""
    return {"db.response.returned_rows": 0 if result is None else 1}


def sent_as_it_is(call: Call) -> tuple[int, str] | None:
    """Return where the text of a statement stands that is not prepared and kept, for want of arguments."""
    return None if call.args[2:] else (1, "query")


def outermost(call: Call) -> Database | None:
    """Return the database of a transaction that is not part of another one."""
    transaction = call.args[0]
    return None if transaction._nested else asyncpg_database(transaction._connection)  # noqa: SLF001 - as above


def _of(owner: str, name: str, begin: Callable[[Call], Any], end: Any = None, *, optional: bool = False) -> Observe:  # noqa: ANN401
    return Observe(f"asyncpg.{owner}.{name}", begin, end, failed, optional=optional)


_CONNECTION, _PREPARED, _TRANSACTION = "connection:Connection", "prepared_stmt:PreparedStatement", "transaction:Transaction"
_FETCHES = (("fetch", rows), ("fetchrow", row), ("fetchval", None))

INSTRUMENTATION = Instrumentation(
    name="asyncpg",
    requires="asyncpg>=0.27,<1",
    patches=(
        Observe("asyncpg.connection:Connection.execute", statement, error=failed, comment=sent_as_it_is),
        *[_of(_CONNECTION, name, statement, end) for name, end in _FETCHES],
        _of(_CONNECTION, "executemany", partial(many, name="command")),
        _of(_CONNECTION, "fetchmany", many, rows, optional=True),
        _of(_CONNECTION, "copy_from_table", partial(copied, way="TO STDOUT")),
        *[_of(_CONNECTION, f"copy_{name}to_table", partial(copied, way="FROM STDIN")) for name in ("", "records_")],
        _of(_CONNECTION, "copy_from_query", copied_query),
        _of(_CONNECTION, "_get_statement", statement, going_on),
        *[_of(_PREPARED, name, prepared, end) for name, end in _FETCHES],
        _of(_PREPARED, "executemany", prepared_many),
        _of(_PREPARED, "fetchmany", prepared_many, rows, optional=True),
        _of("cursor:CursorIterator", "_bind_exec", prepared),
        _of("cursor:Cursor", "_init", prepared),
        _of(_CONNECTION, "reset", own_question),
        *[_of(_TRANSACTION, name, own_question) for name in ("start", "_Transaction__commit", "_Transaction__rollback")],
        *[ending(f"asyncpg.{_TRANSACTION}._Transaction__{name}", name.upper(), outermost) for name in ("commit", "rollback")],
        *POOLED,
    ),
    family=families.DB_CLIENT,
    modules=("asyncpg",),
)
