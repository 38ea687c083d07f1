"""A process over its budget: what is missed least is left out in order, everything else stays, and all of it comes back."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.testing.collector import Collector
from tests.processes import BIN, environment, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platform_instrument.testing.received import Span

PROGRAM = Path(__file__).parent / "programs" / "busy.py"
COMMANDS = 10
BUDGET = {
    "PLATFORM_MAX_OVERHEAD": "0.5%",
    "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_BSP_MAX_QUEUE_SIZE": "200000",  # so that a span that is missing was left out, not lost
}
PATIENCE = 150.0


def until(said: Callable[[], Any], what: str) -> None:
    """Wait for something to be so."""
    deadline = time.monotonic() + PATIENCE
    while not said():
        assert time.monotonic() < deadline, what
        time.sleep(0.25)


@contextlib.contextmanager
def working(url: str, collector: Collector, folder: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run the program under its budget."""
    errors = folder / "errors"
    command = [str(BIN / "platform-instrument"), sys.executable, str(PROGRAM), url]
    with (
        errors.open("w") as stream,
        subprocess.Popen(
            command,
            env=environment(BUDGET, collector),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        ) as process,
    ):
        try:
            yield process, errors
        finally:
            process.kill()


class Story:
    """What was exported in the three phases: as the load begins, when it is known what cannot be left out, and afterwards."""

    def __init__(self, collector: Collector, url: str, folder: Path) -> None:
        with working(url, collector, folder) as (process, errors):
            assert process.stdin is not None
            assert process.stdout is not None
            until(lambda: gauge(collector, "platform.overhead.excess") > 0, "it was never said that the budget is not kept")
            time.sleep(2)
            self.during = figures(collector)
            self.excess = gauge(collector, "platform.overhead.excess")
            self.left_out = counters(collector)
            process.stdin.write("enough\n")
            process.stdin.flush()
            self.loaded: int = json.loads(process.stdout.readline())["load"]
            self.spans_under_load = len(collector.spans)
            self.said_under_load = errors.read_text().splitlines()
            until(lambda: len(errors.read_text().splitlines()) > len(self.said_under_load), "nothing was restored")
            until(lambda: "again" in errors.read_text(), "not everything was restored")
            process.stdin.write("on\n")
            process.stdin.flush()
            self.after: int = json.loads(process.stdout.readline())["after"]
            assert process.wait(30) == 0
            self.said = errors.read_text().splitlines()
        self.spans: tuple[Span, ...] = collector.spans
        self.logs = collector.logs
        self.gets = commands(collector, "GET")

    def of(self, phase: str) -> list[Span]:
        """Return the service's own spans of a phase."""
        return [span for span in self.spans if span.attributes.get("shop.phase") == phase]


def gauge(collector: Collector, name: str) -> float:
    found = [point for point in collector.metrics if point.name == name]
    return (found[-1].value or 0.0) if found else 0.0


def figures(collector: Collector) -> dict[str, float]:
    return {
        str(point.attributes["platform.library.name"]): point.value or 0.0
        for point in collector.metrics
        if point.name == "platform.overhead"
    }


def counters(collector: Collector) -> dict[str, float]:
    return {
        str(point.attributes["platform.overhead.kind"]): point.value or 0.0
        for point in collector.metrics
        if point.name == "platform.overhead.shed"
    }


def commands(collector: Collector, name: str) -> int:
    found = [
        point.count
        for point in collector.metrics
        if point.name == "db.client.operation.duration" and point.attributes.get("db.operation.name") == name
    ]
    return int(found[-1])


@pytest.fixture(scope="module")
def story(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Tell it once: it takes a minute, because nothing is judged at once."""
    with Collector() as collector:
        yield Story(collector, redis_url, tmp_path_factory.mktemp("governed"))


@pytest.mark.slow
def test_the_share_of_each_instrumentation_is_exported(story: Story) -> None:
    assert {"redis", "application", "logs", "worker"} <= story.during.keys()
    assert 0.005 < story.during["redis"] < 0.9
    assert story.excess == pytest.approx(sum(story.during.values()) - 0.005, abs=0.1)


@pytest.mark.slow
def test_logs_go_first_then_the_spans_of_the_library_and_it_is_counted(story: Story) -> None:
    assert story.left_out["logs"] > 0
    assert story.left_out["spans"] > 0
    assert story.left_out["spans"] < story.left_out["logs"] * COMMANDS


@pytest.mark.slow
def test_it_is_said_in_one_line_what_is_left_out_and_in_one_that_it_is_over(story: Story) -> None:
    ours = [line for line in story.said if line.startswith("platform-instrument: observing")]
    assert ours[0].startswith("platform-instrument: observing takes ")
    assert "PLATFORM_MAX_OVERHEAD=0.5%" in ours[0]
    assert "left out until there is room: log records below warning" in ours[0]
    assert ours[-1] == "platform-instrument: observing is within PLATFORM_MAX_OVERHEAD=0.5% again, and everything is exported"
    assert len(ours) <= 4


@pytest.mark.slow
def test_what_is_left_of_a_trace_is_whole_for_the_service_itself(story: Story) -> None:
    own = story.of("load")
    by_trace: dict[str, list[str]] = {}
    for span in own:
        by_trace.setdefault(span.trace_id, []).append(span.name)
    assert own
    assert all(sorted(names) == ["order", "payment"] for names in by_trace.values())
    ids = {span.span_id for span in story.spans}
    assert len(ids) == len(story.spans)
    assert not [span for span in story.spans if span.parent_id and span.parent_id not in ids]


@pytest.mark.slow
def test_what_failed_is_there_in_every_trace_that_is(story: Story) -> None:
    failed = [span for span in story.spans if span.status == "ERROR" and span.name.startswith("LPUSH")]
    with_payment = {span.trace_id for span in story.spans if span.name == "payment"}
    assert failed
    assert {span.trace_id for span in failed} <= with_payment
    assert Counter(log.text for log in story.logs)["WARNING"] >= len(failed)


@pytest.mark.slow
def test_every_command_is_counted(story: Story) -> None:
    assert story.gets == (story.loaded + story.after) * COMMANDS


@pytest.mark.slow
def test_everything_is_exported_afterwards(story: Story) -> None:
    after = story.of("after")
    assert Counter(span.name for span in after) == {"order": story.after, "payment": story.after}
    traces = {span.trace_id for span in after}
    gets = [span for span in story.spans if span.trace_id in traces and span.name.startswith("GET")]
    assert len(gets) == story.after * COMMANDS
    assert Counter(log.body for log in story.logs if log.trace_id in traces)["ordered"] == story.after


def test_nothing_of_it_is_loaded_without_a_budget(redis_url: str, collector: Collector) -> None:
    program = (
        "import sys, redis; redis.Redis.from_url(sys.argv[1]).get('overhead');"
        "print(sorted(name for name in sys.modules if 'overhead' in name))"
    )
    for variables, loaded in (({}, False), ({"PLATFORM_MAX_OVERHEAD": "3%"}, True)):
        ended = run(["platform-instrument", "python", "-c", program, redis_url], env=variables, collector=collector)
        assert ended.returncode == 0, ended.stderr
        assert ("platform_instrument.runtime.overhead.governor" in ended.stdout) is loaded
