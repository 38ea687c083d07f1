"""Libraries that speak to the OpenTelemetry API themselves do not wake up and double us because a global provider is there."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.processes import run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

PROGRAMS = Path(__file__).parent / "programs"


def test_redis_is_one_span_a_command_and_its_own_metrics_stay_asleep(collector: Collector, redis_url: str) -> None:
    program = PROGRAMS / "native_redis.py"
    completed = run(["platform-instrument", sys.executable, program, redis_url], collector=collector)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout == "asleep\n"
    assert sorted(span.name for span in collector.wait_for(3)) == ["GET", "SET", "app"]
    assert {span.scope.name for span in collector.spans} == {"platform_instrument.redis", "shop"}


def test_starlette_s_own_middleware_adds_no_second_server_span(collector: Collector) -> None:
    completed = run(["platform-instrument", sys.executable, PROGRAMS / "native_starlette.py"], collector=collector)
    assert (completed.returncode, completed.stdout) == (0, "200\n"), completed.stderr
    spans = collector.wait_for(2)
    assert sorted((span.kind, span.name) for span in spans) == [("CLIENT", "GET"), ("SERVER", "GET /items/{id}")]


def test_what_an_application_sends_by_providers_of_its_own_is_what_it_sends_without_us(collector: Collector) -> None:
    program = PROGRAMS / "native_own.py"
    plain = run([sys.executable, program])
    assert sorted(line for line in plain.stdout.splitlines() if "SERVER" in line or "duration" in line) == [
        "fastapi GET /items/{number} SERVER",
        "fastapi http.server.request.duration 1",
        "starlette GET /starlette-spans/items/{number} SERVER",
    ], plain.stderr
    completed = run(["platform-instrument", sys.executable, program], collector=collector)
    assert (completed.returncode, completed.stdout) == (0, plain.stdout), completed.stderr
    spans = collector.wait_for(10)
    served = Counter(line.split()[0] for line in plain.stdout.splitlines() if line.endswith(" 200"))
    assert len(served) == 5
    assert Counter(span.name.split("/")[1] for span in spans if span.kind == "SERVER") == served
    assert not [span.name for span in spans if not span.scope.name.startswith("platform_instrument.")]
