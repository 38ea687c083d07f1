"""A script whose processes count queries as they are told; it says what it has done, then waits until its input ends."""

import contextlib
import multiprocessing
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from typing import Any

COUNT = 10


def work(times: int = 1) -> int:
    connection = sqlite3.connect(":memory:")
    for _ in range(times):
        connection.execute("SELECT 1").fetchall()
    connection.close()
    return os.getpid()


def slow_work(_number: int) -> int:
    time.sleep(0.05)
    return work()


def say(count: int) -> None:
    sys.stdout.write(f"{count}\n")
    sys.stdout.flush()
    sys.stdin.read()


def seventeen() -> None:
    """Five in the parent, then one in each of two children, which upstream makes seventeen of."""
    work(5)
    for _ in range(2):
        if not os.fork():
            work()
            sys.exit(0)
    for _ in range(2):
        os.wait()
    say(7)


def before_and_after() -> None:
    """Count before a fork, in the child and after it."""
    work(4)
    if not os.fork():
        work(2)
        sys.exit(0)
    os.wait()
    work()
    say(7)


def pool(method: str, tasks: int | None = None) -> None:
    with multiprocessing.get_context(method).Pool(2, maxtasksperchild=tasks) as workers:
        workers.map(slow_work, range(COUNT), chunksize=1)
        workers.close()
        workers.join()
    say(COUNT)


def pool_forked() -> None:
    pool("fork")


def pool_spawned() -> None:
    pool("spawn")


def pool_of_a_server() -> None:
    pool("forkserver")


def pool_of_short_lives() -> None:
    pool("fork", tasks=1)


def living() -> None:
    """Children that are alive while the parent is scraped."""
    context = multiprocessing.get_context("fork")
    end = context.Event()

    def child() -> None:
        work(3)
        end.wait()

    children: list[Any] = [context.Process(target=child) for _ in range(3)]
    for each in children:
        each.start()
    say(9)
    end.set()


def storm() -> None:
    """Fork from several threads while others record and everything is scraped."""
    from opentelemetry import metrics  # a lock of SQLite's would be copied with a fork, whoever is there

    counter = metrics.get_meter("storm").create_counter("work")
    stop = threading.Event()
    counted = [0, 0]

    def record(place: int) -> None:
        while not stop.is_set():
            counted[place] += 1
            counter.add(1)
            time.sleep(0.001)

    def fork_and_wait() -> None:
        for _ in range(25):
            child: Any = multiprocessing.get_context("fork").Process(target=counter.add, args=(1,))
            child.start()
            child.join()

    recorders = [threading.Thread(target=record, args=(place,)) for place in range(2)]
    forkers = [threading.Thread(target=fork_and_wait) for _ in range(4)]
    for thread in (*recorders, *forkers):
        thread.start()
    for thread in forkers:
        thread.join()
    stop.set()
    for thread in recorders:
        thread.join()
    say(sum(counted) + 100)


def closing() -> None:
    """Close whatever is open, as a daemon does, then open so much that every number is given again."""
    work(2)
    time.sleep(1.5)
    os.closerange(3, 4_096)
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(700)]
    work(3)
    time.sleep(1.5)
    assert all(os.fstat(file).st_rdev == os.fstat(files[0]).st_rdev for file in files)
    say(5)


def closing_worker() -> None:
    """Count in a child which closes whatever is open, where the parent has the common memory still, and counts on."""
    work(2)
    if not os.fork():
        work(3)
        time.sleep(2.5)
        os.closerange(3, 4_096)
        work(4)
        while os.getppid() != 1:
            time.sleep(0.05)
        os._exit(0)
    time.sleep(3)
    say(9)


def daemon() -> None:
    """Leave the process that was started and close whatever was open, before the work begins."""
    work(2)
    time.sleep(1)
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(3, 4_096)
    work(3)
    if not os.fork():
        work(4)
        while os.getppid() != 1:
            time.sleep(0.05)
        os._exit(0)
    say(7)


def idle() -> None:
    """Do nothing at all."""
    say(0)


def full() -> None:
    """Open all that may be open while a scrape comes; say for how many milliseconds the processor was busy in a second."""
    time.sleep(1.5)
    files = []
    with contextlib.suppress(OSError):
        while True:
            files.append(os.open(os.devnull, os.O_RDONLY))
    os.close(files.pop())
    with socket.socket() as client:
        before = time.process_time()
        client.connect(("127.0.0.1", int(os.environ["OTEL_EXPORTER_PROMETHEUS_PORT"])))
        time.sleep(1)
        busy = time.process_time() - before
    for file in files:
        os.close(file)
    say(int(busy * 1_000))


def supervisor() -> None:
    """Start two services, each with a worker of its own."""
    services = [
        subprocess.Popen(
            [sys.executable, __file__, "service"],
            env={**os.environ, "OTEL_SERVICE_NAME": name, "OTEL_EXPORTER_PROMETHEUS_PORT": port},
            stdin=subprocess.PIPE,
        )
        for name, port in (argument.split("=") for argument in sys.argv[2:])
    ]
    say(0)
    for service in services:
        assert service.stdin is not None
        service.stdin.close()
        service.wait()


def service() -> None:
    name = os.environ["OTEL_SERVICE_NAME"]
    work(len(name))
    child: Any = multiprocessing.get_context("spawn").Process(target=work, args=(len(name),))
    child.start()
    child.join()
    sys.stdin.read()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
