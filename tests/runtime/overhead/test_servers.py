"""Each worker of a server measures itself and keeps to the budget by itself, whatever it serves its requests by."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import Service, free_port

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

PROGRAMS = Path(__file__).parent / "programs"
BUDGET = {"PLATFORM_MAX_OVERHEAD": "0.5%", "OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_BSP_MAX_QUEUE_SIZE": "100000"}
PATIENCE = 90.0
WORKERS = {"sync": ["--workers", "2"], "gthread": ["--threads", "4"], "gevent": ["--worker-class", "gevent"]}


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORKERS)
def test_each_worker_measures_itself_and_leaves_out_the_spans_of_the_noisy_library(
    kind: str, redis_url: str, collector: Collector
) -> None:
    port = free_port()
    argv = ["platform-instrument", "gunicorn", "--bind", f"127.0.0.1:{port}", *WORKERS[kind], "shop:application"]
    env = {**BUDGET, "REDIS_URL": redis_url}
    answered = [0, 0, 0]
    with Service(argv, port, env=env, collector=collector, cwd=PROGRAMS) as service:
        stop = threading.Event()

        def ask(who: int) -> None:
            while not stop.is_set():
                assert service.get("/")[0] == 200
                answered[who] += 1

        clients = [threading.Thread(target=ask, args=(who,)) for who in range(len(answered))]
        for client in clients:
            client.start()
        workers = 2 if kind == "sync" else 1
        deadline = time.monotonic() + PATIENCE
        while len(shedding(collector)) < workers and time.monotonic() < deadline:
            time.sleep(0.5)
        stop.set()
        for client in clients:
            client.join()
        assert service.terminate() == 0
    found = shedding(collector)
    assert len(found) == workers
    for instance in found:
        names = {
            str(point.attributes["platform.library.name"])
            for point in collector.metrics
            if point.name == "platform.overhead" and point.resource["service.instance.id"] == instance and point.value
        }
        assert {"http", "redis", "worker"} <= names
    ids = {span.span_id for span in collector.spans}
    assert not [span for span in collector.spans if span.kind == "CLIENT" and span.parent_id not in ids]
    served = {
        (point.resource["service.instance.id"], str(point.attributes)): point.count
        for point in collector.metrics
        if point.name == "http.server.request.duration"
    }
    assert sum(served.values()) == sum(answered)


def shedding(collector: Collector) -> set[str]:
    """Return the processes that have left spans out."""
    return {
        str(point.resource["service.instance.id"])
        for point in collector.metrics
        if point.name == "platform.overhead.shed" and point.attributes["platform.overhead.kind"] == "spans" and point.value
    }
