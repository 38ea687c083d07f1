"""A script that records three spans and leaves as it is told; it says "ready" where a signal is to be sent to it."""

import asyncio
import atexit
import logging
import os
import signal
import sys
import threading
import time

import_first = sys.argv[1] in {"handler_first", "ignored"}
if import_first:
    signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[1] == "ignored" else lambda *_: sys.exit(11))

import sqlite3  # noqa: E402 - after the handler

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")


def work(count: int = 3) -> None:
    connection = sqlite3.connect(":memory:")
    for _ in range(count):
        connection.execute("SELECT 1").fetchall()
    connection.close()


def ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def wait() -> None:
    ready()
    while True:
        time.sleep(60)


def end() -> None:
    """Return from main."""


def status() -> None:
    sys.exit(7)


def text() -> None:
    sys.exit("the end")


def unhandled() -> None:
    message = "nobody handles this"
    raise RuntimeError(message)


def threads() -> None:
    def late() -> None:
        time.sleep(0.3)
        work(1)

    threading.Thread(target=late).start()


def at_exit() -> None:
    def last() -> None:
        work(1)
        logging.getLogger("leave").info("the last line")

    atexit.register(last)


def daemons() -> None:
    def endless() -> None:
        while True:
            logging.getLogger("daemon").debug("on and on")
            work(1)
            time.sleep(0.001)  # faster, and they would record more than a queue holds

    for _ in range(4):
        threading.Thread(target=endless, daemon=True).start()
    time.sleep(0.1)


def handler_after() -> None:
    def leave(*_: object) -> None:
        sys.stdout.write("handled\n")
        sys.exit(12)

    sys.stdout.write(f"{signal.signal(signal.SIGTERM, leave)!r} {signal.getsignal(signal.SIGTERM) is leave}\n")
    wait()


def handler_first() -> None:
    wait()


def ignored() -> None:
    sys.stdout.write(f"{signal.getsignal(signal.SIGTERM)!r}\n")
    ready()
    time.sleep(1)


def chained() -> None:
    """Call the previous handler where there is one, as many libraries do."""
    previous = signal.getsignal(signal.SIGTERM)

    def leave(number: int, frame: object) -> None:
        if callable(previous):
            previous(number, frame)
        sys.exit(13)

    sys.stdout.write(f"{previous!r}\n")
    signal.signal(signal.SIGTERM, leave)
    wait()


def given_back() -> None:
    """Take the signal for a while, then leave it to the system again."""
    previous = signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGTERM, previous)
    sys.stdout.write(f"{signal.getsignal(signal.SIGTERM)!r}\n")
    wait()


def in_a_loop() -> None:
    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        ready()
        await stop.wait()
        work(1)

    asyncio.run(main())


def in_a_loop_by_default() -> None:
    async def main() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: None)
        ready()
        await asyncio.sleep(60)

    asyncio.run(main())


def waited_for() -> None:
    """Block the signal and wait for it, after records have been made."""
    time.sleep(0.2)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    ready()
    sys.stdout.write(f"{signal.sigwait({signal.SIGTERM})!r}\n")


def by_default() -> None:
    wait()


def blocked_in_a_call() -> None:
    read, _ = os.pipe()
    ready()
    os.read(read, 1)


def joining() -> None:
    endless = threading.Thread(target=time.sleep, args=(60,), daemon=True)
    endless.start()
    ready()
    endless.join()


def in_sqlite() -> None:
    """Be inside one C call that gives up the interpreter's lock."""
    ready()
    sqlite3.connect(":memory:").execute(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    ).fetchone()


def in_re() -> None:
    """Be inside one C call that keeps the interpreter's lock."""
    import re

    ready()
    re.match(r"(a+)+$", "a" * 40 + "b")


work(1)
time.sleep(float(os.environ.get("LEAVE_BETWEEN", "0")))
work(2)
time.sleep(float(os.environ.get("LEAVE_AFTER", "0")))
globals()[sys.argv[1]]()
