"""A fault of ours, planted anywhere on the way of a call: the application notices nothing, and we say it once."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN, run
from tests.tracebacks import FRAMES_STAY

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

PROGRAM = """
import sqlite3, sys, traceback

cursor = sqlite3.connect(":memory:").cursor()
{plant}

for _ in range(50):
    assert cursor.execute("SELECT 'Ada', 1").fetchall() == [("Ada", 1)]
try:
    cursor.execute("SELECT * FROM nowhere")
except sqlite3.OperationalError as error:
    print(error.args, error.__cause__, error.__context__)
    print([frame.name for frame in traceback.extract_tb(error.__traceback__)])

from platform_instrument.telemetry import pipeline
pipeline.PIPELINE.flush(3, last=True)
from platform_instrument.core.guard import faults
print(sorted((fault.place, fault.error.partition(" ")[0], fault.count) for fault in faults()))
"""

BREAK = """
def broken(*arguments, **options):
    raise LookupError("planted: Ada")
"""
PLACES = {
    "begin": "from platform_instrument.semantics import database; import platform_instrument.instrumentations.sqlite3 as module\n"
    "module.query.__code__ = broken.__code__\n",
    "end": "from platform_instrument.engine import scope\nscope.settle.__code__ = broken.__code__\n",
    "encoder": "from platform_instrument.telemetry.otlp import SpanEncoder\nSpanEncoder.encode = broken\n",
    "exporter": "from platform_instrument.telemetry.http_exporter import HttpExporter\nHttpExporter.send = broken\n",
    "metrics": "from platform_instrument.telemetry.metrics.otlp import MetricEncoder\nMetricEncoder.encode = broken\n",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_planted_fault_is_contained_counted_and_said_once(place: str, tmp_path: Path, collector: Collector) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM.format(plant=BREAK + PLACES[place]))
    done = run([BIN / "platform-instrument", sys.executable, file], collector=collector)
    assert done.returncode == 0, done.stderr
    answer, frames, faults = done.stdout.splitlines()
    assert answer == "('no such table: nowhere',) None None"
    assert frames == ("['<module>', 'wrapper']" if FRAMES_STAY else "['<module>']")
    contained = ast.literal_eval(faults)
    assert contained
    said = [line for line in done.stderr.splitlines() if "contained a fault" in line]
    for where, kind, count in contained:
        assert kind == "LookupError"
        assert count >= 1
        (line,) = (line for line in said if f" in {where}: " in line)
        assert line.startswith(f"platform-instrument: contained a fault of ours in {where}: LookupError at ")
    assert len(said) == len(contained)
    assert "Ada" not in done.stderr
    assert "Traceback" not in done.stderr
