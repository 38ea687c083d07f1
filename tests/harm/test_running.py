"""Running: hostile values, tasks and threads; what comes from outside by HTTP is in tests/harm/test_requests.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.harm.situations import Outcome, Sides, Situation, at_least, cases, program

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.testing.collector import Collector

QUIET = {"PLATFORM_LOG_TRACE_ID": "false", "OTEL_BSP_MAX_QUEUE_SIZE": "100000"}
WITH_LOGS = {**QUIET, "OTEL_LOGS_EXPORTER": "otlp"}
VALUES = {
    "lines": "lines with hostile values: `repr` that raises, lies, takes its time or has no end; 1 MB, lone surrogates, NUL",
    "statements": "statements with hostile values; of 10 MB, deeply nested, unclosed",
    "spans": "attributes, names, events and exceptions of hostile values",
    "stack": "calls at the edge of the stack",
    "raised": "exceptions that cannot be shown, in circles and in chains of thousands",
}
THREADS = {
    "fifty": ("the end of main while fifty threads work", 1001),
    "tasks": ("a thousand tasks in threads", 1001),
    "executors": ("executors that work on at exit", 1002),
    "daemons": ("daemon threads that record and log during the end", 9),
    "late": ("lines, records and threads while the interpreter ends", 3),
    "unhandled": ("exceptions in main, a thread and a finalizer", 1),
    "interrupted": ("a timer's signal in the midst of calls", 2011),
}
GROWING = {
    "statements": "20,000 statements, each of them new",
    "connections": "10,000 connections that the garbage collector is left to close",
    "failures": "10,000 spans with names, keys and exceptions of their own",
    "loggers": "20,000 lines of a hundred loggers",
    "loops": "300 event loops with tasks and threads",
    "stream": "server-sent events without an end",
}


def without_addresses(text: str) -> str:
    """Leave out where objects are in memory."""
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def at_most_a_line_each(spans: int) -> Callable[[Collector, Outcome], None]:
    """Return what asserts that so many spans arrived, and that of ours no more is said than what was contained, once each."""

    def delivered(collector: Collector, ours: Outcome) -> None:
        at_least(spans)(collector, ours)
        said = [line for line in ours.stderr.splitlines() if line.startswith("platform-instrument: ")]
        assert len(said) == len(set(said)) <= 4, said
        assert all("contained" in line or "is left out" in line for line in said), said

    return delivered


SITUATIONS = (
    *(
        Situation(
            f"{name}{kind}",
            "Running",
            program("hostile_values.py", part, settings=settings),
            at_most_a_line_each(0 if part == "lines" else 1),
            compare=("status", "stdout"),
            tidy=without_addresses,
            longer=15,
        )
        for part, name in VALUES.items()
        for kind, settings in (("", QUIET), ("; with logs exported", WITH_LOGS))
        if kind == "" or part in {"lines", "raised"}
    ),
    Situation(
        "tasks that are cancelled, timed out, grouped, shielded and left unfinished around calls of httpx and aiohttp",
        "Running",
        program("tasks.py", settings=QUIET),
        at_least(60),
        longer=10,
    ),
    *(
        Situation(name, "Running", program("growing.py", part, settings=QUIET), longer=30, compare=("status", "stdout"))
        for part, name in GROWING.items()
    ),
    *(
        Situation(name, "Running", program("threaded.py", part, settings=QUIET), at_least(spans), tidy=without_addresses)
        for part, (name, spans) in THREADS.items()
    ),
)


@pytest.mark.parametrize("situation", cases(*SITUATIONS))
def test_no_harm(situation: Situation, sides: Sides) -> None:
    situation.judge(sides)
