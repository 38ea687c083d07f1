"""A thousand tasks and fifty threads that record and log, and the end of the program in their midst, as it is told."""

import asyncio
import atexit
import concurrent.futures
import logging
import queue
import sqlite3
import sys
import threading
import time

logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s", level=logging.WARNING)
logger = logging.getLogger("threaded")


def work(number=0):
    connection = sqlite3.connect(":memory:")
    connection.execute("SELECT 1 AS worked").fetchall()
    connection.close()
    return number


def fifty():
    """End main while fifty threads work on."""
    for _ in range(50):
        threading.Thread(target=lambda: [work() for _ in range(20)]).start()


def tasks():
    async def one(number):
        await asyncio.sleep(0)
        return await asyncio.to_thread(work, number)

    async def main():
        return sum(await asyncio.gather(*[one(number) for number in range(1000)]))

    print(asyncio.run(main()))


def executors():
    pool = concurrent.futures.ThreadPoolExecutor(16)
    print(sum(pool.map(work, range(1000))))
    atexit.register(lambda: print("at exit", work(1)))
    pool.submit(time.sleep, 0.1)


def daemons():
    def endless():
        while True:
            logger.debug("not printed")
            work()

    for _ in range(8):
        threading.Thread(target=endless, daemon=True).start()
    time.sleep(0.2)
    atexit.register(logger.warning, "the last line")


def late():
    """Start threads and log while the interpreter ends."""

    class Last:
        def __del__(self):
            try:
                logger.warning("finalized")
                work()
            except BaseException as error:
                print(type(error).__name__)

    globals()["kept"] = Last()

    def ends():
        logger.warning("at exit")
        work()
        try:
            threading.Thread(target=work).start()
        except RuntimeError as error:
            print(error)

    atexit.register(ends)
    threading._register_atexit(lambda: print("before atexit", work(7)))


def unhandled():
    """Raise in threads, in main and in finalizers."""

    class Raises:
        def __del__(self):
            raise KeyError("finalizer")

    Raises()
    thread = threading.Thread(target=lambda: 1 / 0, name="divides")
    thread.start()
    thread.join()
    work()
    raise ValueError("nobody handles this")


def locked():
    """Fork in one thread while others record, log and hold the locks of logging."""
    import os

    lines = queue.Queue()
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            logger.debug("x")
            lines.put(work())

    for _ in range(8):
        threading.Thread(target=busy, daemon=True).start()
    statuses = []
    for _ in range(30):
        child = os.fork()
        if not child:
            logger.debug("a child")  # sqlite3 itself may be locked here
            os._exit(0)
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    stop.set()
    print(set(statuses))


def preexec():
    """Start programs with a function that is run between fork and exec, from several threads."""
    import subprocess

    def start(number):
        return subprocess.run(
            [sys.executable, "-S", "-c", "pass"], preexec_fn=work if number % 2 else lambda: None, check=False
        ).returncode

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        print(set(pool.map(start, range(20))))


def interrupted():
    """Be interrupted by a timer's signal, again and again, in the midst of calls that are observed."""
    import signal

    counted = []
    signal.signal(signal.SIGALRM, lambda *_: counted.append(work()))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    for _ in range(2000):
        work()
        logger.debug("on")
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(len(counted) > 10)


work()
globals()[sys.argv[1]]()
