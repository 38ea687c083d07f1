"""psycopg_pool: whether its servers answer, by an empty query over a connection of a pool, sync and async; not observed.

Only with probes. Connections that have not outlived a restart are given back as broken, until one answers. They are taken and
given back below the public methods, which say a line each time.
Source: psycopg_pool/pool.py, psycopg_pool/pool_async.py, psycopg_pool/base.py (3.1 to 3.3).
"""

from __future__ import annotations

import sys
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import ref

from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.runtime.health.dependencies import Clients, at_home, spare
from platform_instrument.runtime.health.libpq import answers, answers_soon
from platform_instrument.semantics.postgresql import pool_database

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Patch

_OPENED = "_platform_instrument_opened"  # where a pool remembers its connections, weakly


def ask(pool: Any, seconds: float) -> None:  # noqa: ANN401 - psycopg_pool.ConnectionPool
    """Send an empty query over one connection after another, until one is answered or the time is over."""
    ends, failure = monotonic() + seconds, None
    while True:
        try:
            connection = _taking(pool)(max(ends - monotonic(), 0))
        except sys.modules["psycopg_pool"].PoolTimeout as timeout:
            raise failure or timeout from None
        try:
            return answers(connection.pgconn, ends - monotonic())
        except BaseException as error:  # noqa: BLE001 - the connection is closed whatever it is
            failure = _broken(connection, error)
        finally:
            _giving_back(pool)(connection)


async def ask_soon(pool: Any, seconds: float) -> None:  # noqa: ANN401 - psycopg_pool.AsyncConnectionPool
    """Do the same on the event loop of the pool."""
    ends, failure = monotonic() + seconds, None
    while True:
        try:
            connection = await _taking(pool)(max(ends - monotonic(), 0))
        except sys.modules["psycopg_pool"].PoolTimeout as timeout:
            raise failure or timeout from None
        try:
            return await answers_soon(connection.pgconn, ends - monotonic())
        except BaseException as error:  # noqa: BLE001 - the connection is closed whatever it is
            failure = _broken(connection, error)
        finally:
            await _giving_back(pool)(connection)


def _broken(connection: Any, error: BaseException) -> BaseException:  # noqa: ANN401 - a connection
    """Close a connection over which no answer came; raise where that was not for want of an answer."""
    connection.pgconn.finish()
    if not isinstance(error, (OSError, sys.modules["psycopg"].Error)):
        raise error
    return error


def _taking(pool: Any) -> Any:  # noqa: ANN401 - as above
    """Return what takes a connection; psycopg_pool before 3.2 has the public method alone, and those of null pools do more."""
    return getattr(pool, "getconn" if "Null" in type(pool).__name__ else "_getconn_unchecked", pool.getconn)


def _giving_back(pool: Any) -> Any:  # noqa: ANN401 - as above
    return pool.putconn if _taking(pool) == pool.getconn else partial(pool._putconn, from_getconn=True)  # noqa: SLF001 - as above


def room(pool: Any) -> bool | None:  # noqa: ANN401 - as above
    """Say whether a connection can be spared; None where the pool is closed, and not only not open yet."""
    if pool.closed:
        return None if getattr(pool, "_opened", False) else False
    known = [each() for each in pool.__dict__.get(_OPENED, set()).copy()]
    return spare(sum([getattr(connection, "_pool", None) is not None for connection in known]), pool.max_size or None)


def opened(call: Call, connection: Any) -> None:  # noqa: ANN401 - of `_connect(self, …)`
    """Note a connection that a pool has opened, and where; it is in use while it knows its pool."""
    known = call.args[0].__dict__.setdefault(_OPENED, set())
    known.add(ref(connection, known.discard))
    at_home(call.args[0])


def made(call: Call, _result: None) -> None:
    """Take a pool."""
    CLIENTS.found(call.instance, "postgresql", pool_database(call.instance))


def made_async(call: Call, _result: None) -> None:
    """Take an asynchronous pool."""
    CLIENTS.found(call.instance, "postgresql", pool_database(call.instance), asynchronous=True)


def _pool(name: str, found: Any) -> tuple[Patch, ...]:  # noqa: ANN401 - a function of a call
    return (
        EditResult(f"psycopg_pool:{name}.__init__", found),
        EditResult(f"psycopg_pool:{name}._connect", opened),
    )


CLIENTS = Clients("psycopg_pool", room, ask, ask_soon)

INSTRUMENTATION = Instrumentation(
    name="psycopg_pool_checks",
    requires="psycopg-pool>=3.1,<4",
    patches=(
        Custom("psycopg_pool", CLIENTS.watch),
        *_pool("ConnectionPool", made),
        *_pool("AsyncConnectionPool", made_async),
    ),
    modules=("psycopg_pool",),
    settings=("probes", "admin_port"),
)
