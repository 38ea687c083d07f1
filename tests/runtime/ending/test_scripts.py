"""Scripts and consumers: nobody has to see that they are not ready, so what ends them comes at once, and is theirs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import door, environment, run
from tests.runtime.ending.ends import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.testing.collector import Collector

SCRIPTS = PROGRAMS / "scripts.py"
ON = {"PLATFORM_SHUTDOWN": "true", "PLATFORM_SHUTDOWN_DELAY": "0.6", "PLATFORM_LOG_TRACE_ID": "false"}


class Told:
    """A script that was told to end: exit status, what it printed, what it said, seconds from the signal to the end."""

    def __init__(
        self,
        mode: str,
        collector: Collector | None = None,
        env: Mapping[str, str] | None = None,
        *,
        number: int = signal.SIGTERM,
        again_after: float | None = None,
    ) -> None:
        argv, variables = door("command" if collector else "pth", [sys.executable, SCRIPTS, mode])
        variables = environment({**({**variables, **ON} if collector else {}), **(env or {})}, collector)
        with subprocess.Popen(argv, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            head = ""
            while not head.endswith("ready\n"):
                line = process.stdout.readline()
                assert line, process.stderr.read() if process.stderr else ""
                head += line
            time.sleep(0.3)
            began = time.monotonic()
            process.send_signal(number)
            if again_after is not None:
                time.sleep(again_after)
                process.send_signal(number)
            try:
                rest, self.said = process.communicate(timeout=20)
            finally:
                process.kill()
            self.seconds = time.monotonic() - began
            self.status, self.printed = process.returncode, head + rest


@pytest.mark.parametrize("mode", ["by_default", "handled", "consumer", "in_a_loop", "in_a_loop_by_default"])
def test_a_script_ends_at_once_as_without_us_and_its_last_spans_arrive(mode: str, collector: Collector) -> None:
    plain = Told(mode)
    told = Told(mode, collector)
    assert (told.status, told.printed) == (plain.status, plain.printed)
    assert told.seconds < plain.seconds + 4.0
    assert "nobody has to see it" in told.said
    assert "0 spans lost" in told.said
    collector.wait_for(1)


def test_a_script_that_listens_goes_on_for_the_delay(collector: Collector) -> None:
    told = Told("listens", collector)
    assert told.status == -signal.SIGTERM
    assert 0.6 < told.seconds < 2.5


@pytest.mark.parametrize("mode", ["in_sqlite", "in_sqlite_handled"])
def test_a_long_c_call_does_not_outlast_the_budget(mode: str, collector: Collector) -> None:
    told = Told(
        mode,
        collector,
        {"PLATFORM_SHUTDOWN_TIMEOUT": "3", "PLATFORM_SHUTDOWN_FLUSH_TIMEOUT": "1", "PLATFORM_SHUTDOWN_CLOSE_TIMEOUT": "0.5"},
    )
    assert told.status == -signal.SIGTERM
    assert told.seconds < (2.0 if mode == "in_sqlite" else 4.0)


def test_c_code_that_keeps_the_interpreter_s_lock_is_ended_by_c_code(collector: Collector) -> None:
    told = Told("hung_by_the_lock", collector, {"PLATFORM_SHUTDOWN_TIMEOUT": "1.5"})
    assert told.status == 1
    assert told.seconds < 4.0
    assert "hung_by_the_lock" in told.said  # where it hangs


def test_a_second_sigterm_ends_it_at_once(collector: Collector) -> None:
    told = Told("listens", collector, {"PLATFORM_SHUTDOWN_DELAY": "9"}, again_after=0.3)
    assert told.status == -signal.SIGTERM
    assert told.seconds < 2.0
    assert "SIGTERM again" in told.said
    collector.wait_for(1)


def test_a_second_sigterm_does_so_inside_a_long_c_call_too(collector: Collector) -> None:
    told = Told("in_sqlite_handled", collector, again_after=1.0)
    assert told.status == -signal.SIGTERM
    assert told.seconds < 3.0


def test_sigint_is_the_keyboard_interrupt_it_always_was(collector: Collector) -> None:
    plain = Told("by_default", number=signal.SIGINT)
    told = Told("by_default", collector, number=signal.SIGINT)
    assert (told.status, told.said) == (plain.status, plain.said)


def test_a_program_that_still_starts_ends_as_without_us(collector: Collector) -> None:
    told = Told("slow_start", collector)
    assert told.status == Told("slow_start").status == -signal.SIGTERM
    assert told.seconds < 1.5


def test_a_collector_that_hangs_costs_no_more_than_the_flush_has(collector: Collector) -> None:
    collector.hang()
    told = Told("by_default", collector, {"PLATFORM_SHUTDOWN_FLUSH_TIMEOUT": "0.5"})
    assert told.status == -signal.SIGTERM
    assert told.seconds < 2.5
    assert "1 spans are lost" in told.said


def test_what_is_registered_is_called_in_its_phase(collector: Collector) -> None:
    told = Told("phases", collector)
    assert told.status == 0
    lines = told.printed.splitlines()[1:]
    assert [line for line in lines if line != "handler"] == ["unready", "drain", "flush", "coroutine", "close"]
    assert "hangs of on_shutdown is not over in its time" in told.said
    assert "fails of on_shutdown raised ValueError" in told.said
    assert told.seconds < 3.0


def test_a_coroutine_function_is_called_in_the_loop_of_the_service(collector: Collector) -> None:
    told = Told("coroutines", collector)
    assert told.printed == "ready\nclosed in its loop: True\n"


def test_a_program_that_ends_by_itself_calls_what_is_registered_and_says_nothing(collector: Collector) -> None:
    argv, variables = door("command", [sys.executable, SCRIPTS, "ends_by_itself"])
    done = run(argv, env={**variables, **ON}, collector=collector)
    assert (done.returncode, done.stdout, done.stderr) == (0, "drain\nclose\n", "")


def test_switched_off_nothing_is_called(collector: Collector) -> None:
    argv, variables = door("command", [sys.executable, SCRIPTS, "ends_by_itself"])
    done = run(argv, env=variables, collector=collector)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_children_of_multiprocessing_end_at_once_and_own_nothing_of_their_parent_s(collector: Collector) -> None:
    argv, variables = door("command", [sys.executable, SCRIPTS, "children"])
    done = run(argv, env={**variables, **ON}, collector=collector)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"ready\n{-signal.SIGTERM} True\n[1, 2]\nclosed by the parent: True\n"


def test_the_first_process_of_a_container_reacts(collector: Collector) -> None:
    argv, variables = door("command", [sys.executable, SCRIPTS, "by_default"])
    unshare = ["unshare", "--fork", "--pid", "--kill-child"]
    if os.geteuid() != 0 or subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine allows no pid namespaces")
    with subprocess.Popen(
        [*unshare, *argv], env=environment({**variables, **ON}, collector), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        first = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
        os.kill(first, signal.SIGTERM)
        try:
            assert process.wait(5) == 128 + signal.SIGTERM  # it is spared by the kernel; plain it would go on
        finally:
            process.kill()
    collector.wait_for(1)


UNTOUCHED = """
import asyncio.runners, asyncio.unix_events, signal, socketserver, sqlite3, sys
print(hasattr(asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler, "__wrapped__"))
print(hasattr(socketserver.BaseServer.serve_forever, "__wrapped__"))
print(hasattr(asyncio.runners._cancel_all_tasks, "__wrapped__"))
print(*[name for name in sys.modules if name.startswith("platform_instrument.runtime.ending")])
"""


@pytest.mark.parametrize("on", ["true", "false"])
def test_switched_off_nothing_is_patched_and_nothing_is_loaded(on: str, collector: Collector) -> None:
    argv, variables = door("command", [sys.executable, "-c", UNTOUCHED])
    done = run(argv, env={**variables, "PLATFORM_SHUTDOWN": on}, collector=collector)
    assert done.stderr == ""
    *patched, loaded = done.stdout.splitlines()
    assert (patched, bool(loaded)) == ([str(on == "true").capitalize()] * 3, on == "true")


def test_with_it_off_an_import_of_signal_loads_nothing_of_ours(collector: Collector) -> None:
    argv, variables = door(
        "command", [sys.executable, "-c", "import signal, sys; print('platform_instrument.engine.apply' in sys.modules)"]
    )
    assert run(argv, env=variables, collector=collector).stdout == "False\n"


def test_times_that_do_not_fit_into_the_whole_are_said(collector: Collector) -> None:
    argv, variables = door("command", [sys.executable, "-c", ""])
    done = run(argv, env={**variables, "PLATFORM_SHUTDOWN": "true", "PLATFORM_SHUTDOWN_DELAY": "30"}, collector=collector)
    (line,) = done.stderr.splitlines()
    assert "PLATFORM_SHUTDOWN_TIMEOUT=27 s is less than the 45 s of its phases" in line
    assert done.returncode == 0
