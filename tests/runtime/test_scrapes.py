"""Scrapes of programs that fork, spawn, close what they have and go away: the sum over all processes is the truth."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.environments import SUPPORTED, interpreter, needed
from tests.processes import HOST, SITE, door, environment
from tests.scrapes import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.scrapes import Page

PROGRAM = Path(__file__).parent / "programs" / "scraped.py"
QUERIES = "db_client_operation_duration_seconds_count"


@contextlib.contextmanager
def running(
    mode: str, target: Target, *arguments: str, python: Path | None = None, said: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """Run the script; it is told to end afterwards, and must have said nothing but that, no warning either."""
    argv, env = door("pth", [python or sys.executable, "-W", "always", PROGRAM, mode, *arguments])
    env = environment({**env, **target.environment(), **({"PYTHONPATH": str(SITE)} if python else {})})
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        try:
            yield process
            _, errors = process.communicate(timeout=20)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        assert (errors.partition(": ")[2].partition(";")[0], process.returncode) == (said, 0)


def told(process: subprocess.Popen[str]) -> int:
    """Return what the script says that it has counted."""
    assert process.stdout is not None
    return int(process.stdout.readline())


MODES = [
    "seventeen",
    "pool_forked",
    "pool_spawned",
    "pool_of_a_server",
    "pool_of_short_lives",
    "living",
    "closing",
    "closing_worker",
]


@pytest.mark.parametrize("mode", MODES)
def test_the_sum_over_all_processes_is_the_truth(mode: str) -> None:
    target = Target.free()
    with running(mode, target) as process:
        count = told(process)
        page = target.wait(lambda page: page.total(QUERIES) >= count)
        assert page.total(QUERIES) == count
        time.sleep(0.3)
        assert target.scrape().total(QUERIES) == count


@pytest.mark.parametrize("version", [version for version in SUPPORTED if interpreter(version)])
def test_a_fork_is_scraped_before_and_after_without_a_warning_of_python(version: str) -> None:
    target = Target.free()
    with running("before_and_after", target, python=needed(version)) as process:
        count = told(process)
        assert target.wait(lambda page: page.total(QUERIES) >= count).total(QUERIES) == count


def test_a_hundred_forks_from_threads_under_scrapes_lose_nothing_and_end() -> None:
    target = Target.free()
    with running("storm", target) as process:
        target.wait(lambda page: page.total("work_total"))
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        counted, line = 0.0, ""
        deadline = time.monotonic() + 60
        while not line:
            assert time.monotonic() < deadline
            page = target.scrape()
            assert page.total("work_total") >= counted
            counted = page.total("work_total")
            line = process.stdout.readline()
        assert target.wait(lambda page: page.total("work_total") >= int(line)).total("work_total") == int(line)


def test_a_process_that_does_nothing_answers() -> None:
    target = Target.free()
    with running("idle", target) as process:
        told(process)
        assert target.wait(lambda _: True).values("target_info", service_name="scraped") == [1]


def test_clients_that_say_nothing_keep_no_scrape_out() -> None:
    target = Target.free()
    with running("idle", target) as process, contextlib.ExitStack() as silent:
        told(process)
        target.wait(lambda _: True)
        for _ in range(100):
            silent.enter_context(socket.create_connection((HOST, target.port), 5)).sendall(b"GET /metr")
        assert target.scrape().seconds < 3


def test_a_process_without_descriptors_does_not_look_at_a_connection_again_and_again() -> None:
    target = Target.free()
    with running("full", target, said="a connection to a port of ours waits: Too many open files") as process:
        assert told(process) < 200
        target.wait(lambda _: True)


def test_a_daemon_that_has_closed_everything_is_a_service_with_the_workers_it_has_then() -> None:
    target = Target.free()
    with running("daemon", target) as process:
        count = told(process)
        assert target.wait(lambda page: page.total(QUERIES) >= count).total(QUERIES) == count


def test_two_services_under_one_supervisor_are_scraped_apart() -> None:
    supervisor, shop, stock = Target.free(), Target.free(), Target.free()
    with running("supervisor", supervisor, f"shop={shop.port}", f"stocks={stock.port}") as process:
        told(process)
        for target, name in ((shop, "shop"), (stock, "stocks")):
            page = target.wait(partial(_has, 2 * len(name)))
            assert page.total(QUERIES) == 2 * len(name)
            assert page.values("target_info", service_name=name) == [1]
        assert supervisor.wait(lambda _: True).total(QUERIES) == 0


def test_a_port_of_zero_is_one_free_port_for_all() -> None:
    with running("living", Target(0)) as process:
        told(process)
        ports = set()
        for _ in range(20):
            ports = _listening([process.pid, *_children(process.pid)])
            if ports:
                break
            time.sleep(0.1)
        (port,) = ports
        assert Target(port).wait(lambda page: page.total(QUERIES) == 9)


def _has(count: int, page: Page) -> bool:
    return page.total(QUERIES) >= count


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _listening(processes: list[int]) -> set[int]:
    """Return the ports that processes listen on."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    by_inode = {line[9]: int(line[1].partition(":")[2], 16) for line in lines if line[3] == "0A"}
    found = set()
    for process in processes:
        for link in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                inode = str(link.readlink()).removeprefix("socket:[").removesuffix("]")
                found |= {by_inode[inode]} if inode in by_inode else set()
    return found
