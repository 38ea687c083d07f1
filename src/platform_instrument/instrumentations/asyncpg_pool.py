"""The pools of asyncpg: part of the instrumentation of asyncpg.

A pool has no room to remember anything; its queue, which lives as long, has. A holder is a place in a pool, and has a
connection for a time.
Metrics: `db.client.connection.*`.
Source: https://opentelemetry.io/docs/specs/semconv/database/database-metrics/#connection-pools (version 1.37.0);
asyncpg/pool.py (0.27 to 0.32).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, Time
from platform_instrument.engine.pools import Pools
from platform_instrument.semantics.pools import State, pool_name, waiting
from platform_instrument.semantics.postgresql import asyncpg_database

if TYPE_CHECKING:
    from collections.abc import Callable

_POOL = "_platform_instrument_of"
_HOLDERS = "_platform_instrument_holders"


def called(_queue: Any, holder: Any) -> str:  # noqa: ANN401 - a pool's queue, a holder
    """Return the name of the database, as its first connection says it."""
    connection = getattr(holder, "_con", None)
    return "postgresql" if connection is None else pool_name(asyncpg_database(connection))


def look(queue: Any, _holders: list[Any]) -> State | None:  # noqa: ANN401 - as above
    """Return how a pool is."""
    pool = queue.__dict__[_POOL]
    if pool._closed:  # noqa: SLF001 - `is_closing` is true while connections are still in use
        return None
    size, idle = pool.get_size(), pool.get_idle_size()
    most = pool.get_max_size()
    return State(size - idle, idle, waiting(queue._getters), most, most, pool.get_min_size())  # noqa: SLF001 - of asyncio.Queue


def taken(began: float, proxy: Any, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `_acquire(self, timeout)`
    """Measure the wait for a connection."""
    holder = proxy._holder  # noqa: SLF001 - there is no public way to it
    queue = _queue(args[0])
    POOLS.taken(began, queue, holder, queue.__dict__[_HOLDERS].setdefault(holder, {}))


def refused(_began: float, error: BaseException, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - as above
    """Count a wait that was too long."""
    if type(error).__name__ == "TimeoutError":
        POOLS.timed_out(_queue(args[0]))


def given_back(began: float, _result: None, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `_release(self)` of a holder
    """Measure the use of a connection; this is called for those too that are not in use."""
    queue = _queue(args[0]._pool)  # noqa: SLF001 - there is no public way to it
    POOLS.given_back(began, queue, queue.__dict__[_HOLDERS].get(args[0], {}))


def made(began: float, _result: None, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `connect(self)` of a holder
    """Measure the opening of a connection, with the application's `init`."""
    POOLS.made(began, _queue(args[0]._pool), args[0])  # noqa: SLF001 - as above


def _queue(pool: Any) -> Any:  # noqa: ANN401 - asyncpg.Pool
    queue = pool._queue  # noqa: SLF001 - as above
    if _POOL not in queue.__dict__:
        queue.__dict__[_HOLDERS] = {}
        queue.__dict__[_POOL] = pool
    return queue


def closing(queue: Any) -> Callable[[], Any]:  # noqa: ANN401 - as above
    """Return the coroutine function that closes a pool."""
    close: Callable[[], Any] = queue.__dict__[_POOL].close
    return close


POOLS = Pools("asyncpg", called, look, closing=closing)

POOLED = (
    Custom("asyncpg.pool", POOLS.watch),
    Time("asyncpg.pool:Pool._acquire", taken, refused),
    Time("asyncpg.pool:PoolConnectionHolder._release", given_back),
    Time("asyncpg.pool:PoolConnectionHolder.connect", made),
)
