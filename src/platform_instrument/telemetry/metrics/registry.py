"""All metrics of the process: which instruments there are, which series each has, and how many it may have."""

from __future__ import annotations

from threading import RLock
from time import time_ns
from typing import TYPE_CHECKING, Any, TypeVar

from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.core.values import GAUGE, HISTOGRAM
from platform_instrument.telemetry.metrics.cells import GaugeCell, HistogramCell, NumberCell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.core.values import Instrument, Operation
    from platform_instrument.telemetry.metrics.cells import Pairs
    from platform_instrument.telemetry.scope import InstrumentationScope

_T = TypeVar("_T")

_PATIENCE = 1.0
"""Seconds that one collection waits for another."""

_PAIR = 2

_OVERFLOW = (("otel.metric.overflow", True),)


class Limits:
    """How many series there may be; what is beyond is counted in the overflow series of its instrument."""

    cardinality = 2_000
    """Of one instrument (`PLATFORM_METRICS_CARDINALITY_LIMIT`)."""
    series = 10_000
    """Of all instruments of the process (`PLATFORM_METRICS_SERIES_LIMIT`)."""


class Aggregation:
    """What histograms are made of; another one where exponential buckets are asked for."""

    histogram: Callable[[Pairs, tuple[float, ...]], Any] = HistogramCell


def new_cell(instrument: Instrument, attributes: Pairs) -> Any:  # noqa: ANN401 - a cell of the instrument's kind
    """Make the cell of a series."""
    if instrument.kind == HISTOGRAM:
        return Aggregation.histogram(attributes, instrument.bounds)
    return GaugeCell(attributes) if instrument.kind == GAUGE else NumberCell(attributes)


class Metric:
    """One instrument and its cells by attribute set; `scope` is None where it is ours."""

    __slots__ = ("_firsts", "cells", "instrument", "overflow", "scope")

    def __init__(self, instrument: Instrument, scope: InstrumentationScope | None = None) -> None:
        self.instrument = instrument
        self.scope = scope
        self.cells: dict[Any, Any] = {}
        """By their attributes, or by whatever tells them apart where equal values are of different types."""
        self.overflow: Any = None
        self._firsts: dict[str, Any] = {}
        """What one of several threads was first to make."""

    def cell(self, attributes: Pairs, key: Any = None) -> Any:  # noqa: ANN401 - a cell of the instrument's kind
        """Return the series of these attributes, or the overflow series once there are too many."""
        key = attributes if key is None else key
        cell = self.cells.get(key)
        if cell is not None:
            return cell
        if len(self.cells) < Limits.cardinality and METRICS.count < Limits.series:
            METRICS.count += 1
            return self.cells.setdefault(key, self.make(attributes))
        mine: object = object()
        if "said" not in self._firsts and self._firsts.setdefault("said", mine) is mine:
            say(self._complaint())
        return self.beyond()

    def make(self, attributes: Pairs) -> Any:  # noqa: ANN401 - as above
        """Make the cell of a series."""
        return new_cell(self.instrument, attributes)

    def beyond(self) -> Any:  # noqa: ANN401 - as above
        """Return the overflow series."""
        if self.overflow is None:
            self.overflow = self._firsts.setdefault("overflow", self.make(_OVERFLOW))
        return self.overflow

    def retire(self, key: Any) -> None:  # noqa: ANN401 - attributes, or what stands for them
        """Forget a series: what it counted is no more. Whoever holds its cell writes to what is never read."""
        if self.cells.pop(key, None) is not None:
            METRICS.count -= 1

    def series(self) -> list[Any]:
        """Return the cells that something was recorded in, the overflow last."""
        cells = [cell for cell in list(self.cells.values()) if cell.touched]
        if self.overflow is not None and self.overflow.touched:
            cells.append(self.overflow)
        if self.instrument.kind == HISTOGRAM:
            for cell in cells:
                if cell.seen or cell.noted:
                    cell.fold()
        return cells

    def reset(self) -> None:
        """Start every series from zero."""
        for cell in [*self.cells.values(), *([] if self.overflow is None else [self.overflow])]:
            cell.reset()

    def _complaint(self) -> str:
        name, most = self.instrument.name, len(self.cells)
        if most >= Limits.cardinality:
            limit = f"{name} has {most} attribute sets (PLATFORM_METRICS_CARDINALITY_LIMIT), most of them by {self._widest()}"
        else:
            limit = f"this process has {Limits.series} series (PLATFORM_METRICS_SERIES_LIMIT), {most} of them of {name}"
        return f"{limit}; further ones are counted together under otel.metric.overflow"

    def _widest(self) -> str:
        """Name the attribute with the most values."""
        values: dict[str, set[Any]] = {}
        for cell in list(self.cells.values()):
            for key, value in cell.attributes:
                values.setdefault(key, set()).add(value)
        return max(values, key=lambda key: len(values[key]), default="none")


class Metrics:
    """All metrics of the process; `start_ns` is the moment from which they count."""

    __slots__ = ("_collecting", "asked", "by_name", "count", "foreign", "observers", "resets", "start_ns")

    def __init__(self) -> None:
        self.by_name: dict[str, Metric] = {}
        """Ours, by the names of their instruments."""
        self.foreign: list[Metric] = []
        """Those of the application's own meters."""
        self.observers: list[Callable[[], object]] = []
        """Called before each collection, to put what is only known by asking into its cells."""
        self.asked = False
        """True where an observer asks the application, which may have something to say though it recorded nothing."""
        self.start_ns = time_ns()
        self.resets = 0
        """How often everything began anew: another number is another process."""
        self.count = 0
        self._collecting = RLock()
        """Held while the metrics are read: by the worker, or by who answers a scrape; a signal handler may flush meanwhile."""

    def metric(self, instrument: Instrument) -> Metric:
        """Return the metric of one of our instruments."""
        metric = self.by_name.get(instrument.name)
        return metric if metric is not None else self.by_name.setdefault(instrument.name, Metric(instrument))

    def collect(self, read: Callable[[], _T]) -> _T | None:
        """Let every observer say how things are, then read; None where somebody else is at it for too long."""
        collecting = self._collecting
        if not collecting.acquire(timeout=_PATIENCE):
            return None
        try:
            for observer in list(self.observers):
                guard("observe metrics", observer)
            return read()
        finally:
            collecting.release()

    def every(self) -> list[Metric]:
        """Return all metrics, ours first."""
        return [*self.by_name.values(), *self.foreign]

    def recorded(self) -> bool:
        """Say whether anything was recorded in this process, or is to be asked for."""
        return self.asked or any(metric.series() for metric in self.every() if not metric.instrument.observable)

    def reset(self) -> None:
        """Start every series from zero: in a fork child, whose parent goes on counting what it had."""
        self.start_ns = time_ns()
        self.resets += 1
        self._collecting = RLock()
        for metric in self.every():
            metric.reset()


METRICS = Metrics()
"""The metrics of this process."""


def cell_of(operation: Operation, duration: Instrument, answered: Mapping[str, Any] | None) -> HistogramCell:
    """Return the cell of an operation and of what its call answered: one dictionary lookup once it is known."""
    varying = duration.varying
    if not answered:
        key: tuple[Any, ...] = ()
    elif len(varying) == _PAIR:  # those of an HTTP server: a comprehension is a call, and costs as much as the rest
        key = (answered.get(varying[0]), answered.get(varying[1]))
    else:
        key = tuple([answered.get(name) for name in varying])
    cells = operation.cells
    if cells is None:
        cells = operation.cells = {}
    cell: HistogramCell | None = cells.get(key)
    return cell if cell is not None else _new_cell(operation, duration, key)


def _new_cell(operation: Operation, duration: Instrument, key: tuple[Any, ...]) -> HistogramCell:
    """Find the series in its metric and remember it in the operation, unless it is the overflow's."""
    metric = METRICS.metric(duration)
    constant = operation.attributes
    pairs = [(name, constant[name]) for name in duration.constant if name in constant]
    pairs.extend((name, value) for name, value in zip(duration.varying, key, strict=False) if value is not None)
    cell: HistogramCell = metric.cell(tuple(pairs))
    if cell is not metric.overflow:
        operation.cells[key] = cell
    return cell


def beside(cell: Any, instrument: Instrument) -> Any:  # noqa: ANN401 - cells of whatever kinds
    """Return the cell of another instrument with the same attributes, of those that it may carry."""
    found = cell.besides.get(instrument.name) if cell.besides is not None else None
    return found if found is not None else _beside(cell, instrument)


def _beside(cell: Any, instrument: Instrument) -> Any:  # noqa: ANN401 - as above
    metric = METRICS.metric(instrument)
    if cell.attributes == _OVERFLOW:
        return metric.beyond()
    keys = {*instrument.constant, *instrument.varying}
    found = metric.cell(tuple([pair for pair in cell.attributes if pair[0] in keys]))
    if found is not metric.overflow:
        if cell.besides is None:
            cell.besides = {}
        cell.besides[instrument.name] = found
    return found
