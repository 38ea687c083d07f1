"""What was seen in the samples of one window: nanoseconds by instrumentation, and how many records of which kind ended.

Written by the threads of the application without a lock: no statement here is interrupted half way (see `metrics.cells`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.core.values import CLIENT, INTERNAL
from platform_instrument.telemetry.context import SAMPLED

if TYPE_CHECKING:
    from platform_instrument.telemetry.span import Span

LEAVES = frozenset((CLIENT, INTERNAL))
"""Kinds of spans that may go alone: what this process asked of others, and what a library did meanwhile."""

WARNING = 30
"""The level of `logging` from which on a record is a warning."""


class Share:
    """What was seen of one instrumentation."""

    __slots__ = ("calls", "leaves", "ns", "spans", "timed")

    def __init__(self) -> None:
        self.ns = 0
        self.calls = 0
        self.timed = 0
        """Calls that `ns` is of: those that were not interrupted."""
        self.spans = 0
        """Spans that are exported."""
        self.leaves = 0
        """Those among them that could be left out alone."""

    @property
    def spent_ns(self) -> float:
        """All calls, those that were interrupted taken for as long as the others."""
        return max(self.ns, 0) * self.calls / self.timed if self.timed else 0.0


class Tally:
    """What was seen, by the names of instrumentations."""

    __slots__ = ("lines", "low", "of", "roots")

    def __init__(self) -> None:
        self.of: dict[str, Share] = {}
        self.roots = 0
        """Traces that began here, and are kept."""
        self.lines = 0
        """Records of logs that are exported."""
        self.low = 0
        """Those among them below warning."""

    def share(self, name: str) -> Share:
        """Return what was seen of an instrumentation."""
        found = self.of.get(name)
        return found if found is not None else self.of.setdefault(name, Share())

    def ended(self, span: Span, name: str) -> None:
        """Take a span that has ended; one that takes its parent's place was left out."""
        if not span.flags & SAMPLED or span.span_id == span.parent_id:
            return
        share = self.share(name)
        share.spans += 1
        if not span.parent_id:
            self.roots += 1
        elif span.kind_code in LEAVES:
            share.leaves += 1

    def logged(self, level: object) -> None:
        """Take a record of a log, by its level as `logging` has it."""
        self.lines += 1
        if isinstance(level, int) and level < WARNING:
            self.low += 1
