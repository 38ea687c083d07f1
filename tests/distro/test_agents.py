"""Beside another agent in the same process: the service answers as without us, each operation has one span, and doctor says it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import HOST, Service, free_port, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.collector import Collector

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PROGRAMS = Path(__file__).parent / "programs"
UPSTREAM = "opentelemetry-instrumentation-"
AGENTS = {
    "ddtrace": (),
    "ddtrace-run": ("ddtrace-run",),
    "elastic-apm": (),
    "newrelic": (),
    "newrelic-admin": ("newrelic-admin", "run-program"),
    "own provider": (),
    "sentry-sdk": (),
    "opentelemetry-instrumentation": (),
}
"""What the program calls each, and the words that start it, where it does not start itself."""

SPANS = [("GET", "CLIENT"), ("GET /", "SERVER"), ("GET /fails", "SERVER"), ("GET /leaf/<name>", "SERVER"), ("SELECT", "CLIENT")]


class Sink(ThreadingHTTPServer):
    """Takes what agents deliver to their vendors."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Taking)
        self.paths: list[str] = []

    @property
    def place(self) -> str:
        return f"{HOST}:{self.server_port}"

    def environment(self) -> dict[str, str]:
        """Return the variables that make agents deliver here, or nowhere."""
        return {
            "SINK": self.place,
            "DD_TRACE_AGENT_URL": f"http://{self.place}",
            "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
            "DD_REMOTE_CONFIGURATION_ENABLED": "false",
            "NEW_RELIC_DEVELOPER_MODE": "true",
            "NEW_RELIC_APP_NAME": "shop",
            "NEW_RELIC_LICENSE_KEY": "0" * 40,
            "NEW_RELIC_STARTUP_TIMEOUT": "5",
        }


class _Taking(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while int(self.rfile.readline() or b"0", 16):
                self.rfile.readline()
            self.close_connection = True
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.paths.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_PUT = do_POST  # noqa: N815 - the names of the standard library

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Return the vendors of all agents."""
    with Sink() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def answers(
    agents_binaries: Path, agent: str, sink: Sink, collector: Collector | None, *, pth: bool = False
) -> list[tuple[int, str]]:
    """Return what the service answers under an agent, with us where there is a collector; see that it ends well."""
    port = free_port()
    launcher = ["platform-instrument"] if collector is not None and not pth else []
    words = [*launcher, *AGENTS[agent], "gunicorn"]
    found = [str(agents_binaries / word) if (agents_binaries / word).exists() else word for word in words]
    argv = [*found, "--threads", "4", "-b", f"{HOST}:{port}", "agents:app"]
    env = {"AGENT": agent, "PORT": str(port), **sink.environment(), **({"PLATFORM_AUTO": "1"} if pth else {})}
    with Service(argv, port, env=env, collector=collector, cwd=PROGRAMS, timeout=30) as server:
        answered = [server.get(path)[:2] for path in ("/", "/fails")]
        if collector is not None:
            collector.wait_for(lambda spans: len(spans) >= len(SPANS), seconds=20)
        assert server.terminate() == 0
        assert "platform-instrument:" not in server.stderr
    return answered


@pytest.mark.parametrize("agent", AGENTS)
def test_the_service_answers_as_without_us_and_each_operation_has_one_span(
    agent: str, agents_binaries: Path, sink: Sink, collector: Collector
) -> None:
    plain = answers(agents_binaries, agent, sink, None)
    assert plain[0] == (200, "7ada")
    assert answers(agents_binaries, agent, sink, collector) == plain
    assert sorted((span.name, span.kind) for span in collector.spans) == SPANS
    assert {span.scope.name.partition(".")[0] for span in collector.spans} == {"platform_instrument"}
    last = () if agent == "elastic-apm" else ("GET /leaf/<name>",)  # it writes its own ids over ours into `traceparent`
    assert len({span.trace_id for span in collector.spans if span.name in {"GET", "GET /", "SELECT", *last}}) == 1


@pytest.mark.parametrize("agent", ["ddtrace-run", "newrelic-admin"])
def test_an_agent_that_starts_the_service_starts_before_us_where_the_environment_switches_us_on(
    agent: str, agents_binaries: Path, sink: Sink, collector: Collector
) -> None:
    assert answers(agents_binaries, agent, sink, collector, pth=True)[0] == (200, "7ada")
    assert sorted((span.name, span.kind) for span in collector.spans) == SPANS


@pytest.mark.parametrize("agent", ["ddtrace", "elastic-apm", "sentry-sdk"])
def test_what_an_agent_delivers_arrives_and_is_not_the_service_s(
    agent: str, agents_binaries: Path, sink: Sink, collector: Collector
) -> None:
    answers(agents_binaries, agent, sink, collector)
    assert sink.paths
    assert {span.attributes.get("server.port") for span in collector.spans}.isdisjoint({sink.server_port})
    measured = [point for point in collector.metrics if point.name == "http.client.request.duration"]
    assert {point.attributes["server.port"] for point in measured}.isdisjoint({sink.server_port})
    assert measured


SWITCHED_ON = [f"{UPSTREAM}{name}" for name in ("flask", "requests", "sqlalchemy", "wsgi")]


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("ddtrace", {"PI401": ["ddtrace"]}),
        ("elastic-apm", {"PI401": ["elastic-apm"]}),
        ("newrelic", {"PI401": ["newrelic"]}),
        ("sentry-sdk", {"PI401": ["sentry-sdk"]}),
        ("opentelemetry-instrumentation", {"PI402": SWITCHED_ON}),
        ("own provider", {"PI402": SWITCHED_ON}),
    ],
)
def test_doctor_names_the_other_agent_that_is_at_work(
    agent: str, said: dict[str, list[str]], agents_binaries: Path, sink: Sink, collector: Collector
) -> None:
    words = [
        agents_binaries / "platform-instrument",
        "doctor",
        "--json",
        "--",
        agents_binaries / "python",
        PROGRAMS / "agents.py",
    ]
    done = run(words, env={"AGENT": agent, "PORT": "0", **sink.environment()}, collector=collector, timeout=60)
    findings = [each for each in json.loads(done.stdout)["findings"] if each["code"] in {"PI401", "PI402", "PI405"}]
    found: dict[str, list[str]] = {}
    for finding in findings:
        found.setdefault(finding["code"], []).append(finding["subject"])
    assert {code: sorted(subjects) for code, subjects in found.items()} == said
    if "PI402" in said:
        (message,) = (finding["message"] for finding in findings if finding["subject"] == f"{UPSTREAM}sqlalchemy")
        assert "2 of its spans gave way to ours" in message
