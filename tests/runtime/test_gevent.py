"""gevent takes the place of threads in the middle of a program: nothing of ours holds up its loop or its end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

PROGRAM = Path(__file__).parent / "programs" / "greenlets.py"


@pytest.mark.parametrize(("how", "spans"), [("fresh", 15), ("recorded", 16)])
def test_threads_that_become_greenlets_hold_up_neither_the_loop_nor_the_end(how: str, spans: int, collector: Collector) -> None:
    done = run([BIN / "platform-instrument", sys.executable, PROGRAM, how], collector=collector, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    assert float(done.stdout) < 0.5
    assert len(collector.spans) == spans
