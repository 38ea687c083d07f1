"""What the garbage collector did is counted by generation, from the beginning of each process."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.runtime.metrics import garbage
from platform_instrument.telemetry.metrics.registry import METRICS
from tests.processes import door, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

PROGRAMS = Path(__file__).parent.parent / "programs"
PARENT, CHILD = 60, 5


def values(name: str) -> list[Any]:
    cells = METRICS.by_name[name].cells
    return [cells[("cpython.gc.generation", generation),].value for generation in range(3)]


def test_the_numbers_are_those_of_the_interpreter() -> None:
    gc.disable()
    try:
        garbage.observe([])
        stats = gc.get_stats()
    finally:
        gc.enable()
    assert values("cpython.gc.collections") == [each["collections"] for each in stats]
    assert values("cpython.gc.collected_objects") == [each["collected"] for each in stats]
    assert values("cpython.gc.uncollectable_objects") == [each["uncollectable"] for each in stats]
    garbage.observe(stats)
    assert values("cpython.gc.collected_objects") == [0, 0, 0]


def test_pauses_are_put_as_they_are_counted() -> None:
    garbage.PAUSES.begin()
    try:
        gc.collect(1)
        garbage.observe([])
    finally:
        garbage.PAUSES.end()
    (cell,) = [cell for cell in METRICS.by_name["platform.cpython.gc.pause.duration"].series() if cell.attributes[0][1] == 1]
    assert sum(cell.counts) == sum(garbage.PAUSES.counts[1]) >= 1
    assert cell.sum == garbage.PAUSES.seconds(1) > 0


@pytest.mark.parametrize("begun", ["before", "after"])
def test_a_fork_child_tells_what_it_did_itself(begun: str, collector: Collector) -> None:
    """Whether the metrics of its parent had begun or not; the interpreter's own statistics go on across a fork."""
    argv, env = door("command", [sys.executable, PROGRAMS / "forked_runtime.py", begun])
    done = run(argv, env=env, collector=collector)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    full: dict[Any, Any] = {
        point.resource["process.pid"]: point.value
        for point in collector.latest("cpython.gc.collections", {"cpython.gc.generation": 2})
    }
    parents = {point.resource["process.pid"]: point.resource["process.parent_pid"] for point in collector.metrics}
    (child,) = [pid for pid, parent in parents.items() if parent in parents]
    parent = parents[child]
    assert CHILD <= full[child] < PARENT / 2
    assert PARENT <= full[parent] < 2 * PARENT

    def of(pid: int, name: str, **attributes: Any) -> Any:
        (point,) = [point for point in collector.latest(name, attributes) if point.resource["process.pid"] == pid]
        return point

    generation = {"cpython.gc.generation": 2}
    pauses = of(child, "platform.cpython.gc.pause.duration", **generation)
    assert CHILD <= pauses.count <= full[child]
    assert of(child, "process.uptime").value < of(parent, "process.uptime").value - 0.3
    cpu = {"cpu.mode": "user"}
    assert of(child, "process.cpu.time", **cpu).value < of(parent, "process.cpu.time", **cpu).value + 0.5
