"""What happens to a worker of Celery's: it is given tasks, its children are replaced, it is told to end with a task in flight."""

from __future__ import annotations

import shutil
import signal
import sys
import time
import uuid
from typing import TYPE_CHECKING

import redis

from tests import servers
from tests.harm.situations import PROGRAMS
from tests.harm.story import AS_PLAIN, AT_THE_END, REQUESTS
from tests.harm.truth import Told, belongings, exact, read, wait_until_begun
from tests.processes import free_port, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector
    from tests.harm.matrix import Row
    from tests.harm.situations import Outcome, Side
    from tests.processes import _Process

_DONE = [str(number) for number in range(REQUESTS)]
_WAITING = [str(number) for number in range(REQUESTS, REQUESTS + 20)]
"""Tasks that wait behind the slow one when the worker is told to end; who has not begun them leaves them to others."""


def worked(row: Row, side: Side) -> Told:
    """Let it happen on a side."""
    for program in ("served.py", "tasked.py"):
        shutil.copy(PROGRAMS / program, side.folder)
    ledger = side.folder / "ledger"
    ledger.touch()
    with servers.running(servers.REDIS) as url:
        broker, queue = f"{url.rpartition('/')[0]}/9", str(uuid.uuid4())
        env = {"REDIS": broker, "QUEUE": queue, "LEDGER": str(ledger), "PYTHONPATH": str(side.folder)}

        def send(*names: str) -> None:
            sent = run([sys.executable, "tasked.py", *names], env=env, cwd=side.folder, timeout=90)
            assert sent.returncode == 0, sent.stderr

        named = [*row.words, "-n", f"harm{free_port()}@here"]  # workers of one name warn of each other
        with side.started(named, env, {**AT_THE_END, **AS_PLAIN}, "command") as process:
            _wait_until_ready(process)
            send("wait", *_DONE)
            owns = belongings(process.popen.pid) if row.masters else {}
            send("/slow", *_WAITING)
            wait_until_begun(ledger, "/slow")
            sent = time.monotonic()
            process.popen.send_signal(signal.SIGTERM)
            assert process.ended_within(30), process.output()
            seconds, status = time.monotonic() - sent, process.popen.returncode
            stdout, stderr = process.stdout, process.stderr
        with redis.Redis.from_url(broker) as client:
            client.delete(queue, f"_kombu.binding.{queue}")
    entries = read(ledger)
    processes, ended = {entry.process for entry in entries}, [entry.name for entry in entries if entry.what == "ended"]
    assert len(processes) > row.workers or not row.counts, "no child was replaced"
    return Told(
        status,
        stdout,
        stderr,
        seconds,
        {"in flight": "done" if "/slow" in ended else "cut off", **owns},
        {"tasks": float(len(ended)), "processes": float(len(processes))},
        ledger=entries,
        answered=tuple(_DONE),
        workers=row.workers,
    )


def _wait_until_ready(process: _Process) -> None:
    """Wait until the worker says that it takes tasks."""
    deadline = time.monotonic() + 30
    while " ready." not in process.output():
        assert not process.ended_within(0.05), process.output()
        assert time.monotonic() < deadline, process.output()


def delivered(collector: Collector, told: Outcome) -> None:
    """Assert that every task was told, and counted; its id is the queue and its name."""
    assert isinstance(told, Told)
    ran = [span for span in collector.spans if span.kind == "CONSUMER"]
    spans = [(str(span.attributes["messaging.message.id"]).partition(".")[2], span) for span in ran]
    exact(collector, told, spans, "messaging.process.duration")
