"""SQLAlchemy: one span a statement with any driver and dialect, sync and async, Core and ORM; 1.4, 2.0 and 2.1.

`DefaultDialect` passes each statement to the driver's cursor. A dialect may do that in its own way, so the class of
each new engine's dialect is looked at too.
Span: `db.query.summary`. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/sql/ (version 1.37.0);
sqlalchemy/engine/default.py `DefaultDialect.do_execute` and its siblings, sqlalchemy/engine/base.py `Engine.__init__`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Attributes, Custom, EditResult, Instrumentation, Observe, Operation
from platform_instrument.semantics.database import (
    KNOWN,
    Database,
    batch,
    connected_database,
    database,
    failure,
    query,
    returned_rows,
    sqlite_database,
)

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_SYSTEMS = {"oracle": "oracle.db", "mssql": "microsoft.sql_server", "cockroachdb": "cockroachdb"}
_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "oracle.db": 1521, "microsoft.sql_server": 1433}


def statement(call: Call) -> Operation:
    """Return what is executed, and where."""
    return query(_where(call), call.argument(2, "statement"))


def many(call: Call) -> tuple[Operation, Attributes | None]:
    """Return what is executed for a list of parameters, and where."""
    return batch(_where(call), call.argument(2, "statement"), call.argument(3, "parameters"))


def rows(call: Call, _result: None) -> Attributes | None:
    """Return how many rows there are."""
    return returned_rows(call.argument(1, "cursor"))


def failed(_call: Call, error: BaseException) -> Attributes:
    """Return the database's code."""
    return failure(error)


def _where(call: Call) -> Database:
    """Return the database; a dialect belongs to one engine, whose URL says it."""
    known: Database | None = call.args[0].__dict__.get(KNOWN)
    return known if known is not None else _connected(call)


def _connected(call: Call) -> Database:
    """Return the database of an engine whose URL does not say it (`creator`), or that is older than its observation."""
    dialect = call.args[0]
    engine = getattr(getattr(call.args[-1], "root_connection", None), "engine", None)
    if engine is not None and _remember(dialect, engine.url):
        known: Database = dialect.__dict__[KNOWN]
        return known
    where = connected_database(getattr(call.argument(1, "cursor"), "connection", None), _SYSTEMS.get(dialect.name, dialect.name))
    return where if where.namespace or where.system != "sqlite" else sqlite_database(":memory:")


def _remember(dialect: Any, url: Any) -> bool:  # noqa: ANN401 - sqlalchemy.engine.Dialect, sqlalchemy.engine.URL
    """Let a dialect know its database where the URL names it; user and password are not looked at."""
    name = url.get_backend_name()
    system = _SYSTEMS.get(name, name)
    if system == "sqlite" and url.database:
        dialect.__dict__[KNOWN] = sqlite_database(url.database)
    elif url.host:
        dialect.__dict__[KNOWN] = database(system, url.database or "", url.host, url.port or _PORTS.get(system, 0))
    return KNOWN in dialect.__dict__


_OBSERVED = (
    Observe("sqlalchemy.engine.default:DefaultDialect.do_execute", statement, rows, failed),
    Observe("sqlalchemy.engine.default:DefaultDialect.do_execute_no_params", statement, rows, failed),
    Observe("sqlalchemy.engine.default:DefaultDialect.do_executemany", many, rows, failed),
)


class _Dialects:
    """The dialect classes that have methods of their own in place of the observed ones."""

    changes: Changes | None = None
    seen: frozenset[type] = frozenset()


def prepare(changes: Changes) -> None:
    """Have the journal ready for `new_engine`."""
    _Dialects.changes = changes
    _Dialects.seen = frozenset()


def new_engine(call: Call, _result: None) -> None:
    """Note which database an engine is for, and observe its dialect's own methods."""
    dialect = call.argument(2, "dialect")
    _remember(dialect, call.argument(3, "url"))
    kind = type(dialect)
    if kind in _Dialects.seen or _Dialects.changes is None:
        return
    _Dialects.seen |= {kind}
    for owner in kind.__mro__:
        if owner.__module__.startswith("sqlalchemy.engine.") or owner in _Dialects.seen - {kind}:
            continue
        _Dialects.seen |= {owner}
        for patch in _OBSERVED:
            if patch.target.rpartition(".")[2] in vars(owner):
                _Dialects.changes.observe(owner, patch)


INSTRUMENTATION = Instrumentation(
    name="sqlalchemy",
    requires="sqlalchemy>=1.4",
    patches=(
        *_OBSERVED,
        Custom("sqlalchemy.engine.default", prepare),
        EditResult("sqlalchemy.engine.base:Engine.__init__", new_engine),
    ),
    family=families.DB_CLIENT,
    modules=("sqlalchemy",),
)
