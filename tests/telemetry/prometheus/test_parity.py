"""What is on a page is what upstream's exporter has there, for the same instruments and values; what is not, stands here with why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.openmetrics import exposition as openmetrics_exposition

from platform_instrument.core.values import COUNTER, GAUGE, HISTOGRAM, UP_DOWN_COUNTER
from platform_instrument.telemetry.metrics.registry import Metrics
from platform_instrument.telemetry.prometheus.page import page
from tests.telemetry.prometheus.scraping import BOUNDS, INSIDE, SCOPE, Read, metric, read, samples, taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Measured = tuple[int, str, str, "list[tuple[dict[str, Any], float]]"]
"""Kind, name and unit of an instrument, and what is measured with which attributes."""

RESOURCE: dict[str, Any] = {
    "service.name": "shop",
    "service.version": "1.0",
    "process.pid": 17,
    "deployment.environment.name": "test",
}
FORMATS = pytest.mark.parametrize("openmetrics", [True, False], ids=["openmetrics", "text"])
UNITS = (
    "", "s", "ms", "us", "ns", "min", "h", "d", "By", "KiBy", "MiBy", "GiBy", "KBy", "MBy", "GBy", "TBy", "m", "V", "A", "J",
    "W", "g", "Cel", "Hz", "%", "{request}", "{request}/s", "By/s", "m/s", "1/s", "{error}s", "widget", "two words",
    "a/b/c", "s/m",
)  # fmt: skip


class Upstream:
    """The SDK's meter provider, with upstream's exporter and a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        reader = PrometheusMetricReader(registry=self.registry)
        self.provider = MeterProvider([reader], resource=Resource(RESOURCE), shutdown_on_exit=False)
        self.meter = self.provider.get_meter(SCOPE.name, SCOPE.version)

    def measure(self, kind: int, name: str, unit: str, measured: Iterable[tuple[dict[str, Any], float]]) -> None:
        meter, about = self.meter, f"What {name} is."
        if kind == HISTOGRAM:
            record = meter.create_histogram(name, unit, about, explicit_bucket_boundaries_advisory=BOUNDS).record
        elif kind == GAUGE:
            record = meter.create_gauge(name, unit, about).set
        else:
            record = (meter.create_counter if kind == COUNTER else meter.create_up_down_counter)(name, unit, about).add
        for attributes, amount in measured:
            record(amount, attributes)

    def scraped(self, *, openmetrics: bool) -> dict[str, Read]:
        write: Any = openmetrics_exposition.generate_latest if openmetrics else exposition.generate_latest
        return read(write(self.registry), openmetrics=openmetrics)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.provider.shutdown()


def ours(instruments: Iterable[Measured], *, openmetrics: bool) -> dict[str, Read]:
    metrics = Metrics()
    for kind, name, unit, measured in instruments:
        made = metric(metrics, kind, name, unit=unit)
        for attributes, amount in measured:
            made.cell(tuple(sorted(attributes.items()))).measure(amount, None)
    return read(page(taken(metrics), openmetrics=openmetrics, resource=RESOURCE), openmetrics=openmetrics)


def theirs(upstream: Upstream, instruments: Iterable[Measured], *, openmetrics: bool) -> dict[str, Read]:
    for instrument in instruments:
        upstream.measure(*instrument)
    return upstream.scraped(openmetrics=openmetrics)


INSTRUMENTS: tuple[Measured, ...] = (
    (COUNTER, "orders", "{order}", [({"kind": "book"}, 3), ({"kind": "game", "rare": True}, 2)]),
    (COUNTER, "sent.total", "By", [({}, 1_000_000)]),
    (COUNTER, "cpu.time", "s", [({"cpu.mode": "user"}, 1.5), ({"cpu.mode": "system"}, 0.25)]),
    (COUNTER, "ratio.of.things", "1", [({}, 1)]),
    (UP_DOWN_COUNTER, "http.server.active_requests", "{request}", [({"http.request.method": "GET"}, 5)]),
    (UP_DOWN_COUNTER, "queue", "1", [({}, -5)]),
    (GAUGE, "temperature", "Cel", [({"room": 'the "large" one\\with\nlines'}, 21.5), ({"room": "é"}, -3)]),
    (HISTOGRAM, "http.server.request.duration", "s", [({"http.route": "/", "code": 200}, each) for each in (0.05, 0.5, 5.5, 50)]),
    (HISTOGRAM, "size", "By", [({"list": ("a", "b"), "number": 1.5, "whole": 7}, 17)]),
    (HISTOGRAM, "time_seconds", "s", [({}, 0.5)]),
)


@FORMATS
def test_families_types_units_labels_and_samples_are_upstream_s(upstream: Upstream, openmetrics: bool) -> None:  # noqa: FBT001
    assert ours(INSTRUMENTS, openmetrics=openmetrics) == theirs(upstream, INSTRUMENTS, openmetrics=openmetrics)


@pytest.mark.parametrize("kind", [COUNTER, UP_DOWN_COUNTER, GAUGE, HISTOGRAM])
def test_units_are_upstream_s(upstream: Upstream, kind: int) -> None:
    instruments: list[Measured] = [(kind, f"metric.{number}", unit, [({}, 1)]) for number, unit in enumerate(UNITS)]
    found, expected = ours(instruments, openmetrics=True), theirs(upstream, instruments, openmetrics=True)
    assert {name: each.unit for name, each in found.items()} == {name: each.unit for name, each in expected.items()}


@pytest.mark.parametrize("name", ["a.b-c/d", "a..b", "a__b", "requests_total", "x_total_total", "a_", "a.total"])
@pytest.mark.parametrize("kind", [COUNTER, GAUGE, HISTOGRAM])
def test_names_are_upstream_s(upstream: Upstream, name: str, kind: int) -> None:
    instruments: list[Measured] = [(kind, name, "{thing}", [({}, 1)])]
    assert set(ours(instruments, openmetrics=False)) == set(theirs(upstream, instruments, openmetrics=False))


def test_scopes_are_upstream_s_with_attributes_and_schema(upstream: Upstream) -> None:
    from platform_instrument.telemetry.scope import InstrumentationScope

    attributes: dict[str, Any] = {"team": "orders", "level": 3}
    meter = upstream.provider.get_meter("shop.scoped", "2", "https://example.org/schema", attributes)
    meter.create_counter("scoped").add(1, {"kind": "book"})
    metrics = Metrics()
    scope = InstrumentationScope("shop.scoped", "2", "https://example.org/schema", attributes)
    metric(metrics, COUNTER, "scoped", scope=scope).cell((("kind", "book"),)).add(1)
    found = read(page(taken(metrics), openmetrics=True, resource=RESOURCE), openmetrics=True)
    assert found["scoped"].samples == upstream.scraped(openmetrics=True)["scoped"].samples


# What differs, on purpose.


def test_a_label_without_a_value_is_left_out_which_to_prometheus_is_the_same(upstream: Upstream) -> None:
    upstream.measure(COUNTER, "orders", "", [({"kind": "book"}, 1), ({}, 1)])
    assert b'kind=""' in exposition.generate_latest(upstream.registry)
    metrics = Metrics()
    metric(metrics, COUNTER, "orders").cell(()).add(1)
    assert b'=""' not in page(taken(metrics), openmetrics=False, resource={})


def test_a_gauge_of_unit_one_is_a_ratio_as_the_specification_has_it(upstream: Upstream) -> None:
    instruments: list[Measured] = [(GAUGE, "utilization", "1", [({}, 0.5)])]
    assert set(ours(instruments, openmetrics=True)) - {"target"} == {"utilization_ratio"}
    assert set(theirs(upstream, instruments, openmetrics=True)) - {"target"} == {"utilization"}


@pytest.mark.parametrize(("unit", "words", "upstream_s"), [("TiBy", "tebibytes", "tibibytes"), ("By/{request}", "bytes", "By")])
def test_units_have_their_names(upstream: Upstream, unit: str, words: str, upstream_s: str) -> None:
    instruments: list[Measured] = [(COUNTER, "size", unit, [({}, 1)])]
    assert ours(instruments, openmetrics=True)[f"size_{words}"].unit == words
    assert theirs(upstream, instruments, openmetrics=True)[f"size_{upstream_s}"].unit == upstream_s


def test_labels_that_become_one_keep_both_values_as_the_specification_has_it(upstream: Upstream) -> None:
    instruments: list[Measured] = [(COUNTER, "orders", "", [({"a.b": "1", "a_b": "2"}, 1)])]
    found, expected = ours(instruments, openmetrics=True), theirs(upstream, instruments, openmetrics=True)
    assert samples(found, "orders_total") == {frozenset({("a_b", "1;2")}): 1}
    assert samples(expected, "orders_total") == {frozenset({("a_b", "2")}): 1}


def test_of_two_types_with_one_name_one_is_left_out_else_prometheus_refuses_the_page(upstream: Upstream) -> None:
    instruments: list[Measured] = [(COUNTER, "orders.open", "", [({}, 1)]), (GAUGE, "orders_open", "", [({}, 1)])]
    assert ours(instruments, openmetrics=True)["orders_open"].kind == "counter"
    with pytest.raises(ValueError, match="metadata after samples"):
        theirs(upstream, instruments, openmetrics=True)


def test_a_counter_below_zero_is_left_out_else_openmetrics_refuses_the_page(upstream: Upstream) -> None:
    def fallen(_options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(-1)]

    upstream.meter.create_observable_counter("fallen", [fallen])
    with pytest.raises(ValueError, match="negative"):
        upstream.scraped(openmetrics=True)
    metrics = Metrics()
    metric(metrics, COUNTER, "fallen").cell(()).put(-1)
    assert not read(page(taken(metrics), openmetrics=True, resource={}), openmetrics=True)["fallen"].samples


def test_exemplars_are_on_the_page_which_upstream_drops(upstream: Upstream) -> None:
    from opentelemetry.sdk.trace import TracerProvider

    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("work"):
        upstream.measure(HISTOGRAM, "duration", "s", [({}, 0.5)])
    assert not upstream.scraped(openmetrics=True)["duration_seconds"].exemplars
    metrics = Metrics()
    metric(metrics, HISTOGRAM, "duration", unit="s").cell(()).measure(0.5, INSIDE)
    assert read(page(taken(metrics), openmetrics=True, resource={}), openmetrics=True)["duration_seconds"].exemplars


def test_large_bounds_have_exponents_as_openmetrics_asks(upstream: Upstream) -> None:
    upstream.meter.create_histogram("size", explicit_bucket_boundaries_advisory=[1e6, 1e7]).record(1)
    metrics = Metrics()
    metric(metrics, HISTOGRAM, "size", bounds=(1e6, 1e7)).cell(()).measure(1, None)
    found = read(page(taken(metrics), openmetrics=True, resource={}), openmetrics=True)
    assert [dict(labels)["le"] for labels in samples(found, "size_bucket")] == ["1e+06", "1e+07", "+Inf"]
    expected = samples(upstream.scraped(openmetrics=True), "size_bucket")
    assert [dict(labels)["le"] for labels in expected] == ["1000000.0", "10000000.0", "+Inf"]


def test_values_are_masked_which_upstream_does_not(upstream: Upstream) -> None:
    instruments: list[Measured] = [(COUNTER, "orders", "", [({"user": "bob@example.com"}, 1)])]
    assert "bob@" in str(theirs(upstream, instruments, openmetrics=True))
    assert "bob@" not in str(ours(instruments, openmetrics=True))
