"""Beside another agent in the same process: the service answers as without us, each operation has one span, and doctor says it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.environments import build_wheel, make_venv, pip
from tests.processes import Service, free_port, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PROGRAMS = Path(__file__).parent / "programs"
UPSTREAM = [f"opentelemetry-instrumentation-{name}" for name in ("flask", "requests", "sqlalchemy")]
LIBRARIES = ("flask", "requests", "sqlalchemy", "gunicorn", "ddtrace", "sentry-sdk[flask]", "opentelemetry-sdk", *UPSTREAM)
QUIET = {"DD_TRACE_AGENT_URL": "http://127.0.0.1:9", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false", "DD_REMOTE_CONFIGURATION_ENABLED": "false"}  # fmt: skip
AGENTS = ("ddtrace", "ddtrace-run", "sentry-sdk", "opentelemetry-instrumentation")
SPANS = [("GET", "CLIENT"), ("GET /", "SERVER"), ("GET /fails", "SERVER"), ("GET /leaf/<name>", "SERVER"), ("SELECT", "CLIENT")]


@pytest.fixture(scope="module")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `bin` of an environment with us and every agent."""
    made = make_venv(tmp_path_factory.mktemp("agents") / "venv")
    pip(made, "install", build_wheel(tmp_path_factory.mktemp("wheel")), *LIBRARIES)
    return made


def answers(binaries: Path, agent: str, launcher: list[Path], collector: Collector | None) -> list[tuple[int, str]]:
    """Return what the service answers under an agent, which a launcher of its own may start; see that it ends well."""
    port = free_port()
    own = [binaries / "ddtrace-run"] if agent == "ddtrace-run" else []
    argv = [*launcher, *own, binaries / "gunicorn", "--threads", "4", "-b", f"127.0.0.1:{port}", "agents:app"]
    env = {"AGENT": agent, "PORT": str(port), **QUIET}
    with Service([str(word) for word in argv], port, env=env, collector=collector, cwd=PROGRAMS, timeout=30) as server:
        found = [server.get(path)[:2] for path in ("/", "/fails")]
        if collector is not None:
            collector.wait_for(lambda spans: len(ours(spans)) >= len(SPANS))
        assert server.terminate() == 0
        assert "platform-instrument:" not in server.stderr
    return found


def ours(spans: object) -> list[tuple[str, str]]:
    """Return the spans of the service's own operations, without what an agent sends to its vendor."""
    return sorted((span.name, span.kind) for span in spans if span.kind != "INTERNAL" and span.name != "POST")  # type: ignore[attr-defined]


@pytest.mark.parametrize("agent", AGENTS)
def test_the_service_answers_as_without_us_and_each_operation_has_one_span(
    agent: str, binaries: Path, collector: Collector
) -> None:
    plain = answers(binaries, agent, [], None)
    assert plain[0] == (200, "7ada")
    assert answers(binaries, agent, [binaries / "platform-instrument"], collector) == plain
    assert ours(collector.spans) == SPANS
    traces = {span.trace_id for span in collector.spans if span.name in {"GET", "GET /", "GET /leaf/<name>", "SELECT"}}
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("agent", "said"),
    [("ddtrace", {"PI401": ["ddtrace"]}), ("sentry-sdk", {"PI401": ["sentry-sdk"]}), ("opentelemetry-instrumentation", {"PI402": [*UPSTREAM, "opentelemetry-instrumentation-wsgi"]})],
)  # fmt: skip
def test_doctor_names_the_other_agent_that_is_at_work(
    agent: str, said: dict[str, list[str]], binaries: Path, collector: Collector
) -> None:
    words = [binaries / "platform-instrument", "doctor", "--json", "--", binaries / "python", PROGRAMS / "agents.py"]
    done = run(words, env={"AGENT": agent, "PORT": "0", **QUIET}, collector=collector, timeout=60)
    found: dict[str, list[str]] = {}
    for finding in json.loads(done.stdout)["findings"]:
        if finding["code"] in {"PI401", "PI402"}:
            found.setdefault(finding["code"], []).append(finding["subject"])
    assert {code: sorted(subjects) for code, subjects in found.items()} == said
