"""Clocks that an application freezes, moves and lets go."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.processes import BIN, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

PROGRAM = Path(__file__).parent / "programs" / "frozen.py"


def test_no_duration_is_negative_whatever_becomes_of_the_clock(collector: Collector) -> None:
    done = run([BIN / "platform-instrument", sys.executable, PROGRAM], collector=collector)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(collector.spans) == 7
    assert all(span.end_ns >= span.start_ns for span in collector.spans)
    points = collector.latest("db.client.operation.duration")
    assert sum(point.count for point in points) == 7
    assert all(point.least is not None and point.least >= 0 for point in points)
