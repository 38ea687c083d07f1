"""What becomes of telemetry itself, told as metrics: over OTLP, and on the page of a service whose collector is down."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.core.values import COUNTER
from platform_instrument.telemetry.self_metrics import EXPORTS, QUEUES
from tests.processes import door, environment
from tests.scrapes import Page, Target
from tests.telemetry.test_pipeline import program

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

SPANS = ("batching_span_processor", "otlp_http_span_exporter")


def observed(collector: Collector, *arguments: str, env: dict[str, str] | None = None) -> Any:
    """Run a scenario whose metrics are sent; return what it found."""
    return program(collector, *arguments, env={"OTEL_METRICS_EXPORTER": "otlp", **(env or {})})[0]


def told(collector: Collector, name: str, **attributes: Any) -> float:
    """Return the latest value of the one series of these attributes."""
    wanted = {key.replace("_", "."): value for key, value in attributes.items()}
    points = [point for point in collector.latest(name, wanted) if "error.type" in wanted or "error.type" not in point.attributes]
    assert len(points) <= 1
    return points[0].value if points else 0


def test_a_collector_that_is_well_is_told_what_it_was_sent(collector: Collector) -> None:
    observed(collector, "spans", "50", "1", env={"OTEL_BSP_MAX_QUEUE_SIZE": "100"})
    exported = [point for point in collector.metrics if point.name == "otel.sdk.exporter.span.exported"]
    assert exported[-1].value == 50
    assert exported[-1].attributes == {
        "otel.component.name": "otlp_http_span_exporter/0",
        "otel.component.type": "otlp_http_span_exporter",
        "server.address": "localhost",
        "server.port": collector.port,
    }
    assert exported[-1].unit == "{span}"
    assert told(collector, "otel.sdk.processor.span.processed") == 50
    assert told(collector, "otel.sdk.processor.span.queue.size") == 0
    assert told(collector, "otel.sdk.processor.span.queue.capacity") == 100
    assert told(collector, "platform.telemetry.buffer.capacity", otel_component_type=SPANS[1]) == 2 * 1024 * 1024
    assert {point.attributes.get("error.type") for point in collector.metrics if point.name.startswith("otel.sdk")} == {None}


def test_the_last_state_tells_what_became_of_the_last_spans(collector: Collector) -> None:
    observed(collector, "spans", "7", env={"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRIC_EXPORT_INTERVAL": "60000"})
    assert [point.value for point in collector.latest("otel.sdk.exporter.span.exported")] == [7]
    collector.clear()
    env = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_METRIC_EXPORT_INTERVAL": "60000",
        "OTEL_BSP_SCHEDULE_DELAY": "60000",
    }
    observed(collector, "spans", "7", env=env)
    assert told(collector, "otel.sdk.exporter.span.exported", error_type="process_ended") == 7


def test_points_of_metrics_are_counted_one_by_one(collector: Collector) -> None:
    observed(collector, "durations", "0", "2.5", env={"OTEL_TRACES_EXPORTER": "none", "PLATFORM_FLUSH_TIMEOUT": "0"})
    name = "otel.sdk.exporter.metric_data_point.exported"
    values = [point.value for point in collector.metrics if point.name == name]
    by_request: dict[int, int] = {}
    for point in collector.metrics:
        by_request[point.time_ns] = by_request.get(point.time_ns, 0) + 1
    sums = [sum(list(by_request.values())[:count]) for count in range(len(values))]
    assert values == sums[: len(values)]
    assert values[-1] > 3


def test_what_did_not_fit_is_counted_as_the_conventions_have_it(collector: Collector) -> None:
    env = {"OTEL_BSP_MAX_QUEUE_SIZE": "64", "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    found = observed(collector, "spans", "5000", env=env)
    lost = found["status"]["dropped"]["spans"]["queue_full"]
    assert told(collector, "otel.sdk.processor.span.processed", error_type="queue_full") == lost > 0
    assert told(collector, "otel.sdk.processor.span.processed") == 5000 - lost


def test_children_count_from_zero(collector: Collector) -> None:
    observed(collector, "fork", "3", "1")
    name = "otel.sdk.exporter.span.exported"
    total = sum(point.value or 0 for point in collector.latest(name))
    assert 0 < total <= len(collector.spans)


def test_there_is_nothing_to_tell_of_without_a_way_out(collector: Collector) -> None:
    observed(collector, "durations", "0", "0.5", env={"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "otlp"})
    names = {point.name for point in collector.metrics if point.name.startswith(("otel.sdk", "platform.telemetry"))}
    assert names == {"otel.sdk.exporter.metric_data_point.exported", "otel.sdk.exporter.metric_data_point.inflight",
                     "platform.telemetry.buffer.size", "platform.telemetry.buffer.capacity"}  # fmt: skip


WORKS = """
import sqlite3, sys
from opentelemetry import trace
sqlite3.connect(":memory:").close()
tracer = trace.get_tracer("shop")
for line in sys.stdin:
    sys.setswitchinterval(60)  # nobody else gets to run while these are recorded
    for number in range(int(line)):
        tracer.start_span("work").end()
    sys.setswitchinterval(0.005)
    print("done", flush=True)
"""


class Scraped:
    """A service that works as it is told, pushes spans to nobody, and is scraped."""

    def __init__(self, env: dict[str, str]) -> None:
        self.target = Target.free()
        argv, variables = door("command", [sys.executable, "-c", WORKS])
        told = {
            **variables,
            **self.target.environment("prometheus"),
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            **env,
        }
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(argv, env=environment(told), stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def work(self, statements: int) -> None:
        """Have it make so many spans."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{statements}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def end(self) -> str:
        """Let it end; return what it said."""
        return self.process.communicate(timeout=30)[1]


def spans_of(page: Page) -> dict[str, float]:
    """Return what the page says became of spans."""
    exported, processed = "otel_sdk_exporter_span_exported_total", "otel_sdk_processor_span_processed_total"
    failed = {str(sample.labels["error_type"]): sample.value for sample in page.samples
              if sample.name in {exported, processed} and "error_type" in sample.labels}  # fmt: skip
    delivered = [sample.value for sample in page.samples if sample.name == exported and "error_type" not in sample.labels]
    return {
        "delivered": sum(delivered),
        "inflight": page.total("otel_sdk_exporter_span_inflight"),
        "queued": page.total("otel_sdk_processor_span_queue_size"),
        **failed,
    }


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_losses_are_seen_on_the_page_while_nothing_can_be_pushed(protocol: str) -> None:
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_BSP_MAX_QUEUE_SIZE": "256",
    }
    service = Scraped(env)
    try:
        service.work(5)
        page = service.target.wait(lambda page: spans_of(page)["inflight"] == 5)
        assert spans_of(page) == {"delivered": 0, "inflight": 5, "queued": 0}
        assert page.total("platform_telemetry_buffer_size_bytes") > 0
        assert page.total("platform_telemetry_buffer_capacity_bytes") == 2 * 1024 * 1024
        service.work(20_000)
        page = service.target.wait(lambda page: spans_of(page)["queued"] == 0)
        assert sum(spans_of(page).values()) == 20_005
        assert spans_of(page)["queue_full"] > 0
    finally:
        said = service.end()
    assert said.count("\n") == (2 if "queue" in said else 1), said


def test_a_collector_that_comes_back_is_seen_to_take_what_waited(collector: Collector) -> None:
    collector.refuse()
    service = Scraped(collector.environment() | {"OTEL_METRICS_EXPORTER": "prometheus"})
    try:
        service.work(10)
        service.target.wait(lambda page: spans_of(page)["inflight"] == 10)
        collector.recover()
        page = service.target.wait(lambda page: spans_of(page)["delivered"] == 10)
        assert spans_of(page) == {"delivered": 10, "inflight": 0, "queued": 0}
        collector.fail(400)
        service.work(5)
        service.target.wait(lambda page: spans_of(page).get("refused") == 5)
    finally:
        service.end()


def test_names_and_units_are_those_of_the_conventions() -> None:
    units = {exports.exported.name: exports.exported.unit for exports in EXPORTS.values()}
    assert units == {
        "otel.sdk.exporter.span.exported": "{span}",
        "otel.sdk.exporter.log.exported": "{log_record}",
        "otel.sdk.exporter.metric_data_point.exported": "{data_point}",
    }
    assert {queue.processed.name: queue.size.unit for queue in QUEUES.values()} == {
        "otel.sdk.processor.span.processed": "{span}",
        "otel.sdk.processor.log.processed": "{log_record}",
    }
    assert all(each.exported.kind == COUNTER and each.exported.observable for each in EXPORTS.values())
