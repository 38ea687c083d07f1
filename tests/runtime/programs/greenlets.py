"""Records, then lets gevent take the place of threads, then records again; says the longest pause of the event loop."""

from __future__ import annotations

import sqlite3
import sys
import time

connection = sqlite3.connect(":memory:")
if "recorded" in sys.argv:
    connection.execute("SELECT 1")

from gevent import monkey  # noqa: E402 - late, as in an application that imports what it likes first

monkey.patch_all()

import gevent  # noqa: E402 - as above

longest = 0.0


def beat() -> None:
    global longest  # noqa: PLW0603 - read at the end
    last = time.monotonic()
    for _ in range(80):
        gevent.sleep(0.02)
        now = time.monotonic()
        longest = max(longest, now - last)
        last = now


def work() -> None:
    for _ in range(15):
        connection.execute("SELECT 1")
        gevent.sleep(0.1)


gevent.joinall([gevent.spawn(beat), gevent.spawn(work)])
sys.stdout.write(f"{longest}\n")
