"""A page of metrics, read back by the parsers of `prometheus_client`, whatever applications measure."""

from __future__ import annotations

import math
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from platform_instrument.core.report import forget as forget_lines
from platform_instrument.core.values import COUNTER, GAUGE, HISTOGRAM, UP_DOWN_COUNTER, Instrument
from platform_instrument.telemetry.context import Ambient
from platform_instrument.telemetry.metrics.registry import Metrics
from platform_instrument.telemetry.ports.complaints import forget
from platform_instrument.telemetry.prometheus.names import label_name
from platform_instrument.telemetry.prometheus.page import page
from platform_instrument.telemetry.prometheus.snapshot import snapshot
from platform_instrument.telemetry.scope import InstrumentationScope
from tests.telemetry.prometheus.scraping import BOUNDS, INSIDE, SCOPE_LABELS, key, metric, read, samples, scraped, taken, value

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = pytest.mark.parametrize("openmetrics", [True, False], ids=["openmetrics", "text"])
KINDS = st.sampled_from((COUNTER, UP_DOWN_COUNTER, GAUGE, HISTOGRAM))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
QUIET = InstrumentationScope("")


@pytest.fixture(autouse=True)
def _everything_may_be_said() -> Iterator[None]:
    forget()
    forget_lines()
    yield
    forget()


@FORMATS
def test_a_gauge_may_be_called_as_the_resource_is(openmetrics: bool) -> None:  # noqa: FBT001 - a parameter of the test
    metrics = Metrics()
    metric(metrics, GAUGE, "target").cell(()).put(1)
    assert scraped(metrics, openmetrics=openmetrics)["target"].kind == "gauge"


def test_a_long_help_is_cut() -> None:
    metrics = Metrics()
    metric(metrics, GAUGE, description="long " * 10_000).cell(()).put(1)
    assert len(scraped(metrics)["x"].help) == 1_000


@FORMATS
def test_every_kind_is_on_the_page(openmetrics: bool) -> None:  # noqa: FBT001 - a parameter of the test
    metrics = Metrics()
    metric(metrics, COUNTER, "orders", unit="{order}").cell((("kind", "book"),)).add(3)
    metric(metrics, UP_DOWN_COUNTER, "queue.length", unit="{order}").cell(()).add(-2)
    metric(metrics, GAUGE, "temperature", unit="Cel").cell(()).put(21.5)
    cell = metric(metrics, HISTOGRAM, "duration", unit="s").cell(())
    for seconds in (0.05, 0.1, 0.5, 99.0):
        cell.measure(seconds, None)
    families = scraped(metrics, openmetrics=openmetrics)
    kinds = {"orders": "counter", "queue_length": "gauge", "temperature_celsius": "gauge", "duration_seconds": "histogram"}
    assert {name: each.kind for name, each in families.items()} == kinds
    units = {"orders": "", "queue_length": "", "temperature_celsius": "celsius", "duration_seconds": "seconds"}
    assert {name: each.unit for name, each in families.items()} == (units if openmetrics else dict.fromkeys(units, ""))
    assert families["temperature_celsius"].help == "What temperature is."
    assert families["orders"].samples == {key("orders_total", {"kind": "book", **SCOPE_LABELS}): 3}
    assert value(families, "queue_length") == -2
    assert value(families, "temperature_celsius") == 21.5
    buckets = {"0.1": 2, "1.0": 3, "10.0": 3, "+Inf": 4}
    assert samples(families, "duration_seconds_bucket") == {frozenset({("le", le)}): count for le, count in buckets.items()}
    assert value(families, "duration_seconds_count") == 4
    assert value(families, "duration_seconds_sum") == pytest.approx(99.65)


def test_our_own_metrics_are_of_our_own_scope() -> None:
    metrics = Metrics()
    metrics.metric(Instrument("jobs", "Jobs.", unit="{job}", kind=COUNTER)).cell(()).add(1)
    ((_, labels),) = scraped(metrics)["jobs"].samples
    assert dict(labels)["otel_scope_name"] == "platform_instrument.metrics"


def test_what_was_never_recorded_is_not_on_the_page() -> None:
    metrics = Metrics()
    metric(metrics, COUNTER).cell(())
    assert page(taken(metrics), openmetrics=True, resource={}) == b"# EOF\n"
    assert page(taken(metrics), openmetrics=False, resource={}) == b""


def test_a_second_snapshot_renders_no_labels_again() -> None:
    metrics = Metrics()
    cell = metric(metrics, COUNTER).cell((("kind", "book"),))
    cell.add(1)
    first = snapshot(metrics)
    second = snapshot(metrics)
    assert first
    assert second
    assert first[0][6][0][0] is second[0][6][0][0] is cell.labels


def test_nobody_s_snapshot_is_empty_while_another_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import Thread

    monkeypatch.setattr("platform_instrument.telemetry.metrics.registry._PATIENCE", 0.05)
    metrics = Metrics()
    metric(metrics, COUNTER).cell(()).add(1)
    found: list[object] = []

    def during() -> None:
        other = Thread(target=lambda: found.append(snapshot(metrics)))
        other.start()
        other.join()

    metrics.observers.append(during)
    assert metrics.collect(lambda: True)
    assert found == [None]


@FORMATS
def test_the_resource_is_target_info(openmetrics: bool) -> None:  # noqa: FBT001 - a parameter of the test
    resource = {"service.name": "shop", "process.pid": 17, "flag": True, "process.command_args": ["a", "b"]}
    families = scraped([], openmetrics=openmetrics, resource=resource)
    name = "target" if openmetrics else "target_info"
    labels = {"service_name": "shop", "process_pid": "17", "flag": "true", "process_command_args": '["a", "b"]'}
    assert families[name].samples == {key("target_info", labels): 1}
    assert families[name].kind == ("info" if openmetrics else "gauge")


def test_notes_are_comments_and_in_openmetrics_part_of_a_help() -> None:
    notes = ["worker 17 did not\nanswer"]
    text = page([], openmetrics=False, resource={"service.name": "shop"}, notes=notes)
    assert text.startswith(b"# platform-instrument: worker 17 did not answer\n")
    assert read(text, openmetrics=False)["target_info"].help == "Target metadata"
    families = scraped([], resource={"service.name": "shop"}, notes=notes)
    assert families["target"].help == "Target metadata; worker 17 did not\nanswer"


def test_exemplars_are_on_buckets_and_counters_of_openmetrics() -> None:
    metrics = Metrics()
    cell = metric(metrics, HISTOGRAM, "duration", unit="s").cell(())
    cell.measure(0.5, INSIDE)
    cell.measure(0.05, None)
    metric(metrics, COUNTER, "orders").cell(()).measure(2, INSIDE)
    metric(metrics, UP_DOWN_COUNTER, "queue").cell(()).measure(2, INSIDE)
    metric(metrics, GAUGE, "level").cell(()).measure(2, INSIDE)
    families = scraped(metrics)
    ids = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"}
    ((bucket, exemplar),) = families["duration_seconds"].exemplars.items()
    assert bucket == key("duration_seconds_bucket", {"le": "1.0", **SCOPE_LABELS})
    assert (exemplar.labels, exemplar.value) == (ids, 0.5)
    assert float(str(exemplar.timestamp)) == pytest.approx(cell.exemplars[1][1] / 1e9, abs=0.001)
    assert [(each.labels, each.value) for each in families["orders"].exemplars.values()] == [(ids, 2)]
    assert not families["queue"].exemplars
    assert not families["level"].exemplars
    assert b"trace_id" not in page(taken(metrics), openmetrics=False, resource={})


def test_an_exemplar_outside_of_a_trace_has_no_ids() -> None:
    metrics = Metrics()
    cell = metric(metrics, COUNTER).cell(())
    cell.measure(2, Ambient(0, 0, 1))
    cell.exemplar = (2, 5_000_000, 0, 0)
    ((_, exemplar),) = scraped(metrics)["x"].exemplars.items()
    assert (exemplar.labels, exemplar.value, float(str(exemplar.timestamp))) == ({}, 2, 0.005)


def test_label_values_are_masked() -> None:
    metrics = Metrics()
    pairs = (("user", "bob@example.com"), ("api_key", "whatever-it-is"), ("http.route", "/plants/{id}"), ("bob@example.com", "a"))
    scope = InstrumentationScope("of bob@example.com", "", "", {"db.statement": "SELECT 'whatever-else'"})
    metric(metrics, COUNTER, scope=scope).cell(pairs).add(1)
    families = scraped(metrics, resource={"service.name": "shop", "owner": "bob@example.com"})
    ((_, labels),) = families["x"].samples
    assert dict(labels)["http_route"] == "/plants/{id}"
    assert "bob" not in str(families)
    assert "whatever" not in str(families)


def test_labels_that_become_one_are_joined_in_the_order_of_their_keys() -> None:
    metrics = Metrics()
    metric(metrics, COUNTER).cell((("a_b", "2"), ("a.b", "1"), ("a-b", ""))).add(1)
    assert value(scraped(metrics), "x_total", a_b="1;2") == 1


def test_an_attribute_does_not_take_the_label_of_a_bucket_or_of_an_instance() -> None:
    metrics = Metrics()
    metric(metrics, HISTOGRAM, "h", bounds=(1.0,)).cell((("le", "0.5"),)).measure(0.5, None)
    metric(metrics, GAUGE, "g").cell((("le", "0.5"), ("service.instance.id", "a"))).put(1)
    families = scraped(metrics)
    assert value(families, "h_bucket", le="1.0", exported_le="0.5") == 1
    assert value(families, "g", le="0.5", exported_service_instance_id="a") == 1


@FORMATS
def test_of_two_types_with_one_name_the_first_is_kept(openmetrics: bool, capfd: pytest.CaptureFixture[str]) -> None:  # noqa: FBT001
    metrics = Metrics()
    metric(metrics, COUNTER, "orders").cell(()).add(1)
    metric(metrics, GAUGE, "orders").cell(()).put(2)
    metric(metrics, GAUGE, "orders.total").cell(()).put(3)
    metric(metrics, UP_DOWN_COUNTER, "other").cell(()).add(4)
    for _ in range(2):
        families = scraped(metrics, openmetrics=openmetrics)
    assert [samples(families, name) for name in ("orders_total", "other")] == [{frozenset(): 1}, {frozenset(): 4}]
    assert set(families) == {"orders", "other"}
    said = capfd.readouterr().err.splitlines()
    assert [line.partition(" is called ")[2].split()[0] for line in said] == ["orders", "orders_total"]


def test_meters_with_one_name_for_an_instrument_share_a_family(capfd: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics()
    for number, scope in enumerate(("shop.a", "shop.b")):
        metric(metrics, COUNTER, "orders", scope=InstrumentationScope(scope)).cell(()).add(number + 1)
    metric(metrics, COUNTER, "errors").cell(()).add(1)
    metric(metrics, COUNTER, "orders", scope=InstrumentationScope("shop.c")).cell(()).add(3)
    families = scraped(metrics)
    assert sorted(families["orders"].samples.values()) == [1, 2, 3]
    assert not capfd.readouterr().err


def test_of_series_that_are_equal_on_the_page_the_first_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics()
    metric(metrics, GAUGE, "queue.length").cell(()).put(1)
    metric(metrics, GAUGE, "queue_length").cell(()).put(2)
    flags = metric(metrics, GAUGE, "flag")
    flags.cell((("on", True),), "a bool").put(3)
    flags.cell((("on", "true"),), "a text").put(4)
    families = scraped(metrics)
    assert samples(families, "queue_length") == {frozenset(): 1}
    assert samples(families, "flag") == {frozenset({("on", "true")}): 3}
    assert len(capfd.readouterr().err.splitlines()) == 2


@FORMATS
def test_names_filter_families_by_their_own_or_their_samples_names(openmetrics: bool) -> None:  # noqa: FBT001
    metrics = Metrics()
    metric(metrics, COUNTER, "orders").cell(()).add(1)
    metric(metrics, HISTOGRAM, "duration", unit="s").cell(()).measure(1, None)
    metric(metrics, GAUGE, "level").cell(()).put(1)
    wanted = {"orders_total", "duration_seconds_bucket"}
    families = scraped(metrics, openmetrics=openmetrics, resource={"service.name": "shop"}, names=wanted)
    assert set(families) == {"orders", "duration_seconds"}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-300, 1e300, 2**63, 0.1 + 0.2, 123456789.25])
def test_a_gauge_may_be_any_number(number: float) -> None:
    metrics = Metrics()
    metric(metrics, GAUGE).cell(()).put(number)
    for openmetrics in (True, False):
        got = value(scraped(metrics, openmetrics=openmetrics), "x")
        assert got == number or (math.isnan(got) and math.isnan(number))


@pytest.mark.parametrize("number", [-1, -0.5, math.nan])
def test_a_counter_that_is_none_is_left_out(number: float) -> None:
    metrics = Metrics()
    made = metric(metrics, COUNTER)
    made.cell(()).put(number)
    made.cell((("kind", "book"),)).add(1)
    assert samples(scraped(metrics), "x_total") == {frozenset({("kind", "book")}): 1}


@pytest.mark.parametrize(("bounds", "measured"), [((-1.0, 1.0), 0.5), ((1.0,), -3.0), ((1.0,), math.nan)])
def test_a_histogram_whose_sum_may_fall_has_buckets_alone(bounds: tuple[float, ...], measured: float) -> None:
    metrics = Metrics()
    metric(metrics, HISTOGRAM, bounds=bounds).cell(()).measure(measured, None)
    families = scraped(metrics)
    assert {name for name, _ in families["x"].samples} == {"x_bucket"}
    assert value(families, "x_bucket", le="+Inf") == 1


def test_a_histogram_without_bounds_is_count_and_sum() -> None:
    metrics = Metrics()
    metric(metrics, HISTOGRAM, bounds=()).cell(()).measure(3, None)
    families = scraped(metrics)
    assert value(families, "x_bucket", le="+Inf") == value(families, "x_count") == 1
    assert value(families, "x_sum") == 3


def test_numbers_of_the_application_s_own_classes_cross_to_other_processes() -> None:
    class Money(float):
        """A number as numpy has them."""

    metrics = Metrics()
    metric(metrics, COUNTER, "paid").cell(()).measure(Money(1.5), INSIDE)
    metric(metrics, GAUGE, "balance").cell(()).put(Money(2.5))
    metric(metrics, HISTOGRAM, "price", bounds=(Money(1), 2)).cell(()).measure(Money(1.5), INSIDE)
    metric(metrics, GAUGE, "huge").cell(()).put(10**5_000)
    metric(metrics, COUNTER, "much").cell(()).measure(10**400, INSIDE)
    families = scraped(metrics)
    assert [value(families, name) for name in ("paid_total", "balance", "price_sum", "huge", "much_total")] == [
        1.5,
        2.5,
        1.5,
        math.inf,
        math.inf,
    ]


@pytest.mark.faults
def test_a_metric_that_cannot_be_written_is_left_out_alone() -> None:
    metrics = Metrics()
    for name in ("good", "bad"):
        metric(metrics, HISTOGRAM, name).cell(()).measure(1, None)
    metrics.foreign[1].series()[0].counts[0] = "a fault"  # planted
    assert set(scraped(metrics)) == {"good"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed")
def test_prometheus_itself_reads_the_text_format() -> None:
    metrics = Metrics()
    metric(metrics, COUNTER, "orders").cell((("kind", 'a "book"\\\n\u00e9'),)).add(3)
    metric(metrics, GAUGE, "utilization", unit="1", description='Of "all"\\\n').cell(()).put(math.nan)
    metric(metrics, HISTOGRAM, "size", unit="By", bounds=(-1.0, 1e6)).cell(()).measure(0.5, INSIDE)
    written = page(taken(metrics), openmetrics=False, resource={"service.name": "shop"}, notes=["a note"])
    checked = subprocess.run(["promtool", "check", "metrics"], input=written, capture_output=True, check=False)  # noqa: S607
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


LABELS = st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(-(2**63), 2**63), st.booleans(), st.floats()), max_size=5)


@settings(max_examples=50, deadline=None)
@given(name=st.from_regex(r"[A-Za-z][A-Za-z0-9_./-]{0,40}", fullmatch=True), unit=TEXTS, text=TEXTS, kind=KINDS, pairs=LABELS)
@example(name="x", unit="", text="a\\nb\\", kind=GAUGE, pairs={})
def test_hostile_names_and_texts_are_read_back(name: str, unit: str, text: str, kind: int, pairs: dict[str, object]) -> None:
    metrics = Metrics()
    cell = metric(metrics, kind, name, unit=unit, description=text, scope=QUIET).cell(tuple(pairs.items()))
    cell.measure(1, INSIDE)
    families = scraped(metrics)
    (family,) = families.values()
    assert family.help == text
    labels = dict(next(iter(family.samples))[1])
    labels.pop("le", None)
    assert set(labels) <= {label_name(key) for key in pairs} | {"exported_le"}
    assert {1} == set(samples(scraped(metrics, openmetrics=False), next(iter(family.samples))[0]).values()) or kind == HISTOGRAM


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=200))
@example(text="a lone \ud800 surrogate")
def test_a_label_says_what_was_put_in(text: str) -> None:
    metrics = Metrics()
    metric(metrics, GAUGE, scope=QUIET).cell((("http.route", text),)).put(1)  # a key that is exempt from masking
    expected = text.encode("utf-8", "replace").decode()
    for openmetrics in (True, False):
        ((_, labels),) = scraped(metrics, openmetrics=openmetrics)["x"].samples
        assert dict(labels) == ({"http_route": expected} if expected else {})


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.floats(0, 1e12), min_size=1), bounds=st.lists(st.floats(0, 1e9), unique=True, max_size=12).map(sorted))
def test_buckets_count_up_to_their_bounds(values: list[float], bounds: list[float]) -> None:
    metrics = Metrics()
    cell = metric(metrics, HISTOGRAM, bounds=tuple(bounds), scope=QUIET).cell(())
    for measured in values:
        cell.measure(measured, INSIDE)
    for openmetrics in (True, False):
        families = scraped(metrics, openmetrics=openmetrics)
        found = {float(dict(labels)["le"]): count for labels, count in samples(families, "x_bucket").items()}
        assert found == {bound: sum(each <= bound for each in values) for bound in (*bounds, math.inf)}
        assert value(families, "x_sum") == pytest.approx(sum(values))


def test_the_bounds_are_what_the_tests_take_them_for() -> None:
    assert BOUNDS == (0.1, 1.0, 10.0)
