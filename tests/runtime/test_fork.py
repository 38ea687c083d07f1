"""After a fork the child starts from zero: what it records arrives once, under its own id, and counters sum to the truth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import Completed, door, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector
    from platform_instrument.testing.received import Span
    from tests.processes import Endpoint

FORKS = Path(__file__).parent / "programs" / "forks.py"
COUNT = 10
SLOW_EXPORT = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRIC_EXPORT_INTERVAL": "60000"}


def forked(mode: str, collector: Endpoint | None = None) -> Completed:
    """Run the script, instrumented where there is a collector."""
    argv, env = door("command" if collector else "pth", [sys.executable, FORKS, mode])
    return run(argv, env={**env, **SLOW_EXPORT} if collector else {}, collector=collector, timeout=60)


def named(spans: tuple[Span, ...], name: str) -> list[Span]:
    return [span for span in spans if name in span.attributes.get("db.query.text", "")]


@pytest.mark.parametrize("mode", ["fork", "spawn", "forkserver", "pool", "pool_closed", "executor", "bare", "after_a_loop"])
def test_every_childs_span_arrives_once_under_an_id_of_its_own(mode: str, collector: Collector) -> None:
    plain = forked(mode)
    instrumented = forked(mode, collector)
    assert (instrumented.returncode, instrumented.stdout, instrumented.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    spans = collector.wait_for(lambda spans: len(named(spans, "child")) >= COUNT)
    children = named(spans, "child")
    assert len(children) == len({span.span_id for span in children}) == COUNT
    processes = {span.resource["process.pid"] for span in children}
    assert len(processes) == len({span.resource["service.instance.id"] for span in children})
    assert len(processes) == COUNT or mode in {"pool", "pool_closed", "executor"}
    parents = named(spans, "parent")
    assert len(parents) == 1
    assert parents[0].resource["service.instance.id"] not in {span.resource["service.instance.id"] for span in children}
    assert sum(point.count for point in collector.latest("db.client.operation.duration")) == len(spans)


def test_children_killed_as_they_start_do_not_take_the_parent_with_them(collector: Collector) -> None:
    plain = forked("killed")
    instrumented = forked("killed", collector)
    assert (instrumented.returncode, instrumented.stdout, instrumented.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    assert len(named(collector.wait_for(COUNT + 1), "child")) == COUNT


def test_a_child_that_imports_the_first_library_reports_too(collector: Collector) -> None:
    assert forked("first_import", collector).returncode == 0
    assert len(named(collector.wait_for(1), "child")) == 1


def test_a_subprocess_with_a_function_to_run_before_disturbs_nothing(collector: Collector) -> None:
    done = forked("preexec", collector)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(collector.wait_for(COUNT + 1)) == COUNT + 1
    assert len(collector.resources) == 1


def test_a_hundred_forks_from_threads_that_record_end(collector: Collector) -> None:
    done = forked("storm", collector)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert {span.resource["service.instance.id"] for span in collector.spans} == {
        collector.spans[0].resource["service.instance.id"]
    }


def test_the_span_of_the_parent_is_the_parent_of_what_children_do(collector: Collector) -> None:
    assert forked("in_a_span", collector).returncode == 0
    spans = collector.wait_for(lambda spans: len(named(spans, "child")) >= COUNT and any(span.name == "parent" for span in spans))
    (parent,) = (span for span in spans if span.name == "parent")
    assert {(span.trace_id, span.parent_id) for span in named(spans, "child")} == {(parent.trace_id, parent.span_id)}
