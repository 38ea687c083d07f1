"""A program with our pipeline in it, as the tests of the way out run it: `python program.py SCENARIO ARGUMENT…`.

It prints one JSON object at its end, after everything was flushed: what the scenario found, and what became of its spans.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import resource
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from platform_instrument.config.read import read
from platform_instrument.core.values import Instrument, Operation
from platform_instrument.runtime import leaving
from platform_instrument.telemetry import choices, pipeline, tracer
from platform_instrument.telemetry.processors import PROCESSORS
from platform_instrument.telemetry.scope import InstrumentationScope
from platform_instrument.telemetry.status import status_of

SCOPE = InstrumentationScope("program")
FOUND: dict[str, Any] = {}
PARENT = os.getpid()


def emit(name: str, **attributes: Any) -> None:
    span = tracer.start(name, 1, None, attributes, SCOPE, None, 0)
    span.end()


def start() -> pipeline.Pipeline:
    atexit.register(_report)  # before ours, so that it runs after it
    settings, problems = read(os.environ)
    assert not problems, problems
    choices.put_in_force(settings)
    made = pipeline.start(settings)
    leaving.prepare(settings)
    return made


def _report() -> None:
    if os.getpid() == PARENT and pipeline.PIPELINE is not None:
        FOUND["status"] = status_of(pipeline.PIPELINE)
        FOUND["forked_workers"] = threading.active_count()
        sys.stdout.write(json.dumps(FOUND) + "\n")


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def crowd(made: str) -> None:
    """Let eight threads set up the pipeline, or ask for its resource, at the same moment."""
    settings = read(os.environ)[0]
    if made == "resource":
        pipeline.start(settings)
    barrier, found = threading.Barrier(8), []

    def set_up() -> None:
        barrier.wait()
        found.append(pipeline.start(settings) if made == "pipeline" else pipeline.start(settings).outlets())

    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=set_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    FOUND["made"] = len(set(found))
    start()
    emit("span")
    FOUND["instance"] = start().outlets().resource["service.instance.id"]


def spans(count: str, seconds: str = "0") -> None:
    """End so many spans, live so long."""
    for number in range(int(count)):
        emit(f"span {number}", number=number)
    time.sleep(float(seconds))


def crowded() -> None:
    """Find how the system schedules the worker: while little waits, once the queue is half full, and afterwards."""
    emit("first")
    time.sleep(0.5)
    (worker,) = (thread.native_id for thread in threading.enumerate() if thread.name == "platform-instrument")
    policies = [os.sched_getscheduler(worker)]
    sys.setswitchinterval(60)  # nobody else gets to run while these are recorded
    for number in range(start().most // 2 + 1):
        emit(f"span {number}")
    policies.append(os.sched_getscheduler(worker))
    sys.setswitchinterval(0.005)
    time.sleep(0.5)
    FOUND["policies"] = [*policies, os.sched_getscheduler(worker)]


def busy(seconds: str) -> None:
    """Keep one processor busy as a server under full load does, some 8,000 spans a second; find what waits at its end."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    end = time.monotonic() + float(seconds)
    count = 0
    while time.monotonic() < end:
        emit("busy")
        count += 1
        for _ in range(10):
            os.stat(".")  # noqa: PTH116 - lets go of the interpreter, as sockets do
            sum(range(400))
    assert pipeline.PIPELINE is not None
    FOUND["recorded"] = count
    FOUND["waiting"] = status_of(pipeline.PIPELINE)["spans"]["waiting"] + len(pipeline.PIPELINE.queue)


def load(count: str, seconds: str) -> None:
    """End so many spans over so many seconds; find what one costs its thread, and what they all cost memory."""
    total, pause = int(count), float(seconds) / (int(count) / 50)
    emit("first")
    time.sleep(0.5)
    before = resident()
    longest, spent, most = 0.0, 0.0, before
    for number in range(1, total):
        at = time.perf_counter()
        emit(
            "GET /items/{id}", **{"url.path": f"/items/{number}", "client.address": "127.0.0.1", "http.response.status_code": 200}
        )
        took = time.perf_counter() - at
        spent += took
        longest = max(longest, took)
        if not number % 50:
            most = max(most, resident())
            time.sleep(pause)
    FOUND.update(longest=longest, mean=spent / total, grown=most - before)


def trickle(seconds: str) -> None:
    """End a span every 20 ms."""
    end = time.monotonic() + float(seconds)
    number = 0
    while time.monotonic() < end:
        emit(f"span {number}")
        number += 1
        time.sleep(0.02)
    FOUND["ended"] = number


def broken(count: str) -> None:
    """End spans one of which holds what cannot be encoded."""
    for number in range(int(count)):
        emit(f"span {number}", value=object() if number == 3 else number)


def debug(seconds: str) -> None:
    """Log at DEBUG with a handler that records a span for each line, whoever logs it."""

    class Spanning(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            FOUND["lines"] = FOUND.get("lines", 0) + 1
            emit(f"line of {record.name}")

    logging.basicConfig(level=logging.DEBUG, handlers=[Spanning()])
    for _ in range(10):
        logging.getLogger("program").debug("a line")
    time.sleep(float(seconds))


def durations(children: str, seconds: str) -> None:
    """Record five durations, and one in each of some children; live so long."""
    operation = Operation(
        "work", 1, {"kept": "yes"}, Instrument("work.duration", "", constant=("kept",), varying=(), bounds=(1.0,))
    )

    def record() -> None:
        span = tracer.start(operation.name, 1, operation, None, SCOPE, None, 0)
        span.end_ns = span.start_ns + 1_000
        assert pipeline.PIPELINE is not None
        pipeline.PIPELINE.settle(span, None)

    for _ in range(5):
        record()
    for _ in range(int(children)):
        pid = os.fork()
        if not pid:
            record()
            sys.exit(0)
        os.waitpid(pid, 0)
    time.sleep(float(seconds))


def fork(children: str, spans_each: str) -> None:
    """End a span, then fork children that end some themselves and live until the last is there: ids of the dead are taken over."""
    emit("parent")
    pids = []
    waits, holds = os.pipe()
    for child in range(int(children)):
        pid = os.fork()
        if not pid:
            os.close(holds)
            for number in range(int(spans_each)):
                emit(f"child {child} {number}")
            os.read(waits, 1)
            sys.exit(0)
        pids.append(pid)
    os.close(holds)
    FOUND["exits"] = [os.waitpid(pid, 0)[1] for pid in pids]
    emit("parent again")


def fork_while_sending(forks: str) -> None:
    """Fork again and again while the worker talks to the collector; find what a fork costs."""
    emit("before")
    time.sleep(0.4)
    took = []
    for number in range(int(forks)):
        emit(f"between {number}")
        at = time.perf_counter()
        pid = os.fork()
        if not pid:
            os._exit(0)
        took.append(time.perf_counter() - at)
        os.waitpid(pid, 0)
        time.sleep(0.01)
    FOUND.update(longest=max(took), all=sum(took))


def storm(threads: str, forks: str) -> None:
    """Fork from many threads at once while others record and log; every child must be able to record and to import."""
    done = threading.Event()
    statuses: list[int] = []

    def record(name: str) -> None:
        number = 0
        while not done.is_set():
            emit(f"{name} {number}")
            logging.getLogger(name).warning("line %d", number)
            number += 1
            time.sleep(0.002)
        FOUND[name] = number

    def fork_often() -> None:
        for _ in range(int(forks)):
            pid = os.fork()
            if not pid:
                emit("child")
                import http.client  # noqa: F401 - the worker may have been importing it

                os._exit(0 if not pipeline.PIPELINE or not pipeline.PIPELINE.worker.held else 1)
            statuses.append(os.waitpid(pid, 0)[1])

    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        logging.basicConfig(stream=nowhere)
        recorders = [threading.Thread(target=record, args=(f"recorder {number}",)) for number in range(2)]
        forkers = [threading.Thread(target=fork_often) for _ in range(int(threads))]
        for thread in (*recorders, *forkers):
            thread.start()
        for thread in forkers:
            thread.join()
        done.set()
        for thread in recorders:
            thread.join()
        logging.getLogger().handlers.clear()
    FOUND["failed"] = [status for status in statuses if status]
    FOUND["forks"] = len(statuses)


def threads(count: str) -> None:
    """Find how many threads there are before the first record, after it, and in a process that is held."""
    FOUND["before"] = threading.active_count()
    emit("first")
    FOUND["after"] = threading.active_count()
    held = pipeline.PIPELINE
    assert held is not None
    held.worker.hold()
    for number in range(int(count)):
        emit(f"held {number}")
    FOUND["held"] = threading.active_count()


def early(how: str, seconds: str) -> None:
    """Ask for a flush before the collector is ready, in one of the ways in which a process that lives on does."""
    emit("before")
    served = partial(leaving.flush, last=False)
    ways = {"force": partial(PROCESSORS.flush_all, 0.3), "hold": partial(start().hold, 0.3), "server": served}
    FOUND["complete"] = ways[how]()
    time.sleep(float(seconds))
    emit("after")


def flushes(count: str) -> None:
    """Flush after each span, as a function that is frozen between its calls does."""
    for number in range(int(count)):
        emit(f"span {number}")
        PROCESSORS.flush_all(5)


if __name__ == "__main__":
    start()
    globals()[sys.argv[1]](*sys.argv[2:])
