"""An application that sets up the SDK itself: its exporter receives one whole trace, once, and ours stands back."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import Completed, door, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

PROGRAM = Path(__file__).parent / "programs" / "own_provider.py"


@dataclass(frozen=True)
class Exported:
    trace_id: str
    span_id: str
    parent_id: str
    service: str
    scope: str
    name: str


def exported(completed: Completed) -> list[Exported]:
    assert completed.returncode == 0, completed.stderr
    return [Exported(*line.split()[1:]) for line in completed.stdout.splitlines() if line.startswith("span ")]


def start(collector: Collector, *words: str) -> Completed:
    return run(["platform-instrument", sys.executable, PROGRAM, *words], collector=collector)


def check_the_trace(spans: list[Exported]) -> None:
    (app,) = (span for span in spans if span.name == "app")
    (inner,) = (span for span in spans if span.name == "inner")
    first, second = (span for span in spans if span.name == "SELECT" and span.trace_id == app.trace_id)
    assert app.parent_id == "-"
    assert inner.parent_id == app.span_id
    assert {first.parent_id, second.parent_id} == {app.span_id, inner.span_id}
    assert len({span.span_id for span in spans}) == len(spans)
    assert {span.service for span in spans} == {"own"}


@pytest.mark.parametrize("kind", ["simple", "batch"])
def test_set_before_our_first_span_its_exporter_gets_the_trace_and_ours_gets_none(collector: Collector, kind: str) -> None:
    completed = start(collector, "before", kind)
    spans = exported(completed)
    assert len(spans) == 4
    check_the_trace(spans)
    assert not collector.spans
    assert not completed.stderr


@pytest.mark.parametrize("kind", ["simple", "batch"])
def test_set_after_our_first_span_its_exporter_gets_that_one_too(collector: Collector, kind: str) -> None:
    completed = start(collector, "after", kind)
    spans = exported(completed)
    assert sorted(span.name for span in spans) == ["SELECT", "SELECT", "SELECT", "app", "early", "inner"]
    check_the_trace(spans)
    assert not collector.spans


def test_our_metrics_are_still_ours(collector: Collector) -> None:
    start(collector, "before")
    assert "db.client.operation.duration" in {point.name for point in collector.metrics}


def test_providers_of_metrics_and_logs_are_the_application_s_alone(collector: Collector) -> None:
    """What they export is what they export without us, and none of it leaves through us as well."""
    program = PROGRAM.with_name("own_other_providers.py")
    plain = run([sys.executable, program])
    assert (
        plain.stdout == "metrics ['orders', 'orders.size'] {'service.name': 'own'}\nlogs ['paid 3', 'paid 4']\nresource own\n"
    ), plain
    argv, environ = door("command", [sys.executable, program])
    done = run(argv, env={**environ, "PLATFORM_LOG_TRACE_ID": "false", "PLATFORM_RUNTIME_METRICS": "false"}, collector=collector)
    assert (done.returncode, done.stdout, done.stderr) == (0, plain.stdout, plain.stderr)
    assert len(collector.wait_for(1)) == 1
    names = {point.name for point in collector.metrics}
    assert "db.client.operation.duration" in names
    assert names.isdisjoint({"orders", "orders.size"})
    assert b"paid" not in b"".join(request.body for request in collector.requests)


def test_a_second_provider_is_refused_with_the_words_of_the_api(collector: Collector) -> None:
    completed = start(collector, "before", "twice")
    assert completed.stderr == "Overriding of current TracerProvider is not allowed\n"
    check_the_trace(exported(completed))


def test_plain_it_prints_its_own_spans_alone() -> None:
    spans = exported(run([sys.executable, PROGRAM, "before"]))
    assert sorted(span.name for span in spans) == ["app", "inner"]


def test_set_before_telemetry_starts_it_is_adopted_too(collector: Collector) -> None:
    completed = run([sys.executable, PROGRAM.with_name("started_late.py"), "own"], collector=collector)
    assert completed.stdout == "SELECT True\napp False\n", completed.stderr
    assert not collector.spans


def test_a_tracer_taken_before_telemetry_starts_is_ours_from_then_on(collector: Collector) -> None:
    completed = run([sys.executable, PROGRAM.with_name("started_late.py")], collector=collector)
    assert (completed.stdout, completed.stderr) == ("", "")
    assert sorted(span.name for span in collector.wait_for(2)) == ["SELECT", "app"]


def test_the_door_of_upstream_gives_the_same(collector: Collector) -> None:
    argv, environ = door("opentelemetry-instrument", [sys.executable, PROGRAM, "before"])
    spans = exported(run(argv, env=environ, collector=collector))
    assert len(spans) == 4
    check_the_trace(spans)
    assert not collector.spans
