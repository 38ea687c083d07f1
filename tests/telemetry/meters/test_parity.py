"""The same program of the metrics API exports the same points through ours as through the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Observation

from tests.telemetry.meters.exported import by_ours, by_sdk, told

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from platform_instrument.testing.received import Point

    Collect = Callable[[], None]


def counters(provider: Any, collect: Collect) -> None:
    meter = provider.get_meter("shop", "1.2", "https://opentelemetry.io/schemas/1.37.0")
    orders = meter.create_counter("orders", "{order}", "Orders taken.")
    orders.add(1)
    orders.add(2, {"kind": "web"})
    orders.add(2.5, {"kind": "web"})
    orders.add(0, {"kind": "none"})
    orders.add(3, {"b": 1, "a": 2})
    orders.add(3, {"a": 2, "b": 1})
    collect()
    orders.add(5, {"kind": "web"})
    collect()
    collect()


def up_and_down(provider: Any, collect: Collect) -> None:
    waiting = provider.get_meter("shop").create_up_down_counter("waiting", "{job}", "Jobs that wait.")
    waiting.add(5, {"queue": "a"})
    waiting.add(-7, {"queue": "a"})
    waiting.add(-1.5)
    collect()
    waiting.add(2, {"queue": "a"})
    collect()


def histograms(provider: Any, collect: Collect) -> None:
    meter = provider.get_meter("shop")
    plain = meter.create_histogram("size", "By", "How large.")
    advised = meter.create_histogram("duration", "s", explicit_bucket_boundaries_advisory=[0.1, 0.5, 1])
    for value in (0, 0.05, 0.1, 0.100001, 5, 7, 10_000, 20_000.5):
        plain.record(value)
        advised.record(value, {"http.route": "/orders"})
    collect()
    advised.record(0.2, {"http.route": "/orders"})
    collect()


def gauges(provider: Any, collect: Collect) -> None:
    warm = provider.get_meter("shop").create_gauge("temperature", "Cel", "How warm.")
    warm.set(20.5, {"room": "a"})
    warm.set(-3, {"room": "b"})
    warm.set(21, {"room": "a"})
    collect()


def types_of_attributes(provider: Any, collect: Collect) -> None:
    counter = provider.get_meter("shop").create_counter("typed")
    for value in (1, True, 1.0, "1", [1, 2], (1, 2), [True, False], ["a", "b"], 0, False, ""):
        counter.add(1, {"value": value})
        counter.add(1, {"value": value})
    collect()


def observables(provider: Any, collect: Collect) -> None:
    meter = provider.get_meter("shop")
    asked = []

    def total(options: CallbackOptions) -> Iterable[Observation]:
        asked.append(options)
        return [Observation(10 * len(asked), {"cpu": "0"}), Observation(1.5 * len(asked), {"cpu": "1"})]

    def generated(_options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(7, {"from": "generator function"})
        if len(asked) == 1:
            yield Observation(8, {"from": "once"})

    def generator() -> Generator[Iterable[Observation], CallbackOptions, None]:
        options = yield []
        for turn in range(2):
            options = yield [Observation(turn - 5, {"timeout": options.timeout_millis > 0})]

    meter.create_observable_counter("cpu.time", [total], "s", "Time.")
    meter.create_observable_up_down_counter("depth", [generated, generator()], "{job}")
    meter.create_observable_gauge("load", [generated], "1")
    meter.create_observable_gauge("nobody.asks")
    collect()
    collect()
    collect()
    assert len(asked) == 3
    assert isinstance(asked[0], CallbackOptions)


def twice_in_one_answer(provider: Any, collect: Collect) -> None:
    meter = provider.get_meter("shop")

    def twice(_options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(1, {"a": 1}), Observation(2, {"a": 1}), Observation(5)]

    meter.create_observable_counter("sum", [twice, twice])
    meter.create_observable_gauge("last", [twice])
    collect()
    collect()


def duplicates(provider: Any, collect: Collect) -> None:
    meter = provider.get_meter("shop")
    for name in ("orders", "Orders", "ORDERS"):
        meter.create_counter(name, "1").add(1)
    meter.create_counter("orders", "{order}").add(10)
    meter.create_up_down_counter("orders", "1").add(100)
    provider.get_meter("shop").create_counter("orders", "1").add(1)
    provider.get_meter("shop", "2").create_counter("orders", "1").add(7)
    provider.get_meter("shop", "2", "https://example.com/1").create_counter("orders", "1").add(8)
    provider.get_meter("shop", "2", None, {"region": "eu"}).create_counter("orders", "1").add(9)
    collect()


def refused(provider: Any, collect: Collect) -> None:
    meter = provider.get_meter("shop")
    counter, histogram = meter.create_counter("counter"), meter.create_histogram("histogram")
    counter.add(1)
    counter.add(-1)
    histogram.record(1)
    histogram.record(-1)
    for value in (float("nan"), float("inf"), float("-inf")):
        counter.add(value)
        histogram.record(value)
        meter.create_up_down_counter("up and down".replace(" ", "_")).add(value)
        meter.create_gauge("gauge").set(value)
    collect()


def failing(provider: Any, collect: Collect) -> None:
    def fails(_options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(1, {"before": True})
        raise ValueError("it broke")

    def not_finite(_options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(float("nan")), Observation(4, {"after": True})]

    provider.get_meter("shop").create_observable_gauge("partly", [fails, not_finite])
    collect()


SCRIPTS = [counters, up_and_down, histograms, gauges, types_of_attributes, observables, twice_in_one_answer, duplicates, refused]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_ours_exports_what_the_sdk_exports(script: Any) -> None:
    expected = [told(each) for each in by_sdk(script)]
    assert [told(each) for each in by_ours(script)] == expected
    assert expected[0], script


def test_what_a_callback_said_before_it_failed_is_exported_as_by_the_sdk(capfd: pytest.CaptureFixture[str]) -> None:
    assert told(by_ours(failing)[0]) == told(by_sdk(failing)[0])
    said = capfd.readouterr().err.splitlines()
    assert [
        line
        for line in said
        if line.startswith("platform-instrument: the callback of partly raised ValueError at test_parity.py:")
    ]
    assert not [line for line in said if "fault of ours" in line]


@pytest.mark.parametrize("temporality", ["delta", "lowmemory"])
@pytest.mark.parametrize("script", [counters, up_and_down, histograms, observables], ids=lambda script: script.__name__)
def test_what_is_new_since_the_last_export_is_the_same(script: Any, temporality: str) -> None:
    """The SDK exports a sum that is observed and has not changed as 0, ours does not export it; ours is a difference of sums."""
    expected, collected = ([_changes(each) for each in side(script, temporality)] for side in (by_sdk, by_ours))
    assert collected == expected
    assert expected[0], script


def _changes(points: list[Point]) -> list[dict[str, Any]]:
    """Return what has changed, numbers to nine digits."""
    changes = [each for each in told(points) if each["value"][1] != 0]
    for each in changes:
        if each["value"][1] is not None:
            each["value"] = round(each["value"][1], 9)
        each["histogram"] = [round(field, 9) if type(field) is float else field for field in each["histogram"]]
    return changes


def in_spans(provider: Any, collect: Collect) -> None:
    histogram = provider.get_meter("shop").create_histogram("duration", "s", explicit_bucket_boundaries_advisory=[1, 2])
    contexts = [
        trace.set_span_in_context(trace.NonRecordingSpan(trace.SpanContext(1 << 100, number, True, trace.TraceFlags(flags))))  # noqa: FBT003
        for number, flags in ((1, 1), (2, 1), (3, 0), (4, 1))
    ]
    for value, context in zip((0.5, 1.5, 1.75, 0.25), contexts, strict=True):
        histogram.record(value, {"a": 1}, context)
    with trace.use_span(trace.NonRecordingSpan(trace.SpanContext(7, 8, False, trace.TraceFlags(1)))):  # noqa: FBT003
        histogram.record(9, {"a": 1})
        histogram.record(10, {"a": 1}, trace.set_span_in_context(trace.INVALID_SPAN))
    collect()


def test_exemplars_are_those_of_the_sdk_one_a_bucket_and_of_sampled_spans_alone() -> None:
    told = [{(each.value, each.trace_id, each.span_id) for each in side(in_spans)[0][0].exemplars} for side in (by_sdk, by_ours)]
    assert told[1] == told[0]
    assert {value for value, *_ in told[0]} == {0.25, 1.5, 9.0}
