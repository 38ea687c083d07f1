"""A service whose collector may be down: it answers requests at a steady pace, then as many as it can, and says how that went.

`sys.argv`: rounds, requests a round, requests of the flood, seconds of idleness at the end. Each request is four queries and a log
line.
"""

import json
import logging
import os
import resource
import sqlite3
import sys
import time
from pathlib import Path

from flask import Flask

ROUNDS, EACH, FLOOD, IDLE = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
WARM, QUERIES = 200, 4
PAUSE = 0.001
"""Seconds between two requests of a round."""

SCHEDULED = os.open("/proc/thread-self/schedstat", os.O_RDONLY)

application = Flask("shop")
database = sqlite3.connect(":memory:")
logger = logging.getLogger("shop")
logger.addHandler(logging.NullHandler())
logger.setLevel(logging.INFO)
logger.propagate = False
client = application.test_client()


@application.get("/orders/<int:number>")
def order(number: int) -> str:
    logger.info("order %s", number)
    return str(sum([database.execute("SELECT ?", (number,)).fetchone()[0] for _ in range(QUERIES)]) // QUERIES)


def request(number: int) -> float:
    began = time.perf_counter()
    assert client.get(f"/orders/{number}").data == str(number).encode()
    return time.perf_counter() - began


def delayed() -> float:
    """Return for how many seconds this thread had something to do and no processor. Source: Linux, sched-stats.rst."""
    return int(os.pread(SCHEDULED, 64, 0).split()[1]) / 1e9


def interrupted() -> int:
    """Return how often a thread of this process was taken off its processor."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def resident() -> float:
    """Return the resident memory of this process in MiB."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() / (1 << 20)


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)] * 1000


def paced() -> list[float]:
    """Return how long the requests of one round took, but for those that other processes were in the way of."""
    spent = []
    for number in range(EACH):
        time.sleep(PAUSE)
        before, waited = interrupted(), delayed()
        seconds = request(number)
        waited = delayed() - waited
        if interrupted() == before:
            spent.append(seconds - waited)
    return spent


for number in range(WARM):
    request(number)
time.sleep(1.2)  # what is imported late is not part of the growth, and the first failure is over
before = grown = resident()
undisturbed = [seconds for _ in range(ROUNDS) for seconds in paced()]
longest = 0.0
for number in range(FLOOD):
    longest = max(longest, request(number))
    if not number % 200:
        grown = max(grown, resident())
time.sleep(IDLE)
grown = max(grown, resident())
figures = {
    "p99 ms": p99(undisturbed),
    "longest ms": longest * 1000,
    "grown MiB": grown - before,
    "undisturbed": len(undisturbed),
    "ended": time.monotonic(),
}
Path(os.environ["HARM_FIGURES"]).write_text(json.dumps(figures), encoding="utf-8")
sys.stdout.write(f"{WARM + ROUNDS * EACH + FLOOD}\n")
