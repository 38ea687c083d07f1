"""SQLAlchemy: whether its databases answer, by the ping of their dialect over a connection of an engine's pool; not observed.

Only with probes, sync and async engines, 1.4, 2.0 and 2.1. SQLite is no server. Pools that hand one connection to several are
left alone. Connections that have not outlived a restart of the server are invalidated, until one answers.
Source: sqlalchemy/log.py `instance_logger`, sqlalchemy/engine/default.py `do_ping`, sqlalchemy/pool/impl.py.
"""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.runtime.health.dependencies import Clients, at_home, spare
from platform_instrument.runtime.health.libpq import answers, answers_soon
from platform_instrument.semantics.database import SYSTEMS, configured_database

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_MOST_STALE = 32
_CONCURRENCY = "sqlalchemy.util.concurrency"


def ask(engine: Any, seconds: float) -> None:  # noqa: ANN401 - sqlalchemy.engine.Engine
    """Ask over one connection after another, until one is answered or the time is over."""
    ends = monotonic() + seconds
    for left in range(_MOST_STALE, 0, -1):
        pool = engine.pool
        connection = engine.raw_connection()
        try:
            _ping(engine.dialect, connection, ends - monotonic())
        except BaseException as error:
            connection.invalidate(error)
            if left == 1 or monotonic() >= ends or not isinstance(error, (OSError, engine.dialect.dbapi.Error)):
                raise
        else:
            connection.close()
            if engine.pool is not pool:  # disposed of meanwhile: what is given back to it is closed by nobody
                pool.dispose()
            return


async def ask_soon(engine: Any, seconds: float) -> None:  # noqa: ANN401 - as above
    """Do the same on the event loop of an asynchronous engine."""
    await sys.modules[_CONCURRENCY].greenlet_spawn(ask, engine, seconds)


def _ping(dialect: Any, connection: Any, seconds: float) -> None:  # noqa: ANN401 - an engine's, a connection from its pool
    """Ask as the dialect does, but below psycopg, which cannot be told to stop."""
    pgconn = getattr(getattr(connection, "driver_connection", None), "pgconn", None)
    if pgconn is None:
        if not dialect.do_ping(
            connection.connection if not hasattr(connection, "dbapi_connection") else connection.dbapi_connection
        ):
            message = "the connection was closed"
            raise ConnectionError(message)
    elif dialect.is_async:
        sys.modules[_CONCURRENCY].await_only(answers_soon(pgconn, seconds))
    else:
        answers(pgconn, seconds)


def room(engine: Any) -> bool:  # noqa: ANN401 - as above
    """Say whether a connection can be spared."""
    pool = engine.pool
    kinds = [kind.__name__ for kind in type(pool).__mro__]
    if "QueuePool" not in kinds:
        return "NullPool" in kinds
    overflow = pool._max_overflow  # noqa: SLF001 - not told otherwise
    return spare(pool.checkedout(), pool.size() + overflow if overflow >= 0 else None)


def made(call: Call, _result: None) -> None:
    """Take an engine, when it gets its logger: options are read from the code of `Engine.__init__`, which stays as it is."""
    engine = call.argument(0, "instance")
    url, dialect = getattr(engine, "url", None), getattr(engine, "dialect", None)
    if url is None or dialect is None or dialect.name == "sqlite" or hasattr(engine, "_proxied"):
        return  # a pool, no server, or an engine with other options
    system = url.get_backend_name()
    where = configured_database(system, url.host, url.port, url.database)
    asynchronous = getattr(dialect, "is_async", False)
    CLIENTS.found(engine, SYSTEMS.get(system, system), where, asynchronous=asynchronous, mark=dialect)


def connecting(call: Call) -> None:
    """Note where the connections of an asynchronous engine are at home."""
    dialect = call.instance._ConnectionRecord__pool._dialect  # noqa: SLF001 - of its engine
    if getattr(dialect, "is_async", False):
        at_home(dialect)


CLIENTS = Clients("sqlalchemy", room, ask, ask_soon)

INSTRUMENTATION = Instrumentation(
    name="sqlalchemy_checks",
    requires="sqlalchemy>=1.4,<2.2",
    patches=(
        Custom("sqlalchemy.engine.base", CLIENTS.watch),
        EditResult("sqlalchemy.log:instance_logger", made),
        EditCall("sqlalchemy.pool.base:_ConnectionRecord._ConnectionRecord__connect", connecting, optional=True),
    ),
    modules=("sqlalchemy",),
    settings=("probes", "admin_port"),
)
