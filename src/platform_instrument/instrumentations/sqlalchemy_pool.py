"""SQLAlchemy's pools, of every class, sync and async: part of the instrumentation of SQLAlchemy.

A record is a place in a pool, and has a connection for a time. It is asked whether it is in use, so that overflow, invalidated
and detached connections are counted as what they are. A pool is watched from the first connection on that is asked of it,
and one whose engine is disposed of is no more.
Source: sqlalchemy/pool/base.py, sqlalchemy/pool/impl.py (1.4 to 2.1).
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditCall, Time
from platform_instrument.engine.pools import Pools
from platform_instrument.semantics.database import KNOWN, Database, connected_database
from platform_instrument.semantics.pools import State, pool_name, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Call

_RECORD = "sqlalchemy.pool.base:_ConnectionRecord"


def called(pool: Any, record: Any) -> str:  # noqa: ANN401 - sqlalchemy.pool.Pool, a record of it
    """Return the name that the application gave, else that of the database."""
    given = getattr(pool, "_orig_logging_name", None)
    if given:
        return str(given)
    known = getattr(pool._dialect, KNOWN, None)  # noqa: SLF001 - of its engine
    if isinstance(known, Database):
        return pool_name(known)
    system = getattr(pool._dialect, "name", None) or "sqlalchemy"  # noqa: SLF001 - none where the pool has no engine
    return pool_name(connected_database(None if record is None else _open(record), system))


def look(pool: Any, records: list[Any]) -> State:  # noqa: ANN401 - sqlalchemy.pool.Pool
    """Return how a pool is."""
    connected = [record.in_use for record in records if _open(record) is not None]
    used = sum(connected)
    return State(used, len(connected) - used, _pending(pool), *_limits(pool))


def _open(record: Any) -> Any:  # noqa: ANN401 - a place in a pool
    """Return the driver's connection of a record; before 1.4.24 it had another name, which now is deprecated."""
    return record.dbapi_connection if hasattr(record, "dbapi_connection") else record.connection


def _pending(pool: Any) -> int:  # noqa: ANN401 - as above
    """Return how many wait in the queue of a pool that has one, of threads or of tasks."""
    queue = getattr(pool, "_pool", None)
    tasks = getattr(queue, "__dict__", {}).get("_queue")
    return waiting(tasks._getters if tasks is not None else getattr(getattr(queue, "not_empty", None), "_waiters", None))  # noqa: SLF001


def _limits(pool: Any) -> tuple[int | None, int | None]:  # noqa: ANN401 - as above
    """Return the most connections of a pool, and the most idle ones."""
    kinds = [kind.__name__ for kind in type(pool).__mro__]
    if "QueuePool" in kinds:
        size, overflow = pool.size(), pool._max_overflow  # noqa: SLF001 - not told otherwise
        return size + overflow if overflow >= 0 else None, size or None
    if "SingletonThreadPool" in kinds:
        return pool.size, pool.size
    if "NullPool" in kinds:
        return None, 0
    return (1, 1) if "StaticPool" in kinds or "AssertionPool" in kinds else (None, None)


def taken(began: float, proxy: Any, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `_checkout(cls, pool, …)`
    """Measure the wait for a connection; a thread that asks for the one it already has does not wait."""
    if proxy._counter == 1:  # noqa: SLF001 - there is no public way to it
        record = proxy._connection_record  # noqa: SLF001 - as above
        POOLS.taken(began, args[1], record, record.__dict__)


def refused(_began: float, error: BaseException, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - as above
    """Count a wait that was too long."""
    kind = type(error)
    if kind.__name__ == "TimeoutError" and kind.__module__ == "sqlalchemy.exc":
        POOLS.timed_out(args[1])


def given_back(began: float, _result: None, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `checkin(self, …)`
    """Measure the use of a connection."""
    record = args[0]
    POOLS.given_back(began, record._ConnectionRecord__pool, record.__dict__)  # noqa: SLF001 - as above


def made(began: float, _result: None, args: Any, _kwargs: Any) -> None:  # noqa: ANN401 - of `__connect(self)`
    """Measure the opening of a connection, with what the dialect asks of the first."""
    POOLS.made(began, args[0]._ConnectionRecord__pool, args[0])  # noqa: SLF001 - as above


def disposed(call: Call) -> None:
    """Let the pool of an engine vanish, which is about to have a new one."""
    POOLS.closed(call.instance.pool)


def closing(pool: Any) -> Callable[[], Any]:  # noqa: ANN401 - as above
    """Return what closes the idle connections of a pool, by a coroutine function where its engine is asynchronous."""
    dispose: Callable[[], Any] = pool.dispose
    if not getattr(pool._dialect, "is_async", False):  # noqa: SLF001 - of its engine
        return dispose
    return partial(sys.modules["sqlalchemy.util.concurrency"].greenlet_spawn, dispose)


POOLS = Pools("sqlalchemy", called, look, follow=True, closing=closing)

POOLED = (
    Custom("sqlalchemy.pool.base", POOLS.watch),
    Time("sqlalchemy.pool.base:_ConnectionFairy._checkout", taken, refused, optional=True),
    Time(f"{_RECORD}.checkin", given_back, optional=True),
    Time(f"{_RECORD}._ConnectionRecord__connect", made, optional=True),
    EditCall("sqlalchemy.engine.base:Engine.dispose", disposed, optional=True),
)
