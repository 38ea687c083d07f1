"""psycopg_pool: the metrics of its connection pools, sync and async, null pools too; no span of their own.

A pool is called as the application named it; the numbers that psycopg_pool gives by itself would be new ones for each pool.
Metrics: `db.client.connection.*`.
Source: https://opentelemetry.io/docs/specs/semconv/database/database-metrics/#connection-pools (version 1.37.0);
psycopg_pool/pool.py, psycopg_pool/pool_async.py, psycopg_pool/base.py (3.1 to 3.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, Instrumentation, Time
from platform_instrument.engine.pools import Pools, borrowed
from platform_instrument.semantics.database import connected_database
from platform_instrument.semantics.pools import State, pool_name
from platform_instrument.semantics.postgresql import pool_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Patch


def called(pool: Any, connection: Any) -> str:  # noqa: ANN401 - a pool, a connection of it
    """Return the name that the application gave, else that of the database."""
    prefix, _, number = pool.name.rpartition("-")
    if prefix != "pool" or not number.isdecimal():
        return str(pool.name)
    return pool_name(pool_database(pool) or connected_database(connection, "postgresql"))


def look(pool: Any, connections: list[Any]) -> State | None:  # noqa: ANN401 - as above
    """Return how a pool is; a client whose wait is over stays in the queue until the next connection is free."""
    if pool.closed:
        return None
    pending = sum([not (client.conn or client.error) for client in pool._waiting.copy()])  # noqa: SLF001 - `get_stats` counts all
    most = pool.max_size or None
    idle = len(pool._pool)  # noqa: SLF001 - as in `get_stats`
    most_idle = 0 if "NullConnection" in type(pool).__name__ else most
    return State(sum(map(borrowed, connections)), idle, pending, most, most_idle, pool.min_size)


def taken(began: float, connection: Any, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `getconn(self, …)`
    """Measure the wait for a connection."""
    POOLS.taken(began, args[0], connection, connection.__dict__)


def refused(_began: float, error: BaseException, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - as above
    """Count a wait that was too long."""
    if type(error).__name__ == "PoolTimeout":
        POOLS.timed_out(args[0])


def given_back(began: float, _result: None, args: Any, kwargs: Any) -> None:  # noqa: ANN401 - of `putconn(self, conn)`
    """Measure the use of a connection."""
    connection = args[1] if len(args) > 1 else kwargs["conn"]
    POOLS.given_back(began, args[0], connection.__dict__)


def made(began: float, connection: Any, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `_connect(self, …)`
    """Measure the opening of a connection, with the application's `configure`."""
    POOLS.made(began, args[0], connection)


def closing(pool: Any) -> Callable[[], Any]:  # noqa: ANN401 - as above
    """Return what closes a pool, and a coroutine function where the pool is asynchronous."""
    close: Callable[[], Any] = pool.close
    return close


POOLS = Pools("psycopg_pool", called, look, follow=True, closing=closing)


def _pool(name: str) -> tuple[Patch, ...]:
    return (
        Time(f"psycopg_pool:{name}.getconn", taken, refused),
        Time(f"psycopg_pool:{name}.putconn", given_back),
        Time(f"psycopg_pool:{name}._connect", made, optional=True),
    )


INSTRUMENTATION = Instrumentation(
    name="psycopg_pool",
    requires="psycopg-pool>=3.1,<4",
    patches=(Custom("psycopg_pool", POOLS.watch), *_pool("ConnectionPool"), *_pool("AsyncConnectionPool")),
    modules=("psycopg_pool",),
)
