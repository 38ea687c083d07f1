"""A meter provider that the application sets up in code wins for the application's own metrics; ours stay ours.

Instruments that were made before count there from then on. A provider of the SDK's with readers exports by itself; one
without, such as one that only says which views there are, leaves through our doors.
See `docs/adr/0011-meters-cells-and-threads.md`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.meters import instruments
from platform_instrument.telemetry.meters.observed import OBSERVER
from platform_instrument.telemetry.metrics.registry import METRICS

if TYPE_CHECKING:
    from platform_instrument.telemetry.meters.provider import Meter, MeterProvider
    from platform_instrument.telemetry.meters.wanted import Wanted

_CREATE: dict[type, str] = {
    instruments.Counter: "create_counter",
    instruments.UpDownCounter: "create_up_down_counter",
    instruments.Histogram: "create_histogram",
    instruments.Gauge: "create_gauge",
    instruments.ObservableCounter: "create_observable_counter",
    instruments.ObservableUpDownCounter: "create_observable_up_down_counter",
    instruments.ObservableGauge: "create_observable_gauge",
}


def adopt(ours: MeterProvider, provider: Any) -> None:  # noqa: ANN401 - the SDK's MeterProvider, or one of another kind
    """Let a provider take over from ours, and deliver what it counts where nobody else does."""
    _hand_over(ours, provider)
    storages = getattr(getattr(provider, "_measurement_consumer", None), "_reader_storages", None)
    running = pipeline.PIPELINE
    if storages == {} and running is not None and set(running.settings.metrics_exporter) - {"none"}:
        from platform_instrument.telemetry.meters.reader import Door  # loads the SDK, as the application did

        OBSERVER.add(Door(provider, running.settings, ours.counted_by_us))


def _hand_over(ours: MeterProvider, provider: Any) -> None:  # noqa: ANN401 - as above
    """Let every meter and every instrument that we have made be the provider's: what ours counted is gone, as without us."""
    OBSERVER.clear()
    for meter in list(ours.meters.values()):
        guard("meter provider", _follow, meter, provider)
        gone = {id(made.metric): made.metric for made, _ in list(meter.made.values())}
        METRICS.foreign[:] = [metric for metric in METRICS.foreign if id(metric) not in gone]
        METRICS.count -= sum([len(metric.cells) for metric in gone.values()])
    ours.get_meter = provider.get_meter  # type: ignore[method-assign] # for whoever has kept ours


def _follow(meter: Meter, provider: Any) -> None:  # noqa: ANN401 - as above
    scope = meter.scope
    attributes = (dict(scope.attributes),) if scope.attributes else ()  # the API has them since 1.26
    real = provider.get_meter(scope.name, scope.version or None, scope.schema_url or None, *attributes)
    for made, asked in list(meter.made.values()):
        instrument = guard("meter provider", _made, real, asked)
        if instrument is not None:
            instruments.follow(made, instrument)
    for method in _CREATE.values():
        if hasattr(real, method):
            setattr(meter, method, getattr(real, method))


def _made(real: Any, asked: Wanted) -> Any:  # noqa: ANN401 - a meter of the provider's, and what it makes
    """Return what a meter makes of what ours was asked for."""
    create = getattr(real, _CREATE[asked.kind])
    if issubclass(asked.kind, instruments.OBSERVABLES):
        return create(asked.name, list(asked.callbacks), asked.unit, asked.description)
    if asked.advisory is not None:
        create = partial(create, explicit_bucket_boundaries_advisory=list(asked.advisory))
    return create(asked.name, asked.unit, asked.description)
