"""asyncpg: whether its servers answer, by a query over a connection of a pool; not observed.

Only with probes. A pool has no room for a weak reference; its queue, which lives as long, has.
Source: asyncpg/pool.py (0.27 to 0.32).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.runtime.health.dependencies import Clients, at_home, spare
from platform_instrument.semantics.pools import waiting
from platform_instrument.semantics.postgresql import asyncpg_database

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_POOL = "_platform_instrument_checked"


async def ask(queue: Any, _seconds: float) -> None:  # noqa: ANN401 - a pool's queue
    """Send a query; asyncpg's errors where it is not answered."""
    pool = queue.__dict__[_POOL]
    connection = await pool.acquire()
    try:
        await connection.execute("SELECT 1")
    except BaseException:
        connection.terminate()
        raise
    finally:
        await pool.release(connection)


def room(queue: Any) -> bool | None:  # noqa: ANN401 - as above
    """Say whether a connection can be spared; None where the pool is closed."""
    pool = queue.__dict__[_POOL]
    if pool._closed or pool._closing:  # noqa: SLF001 - there is no public way to it
        return None
    used = pool.get_size() - pool.get_idle_size()
    return bool(pool._initialized) and not waiting(queue._getters) and spare(used, pool.get_max_size())  # noqa: SLF001 - as above


def initialized(call: Call, _result: Any) -> None:  # noqa: ANN401 - the pool, None where it was initialized before
    """Take a pool that has its first connections."""
    pool = call.args[0]
    queue = pool._queue  # noqa: SLF001 - as above
    if _POOL in queue.__dict__:
        return
    queue.__dict__[_POOL] = pool
    connection = next((each._con for each in pool._holders if each._con is not None), None)  # noqa: SLF001 - as above
    where = asyncpg_database(connection) if connection is not None else None
    CLIENTS.found(queue, "postgresql", where, asynchronous=True, loop=pool._loop)  # noqa: SLF001 - as above


def connecting(call: Call) -> None:
    """Note where a pool is at home."""
    at_home(call.args[0]._pool._queue)  # noqa: SLF001 - of a holder


CLIENTS = Clients("asyncpg", room, ask_soon=ask)

INSTRUMENTATION = Instrumentation(
    name="asyncpg_checks",
    requires="asyncpg>=0.27,<1",
    patches=(
        Custom("asyncpg.pool", CLIENTS.watch),
        EditResult("asyncpg.pool:Pool._initialize", initialized),
        EditCall("asyncpg.pool:PoolConnectionHolder.connect", connecting),
    ),
    modules=("asyncpg",),
    settings=("probes", "admin_port"),
)
