"""redis-py: whether its servers answer, by a PING over a connection of a pool, sync and async; not observed.

Only with probes. A pool that raises when it is exhausted is left a quarter of its connections.
Source: redis/connection.py, redis/asyncio/connection.py (4.5 to 8.1).
"""

from __future__ import annotations

from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.runtime.health.dependencies import Clients, at_home, spare
from platform_instrument.semantics.redis import pool_database, pool_state

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Patch


def ask(pool: Any, _seconds: float) -> None:  # noqa: ANN401 - redis.ConnectionPool
    """Send a PING; redis-py's errors where no PONG comes."""
    connection = pool.get_connection(*_named(pool))
    try:
        connection.send_command("PING", check_health=False)
        connection.read_response()
    except BaseException:
        connection.disconnect()
        raise
    finally:
        pool.release(connection)


async def ask_soon(pool: Any, _seconds: float) -> None:  # noqa: ANN401 - redis.asyncio.ConnectionPool
    """Send a PING; redis-py's errors where no PONG comes."""
    connection = await pool.get_connection(*_named(pool))
    try:
        await connection.send_command("PING", check_health=False)
        await connection.read_response()
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    finally:
        await pool.release(connection)


def _named(pool: Any) -> tuple[str, ...]:  # noqa: ANN401 - as above
    """Return the command's name, which redis-py wants to be told before 5.3, and complains of afterwards."""
    first = next(iter(signature(pool.get_connection).parameters.values()))
    return ("PING",) if first.default is Parameter.empty else ()


def room(pool: Any) -> bool:  # noqa: ANN401 - as above
    """Say whether a connection can be spared."""
    state = pool_state(pool)
    return not state.pending and spare(state.used, state.most, waits=hasattr(pool, "timeout"))


def made(call: Call, _result: None) -> None:
    """Take a pool that a client has made, or that is shared by several."""
    _found(call.instance, asynchronous=False)


def made_async(call: Call, _result: None) -> None:
    """Take a pool of an asynchronous client."""
    _found(call.instance, asynchronous=True)


def connecting(call: Call) -> None:
    """Note where the connections of a pool are at home."""
    at_home(call.instance)


def _found(pool: Any, *, asynchronous: bool) -> None:  # noqa: ANN401 - as above
    """Take a pool; one of a sentinel, which knows the address, is called by its service, once it is made as a whole."""
    name, service = "", getattr(pool, "service_name", None)
    if hasattr(pool, "is_master"):
        if service is None:
            return
        name = f"{service}/{pool_database(pool).namespace}{'' if pool.is_master else ' replica'}"
    where = pool_database(pool)
    CLIENTS.found(pool, where.system, where, name=name, asynchronous=asynchronous)


CLIENTS = Clients("redis", room, ask, ask_soon)


def checks(library: str) -> tuple[Patch, ...]:
    """Return what finds the pools of a library of this shape, sync and async."""
    return (
        Custom(f"{library}.connection", CLIENTS.watch),
        EditResult(f"{library}.connection:ConnectionPool.__init__", made),
        EditResult(f"{library}.asyncio.connection:ConnectionPool.__init__", made_async),
        EditResult(f"{library}.sentinel:SentinelConnectionPool.__init__", made, optional=True),
        EditResult(f"{library}.asyncio.sentinel:SentinelConnectionPool.__init__", made_async, optional=True),
        EditCall(f"{library}.asyncio.connection:ConnectionPool.make_connection", connecting),
    )


INSTRUMENTATION = Instrumentation(
    name="redis_checks",
    requires="redis>=4.5,<9",
    patches=checks("redis"),
    modules=("redis",),
    settings=("probes", "admin_port"),
)
