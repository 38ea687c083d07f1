"""Prometheus itself, as Debian ships it, scrapes a pre-forking service: it counts what was counted, and leads to the traces."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import BIN, HOST, Service, accepts, door, free_port
from tests.scrapes import REQUESTS, Load, Target
from tests.web.serving import PROGRAMS, servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

CONFIGURATION = """
global: {{scrape_interval: 500ms, scrape_timeout: 400ms}}
scrape_configs:
- job_name: shop
  static_configs: [{{targets: ["{host}:{port}"]}}]
"""


class Prometheus:
    """A running server that scrapes one target."""

    def __init__(self, port: int) -> None:
        self._url = f"http://{HOST}:{port}/api/v1"

    def ask(self, what: str, **parameters: str) -> Any:
        """Return the data of an answer."""
        with urllib.request.urlopen(f"{self._url}/{what}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:  # noqa: S310 - http
            return json.load(answer)["data"]

    def value(self, query: str) -> float:
        """Return the value of a query with one result, 0 where there is none."""
        found = self.ask("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else 0.0

    def wait(self, query: str, value: float, seconds: float = 20) -> None:
        """Wait for the value of a query."""
        deadline = time.monotonic() + seconds
        while (found := self.value(query)) != value:
            assert time.monotonic() < deadline, f"{query} is {found}, not {value}; {self.ask('targets')['activeTargets']}"
            time.sleep(0.2)


@contextlib.contextmanager
def prometheus(target: Target, folder: Path) -> Iterator[Prometheus]:
    """Run Prometheus against a target; skip the test where it is not installed."""
    program = shutil.which("prometheus")
    if program is None:
        reason = "no prometheus on PATH: apt-get install prometheus"
        required = os.environ.get("PLATFORM_TEST_REQUIRE_SERVERS", "").split(",")
        (pytest.fail if "prometheus" in required else pytest.skip)(reason)
    configuration = folder / "prometheus.yml"
    configuration.write_text(CONFIGURATION.format(host=HOST, port=target.port))
    port = free_port()
    words = [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={HOST}:{port}",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    ]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 30
            while not accepts(port):
                assert time.monotonic() < deadline, "Prometheus does not listen"
                time.sleep(0.1)
            yield Prometheus(port)
        finally:
            process.kill()


def test_prometheus_counts_what_was_counted_and_finds_the_trace_of_an_exemplar(tmp_path: Path, collector: Collector) -> None:
    target, port = Target.free(), free_port()
    words, env = door("command", [BIN / "gunicorn", "-w", "4", "-b", f"{HOST}:{port}", "--max-requests", "40", "bare:wsgi"])
    env |= target.environment(OTEL_TRACES_EXPORTER="otlp")
    with (
        Service(words, port, env=env, collector=collector, cwd=PROGRAMS) as service,
        prometheus(target, tmp_path) as server,
    ):
        load = Load(service)
        load.run(50)
        load.counted(target)
        server.wait(f"sum({REQUESTS})", load.answered)
        server.wait("up", 1)
        load.run(50)
        server.wait(f"sum({REQUESTS})", load.counted(target).total(REQUESTS))
        now = time.time()
        found = server.ask(
            "query_exemplars", query="http_server_request_duration_seconds_bucket", start=str(now - 300), end=str(now)
        )
        exemplars = [exemplar["labels"] for series in found for exemplar in series["exemplars"]]
        service.terminate()
        spans = {(span.trace_id, span.span_id) for span in servers(collector.spans)}
    assert exemplars
    assert {(labels["trace_id"], labels["span_id"]) for labels in exemplars} <= spans
    assert service.stderr.count("Booting worker") > 4
