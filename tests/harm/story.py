"""What happens to a server of the matrix: it is loaded, its workers are replaced, it is told to end with a request in flight."""

from __future__ import annotations

import itertools
import shutil
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.harm.situations import PROGRAMS
from tests.harm.truth import Entry, Told, belongings, exact, is_begun, read, wait_until_begun
from tests.processes import free_port
from tests.runtime.ending.ends import get, wait_until_it_answers

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector
    from tests.harm.matrix import Row
    from tests.harm.situations import Outcome, Side
    from tests.processes import Service

REQUESTS, CLIENTS = 200, 4
AT_THE_END = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRIC_EXPORT_INTERVAL": "60000"}
"""Nothing leaves by itself, so that what arrives has left with its process."""
AS_PLAIN = {"PLATFORM_LOG_TRACE_ID": "false", "PLATFORM_LOG_MASK": "false"}
"""Lines have neither ids nor masks."""


@dataclass
class _Answers:
    """What was answered: to the load, after SIGTERM, to the request in flight."""

    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    last: set[str] = field(default_factory=lambda: {"/slow"})
    """What was asked at the end."""
    in_flight: object = None


def served(row: Row, side: Side) -> Told:
    """Let it happen on a side."""
    port = free_port()
    for program in PROGRAMS.glob("served*.py"):
        shutil.copy(program, side.folder)
    ledger = side.folder / "ledger"
    ledger.touch()
    words = [word.replace("PORT", str(port)) for word in row.words]
    env = {"LEDGER": str(ledger), "PYTHONPATH": str(side.folder)}
    answers = _Answers()
    with side.service(words, port, env=env, settings={**AT_THE_END, **AS_PLAIN}) as service:
        wait_until_it_answers(port)
        _load(service, row, side.folder, answers)
        owns = belongings(service.pid) if row.masters else {}
        seconds, status = _end(service, ledger, answers)
    entries = read(ledger)
    processes = {entry.process for entry in entries}
    assert len(processes) > row.workers or not (row.counts or row.replace), "no worker was replaced"
    figures = {"requests": float(sum(entry.what == "ended" for entry in entries)), "processes": float(len(processes))}
    return Told(
        status,
        service.stdout,
        service.stderr,
        seconds,
        {"in flight": answers.in_flight if answers.in_flight == 200 else "cut off", **owns},
        figures,
        ledger=entries,
        answered=(*answers.before, *answers.after),
        workers=row.workers,
        unowed=_unowed(row, entries, answers),
    )


def _unowed(row: Row, entries: tuple[Entry, ...], answers: _Answers) -> frozenset[str]:
    """Return what the end may have kept from being told: what was done after SIGTERM, or by processes that were killed at work."""
    before = set(answers.before)
    if row.dies:
        return frozenset(entry.name for entry in entries if entry.name not in before)
    last = {entry.process for entry in entries if entry.name in answers.last}
    return frozenset(entry.name for entry in entries if row.kills and entry.process in last)


def delivered(collector: Collector, told: Outcome) -> None:
    """Assert that every request was told, and counted."""
    assert isinstance(told, Told)
    spans = [(str(span.attributes["url.path"]), span) for span in collector.spans if span.kind == "SERVER"]
    exact(collector, told, spans, "http.server.request.duration")


def _load(service: Service, row: Row, folder: Path, answers: _Answers) -> None:
    """Have `REQUESTS` answered by `CLIENTS` at once, and the workers replaced halfway; one that is turned away asks again."""
    numbers = itertools.count()
    halfway = threading.Event()

    def ask() -> None:
        while (number := next(numbers)) < REQUESTS:
            if number == REQUESTS // 2:
                halfway.set()
            for attempt in range(200):
                path = f"/{number}/{attempt}"
                if get(service.port, path) == 200:
                    answers.before.append(path)
                    break
                time.sleep(0.05)

    clients = [threading.Thread(target=ask, daemon=True) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    assert halfway.wait(30)
    if row.replace is not None:
        row.replace(service, folder / "served.py")
    for client in clients:
        client.join(60)
    assert len(answers.before) == REQUESTS
    if row.replace is not None or row.counts:
        _ask_until_replaced(service, row, folder / "ledger", answers)


def _ask_until_replaced(service: Service, row: Row, ledger: Path, answers: _Answers) -> None:
    """Ask until a worker has answered that was not there at first, and whoever is to be there answers."""
    deadline, again = time.monotonic() + 20, time.monotonic() + 2
    for number in itertools.count():
        if row.replace is not None and time.monotonic() > again:  # who looks for changes had not looked before the first
            again += 2
            row.replace(service, ledger.parent / "served.py")
        processes = [entry.process for entry in read(ledger)]
        if len(set(processes)) > row.workers:
            return
        assert time.monotonic() < deadline, "no worker was replaced"
        path = f"/{REQUESTS}/{number}"
        if get(service.port, path) == 200:
            answers.before.append(path)
        time.sleep(0.02)


def _end(service: Service, ledger: Path, answers: _Answers) -> tuple[float, int]:
    """Send SIGTERM while a slow request is in flight and others come all the time; return seconds to the end, and exit status."""
    over = threading.Event()
    sent = float("inf")

    def slow() -> None:
        answers.in_flight = get(service.port, "/slow")
        while not is_begun(ledger, "/slow") and not over.is_set():  # by a worker that was just replaced
            answers.in_flight = get(service.port, "/slow")

    def others(client: int) -> None:
        for number in itertools.count():
            path, began = f"/{REQUESTS + client}/{number}", time.monotonic()
            answers.last.add(path)
            if get(service.port, path, 5) == 200:
                (answers.after if began >= sent else answers.before).append(path)
            if over.wait(0.01):
                return

    clients = [threading.Thread(target=slow, daemon=True)]
    clients += [threading.Thread(target=others, args=(client,), daemon=True) for client in (1, 2)]
    for client in clients:
        client.start()
    wait_until_begun(ledger, "/slow")
    sent = time.monotonic()
    status = service.terminate(signal.SIGTERM)
    seconds = time.monotonic() - sent
    over.set()
    for client in clients:
        client.join(10)
    return seconds, status
