"""The instruments of the OpenTelemetry API, on our cells.

A measurement is a check of the number, a lookup of the cell and what the cell does. Once the application sets a meter provider of
its own, `follow` puts what that one makes in the place of each method.
Source: https://opentelemetry.io/docs/specs/otel/metrics/api/; opentelemetry/metrics/_internal/instrument.py (1.21 to 1.45).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import metrics as api
from opentelemetry.context import Context  # noqa: TC002 - our context's bridge is loaded with it, so not by what is below
from opentelemetry.metrics._internal import instrument as api_instruments

from platform_instrument.core.guard import guard
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.bridge import current_of
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.meters.series import LARGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.meters.series import ApplicationMetric

    Attributes = Mapping[str, Any] | None

_ApiGauge: Any = getattr(api_instruments, "Gauge", api_instruments.Synchronous)
"""The API has gauges that are set since 1.23."""

_EXACT = frozenset((int, float))


class _Own:
    """What all of them have; `metric` takes their measurements."""

    metric: ApplicationMetric

    @property
    def name(self) -> str:
        """The name, as it is exported."""
        return self.metric.instrument.name

    @property
    def unit(self) -> str:
        """The unit."""
        return self.metric.instrument.unit

    @property
    def description(self) -> str:
        """The description."""
        return self.metric.instrument.description

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class Counter(_Own, api.Counter):
    """Counts up."""

    def __init__(self, metric: ApplicationMetric) -> None:
        self.metric = metric

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Add to the sum; an amount below zero is left out."""
        _measure(self.metric, amount, attributes, context)


class UpDownCounter(_Own, api.UpDownCounter):
    """Counts up and down."""

    def __init__(self, metric: ApplicationMetric) -> None:
        self.metric = metric

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Add to the sum."""
        _measure(self.metric, amount, attributes, context)


class Histogram(_Own, api.Histogram):
    """Counts values by buckets."""

    def __init__(self, metric: ApplicationMetric) -> None:
        self.metric = metric

    def record(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Count a value; one below zero is left out."""
        _measure(self.metric, amount, attributes, context)


class Gauge(_Own, _ApiGauge):  # type: ignore[misc] # of a class that older versions of the API have not
    """Says how much something is now."""

    def __init__(self, metric: ApplicationMetric) -> None:
        self.metric = metric

    def set(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Say how much it is."""
        _measure(self.metric, amount, attributes, context)


class ObservableCounter(_Own, api.ObservableCounter):
    """Counts up, and is asked for its sum."""

    def __init__(self, metric: ApplicationMetric) -> None:
        self.metric = metric


class ObservableUpDownCounter(_Own, api.ObservableUpDownCounter):
    """Counts up and down, and is asked for its sum."""

    def __init__(self, metric: ApplicationMetric) -> None:
        self.metric = metric


class ObservableGauge(_Own, api.ObservableGauge):
    """Is asked how much something is."""

    def __init__(self, metric: ApplicationMetric) -> None:
        self.metric = metric


OBSERVABLES = (ObservableCounter, ObservableUpDownCounter, ObservableGauge)
ALL: tuple[Any, ...] = (Counter, UpDownCounter, Histogram, Gauge, *OBSERVABLES)


def _measure(metric: ApplicationMetric, amount: Any, attributes: Any, context: Any) -> None:  # noqa: ANN401 - the application's
    """Take one measurement: the hot path of an application's metrics."""
    if type(amount) not in _EXACT or not metric.least <= amount < LARGEST:
        amount = metric.number(amount)
        if amount is None:
            return
    running = pipeline.PIPELINE
    if running is not None and running.worker.awaited:
        running.worker.start()
    cell = metric.find(attributes)
    if cell is not None:
        cell.measure(amount, CURRENT.get() if context is None else guard("metric context", current_of, context, CURRENT.get()))


_METHODS = ("add", "record", "set")


def follow(instrument: Any, made: Any) -> None:  # noqa: ANN401 - one of ours, and what stands for it from now on
    """Let the methods of an instrument of ours be those of another: an instance attribute hides the method of the class."""
    for name in _METHODS:
        if hasattr(instrument, name) and hasattr(made, name):
            setattr(instrument, name, getattr(made, name))
