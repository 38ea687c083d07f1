"""The metrics API on the real SDK and on ours, in this process: what each of them exports, read from OTLP."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.metrics import _internal as api
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

from platform_instrument.core.report import forget
from platform_instrument.engine import apply
from platform_instrument.instrumentations.opentelemetry_metrics import INSTRUMENTATION
from platform_instrument.telemetry.meters.observed import OBSERVER
from platform_instrument.telemetry.meters.provider import PROVIDER
from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.testing import received
from tests.telemetry import sides

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.telemetry.pipeline import Pipeline


@contextlib.contextmanager
def ours(environ: Mapping[str, str] | None = None) -> Iterator[Pipeline]:
    """Make the API's meters ours as in an instrumented process. All of it is undone."""
    before = (METRICS.by_name, METRICS.foreign, METRICS.observers, METRICS.count)
    METRICS.by_name, METRICS.foreign, METRICS.observers, METRICS.count = {}, [], [], 0
    forget()
    with sides.ours({"OTEL_METRICS_EXPORTER": "otlp", **(environ or {})}) as running:
        apply.install(INSTRUMENTATION)
        assert metrics.get_meter_provider() is PROVIDER
        try:
            yield running
        finally:
            apply.uninstall(INSTRUMENTATION.name)
            OBSERVER.clear()
            PROVIDER.meters.clear()
            vars(PROVIDER).pop("get_meter", None)
            api._METER_PROVIDER_SET_ONCE._done = False
            METRICS.by_name, METRICS.foreign, METRICS.observers, METRICS.count = before


def points(encoder: MetricEncoder | None = None) -> list[received.Point]:
    """Return what our encoder makes of all that was counted."""
    return received.points((encoder or MetricEncoder({})).encode(METRICS))


def by_ours(script: Any, temporality: str = "cumulative") -> list[list[received.Point]]:
    """Run a script against our provider, and return what each collection exports."""
    collected: list[list[received.Point]] = []
    with ours():
        encoder = MetricEncoder({}, temporality)
        script(metrics.get_meter_provider(), lambda: collected.append(points(encoder)))
    return collected


def by_sdk(script: Any, temporality: str = "cumulative", **given: Any) -> list[list[received.Point]]:
    """Run a script against the SDK's provider, and return what each collection exports."""
    collected: list[list[received.Point]] = []
    delta: list[type] = [sdk.Counter, sdk.Histogram, *([sdk.ObservableCounter] if temporality == "delta" else [])]
    preferred = dict.fromkeys([] if temporality == "cumulative" else delta, AggregationTemporality.DELTA)
    reader = InMemoryMetricReader(preferred)

    def collect() -> None:
        data = reader.get_metrics_data()
        collected.append(received.points(encode_metrics(data).SerializeToString()) if data is not None else [])

    script(sdk.MeterProvider([reader], shutdown_on_exit=False, **given), collect)
    return collected


def told(points: list[received.Point]) -> list[dict[str, Any]]:
    """Return the fields that do not change from run to run, in the order of names and attributes."""
    told = [
        {
            "name": point.name,
            "kind": point.kind,
            "unit": point.unit,
            "description": point.description,
            "temporality": point.temporality,
            "monotonic": point.monotonic,
            "attributes": {key: (type(value).__name__, value) for key, value in sorted(point.attributes.items())},
            "value": (type(point.value).__name__, point.value),
            "histogram": (point.count, point.sum, point.least, point.most, point.bounds, point.counts),
            "scope": (point.scope.name, point.scope.version, point.scope.schema_url, dict(point.scope.attributes)),
        }
        for point in points
    ]
    return sorted(told, key=lambda each: (each["name"], each["kind"], each["unit"], str(each["scope"]), str(each["attributes"])))
