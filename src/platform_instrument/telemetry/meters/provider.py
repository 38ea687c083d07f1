"""The meter provider and the meters of the OpenTelemetry API, on our cells.

Loaded when the application has imported `opentelemetry.metrics`.
Source: https://opentelemetry.io/docs/specs/otel/metrics/api/ and sdk/#duplicate-instrument-registration;
opentelemetry/metrics/_internal/__init__.py (1.21 to 1.45).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics as api
from opentelemetry.metrics._internal import instrument as api_instruments

from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.core.values import GAUGE, Instrument
from platform_instrument.telemetry import limits
from platform_instrument.telemetry.meters import instruments
from platform_instrument.telemetry.meters.observed import OBSERVER, ObservedMetric
from platform_instrument.telemetry.meters.series import ApplicationMetric, recorded_by_us
from platform_instrument.telemetry.meters.wanted import wanted
from platform_instrument.telemetry.metrics.registry import METRICS, Limits
from platform_instrument.telemetry.processors import PROCESSORS
from platform_instrument.telemetry.scope import InstrumentationScope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from platform_instrument.telemetry.meters.wanted import Wanted

_MOST_METERS = 1_024


class Meter(api.Meter):
    """Makes the instruments of one instrumentation scope; never raises, whatever it is given."""

    def __init__(self, scope: InstrumentationScope, counted_by_us: Callable[[], bool] | None = None) -> None:
        super().__init__(scope.name, scope.version or None, scope.schema_url or None)
        self.scope = scope
        self.made: dict[tuple[type, str, str], tuple[Any, Wanted]] = {}
        """The instruments by kind, name and unit, with what was asked for first."""
        self._counted_by_us = counted_by_us

    def create_counter(self, name: str, unit: str = "", description: str = "") -> api.Counter:
        """Return the counter of this name and unit."""
        return self._have(instruments.Counter, name=name, unit=unit, description=description)  # type: ignore[no-any-return]

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> api.UpDownCounter:
        """Return the up-down counter of this name and unit."""
        return self._have(instruments.UpDownCounter, name=name, unit=unit, description=description)  # type: ignore[no-any-return]

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> api.Histogram:
        """Return the histogram of this name and unit; the bounds of its buckets are those that were asked for first."""
        given = {"unit": unit, "description": description, "advisory": explicit_bucket_boundaries_advisory}
        return self._have(instruments.Histogram, name=name, **given)  # type: ignore[no-any-return]

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> Any:  # noqa: ANN401 - the API has it since 1.23
        """Return the gauge of this name and unit."""
        return self._have(instruments.Gauge, name=name, unit=unit, description=description)

    def create_observable_counter(
        self, name: str, callbacks: Sequence[Any] | None = None, unit: str = "", description: str = ""
    ) -> api.ObservableCounter:
        """Return the observable counter of this name and unit."""
        given = {"callbacks": callbacks, "unit": unit, "description": description}
        return self._have(instruments.ObservableCounter, name=name, **given)  # type: ignore[no-any-return]

    def create_observable_up_down_counter(
        self, name: str, callbacks: Sequence[Any] | None = None, unit: str = "", description: str = ""
    ) -> api.ObservableUpDownCounter:
        """Return the observable up-down counter of this name and unit."""
        given = {"callbacks": callbacks, "unit": unit, "description": description}
        return self._have(instruments.ObservableUpDownCounter, name=name, **given)  # type: ignore[no-any-return]

    def create_observable_gauge(
        self, name: str, callbacks: Sequence[Any] | None = None, unit: str = "", description: str = ""
    ) -> api.ObservableGauge:
        """Return the observable gauge of this name and unit."""
        given = {"callbacks": callbacks, "unit": unit, "description": description}
        return self._have(instruments.ObservableGauge, name=name, **given)  # type: ignore[no-any-return]

    def _have(self, kind: Any, **given: Any) -> Any:  # noqa: ANN401 - one of our classes, and an instrument of it
        """Return the instrument, made when it is asked for first; one that does nothing where it cannot be made."""
        made = guard("meter", self._made, kind, given)
        if made is not None:
            return made
        nothing = getattr(api_instruments, f"NoOp{kind.__name__}", None)  # for gauges since 1.23
        return nothing("") if nothing is not None else kind(ApplicationMetric(Instrument("", "", kind=GAUGE), self.scope))

    def _made(self, kind: Any, given: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
        asked = wanted(given, kind)
        if asked is None:
            return None
        if asked.key not in self.made and len(METRICS.foreign) >= Limits.series:
            say(
                f"this process has {Limits.series} metrics of the application's; {asked.name} is not counted",
                place="most metrics",
            )
            return None
        fresh = kind(_metric(asked, self.scope))
        made, first = self.made.setdefault(asked.key, (fresh, asked))
        if made is fresh:
            self._register(asked, made.metric)
        elif differences := asked.differences(first):
            say(f"{asked.name} was made before, with another {differences}; what was said first counts", place=asked.name)
        return made

    def _register(self, asked: Wanted, metric: ApplicationMetric) -> None:
        """Let an instrument be exported; say it where there is another one of its name, which nobody can tell from this one."""
        if self._counted_by_us is not None:
            metric.gives_way = partial(recorded_by_us, asked.name.lower(), self._counted_by_us)
        METRICS.foreign.append(metric)
        kind, name, unit = asked.key
        for other, of_name, its_unit in list(self.made):
            if of_name == name and (other, its_unit) != (kind, unit):
                say(
                    f"{name} of {self.scope.name} is a {other.__name__} in {its_unit or 'no unit'} and a {kind.__name__} in "
                    f"{unit or 'no unit'}; both are exported; give one another name",
                    place=name,
                )
                break
        if isinstance(metric, ObservedMetric) and asked.callbacks:
            OBSERVER.add(metric)


def _metric(asked: Wanted, scope: InstrumentationScope) -> ApplicationMetric:
    """Return the metric of a new instrument."""
    instrument = asked.instrument()
    return ObservedMetric(instrument, scope, asked.callbacks) if instrument.observable else ApplicationMetric(instrument, scope)


class MeterProvider(api.MeterProvider):
    """What the application gets for `metrics.get_meter_provider()`; also answers what code for the SDK's asks of it."""

    def __init__(self) -> None:
        self.meters: dict[Any, Meter] = {}
        self.counted_by_us: Callable[[str], bool] | None = None
        """Says of the scope of a library's own telemetry, or an instrumentor's, whether we observe that library."""

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Meter:
        """Return the meter of an instrumentation scope; equal scopes share one."""
        kept, _ = limits.bounded(attributes, limits.LIMITS.span_attributes, limits.LIMITS.value_length)
        scope = InstrumentationScope(limits.name(name), limits.name(version), limits.name(schema_url), kept)
        key = (scope.name, scope.version, scope.schema_url, frozenset(kept.items()))
        meter = self.meters.get(key)
        if meter is None:
            meter = Meter(scope, partial(self.counted_by_us, scope.name) if self.counted_by_us is not None else None)
            if len(self.meters) < _MOST_METERS:
                meter = self.meters.setdefault(key, meter)
        return meter

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Let everything leave that was counted; say whether it did in time."""
        return bool(guard("flush", PROCESSORS.flush_all, max(timeout_millis, 0) / 1000))

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Let everything leave; what is counted afterwards goes where it went before."""
        self.force_flush(timeout_millis)

    def add_metric_reader(self, metric_reader: Any) -> None:  # noqa: ANN401 - the SDK's MetricReader
        """Say that there is no reader besides ours."""
        say(
            f"a {type(metric_reader).__name__} was not added: metrics leave as OTEL_METRICS_EXPORTER says; a MeterProvider of "
            "the SDK that the application sets takes readers",
            place="metric reader",
        )


PROVIDER = MeterProvider()
"""The meter provider of this process."""
