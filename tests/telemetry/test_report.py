"""Our own lines: they reach the process's standard error, and nothing that the application has put in its place."""

from __future__ import annotations

import sys

from tests.processes import run

PROGRAM = """
import contextlib, io, sqlite3
from opentelemetry import trace
caught = io.StringIO()
with contextlib.redirect_stderr(caught):
    sqlite3.connect(":memory:").execute("SELECT 1")
    trace.get_tracer_provider().force_flush()
print(repr(caught.getvalue()))
"""


def test_what_the_application_catches_of_standard_error_has_no_line_of_ours() -> None:
    completed = run(
        ["platform-instrument", sys.executable, "-c", PROGRAM],
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"},
    )
    assert (completed.returncode, completed.stdout) == (0, "''\n")
    assert completed.stderr.startswith("platform-instrument: spans cannot be delivered to http://127.0.0.1:9/")
    assert completed.stderr.count("\n") == 1


def test_a_process_without_standard_error_goes_on() -> None:
    program = "import sys\nsys.__stderr__ = None\nfrom platform_instrument.core.report import say\nsay('a line')\nprint('on')"
    assert run([sys.executable, "-c", program]).stdout == "on\n"
