"""Scripts that are told to end: what they print, and in which order, is compared with the plain run where both can be."""

import asyncio
import multiprocessing
import os
import signal
import socket
import sqlite3
import sys
import threading
import time
from typing import Any

import platform_instrument


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def work() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("SELECT 1").fetchall()
    connection.close()


def wait() -> None:
    say("ready")
    while True:
        time.sleep(60)


def by_default() -> None:
    work()
    wait()


def handled() -> None:
    """Install a handler late, chain to the one before, ask which is there."""

    def leave(number: int, frame: Any) -> None:
        say(f"handled {number} {frame is not None}")
        work()
        sys.exit(12)

    work()
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    say(repr(before))
    say(str(signal.signal(signal.SIGTERM, leave) is not leave))
    say(str(signal.getsignal(signal.SIGTERM) is leave))
    wait()


def consumer() -> None:
    """Finish what was begun when told to stop."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    say("ready")
    while not stop.is_set():
        time.sleep(0.1)
    time.sleep(0.5)
    work()
    say("finished")


def in_a_loop() -> None:
    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        say("ready")
        await stop.wait()
        work()
        say("stopped")

    asyncio.run(main())


def in_a_loop_by_default() -> None:
    async def main() -> None:
        work()
        say("ready")
        await asyncio.sleep(60)

    asyncio.run(main())


def in_sqlite() -> None:
    """Be inside one C call that gives up the interpreter's lock, before anything was recorded."""
    say("ready")
    sqlite3.connect(":memory:").execute(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    ).fetchone()


def in_sqlite_handled() -> None:
    work()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
    in_sqlite()


def hung_by_the_lock() -> None:
    """Keep the interpreter's lock once told to end."""
    work()
    signal.signal(signal.SIGTERM, lambda *_: sum(range(1 << 62)))
    wait()


def listens() -> None:
    """Listen, so that there is somebody who has to see that it is not ready."""
    with socket.create_server(("127.0.0.1", 0)):
        by_default()


def phases() -> None:
    for phase in ("close", "flush", "drain", "unready"):
        platform_instrument.on_shutdown(lambda phase=phase: say(phase), phase=phase)

    @platform_instrument.on_shutdown
    async def last() -> None:
        await asyncio.sleep(0.01)
        say("coroutine")

    @platform_instrument.on_shutdown(phase="drain", timeout=0.2)
    def hangs() -> None:
        time.sleep(60)

    @platform_instrument.on_shutdown(phase="flush")
    def fails() -> None:
        message = "no reason to stop"
        raise ValueError(message)

    def leave(*_: object) -> None:
        say("handler")
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    work()
    listener = socket.create_server(("127.0.0.1", 0))
    wait()
    listener.close()


def coroutines() -> None:
    """Register coroutine functions that belong to the loop that is running."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)

        @platform_instrument.on_shutdown
        async def close() -> None:
            await asyncio.sleep(0.01)
            say(f"closed in its loop: {asyncio.get_running_loop() is loop}")

        say("ready")
        await stop.wait()

    asyncio.run(main())


def ends_by_itself() -> None:
    platform_instrument.on_shutdown(lambda: say("close"))
    platform_instrument.on_shutdown(lambda: say("drain"), phase="drain")
    work()


def children() -> None:
    """Terminate children of multiprocessing, as a pool does."""
    platform_instrument.on_shutdown(lambda: say(f"closed by the parent: {os.getpid() == parent}"))
    parent = os.getpid()
    context = multiprocessing.get_context("fork")
    work()
    child = context.Process(target=wait)
    child.start()
    time.sleep(0.5)
    began = time.monotonic()
    child.terminate()
    child.join(10)
    say(f"{child.exitcode} {time.monotonic() - began < 1.0}")
    pool = context.Pool(2)
    say(str(pool.map(abs, [-1, -2])))
    pool.close()
    pool.join()


def slow_start() -> None:
    say("ready")
    time.sleep(60)  # an application that is being imported


if __name__ == "__main__":
    globals()[sys.argv[1]]()
