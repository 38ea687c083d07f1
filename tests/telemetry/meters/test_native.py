"""What libraries and upstream's instrumentors count by the API lands in our cells, and nothing is counted twice under one name."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

PROGRAMS = Path(__file__).parent / "programs"


def scopes(collector: Collector) -> Counter[tuple[str, str]]:
    """Return how many times each metric of a scope was counted, by its last export."""
    last = {(point.name, point.scope.name, str(point.attributes)): point for point in collector.metrics}
    counted: Counter[tuple[str, str]] = Counter()
    for (name, scope, _), point in last.items():
        counted[name, scope] += point.count
    return counted


OURS = "platform_instrument.metrics"


@pytest.mark.parametrize("provider", [[], ["views"]], ids=["no provider", "a provider without readers"])
def test_what_redis_counts_by_itself_is_exported_but_for_what_we_count(
    collector: Collector, redis_url: str, provider: list[str]
) -> None:
    program = [sys.executable, PROGRAMS / "native_redis.py", redis_url, *provider]
    completed = run(["platform-instrument", *program], collector=collector)
    assert (completed.returncode, completed.stdout, completed.stderr) == (0, "", "")
    counted = scopes(collector)
    assert counted["db.client.operation.duration", OURS] >= 2
    assert counted["db.client.connection.create_time", "redis-py"] or counted["db.client.connection.create_time", OURS]
    assert ("db.client.operation.duration", "redis-py") not in counted
    names = Counter(name for name, _ in counted)
    assert {name for name, scopes in names.items() if scopes > 1} == set()


def test_what_redis_counts_is_all_there_for_a_reader_of_the_application_s(collector: Collector, redis_url: str) -> None:
    program = [sys.executable, PROGRAMS / "native_redis.py", redis_url, "reader"]
    plain, observed = run(program), run(["platform-instrument", *program], collector=collector)
    assert (observed.returncode, observed.stdout, observed.stderr) == (0, plain.stdout, "")
    assert "db.client.operation.duration redis-py\n" in plain.stdout
    counted = scopes(collector)
    assert counted["db.client.operation.duration", OURS] >= 2
    assert {scope for _, scope in counted} == {OURS}


def test_what_redis_counts_is_its_own_where_we_do_not_observe_it(collector: Collector, redis_url: str) -> None:
    env = {"PLATFORM_DISABLED_INSTRUMENTATIONS": "redis"}
    run(["platform-instrument", sys.executable, PROGRAMS / "native_redis.py", redis_url], collector=collector, env=env)
    assert scopes(collector)["db.client.operation.duration", "redis-py"] >= 2


@pytest.mark.parametrize("conventions", ["http", "http/dup"])
def test_a_request_is_counted_once_under_one_name(collector: Collector, conventions: str) -> None:
    """An instrumentor of a client stands back within ours by itself, FastAPI because the scope says so."""
    env = {"OTEL_SEMCONV_STABILITY_OPT_IN": conventions}
    completed = run(["platform-instrument", sys.executable, PROGRAMS / "native_fastapi.py"], collector=collector, env=env)
    assert (completed.returncode, completed.stdout) == (0, "200\n"), completed.stderr
    counted = scopes(collector)
    assert counted["http.server.request.duration", OURS] == 1
    assert counted["http.client.request.duration", OURS] == 1
    names = Counter(name for name, _ in counted)
    assert {name for name, scopes in names.items() if scopes > 1} == set()


def test_an_instrumentor_counts_where_we_do_not_observe(collector: Collector) -> None:
    env = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http", "PLATFORM_DISABLED_INSTRUMENTATIONS": "httpx"}
    run(["platform-instrument", sys.executable, PROGRAMS / "native_fastapi.py"], collector=collector, env=env)
    assert scopes(collector)["http.client.request.duration", "opentelemetry.instrumentation.httpx"] == 1
