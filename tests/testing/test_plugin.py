from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.processes import door, run

if TYPE_CHECKING:
    from pathlib import Path

_TESTS = """
import pathlib
import sqlite3
import subprocess
import sys

def test_spans_of_this_process(spans):
    sqlite3.connect(":memory:").execute("SELECT 'secret'")
    (span,) = spans.take()
    assert (span.name, span.kind, span.attributes["db.query.text"]) == ("SELECT", "CLIENT", "SELECT ?")
    assert spans.spans == ()
    ((attributes, count),) = spans.durations("db.client.operation.duration").items()
    assert ("db.query.summary", "SELECT") in attributes
    assert count == 1

def test_nothing_stays_behind(spans):
    assert spans.spans == ()

def test_a_library_is_as_it_was():
    assert sqlite3.connect is sys.modules["_sqlite3"].connect
    assert sqlite3.dbapi2.connect is sys.modules["_sqlite3"].connect

def test_the_collector_receives(otlp_collector):
    program = "import sqlite3; sqlite3.connect(':memory:').execute('SELECT 1')"
    command = [pathlib.Path(sys.executable).parent / "platform-instrument", sys.executable, "-c", program]
    subprocess.run(command, env=otlp_collector.environment(), check=True)
    (span,) = otlp_collector.wait_for(1)
    assert span.name == "SELECT"
"""


def test_the_fixtures_show_a_service_its_telemetry(tmp_path: Path) -> None:
    (tmp_path / "test_service.py").write_text(_TESTS)
    done = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path], cwd=tmp_path, timeout=60)
    assert "4 passed" in done.stdout, done.stdout + done.stderr


def test_the_plugin_loads_nothing_but_pytest() -> None:
    program = """
import sys, pytest
before = set(sys.modules)
import platform_instrument.testing.plugin
print(sorted(set(sys.modules) - before))
"""
    done = run([sys.executable, "-c", program])
    expected = ["platform_instrument", "platform_instrument.testing", "platform_instrument.testing.plugin"]
    assert done.stdout == f"{expected}\n", done.stderr


_LOADED = """
import importlib, sys

def test_one():
    assert "platform_instrument.engine.imports" in sys.modules
    loaders = [
        type(importlib.import_module(f"platform_instrument.{name}").__loader__).__name__
        for name in ("telemetry.exceptions", "telemetry.prometheus.negotiation", "testing.collector")
    ]
    assert loaders == ["SourceFileLoader", "SourceFileLoader", "AssertionRewritingHook"]
"""


def test_a_suite_that_takes_warnings_for_errors_runs_under_telemetry(tmp_path: Path) -> None:
    """We are loaded before pytest, which would rewrite our assertions for the plugin's sake: in our worker's thread, later."""
    (tmp_path / "test_one.py").write_text(_LOADED)
    words, env = door("command", [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"])
    ended = run(words, env={**env, "OTEL_TRACES_EXPORTER": "none"}, cwd=tmp_path, timeout=60)
    assert (ended.returncode, "1 passed" in ended.stdout) == (0, True), ended.stderr
