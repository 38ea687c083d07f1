"""Programs that count by the API, in real processes, through to the collector."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import Completed, Service, door, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector
    from platform_instrument.testing.received import Point

PROGRAMS = Path(__file__).parent / "programs"


def forked(collector: Collector, *words: str, env: dict[str, str] | None = None) -> Completed:
    """Run the program that forks."""
    program = PROGRAMS / "forking.py"
    return run(["platform-instrument", sys.executable, "-W", "ignore", program, *words], collector=collector, env=env)


def totals(collector: Collector, name: str) -> list[Point]:
    """Return the last point of each process."""
    last: dict[str, Point] = {}
    for point in collector.metrics:
        if point.name == name:
            last[str(point.resource["service.instance.id"])] = point
    return list(last.values())


@pytest.mark.parametrize("words", [("ours",), ("views",)])
def test_five_in_the_master_and_one_in_each_of_two_children_are_seven(collector: Collector, words: tuple[str, ...]) -> None:
    completed = forked(collector, *words)
    assert (completed.returncode, completed.stderr) == (0, "")
    orders = totals(collector, "orders.renamed" if "views" in words else "orders")
    assert sorted(point.value or 0 for point in orders) == [1, 1, 5]
    assert {(point.attributes["kind"], point.unit, point.scope.name) for point in orders} == {("web", "{order}", "shop")}
    durations = totals(collector, "duration")
    assert sorted((point.count, point.sum) for point in durations) == [(1, 3.0), (1, 4.0), (1, 4.0)]
    assert len(totals(collector, "asked")) == 3


DELTA = {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"}


@pytest.mark.parametrize("words", [("ours",), ("views",)])
def test_the_sum_of_all_deltas_is_seven_too(collector: Collector, words: tuple[str, ...]) -> None:
    completed = forked(collector, *words, env=DELTA)
    assert (completed.returncode, completed.stderr) == (0, "")
    sums: dict[str, float] = defaultdict(float)
    for point in collector.metrics:
        if point.name.startswith("orders") or point.name == "duration":
            assert point.temporality == "DELTA"
            sums[point.name] += point.value if point.value is not None else point.count
    assert sums == {"orders.renamed" if "views" in words else "orders": 7, "duration": 3}


PROXIES = """
import sys
import time
from opentelemetry import metrics
from opentelemetry.metrics import Observation
meter = metrics.get_meter("early", "1.0")
kinds = type(meter).__name__
counter, size, histogram = meter.create_counter("c"), meter.create_up_down_counter("u"), meter.create_histogram("h")
observable = meter.create_observable_counter("o", [lambda _: [Observation(4)]])
counter.add(100)
from platform_instrument import _boot
_boot.start("command")
import sqlite3
counter.add(1)
size.add(-2)
histogram.record(3)
print(kinds, type(metrics.get_meter_provider()).__module__)
"""


def test_instruments_made_before_our_provider_was_there_count_from_then_on(collector: Collector) -> None:
    completed = run([sys.executable, "-c", PROXIES], collector=collector)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout == "_ProxyMeter platform_instrument.telemetry.meters.provider\n"
    values = {point.name: point.value if point.value is not None else point.counts for point in collector.metrics}
    assert {name: values[name] for name in "cuho"} == {"c": 1, "u": -2, "h": (0, 1, *[0] * 14), "o": 4}
    assert {point.scope.version for point in collector.metrics if point.name in "cuho"} == {"1.0"}


ALONE = """
import sys, threading, time
from opentelemetry import metrics
counter = metrics.get_meter("shop").create_counter("orders")
assert "platform_instrument.privacy.text" not in sys.modules
counter.add(1, {"kind": "web"})
time.sleep(3)
print("opentelemetry.sdk" in sys.modules, [thread.name for thread in threading.enumerate()])
"""


def test_a_process_that_does_nothing_but_count_exports_all_the_same(collector: Collector) -> None:
    env = {"OTEL_METRIC_EXPORT_INTERVAL": "500"}
    completed = run(["platform-instrument", sys.executable, "-c", ALONE], collector=collector, env=env)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout == "False ['MainThread', 'platform-instrument']\n"
    assert len([point for point in collector.metrics if point.name == "orders"]) >= 3


def test_an_import_of_the_metrics_api_alone_loads_no_sdk_and_starts_nothing() -> None:
    shown = (
        "import sys, threading; from opentelemetry import metrics; metrics.get_meter('a').create_counter('b');"
        "print('opentelemetry.sdk' in sys.modules, type(metrics.get_meter_provider()).__module__, threading.active_count(),"
        "'platform_instrument.telemetry.meters.reader' in sys.modules)"
    )
    completed = run(["platform-instrument", sys.executable, "-c", shown], env={"OTEL_METRICS_EXPORTER": "none"})
    assert completed.stdout == "False platform_instrument.telemetry.meters.provider 1 False\n", completed.stderr


def test_an_import_of_the_tracing_api_alone_loads_no_meters() -> None:
    shown = "import sys; from opentelemetry import trace; print([name for name in sys.modules if '.meters' in name])"
    completed = run(["platform-instrument", sys.executable, "-c", shown], env={"OTEL_METRICS_EXPORTER": "none"})
    assert completed.stdout == "[]\n", completed.stderr


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_METRICS_EXPORTER": "none"},
        {"OTEL_SDK_DISABLED": "true"},
        {"PLATFORM_DISABLED_INSTRUMENTATIONS": "opentelemetry_metrics"},
    ],
)
def test_without_an_export_of_metrics_the_program_does_the_same(collector: Collector, environ: dict[str, str]) -> None:
    completed = forked(collector, "ours", env=environ)
    assert (completed.returncode, completed.stdout, completed.stderr) == (0, "", "")
    assert not totals(collector, "orders")


def test_the_door_of_upstream_gives_the_same(collector: Collector) -> None:
    argv, environ = door("opentelemetry-instrument", [sys.executable, "-W", "ignore", PROGRAMS / "forking.py", "ours"])
    completed = run(argv, env=environ, collector=collector)
    assert completed.returncode == 0, completed.stderr
    assert sorted(point.value or 0 for point in totals(collector, "orders")) == [1, 1, 5]


HANGING = """
import sqlite3, time
from opentelemetry import metrics
meter = metrics.get_meter("shop")
meter.create_observable_gauge("late", [lambda _: time.sleep(60)])
meter.create_counter("orders").add(1)
sqlite3.connect(":memory:").execute("SELECT 1")
if "fork" in __import__("sys").argv:
    import os
    time.sleep(1)
    if not os.fork():
        meter.create_counter("orders").add(1)
        raise SystemExit(0)
    assert os.wait()[1] == 0
"""


@pytest.mark.parametrize("words", [(), ("fork",)])
def test_a_callback_that_hangs_keeps_no_process_from_its_end(collector: Collector, words: tuple[str, ...]) -> None:
    before = time.monotonic()
    env = {"OTEL_METRIC_EXPORT_INTERVAL": "300"}
    command = ["platform-instrument", sys.executable, "-W", "ignore", "-c", HANGING, *words]
    completed = run(command, collector=collector, env=env)
    assert completed.returncode == 0
    assert "observable metrics were not answered" in completed.stderr
    assert time.monotonic() - before < 15
    assert [point.value for point in totals(collector, "orders")] == [1] * (1 + len(words))
    assert len(collector.spans) == 1


@pytest.mark.parametrize("words", [("--preload",), ()], ids=["preload", "each for itself"])
def test_workers_that_come_and_go_count_the_truth_together(collector: Collector, free_port: int, words: tuple[str, ...]) -> None:
    server = ["gunicorn", "served:app", "--bind", f"127.0.0.1:{free_port}", "--workers", "2", "--max-requests", "7", *words]
    env = {"OTEL_METRIC_EXPORT_INTERVAL": "300"}
    with Service(["platform-instrument", *server], free_port, cwd=PROGRAMS, env=env, collector=collector) as service:
        for number in range(40):
            assert service.get(f"/{number % 2}")[0] == 200
        assert service.terminate() == 0
    last: dict[tuple[str, int, str], Point] = {}
    for point in collector.metrics:
        if point.name == "orders":
            last[str(point.resource["service.instance.id"]), point.start_ns, str(point.attributes["path"])] = point
    sums: dict[str, float] = defaultdict(float)
    for (_, _, path), point in last.items():
        sums[path] += point.value or 0
    assert (sums["/0"], sums["/1"]) == (20, 20)
    processes = sum(path == "/early" for _, _, path in last)
    assert sums["/early"] == 5 * processes
    assert processes == 1 if words else processes > 2
