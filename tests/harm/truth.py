"""What the application wrote down of its requests or tasks, and that telemetry says the same, to the last one."""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.harm.situations import Outcome
from tests.tracebacks import without_our_frames

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platform_instrument.testing.collector import Collector
    from platform_instrument.testing.received import Span

_SOMETIMES = ("was sent SIGTERM", "respawning too fast", "gracefully killing workers", "depth is", "unacknowledged message")
"""In lines that a server prints or not as the moment has it: of a worker that its master waits for or has just begun, of clients
that wait, of tasks that are left to others."""
_CANCELLED = re.compile(
    r"^Exception in callback StreamReaderProtocol.*?^asyncio\.exceptions\.CancelledError$", re.DOTALL | re.MULTILINE
)
"""What asyncio prints of a connection that its server cancels before it was served: hypercorn's last ones, one plain run in five."""
_VARIES = re.compile(
    r"\x1b\[[0-9;]*m|0x[0-9a-f]+|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|/tmp/[^\s\]']+|(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} +[\d: ]+|\d[\d.:]*"
)
"""Colours, ids, folders, dates and numbers."""


@dataclass(frozen=True)
class Entry:
    """A line of the ledger: which process has `begun` or `ended` which request or task."""

    process: int
    what: str
    name: str


@dataclass(frozen=True)
class Told(Outcome):
    """An outcome with what the application and the clients say of it."""

    ledger: tuple[Entry, ...] = ()
    answered: tuple[str, ...] = ()
    """What clients were answered."""
    workers: int = 1
    """How many processes may have an instance id each at the same time."""
    unowed: frozenset[str] = frozenset()
    """Names of what may have been done without being told: in a process that was killed at once."""


def read(ledger: Path) -> tuple[Entry, ...]:
    """Return the lines of a ledger."""
    parts = [line.split(" ", 2) for line in ledger.read_text().splitlines()]
    return tuple(Entry(int(process), what, name) for process, what, name in parts)


def is_begun(ledger: Path, name: str) -> bool:
    """Say whether the application was called for this one."""
    return f" begun {name}\n" in ledger.read_text()


def wait_until_begun(ledger: Path, name: str) -> None:
    """Wait until the application is called for this one."""
    deadline = time.monotonic() + 20
    while not is_begun(ledger, name):
        assert time.monotonic() < deadline, f"{name} was not begun"
        time.sleep(0.01)


def exact(collector: Collector, told: Told, spans: Iterable[tuple[str, Span]], histogram: str) -> None:
    """Assert that spans, by name, and the histogram tell what the ledger tells, and which process did it; nobody shares an id."""
    ended = Counter((entry.process, entry.name) for entry in told.ledger if entry.what == "ended")
    found = Counter((int(span.resource["process.pid"]), name) for name, span in spans)
    assert found - ended == Counter(), "spans of nothing"
    assert set(told.answered) <= {name for _, name in ended}, "answers of nobody"
    lost = [each for each in ended - found if each[1] not in told.unowed]
    assert lost == [], f"{len(lost)} without a span, by process and name: {sorted(lost)[:20]}"
    counted = sum(point.count for point in collector.latest(histogram))
    owed = sum(name not in told.unowed for _, name in ended)
    assert owed <= counted <= ended.total(), f"{counted} counted, {found.total()} spans"
    shared = at_the_same_time([span for _, span in spans])
    assert shared == [], f"instance ids of two processes at once: {shared}"
    instances = {span.resource["service.instance.id"] for _, span in spans}
    assert len(instances) <= 2 * told.workers, f"{len(instances)} instance ids, as if each worker that ever was had its own"


def at_the_same_time(spans: Iterable[Span]) -> list[tuple[object, ...]]:
    """Return instance ids with two processes that had it at the same time."""
    times: dict[tuple[object, object], tuple[int, int]] = {}
    for span in spans:
        key = (span.resource["service.instance.id"], span.resource["process.pid"])
        first, last = times.get(key, (span.start_ns, span.end_ns))
        times[key] = (min(first, span.start_ns), max(last, span.end_ns))
    return [
        (*one, other[1])
        for one, other in itertools.combinations(times, 2)
        if one[0] == other[0] and times[one][0] < times[other][1] and times[other][0] < times[one][1]
    ]


def lines(text: str) -> str:
    """Return which lines were printed, each once, without what differs between any two runs."""
    text = _CANCELLED.sub("", without_our_frames(text))
    found = {_VARIES.sub("N", line).strip() for line in text.splitlines()} - {""}
    return "\n".join(sorted(line for line in found if not any(part in line for part in _SOMETIMES)))


def belongings(process: int) -> dict[str, Any]:
    """Return how many threads and sockets a process has, at the least in half a second: some of its own are for moments."""
    threads, sockets = [], []
    place = Path(f"/proc/{process}")
    for _ in range(10):
        threads.append(len(list((place / "task").iterdir())))
        links = []
        for link in (place / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                links.append(str(link.readlink()))
        sockets.append(sum(link.startswith("socket:") for link in links))
        time.sleep(0.05)
    return {"threads": min(threads), "sockets": min(sockets)}
