"""Histogram cells: one slotted object a series, found by a tuple, written without a lock.

`counts[i] += 1` and its like contain no call, so the interpreter does not switch threads inside them. A fork child
resets every cell in place, because operations and callers hold references to them.
"""

from __future__ import annotations

from bisect import bisect_left
from time import time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.report import say
from platform_instrument.telemetry.context import SAMPLED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.core.values import Duration, Operation
    from platform_instrument.telemetry.span import Span

MOST_SERIES = 2_000
"""Attribute sets an instrument may have; the rest are counted together in the overflow series."""

_always, _kept = 0, SAMPLED
"""The exemplar filter as masks over a span's flags: which bit is taken as set, and which must be."""

_OVERFLOW = (("otel.metric.overflow", True),)


class Cell:
    """One series of a histogram: counts by bucket, sum, extremes and the last sampled span of each bucket.

    `exemplars[i]` is `(value, time_ns, trace_id, span_id)` or None.
    """

    __slots__ = ("attributes", "bounds", "counts", "encoded", "exemplars", "least", "most", "sum")

    def __init__(self, attributes: tuple[tuple[str, Any], ...], bounds: tuple[float, ...]) -> None:
        self.attributes = attributes
        self.bounds = bounds
        self.encoded: bytes | None = None
        """The attributes as OTLP, written by the encoder on first use."""
        self.reset()

    def reset(self) -> None:
        """Start from zero."""
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0
        self.least = float("inf")
        self.most = float("-inf")
        self.exemplars: list[tuple[float, int, int, int] | None] = [None] * len(self.counts)

    def record(self, value: float, span: Span) -> None:
        """Count one measurement, and remember the span where it is sampled."""
        index = bisect_left(self.bounds, value)
        self.counts[index] += 1
        self.sum += value
        if value < self.least:  # noqa: PLR1730 - `min` is a call: it costs as much as the rest, and threads switch in it
            self.least = value
        if value > self.most:  # noqa: PLR1730 - as above
            self.most = value
        if (span.flags | _always) & _kept:
            self.exemplars[index] = (value, span.end_ns, span.trace_id, span.span_id)


class Histogram:
    """One instrument and its cells by attribute set."""

    __slots__ = ("cells", "duration", "overflow")

    def __init__(self, duration: Duration) -> None:
        self.duration = duration
        self.cells: dict[tuple[tuple[str, Any], ...], Cell] = {}
        self.overflow: Cell | None = None

    def cell(self, attributes: tuple[tuple[str, Any], ...]) -> Cell:
        """Return the series of these attributes, or the overflow series once there are too many."""
        cell = self.cells.get(attributes)
        if cell is not None:
            return cell
        if len(self.cells) < MOST_SERIES:
            return self.cells.setdefault(attributes, Cell(attributes, self.duration.bounds))
        if self.overflow is None:
            self.overflow = Cell(_OVERFLOW, self.duration.bounds)
            say(
                f"{self.duration.name} has {MOST_SERIES} attribute sets, most of them by {self._widest()}; "
                "further ones are counted together under otel.metric.overflow",
            )
        return self.overflow

    def series(self) -> list[Cell]:
        """Return all cells, the overflow last."""
        cells = list(self.cells.values())
        return [*cells, self.overflow] if self.overflow is not None else cells

    def _widest(self) -> str:
        """Name the attribute with the most values."""
        values: dict[str, set[Any]] = {}
        for attributes in list(self.cells):
            for key, value in attributes:
                values.setdefault(key, set()).add(value)
        return max(values, key=lambda key: len(values[key]), default="none")


class Histograms:
    """All instruments of the process; `start_ns` is the moment from which they count."""

    __slots__ = ("by_name", "start_ns")

    def __init__(self) -> None:
        self.by_name: dict[str, Histogram] = {}
        self.start_ns = time_ns()

    def recorded(self) -> bool:
        """Say whether anything was recorded in this process."""
        return any(any(cell.counts) for histogram in list(self.by_name.values()) for cell in histogram.series())

    def reset(self) -> None:
        """Start every series from zero: in a fork child, whose parent goes on counting what it had."""
        self.start_ns = time_ns()
        for histogram in self.by_name.values():
            for cell in histogram.series():
                cell.reset()


HISTOGRAMS = Histograms()
"""The instruments of this process."""


def use_exemplar_filter(name: str) -> None:
    """Put an exemplar filter of the specification in force: `trace_based`, `always_on` or `always_off`."""
    global _always, _kept  # noqa: PLW0603 - one a process, read on the hot path
    _always = SAMPLED if name == "always_on" else 0
    _kept = 0 if name == "always_off" else SAMPLED


def cell_of(operation: Operation, duration: Duration, answered: Mapping[str, Any] | None) -> Cell:
    """Return the cell of an operation and of what its call answered: one dictionary lookup once it is known."""
    key = tuple([answered.get(name) for name in duration.varying]) if answered else ()
    cells = operation.cells
    if cells is None:
        cells = operation.cells = {}
    cell: Cell | None = cells.get(key)
    return cell if cell is not None else _new_cell(operation, duration, key)


def _new_cell(operation: Operation, duration: Duration, key: tuple[Any, ...]) -> Cell:
    """Find the series in its histogram and remember it in the operation, unless it is the overflow's."""
    histogram = HISTOGRAMS.by_name.get(duration.name)
    if histogram is None:
        histogram = HISTOGRAMS.by_name.setdefault(duration.name, Histogram(duration))
    constant = operation.attributes
    pairs = [(name, constant[name]) for name in duration.constant if name in constant]
    pairs.extend((name, value) for name, value in zip(duration.varying, key, strict=False) if value is not None)
    cell = histogram.cell(tuple(pairs))
    if cell is not histogram.overflow:
        operation.cells[key] = cell
    return cell
