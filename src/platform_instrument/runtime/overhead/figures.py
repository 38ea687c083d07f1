"""What observing cost in one window, as shares of the process's CPU time, and which library comes next if it is too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import COUNTER, GAUGE, Instrument
from platform_instrument.runtime.metrics.series import series
from platform_instrument.runtime.overhead.places import APPLICATION, WORKER

if TYPE_CHECKING:
    from collections.abc import Container

    from platform_instrument.runtime.overhead.shedding import Shed
    from platform_instrument.runtime.overhead.tally import Tally

OVERHEAD = Instrument(
    "platform.overhead",
    "Share of the process's CPU time that observing takes, by instrumentation; `worker` is the thread that encodes and sends, "
    "`application` the spans that it makes itself (PLATFORM_MAX_OVERHEAD).",
    unit="1",
    kind=GAUGE,
    constant=("platform.library.name",),
    merged="max",
    observable=True,
)
EXCESS = Instrument(
    "platform.overhead.excess",
    "What observing takes beyond PLATFORM_MAX_OVERHEAD with everything left out that can be; 0 where it is kept.",
    unit="1",
    kind=GAUGE,
    merged="max",
    observable=True,
)
SHED = Instrument(
    "platform.overhead.shed",
    "Log records, spans of libraries and whole traces that were left out to keep to PLATFORM_MAX_OVERHEAD.",
    unit="{record}",
    kind=COUNTER,
    constant=("platform.overhead.kind",),
    observable=True,
)

_WORTH = 100
"""What is fewer than one record in so many is not worth to be left out."""


class Figures:
    """One window: `shares` of the process's CPU time by instrumentation, and what was seen."""

    __slots__ = ("shares", "tally")

    def __init__(self, tally: Tally, sampled_ns: int, process_ns: int, worker_ns: int) -> None:
        self.tally = tally
        self.shares: dict[str, float] = {}
        if process_ns <= 0:
            return
        worker = min(worker_ns / process_ns, 1.0)
        if sampled_ns > 0:
            self.shares = {name: share.spent_ns / sampled_ns * (1.0 - worker) for name, share in tally.of.items()}
        if worker_ns:
            self.shares[WORKER] = worker

    @property
    def cost(self) -> float:
        """All of it."""
        return min(sum(self.shares.values()), 1.0)

    @property
    def records(self) -> int:
        """How many spans and log records were seen that are exported."""
        return sum(share.spans for share in self.tally.of.values()) + self.tally.lines

    @property
    def has_low_lines(self) -> bool:
        """Whether so many records are below warning that it is worth to leave them out."""
        return self.tally.low * _WORTH > self.records

    def noisiest(self, out: Container[str]) -> str:
        """Return the library whose spans cost most, their part of the worker's work included; empty where there is none.

        `out` are those whose spans are left out already; few spans are not worth it.
        """
        worker, records = self.shares.get(WORKER, 0.0), self.records
        costs = {
            name: self.shares.get(name, 0.0) + worker * share.spans / records
            for name, share in self.tally.of.items()
            if share.leaves * _WORTH > records and name not in out and name != APPLICATION
        }
        return max(costs, key=lambda name: costs[name], default="")


def show(shares: dict[str, float], shown: set[str], excess: float, shed: Shed) -> None:
    """Put the figures of the last window into their series; `shown` are the names that have one."""
    for name in shown - shares.keys():
        series(OVERHEAD, ("platform.library.name", name)).put(0.0)
    for name, share in shares.items():
        series(OVERHEAD, ("platform.library.name", name)).put(share)
    shown.update(shares)
    series(EXCESS).put(excess)
    for kind in ("logs", "spans", "traces"):
        series(SHED, ("platform.overhead.kind", kind)).put(getattr(shed, kind))
