"""The pools of aiomysql, and of asyncmy, which took them over: part of the instrumentation of each.

A wait for a connection has no end of its own here, so that none is in vain: who gives it up is cancelled.
Metrics: `db.client.connection.*`.
Source: https://opentelemetry.io/docs/specs/semconv/database/database-metrics/#connection-pools (version 1.37.0);
aiomysql/pool.py (0.1 to 0.3), asyncmy/pool.pyx (0.2.9 to 0.2.18).
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, Time
from platform_instrument.engine.during import during
from platform_instrument.engine.pools import Pools
from platform_instrument.semantics.mysql import mysql_database
from platform_instrument.semantics.pools import State, pool_name, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Changes, Patch

_filled: ContextVar[Any] = ContextVar("platform_instrument_filled_pool", default=None)
"""The pool that connections are opened for in this task."""


def called(pool: Any, _connection: Any) -> str:  # noqa: ANN401 - a pool, a connection of it
    """Return the name of the database, as the pool was asked for it."""
    given = pool._conn_kwargs.get  # noqa: SLF001 - there is no public way to it
    host, namespace = given("host") or "localhost", given("database") or given("db")
    return pool_name(mysql_database(None, namespace, host, given("port") or 3306, given("unix_socket")))


def look(pool: Any, _connections: list[Any]) -> State | None:  # noqa: ANN401 - as above
    """Return how a pool is."""
    if pool._closed:  # noqa: SLF001 - asyncmy's does not say it otherwise
        return None
    used, idle = len(pool._used), len(pool._free)  # noqa: SLF001 - as in `size`
    most = pool.maxsize or None
    return State(used, idle, waiting(pool._cond._waiters), most, most, pool.minsize)  # noqa: SLF001 - as above, of asyncio.Condition


def closing(pool: Any) -> Callable[[], Any]:  # noqa: ANN401 - as above
    """Return the coroutine function that closes a pool."""

    async def close() -> None:
        pool.close()
        await pool.wait_closed()

    return close


def pooled(name: str, fill: str, connect: str) -> tuple[Patch, ...]:
    """Return what is observed of the pools of a library; `fill` and `connect` open connections."""
    pools = Pools(name, called, look, closing=closing)
    module = f"{name}.pool"

    def watch(changes: Changes) -> None:
        pools.watch(changes)
        during(changes, sys.modules[module].Pool, fill, _filled, lambda pool, *_: pool)

    def taken(began: float, connection: Any, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `_acquire(self)`
        pools.taken(began, args[0], connection, connection.__dict__)

    def given_back(began: float, _result: Any, args: Any, kwargs: Any) -> None:  # noqa: ANN401 - of `release(self, conn)`
        connection = args[1] if len(args) > 1 else kwargs["conn"]
        pools.given_back(began, args[0], connection.__dict__)

    def made(began: float, _result: Any, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of a connection's method
        pool = _filled.get()
        if pool is not None:
            pools.made(began, pool, args[0])

    return (
        Custom(module, watch),
        Time(f"{module}:Pool._acquire", taken),
        Time(f"{module}:Pool.release", given_back),
        Time(f"{name}.connection:Connection.{connect}", made),
    )
