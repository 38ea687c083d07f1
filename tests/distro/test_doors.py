"""Four doors, one result: the same spans from a server, a pre-forking server and a script, whichever way they were started."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import BIN, DOORS, Service, door, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platform_instrument.testing.collector import Collector

PROGRAMS = Path(__file__).parent / "programs"
REQUESTS = 4

SERVER = ("GET", "SERVER", "")
WORK = [("CREATE TABLE guests", "CLIENT", "sqlite"), ("SELECT guests", "CLIENT", "sqlite")]


def shape(spans: Sequence[Any]) -> list[tuple[str, str, str]]:
    """Return what a trace consists of: names, kinds and systems, sorted."""
    return sorted((span.name, span.kind, span.attributes.get("db.system.name", "")) for span in spans)


def traces(spans: Sequence[Any]) -> list[list[Any]]:
    """Return the spans, trace by trace."""
    found: dict[str, list[Any]] = {}
    for span in spans:
        found.setdefault(span.trace_id, []).append(span)
    return list(found.values())


def check_requests(spans: Sequence[Any]) -> None:
    """See that each request is one trace of three spans."""
    assert len(spans) == 3 * REQUESTS
    for trace in traces(spans):
        assert shape(trace) == sorted([SERVER, *WORK])
        (server,) = (span for span in trace if span.kind == "SERVER")
        assert server.parent_id in {"", None}
        assert {span.parent_id for span in trace if span is not server} == {server.span_id}
        assert server.resource["service.name"] == "guests"


@pytest.mark.parametrize("way", DOORS)
def test_uvicorn_gives_the_same_spans_and_ids_in_the_lines(way: str, collector: Collector, free_port: int) -> None:
    argv, env = door(way, [BIN / "uvicorn", "service:asgi", "--port", str(free_port)])
    env = {"OTEL_SERVICE_NAME": "guests", **env}
    with Service(argv, free_port, env=env, collector=collector, cwd=PROGRAMS) as server:
        for _ in range(REQUESTS):
            assert server.get("/")[:2] == (200, "done")
        spans = collector.wait_for(3 * REQUESTS)
        printed = server.wait_for_output("worked")
    check_requests(spans)
    assert all(
        f"service: worked trace_id={span.trace_id} span_id={span.span_id}" in printed for span in spans if span.kind == "SERVER"
    )


@pytest.mark.parametrize("way", DOORS)
def test_two_workers_of_gunicorn_give_the_same_spans(way: str, collector: Collector, free_port: int) -> None:
    argv, env = door(way, [BIN / "gunicorn", "-w", "2", "-b", f"127.0.0.1:{free_port}", "service:wsgi"])
    env = {"OTEL_SERVICE_NAME": "guests", **env}
    with Service(argv, free_port, env=env, collector=collector, cwd=PROGRAMS) as server:
        for _ in range(REQUESTS):
            assert server.get("/")[:2] == (200, "done")
        check_requests(collector.wait_for(3 * REQUESTS))


@pytest.mark.parametrize("way", DOORS)
def test_a_script_gives_the_same_spans(way: str, collector: Collector) -> None:
    argv, env = door(way, [sys.executable, PROGRAMS / "service.py"])
    done = run(argv, env=env, collector=collector, cwd=PROGRAMS)
    assert (done.returncode, done.stdout) == (0, "service: worked\n")
    assert done.stderr == "" or way == "opentelemetry-instrument"  # where upstream warns of what it does not load
    assert shape(collector.wait_for(2)) == sorted(WORK)
    assert collector.spans[0].resource["service.name"] == "service"
