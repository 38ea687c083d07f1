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


def test_our_own_start_does_not_import_the_api() -> None:
    shown = "import sys, sqlite3, logging; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    completed = run(["platform-instrument", sys.executable, "-c", shown], env={"OTEL_TRACES_EXPORTER": "none"})
    assert completed.stdout == "[]\n"


def test_importing_the_api_does_not_import_the_sdk() -> None:
    shown = "import sys; from opentelemetry import trace, propagate; print('opentelemetry.sdk' in sys.modules, type(trace.get_tracer_provider()).__module__)"
    completed = run(["platform-instrument", sys.executable, "-c", shown], env={"OTEL_TRACES_EXPORTER": "none"})
    assert completed.stdout == "False platform_instrument.telemetry.api\n", completed.stderr
