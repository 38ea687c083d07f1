"""Cells: one slotted object a series, written without a lock.

`counts[i] += 1` and its like contain no call, so the interpreter does not switch threads inside them. A fork child
resets every cell in place, because operations and callers hold references to them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from time import time_ns
from typing import TYPE_CHECKING, Any, TypeAlias

from platform_instrument.telemetry.context import SAMPLED

if TYPE_CHECKING:
    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.span import Span

Pairs: TypeAlias = "tuple[tuple[str, Any], ...]"
"""Attributes in the order of their instrument's declaration."""

Exemplar: TypeAlias = "tuple[float, int, int, int]"
"""Value, time in ns since 1970, trace id, span id; the ids are 0 outside of a trace."""

_MOST_NOTED = 512
_MOST_SEEN = 256
"""Sizes that are counted by value between two readings."""

_always, _kept = 0, SAMPLED
"""The exemplar filter as masks over a span's flags: which bit is taken as set, and which must be."""


class Cell:
    """One series: what all kinds have. `touched` says that something was recorded in this process."""

    __slots__ = ("attributes", "besides", "encoded", "labels", "pushed", "touched")

    def __init__(self, attributes: Pairs) -> None:
        self.attributes = attributes
        self.encoded: bytes | None = None
        """The attributes as OTLP, written by the encoder on first use."""
        self.labels: str | None = None
        """The attributes as Prometheus has them, written by its page on first use."""
        self.besides: dict[str, Any] | None = None
        """The cells of other instruments with the same attributes, by their names."""
        self.reset()

    def reset(self) -> None:
        """Start from zero."""
        self.touched = False
        self.pushed: Any = None
        """What the last export with delta temporality has seen."""


class DistributionCell(Cell):
    """A histogram of either kind, which puts off until it is read what need not be done at once.

    Sizes are whole numbers, and mostly the same ones: they are counted by value. The first of a value is recorded as every
    measurement is, with its exemplar. A caller in a hurry counts the others in place: `seen[size] += 1` contains no call either.
    Measurements without an exemplar are noted, and sorted into their buckets together.
    """

    __slots__ = ("noted", "seen")

    def reset(self) -> None:
        """Start from zero."""
        super().reset()
        self.seen: dict[int, int] = {}
        """How often which size came again."""
        self.noted: list[float] = []

    def note(self, value: float) -> None:
        """Count one measurement that leaves no exemplar, such as a wait that was none."""
        self.touched = True
        noted = self.noted
        noted.append(value)
        if len(noted) >= _MOST_NOTED:
            self.fold()

    def count(self, size: int, span: Span | None) -> None:
        """Count a size, in bytes, as an ended span has it."""
        try:
            self.seen[size] += 1
        except KeyError:
            self.first(size, span)

    def first(self, size: int, span: Span | None) -> None:
        """Count a size that was not seen since the last reading."""
        if span is None:
            self.measure(float(size), None)
        else:
            self.record(float(size), span)
        if len(self.seen) >= _MOST_SEEN:
            self.fold()
        self.seen.setdefault(size, 0)

    def fold(self) -> None:
        """Count what was put off, before a reading."""
        seen, self.seen = self.seen, {}
        for size, times in seen.items():
            if times:
                self.repeat(float(size), times)
        noted, self.noted = self.noted, []
        if noted:
            self.take(sorted(noted))

    if TYPE_CHECKING:  # each kind has its own way

        def record(self, value: float, span: Span) -> None:
            """Count one measurement of an ended span, and remember the span where it is sampled."""

        def measure(self, value: float, current: Span | Ambient | None) -> None:
            """Count one measurement that is made now, inside whatever is current."""

        def repeat(self, value: float, times: int) -> None:
            """Count a value that was recorded before, so many times more."""

        def take(self, values: list[float]) -> None:
            """Count values in ascending order."""


class HistogramCell(DistributionCell):
    """Counts by bucket, sum, extremes and the last sampled span of each bucket."""

    __slots__ = ("bounds", "counts", "exemplars", "least", "most", "sum")

    def __init__(self, attributes: Pairs, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        super().__init__(attributes)

    def reset(self) -> None:
        """Start from zero."""
        super().reset()
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0
        self.least = float("inf")
        self.most = float("-inf")
        self.exemplars: list[Exemplar | None] = [None] * len(self.counts)

    def record(self, value: float, span: Span) -> None:
        """Count one measurement of an ended span, and remember the span where it is sampled."""
        index = bisect_left(self.bounds, value)
        self.touched = True
        self.counts[index] += 1
        self.sum += value
        if value < self.least:  # noqa: PLR1730 - `min` is a call: it costs as much as the rest, and threads switch in it
            self.least = value
        if value > self.most:  # noqa: PLR1730 - as above
            self.most = value
        if (span.flags | _always) & _kept:
            self.exemplars[index] = (value, span.end_ns, span.trace_id, span.span_id)

    def repeat(self, value: float, times: int) -> None:
        """Count a value that was recorded before, so many times more."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times

    def take(self, values: list[float]) -> None:
        """Count values in ascending order: a bucket at a time."""
        counted, count = 0, len(values)
        for index, bound in enumerate(self.bounds):
            upto = bisect_right(values, bound, counted)
            if upto > counted:
                self.counts[index] += upto - counted
                counted = upto
            if counted == count:
                break
        self.counts[-1] += count - counted
        self.sum += sum(values)
        least, most = values[0], values[-1]
        if least < self.least:  # noqa: PLR1730 - as in `record`
            self.least = least
        if most > self.most:  # noqa: PLR1730 - as above
            self.most = most

    def measure(self, value: float, current: Span | Ambient | None) -> None:
        """Count one measurement that is made now, inside whatever is current."""
        index = bisect_left(self.bounds, value)
        self.touched = True
        self.counts[index] += 1
        self.sum += value
        if value < self.least:  # noqa: PLR1730 - as above
            self.least = value
        if value > self.most:  # noqa: PLR1730 - as above
            self.most = value
        if current is not None:
            if (current.flags | _always) & _kept:
                self.exemplars[index] = (value, time_ns(), current.trace_id, current.span_id)
        elif _always & _kept:
            self.exemplars[index] = (value, time_ns(), 0, 0)


class NumberCell(Cell):
    """A number: the sum of what was added, or what was put last. `exemplar` is the last sampled measurement."""

    __slots__ = ("exemplar", "value")

    def reset(self) -> None:
        """Start from zero."""
        super().reset()
        self.value: float = 0
        self.exemplar: Exemplar | None = None

    def add(self, amount: float) -> None:
        """Add to the sum, without an exemplar."""
        self.touched = True
        self.value += amount

    def put(self, value: float) -> None:
        """Say what the number is now, without an exemplar: for gauges and for sums that are observed."""
        self.touched = True
        self.value = value

    def measure(self, amount: float, current: Span | Ambient | None) -> None:
        """Add to the sum, inside whatever is current."""
        self.touched = True
        self.value += amount
        if ((current.flags if current is not None else 0) | _always) & _kept:
            self.exemplar = exemplar(amount, current)


class GaugeCell(NumberCell):
    """The number that was put last."""

    __slots__ = ()

    def measure(self, value: float, current: Span | Ambient | None) -> None:
        """Say what the number is now, inside whatever is current."""
        self.touched = True
        self.value = value
        if ((current.flags if current is not None else 0) | _always) & _kept:
            self.exemplar = exemplar(value, current)


def exemplar(value: float, current: Span | Ambient | None) -> Exemplar:
    """Return a measurement that is made now as an exemplar."""
    return (value, time_ns(), current.trace_id, current.span_id) if current is not None else (value, time_ns(), 0, 0)


def kept(flags: int) -> bool:
    """Say whether a measurement inside a span with these flags is kept as an exemplar."""
    return bool((flags | _always) & _kept)


def use_exemplar_filter(name: str) -> None:
    """Put an exemplar filter of the specification in force: `trace_based`, `always_on` or `always_off`."""
    global _always, _kept  # noqa: PLW0603 - one a process, read on the hot path
    _always = SAMPLED if name == "always_on" else 0
    _kept = 0 if name == "always_off" else SAMPLED
