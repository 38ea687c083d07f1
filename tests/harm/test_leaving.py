"""Fork and leaving: what children record arrives once, and a process leaves as it would without us, however it leaves."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.environments import ROOT
from tests.harm.situations import Outcome, Sides, Situation, at_least, cases, nothing, program, spans

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

FORKS = ROOT / "tests" / "runtime" / "programs" / "forks.py"
LEAVE = ROOT / "tests" / "runtime" / "programs" / "leave.py"
QUIET = {"PLATFORM_LOG_TRACE_ID": "false", "OTEL_BSP_MAX_QUEUE_SIZE": "100000"}
LONG = 30
"""Seconds for ten processes that start, or three hundred that end, on a machine that does other things as well."""

FORKED = {
    "fork": "children of multiprocessing, forked",
    "spawn": "children of multiprocessing, spawned",
    "forkserver": "children of multiprocessing, of a fork server",
    "bare": "children of `os.fork`",
    "after_a_loop": "children that are forked after an event loop has run",
    "pool": "a pool of processes that is terminated",
    "pool_closed": "a pool of processes that is closed",
    "pool_of_short_lives": "a pool of processes with `maxtasksperchild=1`",
    "pool_spawned": "a pool of spawned processes",
    "pool_of_a_server": "a pool of a fork server",
    "executor": "`ProcessPoolExecutor`",
}
WAYS = {
    "daemonize": ("a daemon that forks twice, leaves its session and closes every descriptor", 2),
    "closes_all": ("every descriptor is closed and taken by others in the midst of work", 11),
    "drops_environment": ("the environment is emptied in the midst of work", 2),
    "crashes": ("children that are aborted, killed, or die of a fault in memory", 2),
    "exits": ("`os._exit`", 0),
    "aborts": ("`os.abort`", 0),
    "deep_forks": ("children of children, twelve deep", 8),
    "managers": ("managers, queues and shared memory of multiprocessing", 5),
    "fork_in_thread": ("children that are forked in threads and end with these", 6),
    "storm": ("three hundred forks of a child that ends at once", 1),
    "pty": ("a child in a terminal of its own, `os.forkpty`", 2),
    "spawned": ("programs that are started by every means there is", 1),
    "signals": ("signals that are handled, blocked, waited for and ignored", 4),
}
THREADED = {
    "locked": ("forks while threads record, log and hold the locks of logging", 1),
    "preexec": ("`subprocess` with `preexec_fn`, from several threads", 1),
}
ENDED = {
    "by_default": "SIGTERM in a program without a handler",
    "handler_after": "SIGTERM in a program with a handler, installed after ours",
    "handler_first": "SIGTERM in a program with a handler, installed before ours",
    "chained": "SIGTERM in a program whose handler calls the one before",
    "in_a_loop": "SIGTERM in an event loop with a handler",
    "waited_for": "SIGTERM that `sigwait` waits for",
    "blocked_in_a_call": "SIGTERM in a call of the system that does not return",
    "joining": "SIGTERM while a thread is joined",
    "in_sqlite": "SIGTERM in a long call in C without the lock of the interpreter",
    "in_re": "SIGTERM in a long call in C with the lock of the interpreter",
}
SIGNALS = ("SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGALRM", "SIGPIPE", "SIGKILL")


def children(collector: Collector, _ours: Outcome) -> None:
    """Assert that the span of each child arrived once, and that the calls of parent and children are counted in metrics."""
    found = collector.wait_for(lambda spans: sum("child" in span.attributes["db.query.text"] for span in spans) >= 10)
    of_children = [span for span in found if "child" in span.attributes["db.query.text"]]
    assert len({span.span_id for span in found}) == len(found)
    assert len(of_children) == 10
    owners = {span.resource["service.instance.id"] for span in found if span not in of_children}
    assert not owners & {span.resource["service.instance.id"] for span in of_children}
    assert sum(point.count for point in collector.latest("db.client.operation.duration")) == len(found)


def without_addresses(text: str) -> str:
    """Leave out where functions are in memory."""
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def sent(name: str) -> Situation:
    """Return a program that waits and gets a signal that it knows nothing of; of SIGPIPE Python itself does."""
    number = getattr(signal, name)
    orderly = at_least(1) if number == signal.SIGINT else nothing
    run = program(LEAVE, "ignored" if name == "SIGPIPE" else "by_default", settings=QUIET, send=number)
    return Situation(f"{name} in a program that waits", "Fork and leaving", run, orderly)


SITUATIONS = (
    *(
        Situation(name, "Fork and leaving", program(FORKS, mode, settings=QUIET), children, longer=LONG)
        for mode, name in FORKED.items()
    ),
    *(
        Situation(
            name,
            "Fork and leaving",
            program("leaving.py", way, settings=QUIET),
            at_least(count),
            longer=LONG,
            quick=way == "fork_in_thread",
        )
        for way, (name, count) in WAYS.items()
    ),
    *(
        Situation(name, "Fork and leaving", program("threaded.py", way, settings=QUIET), at_least(count), longer=LONG)
        for way, (name, count) in THREADED.items()
    ),
    *(
        Situation(
            name,
            "Fork and leaving",
            program(LEAVE, mode, settings=QUIET, send=signal.SIGTERM),
            spans(4 if mode == "in_a_loop" else 3, "SELECT"),
            tidy=without_addresses,
        )
        for mode, name in ENDED.items()
    ),
    *(sent(name) for name in SIGNALS),
)


@pytest.mark.parametrize("situation", cases(*SITUATIONS))
def test_no_harm(situation: Situation, sides: Sides) -> None:
    situation.judge(sides)
