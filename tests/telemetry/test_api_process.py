"""A program that uses the OpenTelemetry API, in a real process, through to the collector."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

PROGRAMS = Path(__file__).parent / "programs"


def test_a_span_of_the_api_is_the_parent_of_ours_and_the_child_of_a_caller_s(collector: Collector) -> None:
    completed = run(["platform-instrument", sys.executable, PROGRAMS / "api.py"], collector=collector)
    assert (completed.returncode, completed.stderr) == (0, "")
    order, select = sorted(collector.wait_for(2), key=lambda span: span.name, reverse=True)
    assert (order.name, order.kind, order.attributes) == ("order", "CONSUMER", {"order.id": 7})
    assert (order.trace_id, order.parent_id) == ("0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7")
    assert (order.scope.name, order.scope.version) == ("shop", "1.0")
    assert (select.trace_id, select.parent_id) == (order.trace_id, order.span_id)
    assert completed.stdout == f"00-{order.trace_id}-{order.span_id}-01 tenant=eu\n"


@pytest.mark.parametrize(
    "environ",
    [{"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_TRACES_SAMPLER": "always_off"}, {"OTEL_SDK_DISABLED": "true"}],
    ids=lambda environ: "=".join(*environ.items()),
)
def test_without_an_export_of_traces_the_program_does_the_same(collector: Collector, environ: dict[str, str]) -> None:
    completed = run(["platform-instrument", sys.executable, PROGRAMS / "api.py"], collector=collector, env=environ)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout.startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert completed.stdout.endswith(" tenant=eu\n")
    assert not collector.spans


OTHER = """
import sqlite3
from opentelemetry import trace

class Other(trace.NoOpTracerProvider):
    pass

trace.set_tracer_provider(Other())
assert type(trace.get_tracer_provider()) is Other
with trace.get_tracer("shop").start_as_current_span("theirs"):
    sqlite3.connect(":memory:").execute("SELECT 1")
"""


def test_a_provider_that_is_no_sdk_s_is_left_to_itself_and_ours_goes_on(collector: Collector) -> None:
    completed = run(["platform-instrument", sys.executable, "-c", OTHER], collector=collector)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert [span.name for span in collector.wait_for(1)] == ["SELECT"]


FORKING = """
import os
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
tracer = trace.get_tracer("shop")
with tracer.start_as_current_span("before") as span:
    if not os.fork():
        tracer.start_span("child").end()
        span.end()
        (child,) = exporter.get_finished_spans()
        assert child.parent.is_remote and child.parent.span_id == span.span_id
        print(child.name, child.resource.attributes["service.instance.id"], flush=True)
        os._exit(0)
    os.wait()
(before,) = exporter.get_finished_spans()
print(before.name, before.resource.attributes["service.instance.id"])
"""


def test_a_fork_child_tells_processors_of_its_own_spans_alone_under_its_own_name(collector: Collector) -> None:
    completed = run(["platform-instrument", sys.executable, "-W", "ignore", "-c", FORKING], collector=collector)
    assert (completed.returncode, completed.stderr) == (0, "")
    (child, one), (before, other) = (line.split() for line in completed.stdout.splitlines())
    assert (child, before) == ("child", "before")
    assert one != other


def test_our_own_start_does_not_import_the_api() -> None:
    shown = "import sys, sqlite3, logging; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    completed = run(["platform-instrument", sys.executable, "-c", shown], env={"OTEL_TRACES_EXPORTER": "none"})
    assert completed.stdout == "[]\n"


def test_importing_the_api_does_not_import_the_sdk() -> None:
    shown = "import sys; from opentelemetry import trace, propagate; print('opentelemetry.sdk' in sys.modules, type(trace.get_tracer_provider()).__module__)"
    completed = run(["platform-instrument", sys.executable, "-c", shown], env={"OTEL_TRACES_EXPORTER": "none"})
    assert completed.stdout == "False platform_instrument.telemetry.api\n", completed.stderr
