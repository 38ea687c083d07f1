"""The pools of mysql-connector-python: part of its instrumentation.

Who finds no connection is turned away at once, so that nobody waits, and nobody in vain.
Metrics: `db.client.connection.*`.
Source: https://opentelemetry.io/docs/specs/semconv/database/database-metrics/#connection-pools (version 1.37.0);
mysql/connector/pooling.py (8.1 to 26.10).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, Time
from platform_instrument.engine.pools import Pools, borrowed
from platform_instrument.semantics.mysql import mysql_database
from platform_instrument.semantics.pools import State, pool_name

if TYPE_CHECKING:
    from collections.abc import Callable

_MODULE = "mysql.connector.pooling"


def called(pool: Any, _connection: Any) -> str:  # noqa: ANN401 - a pool, a connection of it
    """Return the name that the application gave, else that of the database: the one that is generated names the user."""
    given = pool._cnx_config  # noqa: SLF001 - there is no public way to it
    if any(key in given for key in ("host", "port", "user", "database")):
        generated = sys.modules[_MODULE].generate_pool_name(**given)
        if pool.pool_name != generated:
            return str(pool.pool_name)
    host, port = given.get("host") or "127.0.0.1", given.get("port") or 3306
    return pool_name(mysql_database(None, given.get("database"), host, port, given.get("unix_socket")))


def look(pool: Any, connections: list[Any]) -> State:  # noqa: ANN401 - as above
    """Return how a pool is."""
    size = pool.pool_size
    return State(sum(map(borrowed, connections)), pool._cnx_queue.qsize(), 0, size, size, size)  # noqa: SLF001 - as above


def closing(pool: Any) -> Callable[[], Any]:  # noqa: ANN401 - as above
    """Return what closes the idle connections of a pool."""
    close: Callable[[], Any] = pool._remove_connections  # noqa: SLF001 - as above
    return close


def taken(began: float, proxy: Any, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `get_connection(self)`
    """Measure the time it took to have a connection, with opening it anew where it was lost."""
    connection = proxy._cnx  # noqa: SLF001 - as above
    POOLS.taken(began, args[0], connection, connection.__dict__)


def added(began: float, _result: None, args: Any, kwargs: Any) -> None:  # noqa: ANN401 - of `add_connection(self, cnx)`
    """Measure the use of a connection, or the opening of one where none was given back."""
    connection = args[1] if len(args) > 1 else kwargs.get("cnx")
    if connection is None:
        POOLS.made(began, args[0], None)
    else:
        POOLS.given_back(began, args[0], connection.__dict__)


POOLS = Pools("mysql", called, look, follow=True, closing=closing)

POOLED = (
    Custom(_MODULE, POOLS.watch),
    Time(f"{_MODULE}:MySQLConnectionPool.get_connection", taken),
    Time(f"{_MODULE}:MySQLConnectionPool.add_connection", added),
)
