"""Thread pools and tasks: how many threads there are, what waits for one, how many asyncio tasks exist.

Seen from outside, without a reference to a task or a job, and only where the library is imported already.
Pools of `concurrent.futures`, asyncio's own among them, and anyio's, in which synchronous handlers of Starlette and FastAPI run.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from platform_instrument.core.values import UP_DOWN_COUNTER, Instrument
from platform_instrument.runtime.metrics.series import put, series

if TYPE_CHECKING:
    from collections.abc import Iterator

_POOL = "platform.thread_pool.kind"


def _of_pools(name: str, description: str, unit: str) -> Instrument:
    """Return the declaration of what is asked of thread pools, by their kind."""
    name = f"platform.thread_pool.{name}"
    return Instrument(name, description, unit=unit, kind=UP_DOWN_COUNTER, constant=(_POOL,), observable=True)


THREADS = _of_pools("thread.count", "Threads of pools, idle ones included.", "{thread}")
LIMIT = _of_pools("thread.limit", "Threads that may work at the same time, where a pool says it.", "{thread}")
QUEUE = _of_pools("queue.size", "Calls that wait for a thread of a pool.", "{call}")
TASKS = Instrument(
    "platform.asyncio.task.count",
    "Tasks that are not finished, or whose result is still held.",
    unit="{task}",
    kind=UP_DOWN_COUNTER,
    observable=True,
)

ASYNCIO, FUTURES, ANYIO = "asyncio", "concurrent.futures", "anyio"


class Pool(NamedTuple):
    """The pools of one kind, together."""

    threads: int = 0
    waiting: int = 0
    limit: int | None = None


_cells = {
    kind: (series(THREADS, (_POOL, kind)), series(QUEUE, (_POOL, kind)), series(LIMIT, (_POOL, kind)))
    for kind in (ASYNCIO, FUTURES, ANYIO)
}
_tasks = series(TASKS)


def observe() -> None:
    """Look at the pools that there are; one that was there once and is gone has nothing."""
    pools = {**_executors(sys.modules.get("concurrent.futures.thread")), ANYIO: _anyio(sys.modules.get("anyio.lowlevel"))}
    for kind, (threads, queue, limit) in _cells.items():
        pool = pools.get(kind) or (Pool() if threads.touched else None)
        put(threads, pool and pool.threads)
        put(queue, pool and pool.waiting)
        put(limit, pool and pool.limit)
    put(_tasks, _count_tasks(sys.modules.get("asyncio.tasks")))


def _executors(module: Any) -> dict[str, Pool]:  # noqa: ANN401 - `concurrent.futures.thread`
    """Return the pools of `ThreadPoolExecutor`, told apart by their threads' names.

    Source: concurrent/futures/thread.py `_threads_queues` (3.9 to 3.14).
    """
    queues = getattr(module, "_threads_queues", None)
    if not queues:
        return {}
    found: dict[str, tuple[list[Any], dict[int, Any]]] = {}
    for reference, queue in queues.data.copy().items():  # a copy is made at once, while threads come and go
        thread = reference()
        if thread is not None and thread.is_alive():
            threads, waiting = found.setdefault(ASYNCIO if thread.name.startswith("asyncio_") else FUTURES, ([], {}))
            threads.append(thread)
            waiting[id(queue)] = queue
    return {
        kind: Pool(len(threads), sum(queue.qsize() for queue in waiting.values())) for kind, (threads, waiting) in found.items()
    }


def _anyio(module: Any) -> Pool | None:  # noqa: ANN401 - `anyio.lowlevel`
    """Return the worker threads of anyio, None where none was asked for.

    Source: anyio/lowlevel.py `RunVar`, anyio/_backends/_asyncio.py `_threadpool_workers`, `_default_thread_limiter` (3 and 4).
    """
    pool = None
    for limiter, workers in _of_loops(getattr(module, "_run_vars", None)):
        before = pool or Pool(limit=0)
        total = limiter.total_tokens
        limit = None if before.limit is None or total == float("inf") else before.limit + int(total)
        pool = Pool(before.threads + len(workers), before.waiting + len(getattr(limiter, "_wait_queue", ())), limit)
    return pool


def _of_loops(run_vars: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - anyio's
    """Return limiter and worker threads of each event loop."""
    for values in run_vars.data.copy().values() if run_vars else ():
        named = {getattr(key, "_name", key): value for key, value in values.copy().items()}
        if "_default_thread_limiter" in named:
            yield named["_default_thread_limiter"], named.get("_threadpool_workers", ())


def _count_tasks(module: Any) -> int | None:  # noqa: ANN401 - `asyncio.tasks`
    """Count the tasks of all loops by the length of what asyncio remembers them in.

    Source: asyncio/tasks.py `_all_tasks` (to 3.11), `_scheduled_tasks` and `_eager_tasks` (3.12, 3.13).
    """
    if module is None or sys.version_info >= (3, 14):
        return None
    tasks: Any = getattr(module, "_all_tasks" if sys.version_info < (3, 12) else "_scheduled_tasks")
    return len(tasks) + len(getattr(module, "_eager_tasks", ()))
