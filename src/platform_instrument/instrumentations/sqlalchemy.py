"""SQLAlchemy: one span a statement with any driver and dialect, sync and async, Core and ORM; 1.4, 2.0 and 2.1.

`DefaultDialect` passes statements to the driver's cursor. The dialect of each new engine may do that in its own way, so it is
looked at too. What it asks by itself (the kind of server, whether that is alive) is no statement of the application's
(`sqlalchemy_own`).
Span: `db.query.summary`. Metrics: of operations, and of connection pools (`sqlalchemy_pool`).
Source: https://opentelemetry.io/docs/specs/semconv/database/sql/ (version 1.37.0);
sqlalchemy/engine/default.py `DefaultDialect.do_execute` and its siblings, sqlalchemy/log.py `instance_logger`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Custom, EditResult, Instrumentation, Observe
from platform_instrument.engine.subclasses import Overrides
from platform_instrument.instrumentations.sqlalchemy_own import AT_CONNECT, ENDS, OWN, text_of
from platform_instrument.instrumentations.sqlalchemy_pool import POOLED
from platform_instrument.semantics.database import (
    KNOWN,
    Database,
    batch,
    configured_database,
    connected_database,
    failure,
    query,
    returned_rows,
)

if TYPE_CHECKING:
    from platform_instrument.core.values import Attributes, Call, Changes, Operation

_overrides: list[Overrides] = []


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
    known = _remember(dialect, engine.url) if engine is not None else None
    return known or connected_database(getattr(call.argument(1, "cursor"), "connection", None), dialect.name)


def _remember(dialect: Any, url: Any) -> Database | None:  # noqa: ANN401 - sqlalchemy.engine.Dialect, sqlalchemy.engine.URL
    """Let a dialect know its database where the URL names it; user and password are not looked at."""
    where = configured_database(url.get_backend_name(), url.host, url.port, url.database)
    if where is not None:
        dialect.__dict__[KNOWN] = where
    return where


def _dialect(name: str, begin: Any, *how: Any, **more: Any) -> Observe:  # noqa: ANN401 - functions of a call
    return Observe(f"sqlalchemy.engine.default:DefaultDialect.{name}", begin, *how, **more)


_OBSERVED = (
    _dialect("do_execute", statement, rows, failed, comment=text_of),
    _dialect("do_execute_no_params", statement, rows, failed, comment=text_of),
    _dialect("do_executemany", many, rows, failed),
    *OWN,
    *ENDS,
)


def prepare(changes: Changes) -> None:
    """Have the journal ready for `new_engine`."""
    _overrides[:] = [Overrides(changes, _OBSERVED)]


def new_engine(call: Call, _result: None) -> None:
    """Note which database an engine is for, when it gets its logger: options are read from the code of `Engine.__init__`."""
    engine = call.argument(0, "instance")
    if hasattr(engine, "url"):  # no pool
        for overrides in _overrides:
            overrides.observe(type(engine.dialect))
        _remember(engine.dialect, engine.url)


INSTRUMENTATION = Instrumentation(
    name="sqlalchemy",
    requires="sqlalchemy>=1.4,<2.2",
    patches=(
        *_OBSERVED,
        Custom("sqlalchemy.engine.default", prepare),
        EditResult("sqlalchemy.log:instance_logger", new_engine),
        AT_CONNECT,
        *POOLED,
    ),
    family=families.DB_CLIENT,
    modules=("sqlalchemy",),
)
