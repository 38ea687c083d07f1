"""After a fork the child starts from zero: what it records arrives once, under its own id, and counters sum to the truth."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.environments import SUPPORTED, interpreter, needed
from tests.processes import SITE, Completed, door, environment, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector
    from platform_instrument.testing.received import Span
    from tests.processes import Endpoint

FORKS = Path(__file__).parent / "programs" / "forks.py"
COUNT = 10
SLOW_EXPORT = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRIC_EXPORT_INTERVAL": "60000"}


def forked(mode: str, collector: Endpoint | None = None) -> Completed:
    """Run the script, instrumented where there is a collector."""
    argv, env = door("command" if collector else "pth", [sys.executable, FORKS, mode])
    return run(argv, env={**env, **SLOW_EXPORT} if collector else {}, collector=collector, timeout=60)


def named(spans: tuple[Span, ...], name: str) -> list[Span]:
    return [span for span in spans if name in span.attributes.get("db.query.text", "")]


POOLS = ["pool", "pool_closed", "pool_of_short_lives", "pool_spawned", "pool_of_a_server", "executor"]


@pytest.mark.parametrize("mode", ["fork", "spawn", "forkserver", "bare", "after_a_loop", *POOLS])
def test_every_childs_span_arrives_once_under_an_id_of_its_own(mode: str, collector: Collector) -> None:
    plain = forked(mode)
    instrumented = forked(mode, collector)
    assert (instrumented.returncode, instrumented.stdout, instrumented.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    spans = collector.wait_for(lambda spans: len(named(spans, "child")) >= COUNT)
    children = named(spans, "child")
    assert len(children) == len({span.span_id for span in children}) == COUNT
    processes = {span.resource["process.pid"] for span in children}
    assert len({span.resource["service.instance.id"] for span in children}) <= len(processes)
    assert len(processes) == COUNT or mode in POOLS
    assert len(processes) > 1
    parents = named(spans, "parent")
    assert len(parents) == 1
    assert parents[0].resource["service.instance.id"] not in {span.resource["service.instance.id"] for span in children}
    assert sum(point.count for point in collector.latest("db.client.operation.duration")) == len(spans)


def test_children_killed_as_they_start_do_not_take_the_parent_with_them(collector: Collector) -> None:
    plain = forked("killed")
    instrumented = forked("killed", collector)
    assert (instrumented.returncode, instrumented.stdout, instrumented.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    assert len(named(collector.wait_for(COUNT + 1), "child")) == COUNT


def test_a_child_that_imports_the_first_library_reports_too(collector: Collector) -> None:
    assert forked("first_import", collector).returncode == 0
    assert len(named(collector.wait_for(1), "child")) == 1


def test_a_subprocess_with_a_function_to_run_before_disturbs_nothing(collector: Collector) -> None:
    done = forked("preexec", collector)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(collector.wait_for(COUNT + 1)) == COUNT + 1
    assert len(collector.resources) == 1


def test_a_hundred_forks_from_threads_that_record_end(collector: Collector) -> None:
    done = forked("storm", collector)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert {span.resource["service.instance.id"] for span in collector.spans} == {
        collector.spans[0].resource["service.instance.id"]
    }


def test_the_span_of_the_parent_is_the_parent_of_what_children_do(collector: Collector) -> None:
    assert forked("in_a_span", collector).returncode == 0
    spans = collector.wait_for(lambda spans: len(named(spans, "child")) >= COUNT and any(span.name == "parent" for span in spans))
    (parent,) = (span for span in spans if span.name == "parent")
    assert {(span.trace_id, span.parent_id) for span in named(spans, "child")} == {(parent.trace_id, parent.span_id)}


@pytest.mark.parametrize("given", ["x", "x" * 5_000])
def test_an_instance_id_that_was_given_is_that_of_the_first_process_alone(given: str, collector: Collector) -> None:
    argv, env = door("pth", [sys.executable, FORKS, "family"])
    attributes = {"OTEL_RESOURCE_ATTRIBUTES": f"service.instance.id={given},deployment.environment.name=test"}
    done = run(argv, env={**env, **attributes}, collector=collector, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    spans = collector.wait_for(6)
    assert len(spans) == 6  # four children, and what the script did before and after them
    instances = {span.resource["process.pid"]: span.resource["service.instance.id"] for span in spans}
    assert len(instances) == 5
    (first,) = {span.resource["process.parent_pid"] for span in spans} & set(instances)
    assert instances.pop(first) == given[:4_096]
    assert set(instances.values()) <= {f"{given[:4_000]}.{slot}" for slot in range(1, 5)}
    assert {span.resource["deployment.environment.name"] for span in spans} == {"test"}


COUNTED_LAST = """
import os, threading, time
os.register_at_fork(after_in_parent=lambda: threading.Thread(target=time.sleep, args=(0.1,)).start())
child = os.fork() or os._exit(0)
"""


@pytest.mark.parametrize("version", [version for version in SUPPORTED if interpreter(version)])
def test_what_was_recorded_before_a_fork_leaves_though_nothing_is_recorded_after_it(version: str, collector: Collector) -> None:
    python = needed(version)
    at_once = not run([python, "-W", "always", "-c", COUNTED_LAST]).stderr  # else Python warns of a thread that a hook starts
    env = environment({"PYTHONPATH": str(SITE), "OTEL_BSP_SCHEDULE_DELAY": "1000"}, collector)
    words = [python, "-W", "always", FORKS, "waiting"]
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "waiting\n"
            if at_once:
                assert len(named(collector.wait_for(2, seconds=5), "late")) == 1
        finally:
            process.terminate()
        assert process.communicate(timeout=10)[1] == ""
    assert len(collector.wait_for(2)) == 2


KILLED_CHILD = """
import os, signal, sqlite3, sys, threading, time
def record():
    sqlite3.connect(":memory:").execute("SELECT 'child'")
def caught():
    (line,) = (line for line in open("/proc/self/status") if line.startswith("SigCgt:"))
    return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
sqlite3.connect(":memory:").execute("SELECT 1")
read, write = os.pipe()
child = os.fork()
if not child:
    if sys.argv[1] == "in_main":
        record()
    elif sys.argv[1] == "in_a_thread":
        thread = threading.Thread(target=record)
        thread.start()
        thread.join()
    os.write(write, f"{caught()} {signal.getsignal(signal.SIGTERM) is signal.SIG_DFL}".encode())
    while True:
        time.sleep(60)
print(os.read(read, 100).decode())
os.kill(child, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize(("where", "caught"), [("nowhere", False), ("in_main", True), ("in_a_thread", True)])
def test_a_child_leaves_sigterm_to_the_system_until_it_has_recorded(where: str, caught: bool, collector: Collector) -> None:  # noqa: FBT001
    """A Python handler waits as long as a call that blocks, such as that of a pool's worker for its next task."""
    argv, env = door("command", [sys.executable, "-c", KILLED_CHILD, where])
    done = run(argv, env={**env, **SLOW_EXPORT}, collector=collector, timeout=60)
    assert (done.stdout, done.stderr) == (f"{caught} True\n-15\n", "")
    assert len(collector.wait_for(1 + caught)) == 1 + caught


SPAWNED_CHILD = """
import multiprocessing, os, signal, sqlite3, sys, time
def live(recording, told):
    if recording:
        sqlite3.connect(":memory:").execute("SELECT 'child'")
    (line,) = (line for line in open("/proc/self/status") if line.startswith("SigCgt:"))
    told.send((bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL))
    time.sleep(60)
if __name__ == "__main__":
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=live, args=(sys.argv[1] == "True", theirs))
    child.start()
    print(*ours.recv())
    child.terminate()
    child.join()
    print(child.exitcode)
"""


@pytest.mark.parametrize("recording", [False, True])
def test_a_child_that_is_spawned_does_so_too(recording: bool, tmp_path: Path, collector: Collector) -> None:  # noqa: FBT001
    program = tmp_path / "program.py"
    program.write_text(SPAWNED_CHILD)
    argv, env = door("command", [sys.executable, program, str(recording)])
    done = run(argv, env={**env, **SLOW_EXPORT}, collector=collector, timeout=60)
    assert (done.stdout, done.stderr) == (f"{recording} True\n-15\n", "")
    if recording:
        assert len(collector.wait_for(1)) == 1
