"""Workers of Celery as they are run, in every pool: each task's span arrives once, from the process that ran it, in its sender's trace."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("celery", reason="not in this environment: the matrix has it")

from platform_instrument.testing.collector import Collector
from tests.processes import HOST, accepts, door, environment, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.received import Span

pytestmark = pytest.mark.slow
PROGRAMS = Path(__file__).parent / "programs"
ASKED = """
import json
from celery_shop import where
results = [(each.id, each.get(timeout=30)) for each in [where.delay() for _ in range(12)]]
print(json.dumps([
    {"id": id, "pid": ran["pid"], "trace": f"{int(ran['trace']):032x}", "span": f"{int(ran['span']):016x}"} for id, ran in results
]))
"""
RABBITMQ = os.environ.get("PLATFORM_TEST_RABBITMQ_URL", f"amqp://guest:guest@{HOST}:5672//")
RABBITMQ_PORT = urlsplit(RABBITMQ).port or 5672
LAST = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRIC_EXPORT_INTERVAL": "60000"}
"""Nothing leaves before the end."""


class Worker:
    """A worker that is running, and what it has printed."""

    def __init__(self, process: subprocess.Popen[str], variables: dict[str, str], collector: Collector) -> None:
        self.process = process
        self.variables = variables
        self.collector = collector
        self.lines: list[str] = []

    def ask(self, program: str) -> str:
        """Return what a program prints that sends tasks, and is observed too."""
        words, variables = door("command", [sys.executable, "-c", program])
        done = run(words, env={**self.variables, **variables}, collector=self.collector, cwd=PROGRAMS, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def end(self) -> str:
        """End it, and return all that it printed."""
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, rest
        return "".join(self.lines) + rest


@contextmanager
def working(redis_url: str, pool: str, **more: str) -> Iterator[Worker]:
    """Run a worker under instrumentation until it is ready; `START` is how the children of its pool are started."""
    redis = f"{redis_url.rpartition('/')[0]}/8"
    started = ["--pool-start-method", more["START"]] if "START" in more else []
    words, variables = door("command", ["celery", "-A", "celery_shop", "worker", "-P", pool, "-c", "2", "-l", "INFO", *started])
    variables |= {"BROKER": redis, "BACKEND": redis, "QUEUE": f"pool-{uuid.uuid4().hex[:8]}", **LAST, **more}
    with (
        Collector() as collector,
        subprocess.Popen(
            words,
            cwd=PROGRAMS,
            env=environment(variables, collector),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        worker = Worker(process, variables, collector)
        assert process.stdout is not None
        try:
            while not worker.lines or " ready." not in worker.lines[-1]:
                worker.lines.append(process.stdout.readline())
                assert worker.lines[-1], "".join(worker.lines)
            yield worker
        finally:
            process.kill()


def of_tasks(collector: Collector, count: int) -> dict[str, list[Span]]:
    """Return the spans of tasks by their kind, once there are so many."""
    spans = collector.wait_for(lambda found: sum(span.kind in {"PRODUCER", "CONSUMER"} for span in found) >= count)
    time.sleep(0.3)  # what comes twice
    spans = sorted(collector.spans, key=lambda span: span.start_ns)
    return {kind: [span for span in spans if span.kind == kind] for kind in ("PRODUCER", "CONSUMER")}


@pytest.mark.parametrize("pool", ["prefork", "prefork over RabbitMQ", "prefork by spawn", "solo", "threads", "gevent"])
def test_each_task_arrives_once_from_whoever_ran_it(pool: str, redis_url: str) -> None:
    if pool == "gevent":
        pytest.importorskip("gevent", reason="not in this environment")
    pool, _, spawned = pool.partition(" by ")
    if spawned and not hasattr(importlib.import_module("celery.concurrency.prefork"), "set_start_method"):
        pytest.skip("Celery before 5.7 has no spawned children")
    pool, _, other = pool.partition(" over ")
    if other and not accepts(RABBITMQ_PORT):
        pytest.skip(f"no RabbitMQ on port {RABBITMQ_PORT}, PLATFORM_TEST_RABBITMQ_URL not set")
    with working(
        redis_url, pool, **{**({"BROKER": RABBITMQ} if other else {}), **({"START": "spawn"} if spawned else {})}
    ) as worker:
        told: list[dict[str, Any]] = json.loads(worker.ask(ASKED))
        printed = worker.end()
        spans = of_tasks(worker.collector, 24)
    sent = {span.attributes["messaging.message.id"]: span for span in spans["PRODUCER"]}
    ran = {span.attributes["messaging.message.id"]: span for span in spans["CONSUMER"]}
    assert len(spans["PRODUCER"]) == len(spans["CONSUMER"]) == len(sent) == len(ran) == 12
    for each in told:
        span = ran[each["id"]]
        assert (span.trace_id, span.span_id, span.resource["process.pid"]) == (each["trace"], each["span"], each["pid"])
        assert (span.trace_id, span.parent_id) == (sent[each["id"]].trace_id, sent[each["id"]].span_id)
        ids = f"trace_id={each['trace']} span_id={each['span']}"
        lines = "\n".join(line for line in printed.splitlines() if line.endswith(ids))
        assert [lines.count(text) for text in ("said by the task", "said by the library", f"[{each['id']}] succeeded in")] == [
            1
        ] * 3
    instances = {span.resource["service.instance.id"] for span in ran.values()}
    assert len(instances) == len({each["pid"] for each in told})
    assert len(instances) == (2 if pool == "prefork" else 1)
    assert [span.name for span in worker.collector.spans if span.resource["process.pid"] == worker.process.pid] == (
        [] if pool == "prefork" else ["process celery_shop.where"] * 12
    ), "the worker itself polls, and that is all"


def test_a_child_that_is_replaced_leaves_its_last_span(redis_url: str) -> None:
    with working(redis_url, "prefork", TASKS_PER_CHILD="1") as worker:
        told: list[dict[str, Any]] = json.loads(worker.ask(ASKED))
        worker.end()
        ran = of_tasks(worker.collector, 24)["CONSUMER"]
    assert len({each["pid"] for each in told}) == 12
    assert {span.span_id for span in ran} == {each["span"] for each in told}
    assert len(ran) == 12


def test_a_task_that_cannot_tell_its_end_is_told_by_its_worker(redis_url: str) -> None:
    asked = """
from celery_shop import app, killed, slow, stuck
for task in (slow, stuck, killed):
    try:
        task.delay().get(timeout=30)
    except Exception as error:
        print(type(error).__name__)
result = slow.delay()
while result.state != "STARTED":
    pass
app.control.revoke(result.id, terminate=True)
try:
    result.get(timeout=30)
except Exception as error:
    print(type(error).__name__)
"""
    with working(redis_url, "prefork") as worker:
        ended = worker.ask(asked).split()
        assert ended == ["SoftTimeLimitExceeded", "TimeLimitExceeded", "WorkerLostError", "TaskRevokedError"]
        worker.end()
        sent, ran = of_tasks(worker.collector, 8).values()
    assert [(span.parent_id, len(span.links)) for span in ran] == [(span.span_id, 1) for span in sent]
    slow, stuck, *_ = ran
    assert [(span.status, span.attributes["celery.state"]) for span in ran] == [("ERROR", "FAILURE")] * 3 + [("UNSET", "REVOKED")]
    assert [span.attributes.get("error.type") for span in ran] == [
        *[f"billiard.exceptions.{name}" for name in ("SoftTimeLimitExceeded", "TimeLimitExceeded", "WorkerLostError")], None,
    ]  # fmt: skip
    assert [event.name for event in slow.events] == ["exception"]
    assert 900_000_000 < stuck.end_ns - stuck.start_ns < 10_000_000_000
    assert [span.resource["process.pid"] == worker.process.pid for span in ran] == [False, True, True, True]


def test_a_worker_that_is_to_observe_no_tasks_tells_of_none(redis_url: str) -> None:
    asked = """
from celery_shop import stuck, where
where.delay().get(timeout=30)
try:
    stuck.delay().get(timeout=30)
except Exception as error:
    print(type(error).__name__)
"""
    with working(redis_url, "prefork", PLATFORM_DISABLED_INSTRUMENTATIONS="celery") as worker:
        assert worker.ask(asked).split() == ["TimeLimitExceeded"]
        worker.end()
        assert {span.name for span in worker.collector.spans} == {"GET"}, "what the program asks of the result backend"


def test_a_chord_is_one_trace_through_the_children_of_a_pool(redis_url: str) -> None:
    asked = """
from celery import chord
from celery_shop import number, total
print(chord([number.s(value) for value in range(3)])(total.s()).get(timeout=30))
"""
    with working(redis_url, "prefork") as worker:
        assert worker.ask(asked).strip() == "3"
        worker.end()
        spans = of_tasks(worker.collector, 8)
    parents = {span.span_id: span for kind in spans.values() for span in kind}
    (body,) = [span for span in spans["CONSUMER"] if span.name == "process celery_shop.total"]
    sent = parents[body.parent_id]
    assert (sent.kind, parents[sent.parent_id].name) == ("PRODUCER", "process celery_shop.number")
