"""What another agent sends about itself is left out; what the service sends in threads of its own is not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.instrumentations.http_server import serving
from tests.processes import run

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

DELIVERING = """
import sqlite3, sys, threading
import urllib3

def deliver():
    assert urllib3.PoolManager().request("GET", sys.argv[1] + "/plain?" + __name__).status == 200
    sqlite3.connect(":memory:").execute("SELECT 1")

class Worker(threading.Thread):
    def run(self):
        deliver()

def threads():
    return [threading.Thread(target=deliver), threading.Timer(0, deliver), Worker()]
"""
WRAPPING = """
import threading

def wrap():
    start = threading.Thread.start
    def wrapped(self):
        run = self.run
        self.run = lambda: run()
        start(self)
    threading.Thread.start = wrapped
"""
SERVICE = """
import AGENT.everybody, AGENT.worker, shop, sys, threading
AGENT.everybody.wrap()
for thread in AGENT.worker.threads() + shop.threads():
    thread.start()
    thread.join()
"""


@pytest.mark.parametrize("agent", ["sentry_sdk", "elasticapm"])
def test_the_threads_of_an_agent_are_not_observed_and_the_service_s_are(agent: str, tmp_path: Path, collector: Collector) -> None:
    (tmp_path / agent).mkdir()
    (tmp_path / agent / "__init__.py").touch()
    (tmp_path / agent / "worker.py").write_text(DELIVERING)
    (tmp_path / agent / "everybody.py").write_text(WRAPPING)
    (tmp_path / "shop.py").write_text(DELIVERING)
    (tmp_path / "service.py").write_text(SERVICE.replace("AGENT", agent))
    with serving() as server:
        done = run(["platform-instrument", sys.executable, tmp_path / "service.py", server.url], collector=collector)
    assert (done.returncode, done.stderr) == (0, "")
    assert [span.attributes["url.full"] for span in collector.spans if span.name == "GET"] == [f"{server.url}/plain?shop"] * 3
    assert [span.name for span in collector.spans if span.name == "SELECT"] == ["SELECT"] * 3
    assert collector.wait_for_histogram("http.client.request.duration").count == 3
