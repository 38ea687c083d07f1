"""Threads of pools, what waits for them, and tasks are those that a test has planted."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.runtime.metrics import threads
from platform_instrument.runtime.metrics.threads import ANYIO, ASYNCIO, FUTURES

if TYPE_CHECKING:
    from collections.abc import Callable


def observed(kind: str) -> tuple[Any, Any, Any]:
    """Return threads, waiting calls and limit of the pools of a kind; None where nothing is told."""
    threads.observe()
    return tuple(cell.value if cell.touched else None for cell in threads._cells[kind])  # type: ignore[return-value]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_threads_and_waiting_calls_of_executors_are_counted_together() -> None:
    before, waiting, _ = observed(FUTURES)
    before, waiting = before or 0, waiting or 0
    release = threading.Event()
    with ThreadPoolExecutor(2) as first, ThreadPoolExecutor(3) as second:
        for _ in range(7):
            first.submit(release.wait)
        for _ in range(4):
            second.submit(release.wait)
        until(lambda: first._work_queue.qsize() == 5 and second._work_queue.qsize() == 1)
        assert observed(FUTURES) == (before + 5, waiting + 6, None)
        release.set()
    until(lambda: observed(FUTURES) == (before, waiting, None))


def test_the_executor_of_a_loop_is_told_apart() -> None:
    release = threading.Event()

    async def main() -> tuple[Any, Any, Any]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(2, thread_name_prefix="asyncio"))
        waiting = [loop.run_in_executor(None, release.wait) for _ in range(5)]
        await asyncio.sleep(0.05)
        seen = observed(ASYNCIO)
        release.set()
        await asyncio.gather(*waiting)
        return seen

    assert asyncio.run(main()) == (2, 3, None)


def test_the_pool_of_fastapi_says_what_it_may_and_what_waits() -> None:
    anyio = pytest.importorskip("anyio")
    release = threading.Event()

    async def main() -> tuple[Any, Any, Any]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 3
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(anyio.to_thread.run_sync, release.wait)
            await anyio.sleep(0.1)
            seen = observed(ANYIO)
            release.set()
        return seen

    assert anyio.run(main) == (3, 5, 3)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="tasks cannot be counted from outside any more")
def test_tasks_are_those_that_exist_and_none_is_kept_alive() -> None:
    async def main() -> tuple[float, float, bool]:
        threads.observe()
        before = threads._tasks.value
        planted = [asyncio.create_task(asyncio.sleep(30)) for _ in range(50)]
        await asyncio.sleep(0)
        threads.observe()
        during = threads._tasks.value
        alive = weakref.ref(planted[0])
        for task in planted:
            task.cancel()
        await asyncio.gather(*planted, return_exceptions=True)
        del task
        planted.clear()
        await asyncio.sleep(0.01)  # the loop lets go of what it has called
        gc.collect()
        return before, during, alive() is None

    before, during, gone = asyncio.run(main())
    assert during == before + 50
    assert before >= 1
    assert gone


def test_while_threads_come_and_go_there_is_no_fault() -> None:
    stop = time.monotonic() + 1
    failed: list[BaseException] = []

    def churn() -> None:
        while time.monotonic() < stop:
            with ThreadPoolExecutor(4) as pool:
                for _ in range(8):
                    pool.submit(int)

    def look() -> None:
        try:
            while time.monotonic() < stop:
                threads.observe()
        except BaseException as error:
            failed.append(error)
            raise

    running = [threading.Thread(target=work) for work in (churn, churn, look, look)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert not failed
