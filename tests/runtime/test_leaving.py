"""The last records leave with the process, and it leaves as it would without us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import door, environment, free_port, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.testing.collector import Collector
    from tests.processes import Endpoint

LEAVE = Path(__file__).parent / "programs" / "leave.py"
QUIET = {"PLATFORM_LOG_TRACE_ID": "false"}
AT_REST = {"LEAVE_BETWEEN": "0.4"}
"""The worker has sent the first span, and what follows waits for its next turn."""


@dataclass(frozen=True)
class Left:
    """How a process left; `seconds` from the signal to the end."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float = 0.0

    @property
    def outcome(self) -> tuple[int, str, str]:
        """What anybody can see from outside."""
        return self.returncode, self.stdout, self.stderr


def left(mode: str, collector: Endpoint | None = None, env: Mapping[str, str] | None = None) -> Left:
    """Run the script to its end, instrumented where there is a collector."""
    argv, variables = door("command" if collector else "pth", [sys.executable, LEAVE, mode])
    variables = {**(variables if collector else {}), **(env or {})}
    done = run(argv, env=variables, collector=collector, timeout=20)
    return Left(done.returncode, done.stdout, done.stderr)


def killed(
    mode: str | list[str], collector: Endpoint | None = None, env: Mapping[str, str] | None = None, number: int = signal.SIGTERM
) -> Left:
    """Send the script, or other code, a signal when it is ready; see how it leaves."""
    words = mode if isinstance(mode, list) else [LEAVE, mode]
    argv, variables = door("command" if collector else "pth", [sys.executable, *words])
    variables = environment({**(variables if collector else {}), **(env or {})}, collector)
    with subprocess.Popen(argv, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        head = ""
        while not head.endswith("ready\n"):
            line = process.stdout.readline()
            assert line, f"it ended before it was ready: {process.stderr.read() if process.stderr else ''}"
            head += line
        time.sleep(0.1)
        began = time.monotonic()
        process.send_signal(number)
        try:
            stdout, stderr = process.communicate(timeout=15)
        finally:
            process.kill()
        return Left(process.returncode, head + stdout, stderr, time.monotonic() - began)


@pytest.mark.parametrize(
    ("mode", "spans"),
    [("end", 3), ("status", 3), ("text", 3), ("unhandled", 3), ("threads", 4), ("at_exit", 4)],
)
def test_whichever_way_a_script_ends_its_last_spans_arrive(mode: str, spans: int, collector: Collector) -> None:
    plain = left(mode)
    instrumented = left(mode, collector, {**QUIET, **AT_REST})
    assert instrumented.outcome == plain.outcome
    assert len(collector.wait_for(spans)) == spans
    assert {span.name for span in collector.spans} == {"SELECT"}


LATE = """
import builtins, sqlite3, sys
from opentelemetry import trace
class Late:
    def __init__(self):
        self.connection = sqlite3.connect(":memory:")
    def __del__(self, write=sys.stdout.write, tracer=trace.get_tracer("late"), error=ValueError()):
        write(str(self.connection.execute("SELECT 1").fetchall()))
        tracer.start_span("late").record_exception(error)
builtins.late = Late()
"""


def test_a_first_record_while_the_interpreter_ends_is_not_waited_for(collector: Collector) -> None:
    plain = run([sys.executable, "-c", LATE])
    argv, variables = door("command", [sys.executable, "-c", LATE])
    assert run(argv, env={**variables, **QUIET}, collector=collector, timeout=10) == plain
    assert plain.stdout == "[(1,)]"


def test_daemon_threads_at_work_do_not_disturb_the_end(collector: Collector) -> None:
    done = left("daemons", collector)
    assert (done.returncode, done.stderr) == (0, "")
    collector.wait_for(3)


@pytest.mark.parametrize(
    "mode",
    [
        "by_default",
        "blocked_in_a_call",
        "joining",
        "handler_after",
        "handler_first",
        "chained",
        "given_back",
        "in_a_loop",
        "in_a_loop_by_default",
        "waited_for",
        "ignored",
        "in_re",
    ],
)
def test_sigterm_ends_a_script_as_without_us_and_its_last_spans_arrive(mode: str, collector: Collector) -> None:
    plain = killed(mode)
    instrumented = killed(mode, collector, AT_REST)
    assert instrumented.outcome == plain.outcome
    assert instrumented.seconds < plain.seconds + 1.0
    spans = 4 if mode == "in_a_loop" else 3
    assert len(collector.wait_for(spans)) == spans


@pytest.mark.parametrize("mode", ["by_default", "handler_after", "in_a_loop_by_default"])
def test_sigterm_right_after_the_first_spans_finds_them(mode: str, collector: Collector) -> None:
    """While the worker still imports what it needs."""
    assert killed(mode, collector).returncode == killed(mode).returncode
    assert len(collector.wait_for(3)) == 3


def test_a_thread_that_imports_the_first_library_leaves_the_signal_to_a_later_import(collector: Collector) -> None:
    code = (
        "import sys, threading, time\n"
        "thread = threading.Thread(target=__import__, args=('sqlite3',))\n"
        "thread.start()\n"
        "thread.join()\n"
        "import wsgiref.simple_server\n"
        "sys.modules['sqlite3'].connect(':memory:').execute('SELECT 1')\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    assert killed(["-c", code], collector, {"OTEL_BSP_SCHEDULE_DELAY": "60000"}).returncode == -signal.SIGTERM
    assert len(collector.wait_for(1)) == 1


def test_sigterm_during_a_long_c_call_ends_the_process_within_the_budget(collector: Collector) -> None:
    plain = killed("in_sqlite")
    instrumented = killed("in_sqlite", collector, {"LEAVE_AFTER": "0.3"})
    assert instrumented.outcome == plain.outcome == (-signal.SIGTERM, "ready\n", "")
    assert instrumented.seconds < 2.5
    collector.wait_for(3)


def test_sigint_is_the_keyboard_interrupt_it_always_was(collector: Collector) -> None:
    plain = killed("by_default", number=signal.SIGINT)
    instrumented = killed("by_default", collector, AT_REST, number=signal.SIGINT)
    assert instrumented.returncode == plain.returncode == -signal.SIGINT
    assert instrumented.stderr == plain.stderr
    assert "KeyboardInterrupt" in plain.stderr
    assert len(collector.wait_for(3)) == 3


@pytest.mark.parametrize("mode", ["by_default", "handler_after"])
def test_a_collector_that_hangs_costs_no_more_than_the_setting(mode: str, collector: Collector) -> None:
    collector.hang()
    instrumented = killed(mode, collector, {"PLATFORM_FLUSH_TIMEOUT": "0.5"})
    assert instrumented.returncode == (-signal.SIGTERM if mode == "by_default" else 12)
    assert 0.3 < instrumented.seconds < 1.5


def test_a_long_c_call_and_a_collector_that_hangs_together_stay_within_the_budget(collector: Collector) -> None:
    collector.hang()
    instrumented = killed("in_sqlite", collector, {"PLATFORM_FLUSH_TIMEOUT": "0.5", "LEAVE_AFTER": "0.3"})
    assert instrumented.returncode == -signal.SIGTERM
    assert instrumented.seconds < 3.0


def test_nobody_listening_costs_next_to_nothing() -> None:
    class Nobody:
        def environment(self) -> dict[str, str]:
            return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}

    assert killed("by_default", Nobody()).seconds < 1.5


@pytest.mark.parametrize("manner", ["refuse", "fail", "hang"])
def test_a_collector_that_is_not_well_is_one_line_for_all_signals(manner: str, collector: Collector) -> None:
    """Also where each of them was tried more than once before the end."""
    getattr(collector, manner)()
    often = {"OTEL_METRIC_EXPORT_INTERVAL": "200", "OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_EXPORTER_OTLP_TIMEOUT": "300"}
    plain = left("end")
    done = left("end", collector, {**QUIET, **often, "LEAVE_AFTER": "2", "PLATFORM_FLUSH_TIMEOUT": "1"})
    assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout)
    (line,) = done.stderr.removeprefix(plain.stderr).splitlines()
    assert line.startswith("platform-instrument: spans cannot be delivered to http://")


CAUGHT = """
import sqlite3, signal
sqlite3.connect(":memory:").execute("SELECT 1")
(line,) = (line for line in open("/proc/self/status") if line.startswith("SigCgt:"))
print(bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1))
"""


@pytest.mark.parametrize(("setting", "caught"), [("true", True), ("false", False)])
def test_switched_off_the_handler_is_not_there(setting: str, caught: bool, collector: Collector) -> None:  # noqa: FBT001
    argv, env = door("command", [sys.executable, "-c", CAUGHT])
    assert run(argv, env={**env, "PLATFORM_SIGTERM_HANDLER": setting}, collector=collector).stdout == f"{caught}\n"


def test_the_first_process_of_a_container_goes_on_as_it_would(collector: Collector) -> None:
    argv, variables = door("command", [sys.executable, LEAVE, "by_default"])
    unshare = ["unshare", "--fork", "--pid", "--kill-child"]
    if os.geteuid() != 0 or subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine allows no pid namespaces")
    env = environment(variables, collector)
    with subprocess.Popen([*unshare, *argv], env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        first = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
        for _ in range(2):
            os.kill(first, signal.SIGTERM)
            time.sleep(0.5)
        assert process.poll() is None  # the kernel spares it, with and without us
        assert len(collector.wait_for(3)) == 3
        process.kill()
