"""The pools of psycopg2: part of the instrumentation of psycopg2.

Who finds no connection is turned away at once, so that nobody waits, and nobody in vain.
Metrics: `db.client.connection.*`.
Source: https://opentelemetry.io/docs/specs/semconv/database/database-metrics/#connection-pools (version 1.37.0);
lib/pool.py (2.9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, Time
from platform_instrument.engine.pools import Pools
from platform_instrument.semantics.database import connected_database
from platform_instrument.semantics.pools import State, pool_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Patch


def called(_pool: Any, connection: Any) -> str:  # noqa: ANN401 - psycopg2.pool.AbstractConnectionPool, a connection of it
    """Return the name of the database; the pool has none."""
    return pool_name(connected_database(connection, "postgresql"))


def look(pool: Any, _connections: list[Any]) -> State | None:  # noqa: ANN401 - as above
    """Return how a pool is; what is given back is closed where `minconn` are idle already."""
    if pool.closed:
        return None
    return State(len(pool._used), len(pool._pool), 0, pool.maxconn, pool.minconn, pool.minconn)  # noqa: SLF001 - not told otherwise


def closing(pool: Any) -> Callable[[], Any]:  # noqa: ANN401 - as above
    """Return what closes a pool."""
    close: Callable[[], Any] = pool.closeall
    return close


def made(began: float, connection: Any, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `_connect(self, key)`
    """Measure the opening of a connection."""
    POOLS.made(began, args[0], connection)


def taken(began: float, connection: Any, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `getconn(self, key)`
    """Measure the time it took to have a connection; one that has its key already is not taken again."""
    fields = _fields(connection)
    if not fields.get(_TAKEN):
        fields[_TAKEN] = True
        POOLS.taken(began, args[0], connection, fields)


def given_back(began: float, _result: None, args: Any, kwargs: Any) -> None:  # noqa: ANN401 - of `putconn(self, conn, …)`
    """Measure the use of a connection."""
    fields = _fields(args[1] if len(args) > 1 else kwargs["conn"])
    fields[_TAKEN] = False
    POOLS.given_back(began, args[0], fields)


def _fields(connection: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Return where a connection remembers; one that the library's own class has made does not."""
    return getattr(connection, "__dict__", {})


_TAKEN = "_platform_instrument_taken"

POOLS = Pools("psycopg2", called, look, closing=closing)

_KINDS = ("SimpleConnectionPool", "ThreadedConnectionPool")

POOLED: tuple[Patch, ...] = (
    Custom("psycopg2.pool", POOLS.watch),
    Time("psycopg2.pool:AbstractConnectionPool._connect", made),
    *[Time(f"psycopg2.pool:{kind}.getconn", taken) for kind in _KINDS],
    *[Time(f"psycopg2.pool:{kind}.putconn", given_back) for kind in _KINDS],
)
