"""What a meter provider of the SDK's has counted, in our cells: so that it leaves through our doors, all of them.

The SDK counts, with the application's views; before each collection its points are put into cells, cumulative. A fork child
starts from zero: what reads there is made anew, since the SDK itself goes on with its parent's sums.
The one module that imports `opentelemetry.sdk.metrics`. Source: opentelemetry/sdk/metrics/_internal (1.21 to 1.45).
"""

from __future__ import annotations

import os
from bisect import bisect_left
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import Histogram
from opentelemetry.sdk.metrics import export as sdk
from opentelemetry.sdk.metrics._internal.metric_reader_storage import MetricReaderStorage
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation

from platform_instrument.core.guard import guard
from platform_instrument.core.values import COUNTER, GAUGE, HISTOGRAM, UP_DOWN_COUNTER, Instrument
from platform_instrument.telemetry import limits
from platform_instrument.telemetry.meters.series import ApplicationMetric, recorded_by_us
from platform_instrument.telemetry.metrics.cells import GaugeCell, HistogramCell, NumberCell
from platform_instrument.telemetry.metrics.exponential import ExponentialCell, Reading
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.telemetry.scope import InstrumentationScope

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.config.schema import Settings
    from platform_instrument.telemetry.metrics.cells import Exemplar, Pairs


class _Delivered(ApplicationMetric):
    """The metric of a stream of the SDK's, with cells that hold its points."""

    __slots__ = ("_make",)

    def __init__(self, instrument: Instrument, scope: InstrumentationScope, make: Callable[[Pairs], Any]) -> None:
        super().__init__(instrument, scope)
        self._make = make

    def make(self, attributes: Pairs) -> Any:  # noqa: ANN401 - a cell of the stream's kind
        """Make the cell of a series."""
        return self._make(attributes)


class Door:
    """Reads a provider that nobody else reads, until the application adds a reader of its own."""

    def __init__(
        self,
        provider: Any,  # noqa: ANN401 - the SDK's MeterProvider
        settings: Settings,
        counted_by_us: Callable[[str], bool] | None,
    ) -> None:
        self._counted_by_us = counted_by_us
        self._config = provider._sdk_config  # noqa: SLF001 - most versions take readers in the constructor only
        self._consumer: Any = provider._measurement_consumer  # noqa: SLF001 - as above
        self._reader: Any = None
        self._metrics: dict[Any, _Delivered] = {}
        self._scopes: dict[Any, InstrumentationScope] = {}
        self._cumulative = settings.exporter_otlp_metrics_temporality_preference == "cumulative"
        exponential = settings.exporter_otlp_metrics_default_histogram_aggregation == "base2_exponential_bucket_histogram"
        self._wanted: Any = {Histogram: ExponentialBucketHistogramAggregation()} if exponential else None
        self._attach()
        os.register_at_fork(after_in_child=lambda: guard("after fork in the child", self._attach))

    def _attach(self) -> None:
        """Have the provider count for us, from zero; a lock that is inherited may be taken for ever."""
        others, consumer = self._others(), self._consumer
        reader: Any = sdk.InMemoryMetricReader(preferred_aggregation=self._wanted)
        kinds = (reader._instrument_class_temporality, reader._instrument_class_aggregation)  # noqa: SLF001 - as the SDK does
        consumer._lock = Lock()  # noqa: SLF001 - as above
        consumer._reader_storages = {**others, reader: MetricReaderStorage(self._config, *kinds)}  # noqa: SLF001 - as above
        reader._set_collect_callback(consumer.collect)  # noqa: SLF001 - as above
        self._reader = reader

    def _others(self) -> dict[Any, Any]:
        """Return what the provider counts for others."""
        storages: dict[Any, Any] = self._consumer._reader_storages  # noqa: SLF001 - as above
        return {reader: storage for reader, storage in storages.items() if reader is not self._reader}

    def observe(self, _options: Any) -> None:  # noqa: ANN401 - the API's CallbackOptions
        """Put the points of now into cells; none where others have come to read them."""
        data = None if self._others() else self._reader.get_metrics_data()
        for delivered in self._metrics.values():
            delivered.untouch()
        for group in data.resource_metrics if data is not None else ():
            for scoped in group.scope_metrics:
                for metric in scoped.metrics:
                    guard("metric of the SDK", self._take, scoped.scope, metric)

    def _take(self, scope: Any, metric: Any) -> None:  # noqa: ANN401 - types of the SDK's, here and below
        """Put the points of one stream into cells."""
        key = (scope, metric.name, metric.unit, type(metric.data))
        delivered = self._metrics.get(key)
        for point in metric.data.data_points:
            if delivered is None:
                delivered = self._metrics[key] = self._delivered(scope, metric, point)
                METRICS.foreign.append(delivered)
            cell = delivered.find(point.attributes)
            if cell is not None:
                self._put(cell, point)

    def _delivered(self, scope: Any, metric: Any, point: Any) -> _Delivered:  # noqa: ANN401
        data = metric.data
        kind, make = _kind(data, point)
        bounds = tuple(getattr(point, "explicit_bounds", ()))
        instrument = Instrument(
            metric.name, metric.description or "", unit=metric.unit or "", kind=kind, bounds=bounds, merged="max"
        )
        ours = self._scopes.get(scope)
        if ours is None:
            kept, _ = limits.bounded(getattr(scope, "attributes", None), limits.LIMITS.span_attributes, limits.LONGEST)
            ours = InstrumentationScope(scope.name, scope.version or "", scope.schema_url or "", kept)
            self._scopes[scope] = ours
        delivered = _Delivered(instrument, ours, make)
        if self._counted_by_us is not None:
            delivered.gives_way = partial(recorded_by_us, metric.name, partial(self._counted_by_us, scope.name))
        return delivered

    def _put(self, cell: Any, point: Any) -> None:  # noqa: ANN401
        """Put a point into its cell, to another that leaves under the same attributes where there was one."""
        exemplars = [_exemplar(each) for each in getattr(point, "exemplars", ())]
        if isinstance(cell, NumberCell):
            adds = cell.touched and type(cell) is not GaugeCell
            cell.put(point.value + cell.value if adds else point.value)
            cell.exemplar = exemplars[-1] if exemplars else cell.exemplar  # the SDK gives each away once
            return
        first = not cell.touched
        if isinstance(cell, ExponentialCell):
            buckets = point.positive
            reading = Reading(point.scale, buckets.offset, list(buckets.bucket_counts), point.zero_count, point.sum)
            cell.put(reading if first else reading.plus(cell.read()))
            cell.exemplars[: len(exemplars)] = exemplars[: len(cell.exemplars)]
        else:
            counts = point.bucket_counts
            cell.counts = list(counts) if first else [one + other for one, other in zip(counts, cell.counts, strict=True)]
            cell.sum, cell.touched = point.sum if first else point.sum + cell.sum, True
            for exemplar in exemplars:
                cell.exemplars[bisect_left(cell.bounds, exemplar[0])] = exemplar
        if self._cumulative:  # extremes are those since the start, of which a delta may not speak
            cell.least, cell.most = (point.min, point.max) if first else (min(point.min, cell.least), max(point.max, cell.most))


def _kind(data: Any, point: Any) -> tuple[int, Callable[[Pairs], Any]]:  # noqa: ANN401
    """Return the kind of a stream, and what makes its cells."""
    if isinstance(data, sdk.Histogram):
        return HISTOGRAM, partial(HistogramCell, bounds=tuple(point.explicit_bounds))
    if isinstance(data, sdk.Sum):
        return COUNTER if data.is_monotonic else UP_DOWN_COUNTER, NumberCell
    return (GAUGE, GaugeCell) if isinstance(data, sdk.Gauge) else (HISTOGRAM, ExponentialCell)


def _exemplar(exemplar: Any) -> Exemplar:  # noqa: ANN401
    return (exemplar.value, exemplar.time_unix_nano, exemplar.trace_id or 0, exemplar.span_id or 0)
