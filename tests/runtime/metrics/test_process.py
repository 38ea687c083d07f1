"""What is said of a process is what others see of it: `ps`, its files in /proc, what the kernel tells its parent at its end."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.runtime.metrics import process
from platform_instrument.telemetry.metrics.registry import METRICS
from tests.processes import BIN, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.collector import Collector

STAYS = Path(__file__).parent.parent / "programs" / "stays.py"
MIB = 1024 * 1024


@contextlib.contextmanager
def staying(collector: Collector, *, threads: int = 0, files: int = 0, size: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program, instrumented, until its second collection has arrived; it ends with the block."""
    argv = [BIN / "platform-instrument", sys.executable, STAYS, str(threads), str(files), str(size)]
    with subprocess.Popen([str(word) for word in argv], env=environment(None, collector), stdin=subprocess.PIPE) as running:
        try:
            fresh(collector)
            yield running
        finally:
            assert running.stdin is not None
            running.stdin.close()


def fresh(collector: Collector) -> None:
    """Wait until what was collected after this moment has arrived."""
    for _ in range(2):  # the first may have been on its way
        collector.clear()
        collector.wait_for_metric("process.uptime")


def value(collector: Collector, name: str, **attributes: object) -> float:
    (point,) = collector.latest(name, {key.replace("__", "."): item for key, item in attributes.items()})
    assert point.value is not None
    return point.value


def test_memory_threads_and_uptime_are_those_of_ps(collector: Collector) -> None:
    with staying(collector, threads=7, size=50 * MIB) as running:
        ps = subprocess.run(
            ["ps", "-o", "nlwp=,rss=,vsz=,etimes=", "-p", str(running.pid)],  # noqa: S607 - wherever it is
            capture_output=True,
            check=True,
            text=True,
        )
        threads, resident, virtual, seconds = map(int, ps.stdout.split())
        assert value(collector, "process.thread.count") == threads
        assert threads >= 8  # the main one among them
        assert value(collector, "process.memory.usage") == pytest.approx(resident * 1024, rel=0.02)
        assert value(collector, "process.memory.virtual") == pytest.approx(virtual * 1024, rel=0.02)
        assert value(collector, "process.uptime") == pytest.approx(seconds, abs=2)
        smaps = dict(line.split(":", 1) for line in Path(f"/proc/{running.pid}/smaps_rollup").read_text().splitlines()[1:])
        anonymous = int(smaps["Anonymous"].split()[0]) * 1024
        assert value(collector, "platform.process.memory.anonymous") == pytest.approx(anonymous, rel=0.02)
        assert anonymous > 50 * MIB


def test_forty_more_open_files_are_forty_more(collector: Collector) -> None:
    counts = []
    for files in (0, 40):
        with staying(collector, files=files) as running:
            listed = len(os.listdir(f"/proc/{running.pid}/fd"))  # noqa: PTH208 - as the code under test does
            counts.append(value(collector, "process.open_file_descriptor.count"))
            assert abs(counts[-1] - listed) <= 1  # a connection of ours comes and goes
            limit = Path(f"/proc/{running.pid}/limits").read_text().partition("Max open files")[2].split()[0]
            assert value(collector, "platform.process.open_file_descriptor.limit") == int(limit)
        collector.clear()
    assert abs(counts[1] - counts[0] - 40) <= 1


def test_what_is_counted_is_what_the_kernel_tells_the_parent_at_the_end(collector: Collector) -> None:
    """The last collection is made as the process ends, some milliseconds before the kernel's last word."""
    with staying(collector, size=30 * MIB) as running:
        assert running.stdin is not None
        running.stdin.close()
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0
    said = {
        "utime": value(collector, "process.cpu.time", cpu__mode="user"),
        "stime": value(collector, "process.cpu.time", cpu__mode="system"),
        "nvcsw": value(collector, "process.context_switches", process__context_switch__type="voluntary"),
        "nivcsw": value(collector, "process.context_switches", process__context_switch__type="involuntary"),
        "minflt": value(collector, "process.paging.faults", system__paging__fault__type="minor"),
        "majflt": value(collector, "process.paging.faults", system__paging__fault__type="major"),
    }
    for name, counted in said.items():
        final = getattr(usage, f"ru_{name}")
        slack = 0.3 if name.endswith("time") else 0.4 * final + 20
        assert final - slack <= counted <= final, name
    assert said["minflt"] > 30 * MIB / resource.getpagesize()  # each page of the planted memory is one


def test_bytes_from_and_to_disks_are_those_that_the_system_counts(tmp_path: Path) -> None:
    process.observe()
    before = process._written.value
    with (tmp_path / "file").open("wb") as file:
        file.write(bytes(3 * MIB))
        file.flush()
        os.fsync(file.fileno())
    process.observe()
    io = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    assert process._written.value == int(io["write_bytes"])
    assert process._read.value == int(io["read_bytes"])
    assert process._written.value - before in {0, *range(3 * MIB, 4 * MIB)}  # 0: the folder is in memory


def test_names_and_units_are_those_of_the_conventions() -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.semconv._incubating.metrics import container_metrics, cpython_metrics, process_metrics

    process.observe()
    meter = MeterProvider().get_meter("conventions")
    made: dict[str, Any] = {}
    for module in (container_metrics, cpython_metrics, process_metrics):
        for name in dir(module):
            if name.startswith("create_"):
                arguments: tuple[Any, ...] = (meter, []) if "callbacks" in getattr(module, name).__annotations__ else (meter,)
                instrument = getattr(module, name)(*arguments)
                made[instrument.name] = instrument
    from platform_instrument.runtime.metrics import observers

    assert observers is not None
    ours = [
        metric.instrument for name, metric in METRICS.by_name.items() if name.startswith(("process.", "cpython.", "container."))
    ]
    assert len(ours) > 10
    kinds = {1: "Counter", 2: "UpDownCounter", 3: "ObservableGauge"}
    for instrument in ours:
        conventional = made[instrument.name]
        assert instrument.unit == conventional.unit, instrument
        if instrument.name != "container.memory.usage":  # a gauge, see there
            assert type(conventional).__name__.lstrip("_") == kinds[instrument.kind], instrument


def test_what_the_system_does_not_tell_is_absent_and_no_fault(tmp_path: Path) -> None:
    process.observe()
    assert process._threads.touched
    process.observe(str(tmp_path / "nothing"))
    for cell in (process._threads, process._memory, process._virtual, process._anonymous, process._uptime, process._open_files):
        assert not cell.touched
    assert process._user.touched


@pytest.mark.parametrize(
    "text", ["", "\0\xff", "1", "a b c d", ") " + "x " * 30, "1 (a) " + "-1 " * 30, "99999999999999999999 " * 40]
)
def test_a_file_that_says_something_else_is_no_fault(text: str, tmp_path: Path) -> None:
    for name in ("statm", "stat", "io"):
        (tmp_path / name).write_text(text)
    process.observe(str(tmp_path))
    assert process._user.touched


def test_a_name_with_brackets_and_spaces_does_not_shift_the_fields(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("7 (a) 1 (b c) S " + " ".join(map(str, range(1, 50))))
    process.observe(str(tmp_path))
    assert process._threads.value == 17


def test_without_a_descriptor_left_files_are_absent_and_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "open", none_left)
    process.observe()
    assert not process._threads.touched
    monkeypatch.undo()
    process.observe()
    assert process._threads.touched
