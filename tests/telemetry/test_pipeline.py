"""The way out of a real process, while the collector is well and while it is not, and across forks."""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.config.read import read
from platform_instrument.telemetry.pipeline import Pipeline
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.tracer import start
from tests.processes import environment, free_port, run
from tests.telemetry.programs.filtered import NUMBERS

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector
    from tests.processes import Completed

PROGRAM = Path(__file__).parent / "program.py"
ROOT = str(PROGRAM.parent.parent.parent)


def program(
    collector: Collector, *arguments: str, env: dict[str, str] | None = None, timeout: float = 60
) -> tuple[Any, Completed]:
    """Run a scenario to its end; return what it found and the process. Metrics leave where it is about durations, or is told to."""
    metrics = {} if arguments[0] == "durations" else {"OTEL_METRICS_EXPORTER": "none"}
    ended = run([sys.executable, "-X", "dev", PROGRAM, *arguments], collector=collector,
                env={"PYTHONPATH": ROOT, **metrics, **(env or {})}, timeout=timeout)  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1]), ended


def lost(found: Any) -> int:
    """Return how many spans were lost."""
    return sum(found["status"]["dropped"].get("spans", {}).values())


def test_every_span_arrives_once_and_nothing_is_said(collector: Collector) -> None:
    found, ended = program(collector, "spans", "1500")
    assert Counter(span.name for span in collector.spans) == Counter(f"span {number}" for number in range(1500))
    assert found["status"]["spans"]["delivered"] == 1500
    assert found["status"]["dropped"] == {}
    assert ended.stderr == ""
    assert all(request.compressed and request.headers["content-encoding"] == "gzip" for request in collector.requests)
    assert len(collector.resources) == 1


def test_bodies_are_not_packed_where_nobody_wants_it(collector: Collector) -> None:
    program(collector, "spans", "3", env={"OTEL_EXPORTER_OTLP_COMPRESSION": "none"})
    assert [request.headers.get("content-encoding") for request in collector.requests] == [None]
    assert len(collector.spans) == 3


def test_a_batch_holds_no_more_than_its_setting(collector: Collector) -> None:
    program(collector, "spans", "100", env={"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "30"})
    assert len(collector.requests) == 4
    assert len(collector.spans) == 100


@pytest.mark.parametrize(("delay", "requests"), [("60000", 2), ("1000", 5)])
def test_what_waits_is_sent_as_often_as_the_setting_says(delay: str, requests: int, collector: Collector) -> None:
    """At the first turn, then after each delay, and at the end; though the worker looks after SIGTERM every second."""
    found, _ = program(
        collector, "trickle", "3.5", env={"OTEL_BSP_SCHEDULE_DELAY": delay, "OTEL_METRIC_EXPORT_INTERVAL": "60000"}
    )
    assert len(collector.requests) == requests
    assert len(collector.spans) == found["ended"]


def test_more_than_the_queue_holds_is_lost_and_counted_and_said_once(collector: Collector) -> None:
    found, ended = program(collector, "spans", "5000", env={"OTEL_BSP_MAX_QUEUE_SIZE": "64", "OTEL_BSP_SCHEDULE_DELAY": "60000"})
    assert len(collector.spans) + lost(found) == 5000
    assert found["status"]["dropped"]["spans"] == {"queue_full": lost(found)}
    assert lost(found) > 0
    assert ended.stderr.count("\n") == 1
    assert "OTEL_BSP_MAX_QUEUE_SIZE=64" in ended.stderr


def test_what_has_left_weighs_nothing_though_the_queue_is_never_found_empty() -> None:
    made = Pipeline(read({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "64"})[0])
    made.worker.hold()

    def record(sent: list[Any]) -> None:
        for _ in sent:
            made.ended(start("span", 1, None, {"text": "x" * 1000}, own_scope("test"), None, 0))

    outlets: Any = SimpleNamespace(put_spans=record)  # as fast as it is sent
    record([None] * 96)
    for _ in range(1000):
        made._drain(outlets)
    assert (made.dropped, len(made.queue)) == (0, 96)
    assert made.weight == pytest.approx(96_000, rel=0.5)


@pytest.mark.skipif(sys.platform != "linux", reason="a policy of Linux")
def test_the_worker_leaves_the_processor_to_the_application_until_the_queue_is_half_full(collector: Collector) -> None:
    found, _ = program(collector, "crowded")
    assert found["policies"] == [os.SCHED_BATCH, os.SCHED_OTHER, os.SCHED_BATCH]
    assert found["status"]["dropped"] == {}
    assert len(collector.spans) == 1026


@pytest.mark.skipif(sys.platform != "linux", reason="a policy of Linux")
def test_the_worker_keeps_up_with_an_application_that_keeps_its_processor_busy(collector: Collector) -> None:
    found, _ = program(collector, "busy", "4")
    assert found["status"]["dropped"] == {}
    assert found["waiting"] < found["recorded"] / 4
    assert len(collector.spans) == found["recorded"] > 1000


@pytest.mark.skipif(sys.platform != "linux" or platform.machine() not in NUMBERS, reason="filters of Linux system calls")
@pytest.mark.parametrize("manner", ["kill", "refuse"])
def test_a_process_whose_system_calls_are_filtered_lives_as_without_us(manner: str, collector: Collector) -> None:
    argv = [sys.executable, "-m", "tests.telemetry.programs.filtered", manner, PROGRAM, "spans", "3", "0.5"]
    ended = run(argv, collector=collector, env={"PYTHONPATH": ROOT}, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(collector.spans) == 3


@pytest.mark.parametrize("manner", ["refuse", "fail", "hang", "drip", "garble", "hang_up"])
def test_a_collector_that_fails_costs_neither_time_nor_memory_nor_words(collector: Collector, manner: str) -> None:
    getattr(collector, manner)()
    start = time.monotonic()
    found, ended = program(collector, "load", "30000", "1", env={"PLATFORM_FLUSH_TIMEOUT": "1"})
    assert found["longest"] < 0.25
    assert found["mean"] < 0.000_5
    assert found["grown"] < 8 * 1024 * 1024
    assert lost(found) + found["status"]["waiting_spans"] + found["status"]["spans"]["waiting"] == 30_000
    assert time.monotonic() - start < 60
    assert ended.stderr.count("\n") == 1, ended.stderr


@pytest.mark.parametrize("manner", ["refuse", "fail", "hang", "drip", "garble", "hang_up"])
def test_a_process_ends_in_time_though_the_collector_fails(collector: Collector, manner: str) -> None:
    getattr(collector, manner)()
    start = time.monotonic()
    _, ended = program(collector, "spans", "10")
    assert time.monotonic() - start < 5
    assert ended.stderr.count("\n") == 1, ended.stderr


@pytest.mark.parametrize("manner", ["refuse", "fail"])
def test_delivery_resumes_when_the_collector_comes_back(collector: Collector, manner: str) -> None:
    getattr(collector, manner)()
    timer = threading.Timer(1.5, collector.recover)
    timer.start()
    found, ended = program(collector, "trickle", "5")
    timer.join()
    assert lost(found) == 0
    assert Counter(span.name for span in collector.spans) == Counter(f"span {number}" for number in range(found["ended"]))
    assert ended.stderr.count("\n") == 1, ended.stderr


@pytest.mark.parametrize("manner", ["refuse", "hang"])
@pytest.mark.parametrize("how", ["force", "hold", "server"])
def test_a_flush_of_a_process_that_lives_on_loses_nothing_and_takes_no_time_from_its_end(
    how: str, manner: str, collector: Collector
) -> None:
    getattr(collector, manner)()
    timer = threading.Timer(1.5, collector.recover)
    timer.start()
    env = {"PLATFORM_FLUSH_TIMEOUT": "1", "OTEL_EXPORTER_OTLP_TIMEOUT": "1000"}
    found, ended = program(collector, "early", how, "2.5", env=env)
    timer.join()
    assert not found["complete"]
    assert (sorted(span.name for span in collector.spans), lost(found)) == (["after", "before"], 0)
    assert ended.stderr.count("\n") <= 1, ended.stderr


def test_flushes_share_one_connection(collector: Collector) -> None:
    program(collector, "flushes", "3")
    assert len(collector.spans) == 3
    assert collector.connections == 1


@pytest.mark.parametrize("setting", ["OTEL_BSP_EXPORT_TIMEOUT", "OTEL_METRIC_EXPORT_TIMEOUT"])
def test_an_export_takes_no_longer_than_its_setting(collector: Collector, setting: str) -> None:
    collector.hang()
    signal, other = ("traces", "METRICS") if "BSP" in setting else ("metrics", "TRACES")
    env = {setting: "300", f"OTEL_{other}_EXPORTER": "none", "PLATFORM_FLUSH_TIMEOUT": "0.2"}
    program(collector, "durations", "0", "3", env=env)
    first, second = collector.requests[:2]
    assert first.path == second.path == f"/v1/{signal}"
    assert second.at - first.at < 2.5


def test_what_is_said_of_a_collector_holds_no_secret_of_its_url(collector: Collector) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}/?key=0123abcd"
    _, ended = program(collector, "spans", "1", env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    assert "cannot be delivered" in ended.stderr
    assert "0123abcd" not in ended.stderr + ended.stdout


def test_retry_after_is_obeyed(collector: Collector) -> None:
    collector.fail(503, retry_after="3", times=1)
    found, _ = program(collector, "spans", "1", "4.5")
    assert lost(found) == 0
    assert len(collector.requests) == 2


def test_what_the_collector_rejects_is_counted_as_lost(collector: Collector) -> None:
    collector.reject(3, "too old", times=1)
    found, ended = program(collector, "spans", "10")
    assert found["status"]["dropped"] == {"spans": {"rejected": 3}}
    assert found["status"]["spans"]["delivered"] == 7
    assert "too old" in ended.stderr


def test_what_the_collector_refuses_is_not_sent_again(collector: Collector) -> None:
    collector.fail(400)
    found, ended = program(collector, "spans", "10", "1.5")
    assert found["status"]["dropped"] == {"spans": {"refused": 10}}
    assert len(collector.requests) == 1
    assert ended.stderr.count("\n") == 1


def test_a_span_that_cannot_be_encoded_is_lost_alone(collector: Collector) -> None:
    found, ended = program(collector, "broken", "10")
    assert {span.name for span in collector.spans} == {f"span {number}" for number in range(10) if number != 3}
    assert found["status"]["dropped"] == {"spans": {"not_encoded": 1}}
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("manner", ["refuse", "fail"])
def test_a_root_logger_at_debug_is_not_fed_by_a_failing_exporter(collector: Collector, manner: str) -> None:
    getattr(collector, manner)()
    found, _ = program(collector, "debug", "2")
    assert found["lines"] == 10


def test_a_thread_is_started_by_the_first_record_and_never_in_a_held_process(collector: Collector) -> None:
    found, _ = program(collector, "threads", "5")
    assert (found["before"], found["after"], found["held"]) == (1, 2, 1)
    assert len(collector.spans) == 6


# --- fork -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", ["pipeline", "resource"])
def test_threads_that_set_it_up_at_the_same_moment_share_one(made: str, collector: Collector) -> None:
    found, _ = program(collector, "crowd", made)
    assert found["made"] == 1
    assert [span.name for span in collector.wait_for(1)] == ["span"]
    assert {span.resource["service.instance.id"] for span in collector.spans} == {found["instance"]}


def test_children_start_from_zero_under_an_instance_id_of_their_own(collector: Collector) -> None:
    found, ended = program(collector, "fork", "10", "2")
    assert found["exits"] == [0] * 10
    expected = [f"child {child} {number}" for child in range(10) for number in range(2)]
    assert Counter(span.name for span in collector.spans) == Counter(["parent", "parent again", *expected])
    by_instance: dict[str, set[int]] = {}
    for span in collector.spans:
        by_instance.setdefault(span.resource["service.instance.id"], set()).add(span.resource["process.pid"])
    assert len(by_instance) == 11
    assert all(len(pids) == 1 for pids in by_instance.values())
    assert ended.stderr == ""


def test_durations_of_parent_and_children_sum_to_the_truth(collector: Collector) -> None:
    program(collector, "durations", "4", "0.5")
    counts = [point.count for point in collector.latest("work.duration", {"kept": "yes"})]
    assert sorted(counts) == [1, 1, 1, 1, 5]


def test_a_child_without_a_record_sends_nothing(collector: Collector) -> None:
    found, _ = program(collector, "fork", "5", "0")
    assert found["exits"] == [0] * 5
    assert {span.resource["process.pid"] for span in collector.spans} == {collector.spans[0].resource["process.pid"]}
    assert len(collector.spans) == 2


@pytest.mark.parametrize("manner", ["hang", "drip", "refuse"])
def test_a_fork_does_not_wait_for_a_collector_that_fails(collector: Collector, manner: str) -> None:
    getattr(collector, manner)()
    found, _ = program(collector, "fork_while_sending", "50", env={"PLATFORM_FLUSH_TIMEOUT": "1"})
    assert found["all"] < 3


def test_forks_during_slow_answers_lose_nothing_and_send_nothing_twice(collector: Collector) -> None:
    collector.slow(0.3)
    found, ended = program(collector, "fork_while_sending", "50")
    assert Counter(span.name for span in collector.spans) == Counter(["before", *(f"between {number}" for number in range(50))])
    assert lost(found) == 0
    assert ended.stderr == ""


def test_a_storm_of_forks_from_threads_that_record_and_log_locks_nothing(collector: Collector) -> None:
    found, ended = program(collector, "storm", "8", "125", timeout=100)
    assert (found["forks"], found["failed"]) == (1_000, [])
    names = Counter(span.name for span in collector.spans if span.name != "child")
    expected = Counter(f"recorder {each} {number}" for each in range(2) for number in range(found[f"recorder {each}"]))
    assert names == expected
    assert lost(found) == 0
    assert "platform-instrument" not in ended.stderr


def test_no_variable_of_the_tests_decides(collector: Collector) -> None:
    assert not [name for name in environment(None, collector) if name.startswith("OTEL_") and name not in collector.environment()]
