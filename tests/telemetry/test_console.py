"""The console exporter of a real process: a trace is one tree, also where its parts were sent before its root ended."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.processes import door, run

PROGRAM = Path(__file__).parent / "programs" / "long_work.py"


def test_what_ends_before_its_request_is_drawn_with_it() -> None:
    argv, env = door("command", [sys.executable, PROGRAM])
    console = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    done = run(argv, env={**env, **console, "OTEL_SERVICE_NAME": "shop"})
    assert (done.returncode, done.stderr) == (0, "")
    told = re.sub(r" +(client)? +\d+\.\d+ ms.*| \(parent [0-9a-f]{16} is elsewhere\)|, \d+\.\d+ ms", "", done.stdout)
    assert re.sub(r"[0-9a-f]{32}", "ID", told).splitlines() == [
        "trace ID: 4 spans",
        "[shop] request",
        "├─ CREATE TABLE t0",
        "├─ CREATE TABLE t1",
        "└─ CREATE TABLE t2",
        "request done",
        "trace ID: 1 span",
        "[shop] SELECT",
    ]
    assert "is elsewhere" in done.stdout.splitlines()[-1]
