"""A script that forks as it is told; each process makes a span named after itself and counts its queries."""

import asyncio
import concurrent.futures
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
import time
from typing import Any

COUNT = 10


def work(name: str = "child") -> int:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"SELECT 1 AS {name}").fetchall()
    connection.close()
    return os.getpid()


def slow_work(name: str = "child") -> int:
    time.sleep(0.1)
    return work(name)


def processes(method: str) -> None:
    context = multiprocessing.get_context(method)
    children: list[Any] = [context.Process(target=work) for _ in range(COUNT)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    sys.stdout.write(f"{[child.exitcode for child in children]}\n")


def fork() -> None:
    processes("fork")


def spawn() -> None:
    processes("spawn")


def forkserver() -> None:
    processes("forkserver")


def pool() -> None:
    with multiprocessing.get_context("fork").Pool(2) as workers:
        done = workers.map(slow_work, ["child"] * COUNT, chunksize=1)
    sys.stdout.write(f"{len(done)}\n")


def closed(method: str, tasks: int | None = None) -> None:
    with multiprocessing.get_context(method).Pool(2, maxtasksperchild=tasks) as workers:
        done = workers.map(slow_work, ["child"] * COUNT, chunksize=1)
        workers.close()
        workers.join()
    sys.stdout.write(f"{len(done)}\n")


def pool_closed() -> None:
    closed("fork")


def pool_of_short_lives() -> None:
    closed("fork", tasks=1)


def pool_spawned() -> None:
    closed("spawn")


def pool_of_a_server() -> None:
    closed("forkserver")


def executor() -> None:
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as workers:
        done = list(workers.map(slow_work, ["child"] * COUNT))
    sys.stdout.write(f"{len(done)}\n")


def bare() -> None:
    """Children of `os.fork` that return normally."""
    for _ in range(COUNT):
        if not os.fork():
            work()
            return
    sys.stdout.write(f"{[os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(COUNT)]}\n")


def killed() -> None:
    """Children that are sent SIGTERM as soon as they are started, and the parent lives."""
    children = [multiprocessing.get_context("fork").Process(target=time.sleep, args=(30,)) for _ in range(COUNT)]
    for child in children:
        child.start()
        child.terminate()
    for child in children:
        child.join()
    for _ in range(COUNT):
        work()
    sys.stdout.write(f"{[child.exitcode for child in children]}\n")


def first_import() -> None:
    """A child that imports the library the parent never has."""
    multiprocessing.get_context("fork").Process(target=work).start()


def preexec() -> None:
    for _ in range(COUNT):
        subprocess.run(["true"], preexec_fn=os.setpgrp, check=True)  # noqa: S607 - whichever is there
        work()


def storm() -> None:
    """Fork from several threads while others record."""
    stop = threading.Event()

    def record() -> None:
        while not stop.is_set():
            work("record")

    def fork_and_wait() -> None:
        for _ in range(25):
            child = os.fork()
            if not child:
                os._exit(0)
            os.waitpid(child, 0)

    recorders = [threading.Thread(target=record) for _ in range(2)]
    forkers = [threading.Thread(target=fork_and_wait) for _ in range(4)]
    for thread in (*recorders, *forkers):
        thread.start()
    for thread in forkers:
        thread.join()
    stop.set()
    sys.stdout.write("done\n")


def waiting() -> None:
    """Record, fork, and do nothing more until somebody ends it."""
    work("late")
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    sys.stdout.write("waiting\n")
    sys.stdout.flush()
    time.sleep(60)


def family() -> None:
    """Work in each kind of child: forked, spawned, of the fork server, and a program started on its own."""
    for method in ("fork", "spawn", "forkserver"):
        child: Any = multiprocessing.get_context(method).Process(target=work, args=(method,))
        child.start()
        child.join()
    subprocess.run([sys.executable, __file__, "alone"], check=True)
    work("parent")


def alone() -> None:
    """Do nothing but what every run of this script does first."""


def in_a_span() -> None:
    from opentelemetry import trace

    with trace.get_tracer("service").start_as_current_span("parent"):
        fork()


def after_a_loop() -> None:
    async def main() -> None:
        work("loop")

    asyncio.run(main())
    fork()


if __name__ == "__main__":
    if sys.argv[1] != "first_import":
        work("parent")
        time.sleep(0.2)
    globals()[sys.argv[1]]()
