"""redis-py's pools of connections, sync and async, blocking ones too: part of the instrumentation of redis-py.

A connection of a pool stays in it while it is not connected, and then is not counted. A pool is watched from the first
connection on that is asked of it; one that is disconnected is no more until then.
redis-py 7.2 and later measure some of this too where the application asks for it: what leaves with ours gives way to ours, by its
name (`telemetry/meters`); what the application reads by itself is left to it.
Source: redis/connection.py, redis/asyncio/connection.py (4.5 to 8.1).
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, Time
from platform_instrument.engine.pools import Pools
from platform_instrument.semantics.pools import pool_name
from platform_instrument.semantics.redis import pool_database, pool_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Call, Patch
    from platform_instrument.semantics.pools import State

_BEGUN = "_platform_instrument_connecting"  # where a connection remembers when it was begun
_CONNECTIONS = ("Connection", "UnixDomainSocketConnection")


def called(pool: Any, _connection: Any) -> str:  # noqa: ANN401 - a pool of redis-py
    """Return the name of the database; that of a sentinel's service stands for its address."""
    where = pool_database(pool)
    service = getattr(pool, "service_name", None)
    return f"{service}/{where.namespace}" if service else pool_name(where)


def look(pool: Any, _connections: list[Any]) -> State:  # noqa: ANN401 - as above
    """Return how a pool is."""
    return pool_state(pool)


def taken(began: float, connection: Any, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `get_connection(self, …)`
    """Measure the wait for a connection, and the opening of it where it was opened meanwhile."""
    fields = connection.__dict__
    POOLS.taken(began, args[0], connection, fields)
    if _BEGUN in fields:
        begun = fields.pop(_BEGUN)
        if begun > began:
            POOLS.made(begun, args[0], connection)


def refused(_began: float, error: BaseException, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - as above
    """Count a wait that was too long, which only its text tells from other errors."""
    if error.args == ("No connection available.",):
        POOLS.timed_out(args[0])


def given_back(began: float, _result: None, args: Any, kwargs: Any) -> None:  # noqa: ANN401 - of `release(self, connection)`
    """Measure the use of a connection."""
    connection = args[1] if len(args) > 1 else kwargs["connection"]
    POOLS.given_back(began, args[0], connection.__dict__)


def connecting(call: Call) -> None:
    """Note when a connection is begun to be opened: a socket, and then whatever is asked before the first command."""
    call.args[0].__dict__[_BEGUN] = perf_counter()


def disconnected(call: Call) -> None:
    """Let a pool vanish whose connections are all closed."""
    if call.argument(1, "inuse_connections", default=True):
        POOLS.closed(call.args[0])


def closing(pool: Any) -> Callable[[], Any]:  # noqa: ANN401 - as above
    """Return what closes the connections of a pool, a coroutine function where the pool is asynchronous."""
    disconnect: Callable[[], Any] = pool.disconnect
    return disconnect


POOLS = Pools("redis", called, look, closing=closing)


def _pools(module: str) -> tuple[Patch, ...]:
    kinds = [f"{module}:{name}" for name in ("ConnectionPool", "BlockingConnectionPool")]
    return (
        *[Time(f"{kind}.get_connection", taken, refused, optional=True) for kind in kinds],
        *[Time(f"{kind}.release", given_back, optional=True) for kind in kinds],
        *[EditCall(f"{kind}.disconnect", disconnected, optional=True) for kind in kinds],
        *[EditCall(f"{module}:{name}._connect", connecting, optional=True) for name in _CONNECTIONS],
    )


def pooled(library: str) -> tuple[Patch, ...]:
    """Return what is measured of the pools of a library of this shape, sync and async."""
    return (
        Custom(f"{library}.connection", POOLS.watch),
        *_pools(f"{library}.connection"),
        *_pools(f"{library}.asyncio.connection"),
    )
