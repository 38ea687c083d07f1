"""Exponential histograms: buckets whose bounds are powers of one base, which fit themselves to what is measured.

A measurement finds its bucket in the window, looks once more whether that is still the window, and counts: no call lies between,
so no other thread comes between either. Whoever changes the window puts an empty one in its place first, and adds to that what
the old one holds.
Source: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram.
"""

from __future__ import annotations

from math import floor, frexp, ldexp, log
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from platform_instrument.core.report import say
from platform_instrument.telemetry.metrics import cells
from platform_instrument.telemetry.metrics.cells import DistributionCell, exemplar
from platform_instrument.telemetry.metrics.registry import Aggregation

if TYPE_CHECKING:
    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.metrics.cells import Exemplar
    from platform_instrument.telemetry.span import Span

MOST_BUCKETS = 160
"""Buckets of a histogram: the SDK's default, an error of less than 5 % where the largest value is a million times the least."""

_FINEST = 20
_INFINITE = float("inf")
_SMALLEST = 2.0**-1022
"""The smallest normal number: what is less counts as it."""
_HALF = 0.5
_MOST_EXEMPLARS = 16


class Reading(NamedTuple):
    """What a histogram holds: bucket `i` of `counts` goes up to `2 ** ((offset + i + 1) / 2 ** scale)`, inclusive."""

    scale: int
    offset: int
    counts: list[int]
    zeros: int
    sum: float

    @property
    def total(self) -> int:
        """Return how many measurements there are."""
        return sum(self.counts) + self.zeros

    def since(self, before: Reading | None) -> Reading:
        """Return what was counted after an earlier reading, whose buckets were the same or finer."""
        if before is None:
            return self
        step = before.scale - self.scale
        counts = self.counts.copy()
        for at, count in enumerate(before.counts):
            if count:
                counts[((before.offset + at) >> step) - self.offset] -= count
        return Reading(self.scale, self.offset, counts, self.zeros - before.zeros, self.sum - before.sum)

    def plus(self, other: Reading) -> Reading:
        """Return what both hold, in the wider buckets of the two."""
        scale = min(self.scale, other.scale)
        counts: dict[int, int] = {}
        for reading in (self, other):
            for at, count in enumerate(reading.counts):
                index = (reading.offset + at) >> (reading.scale - scale)
                counts[index] = counts.get(index, 0) + count
        first, last = min(counts, default=0), max(counts, default=-1)
        buckets = [counts.get(index, 0) for index in range(first, last + 1)]
        return Reading(scale, first, buckets, self.zeros + other.zeros, self.sum + other.sum)


class _Window:
    """The buckets that can be counted in: bucket `base + i` in `counts[i]`."""

    __slots__ = ("base", "counts", "factor", "scale")

    def __init__(self, scale: int, base: int) -> None:
        self.scale = scale
        self.base = base
        self.counts = [0] * MOST_BUCKETS
        self.factor = ldexp(1 / log(2), scale)

    def used(self) -> list[int]:
        """Return the buckets with something in them."""
        return [self.base + place for place, count in enumerate(self.counts) if count]


def bucket(value: float, scale: int, factor: float) -> int:
    """Return the bucket of a positive value: the one whose upper bound is the first not below it."""
    fraction, exponent = frexp(max(_SMALLEST, value))
    if fraction == _HALF:  # a power of two: the upper bound of its bucket
        return ((exponent - 1) << scale) - 1 if scale > 0 else (exponent - 2) >> -scale
    return floor(log(value) * factor) if scale > 0 else (exponent - 1) >> -scale


def use_exponential_histograms() -> None:
    """Make all histograms from now on exponential ones."""
    Aggregation.histogram = lambda attributes, _bounds: ExponentialCell(attributes)


class ExponentialCell(DistributionCell):
    """Counts by bucket, of zeros, sum, extremes, and some of the last sampled spans."""

    __slots__ = ("_changing", "_window", "exemplars", "least", "most", "sum", "zeros")

    def reset(self) -> None:
        """Start from zero."""
        super().reset()
        self._changing = RLock()
        self._window: _Window | None = None
        self.zeros = 0
        self.sum = 0.0
        self.least = float("inf")
        self.most = float("-inf")
        self.exemplars: list[Exemplar | None] = [None] * _MOST_EXEMPLARS

    def record(self, value: float, span: Span) -> None:
        """Count one measurement of an ended span, and remember the span where it is sampled."""
        at = self._count(value)
        if at is not None and cells.kept(span.flags):
            self.exemplars[at % _MOST_EXEMPLARS] = (value, span.end_ns, span.trace_id, span.span_id)

    def repeat(self, value: float, times: int) -> None:
        """Count a value that was recorded before, so many times more."""
        self._count(value, times)

    def take(self, values: list[float]) -> None:
        """Count values in ascending order."""
        for value in values:
            self._count(value)

    def measure(self, value: float, current: Span | Ambient | None) -> None:
        """Count one measurement that is made now, inside whatever is current."""
        at = self._count(value)
        if at is not None and cells.kept(current.flags if current is not None else 0):
            self.exemplars[at % _MOST_EXEMPLARS] = exemplar(value, current)

    def _count(self, value: float, times: int = 1) -> int | None:
        """Count a value so many times, and return its bucket; None where it has none."""
        at = 0
        if 0 < value < _INFINITE:
            while True:
                window = self._window
                if window is None:
                    self._place(value)
                    continue
                at = bucket(value, window.scale, window.factor)
                place = at - window.base
                if not 0 <= place < MOST_BUCKETS:
                    self._move(at, value)
                elif window is self._window:
                    window.counts[place] += times
                    break
        elif value == 0:
            self.zeros += times
        else:
            say("an exponential histogram was given a value below zero, or no number; it is not counted", place="exponential")
            return None
        self.touched = True
        self.sum += value * times
        if value < self.least:  # noqa: PLR1730 - `min` is a call, and threads switch in it
            self.least = value
        if value > self.most:  # noqa: PLR1730 - as above
            self.most = value
        return at

    def _place(self, value: float) -> None:
        """Put the first window around its first value."""
        with self._changing:
            if self._window is None:
                window = _Window(_FINEST, 0)
                window.base = bucket(value, window.scale, window.factor) - MOST_BUCKETS // 2
                self._window = window

    def _move(self, at: int, value: float) -> None:
        """Let the window hold a bucket that is outside of it, with wider buckets where it has too few for that."""
        with self._changing:
            old = self._window
            if old is None or bucket(value, old.scale, old.factor) != at or 0 <= at - old.base < MOST_BUCKETS:
                return  # another thread was faster
            used, step = [at, *old.used()], 0
            low, high = min(used), max(used)
            while (high >> step) - (low >> step) >= MOST_BUCKETS:
                step += 1
            spare = MOST_BUCKETS - 1 - ((high >> step) - (low >> step))
            new = self._window = _Window(old.scale - step, (low >> step) - spare // 2)
            for place, count in enumerate(old.counts):
                if count:
                    new.counts[((old.base + place) >> step) - new.base] += count

    def put(self, reading: Reading) -> None:
        """Say what is counted until now: for what somebody else counts."""
        window = _Window(reading.scale, reading.offset)
        window.counts[: len(reading.counts)] = reading.counts
        self._window, self.zeros, self.sum, self.touched = window, reading.zeros, reading.sum, True

    def read(self) -> Reading:
        """Return what is counted until now."""
        with self._changing:
            window = self._window
            if window is None or not any(window.counts):
                return Reading(_FINEST if window is None else window.scale, 0, [], self.zeros, self.sum)
            used = window.used()
            counts = window.counts[used[0] - window.base : used[-1] - window.base + 1]
            return Reading(window.scale, used[0], counts, self.zeros, self.sum)


def upper_bound(index: int, scale: int) -> float:
    """Return the upper bound of a bucket, infinite where no number is that large."""
    try:
        return float(2.0 ** ldexp(index + 1, -scale))
    except OverflowError:
        return float("inf")
