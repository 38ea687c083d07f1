"""A server tells how it is before its first request; a program that records nothing tells nothing, and pays for nothing."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platform_instrument.testing.collector import Collector
from tests.processes import BIN, Service, door, free_port, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROGRAMS = Path(__file__).parent.parent / "web" / "programs"

SERVERS: dict[str, Callable[[int], Sequence[str | Path]]] = {
    "uvicorn": lambda port: [BIN / "uvicorn", "bare:asgi", "--port", str(port)],
    "uvicorn with workers": lambda port: [BIN / "uvicorn", "bare:asgi", "--workers", "2", "--port", str(port)],
    "gunicorn": lambda port: [
        BIN / "gunicorn",
        "bare:wsgi",
        "--no-control-socket",
        "--workers",
        "2",
        "--bind",
        f"127.0.0.1:{port}",
    ],
    "gunicorn, loaded in the master": lambda port: [
        *(BIN / "gunicorn", "bare:wsgi", "--no-control-socket", "--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}")
    ],
    "gunicorn with workers of uvicorn": lambda port: [
        *(
            BIN / "gunicorn",
            "bare:asgi",
            "--no-control-socket",
            "-k",
            "uvicorn_worker.UvicornWorker",
            "--workers",
            "2",
            "--bind",
            f"127.0.0.1:{port}",
        )
    ],
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_tells_how_it_is_before_its_first_request(server: str) -> None:
    """Each worker for itself; the master of a pre-forking server has neither a thread nor a word of ours."""
    port = free_port()
    argv, env = door("command", SERVERS[server](port))
    workers = 1 if server == "uvicorn" else 2
    with Collector() as collector, Service(argv, port, env=env, collector=collector, cwd=PROGRAMS) as running:
        deadline = time.monotonic() + 15
        while len(pids := {point.resource["process.pid"] for point in collector.latest("process.cpu.time")}) < workers:
            assert time.monotonic() < deadline, pids
            time.sleep(0.05)
        assert len(pids) == workers
        assert not collector.spans
        if workers > 1:
            assert running.pid not in pids
        if server.startswith("gunicorn"):
            assert len(list(Path(f"/proc/{running.pid}/task").iterdir())) == 1
        status = running.terminate()
    assert status in {0, -15}


def test_switched_off_a_server_that_rests_says_nothing_and_has_no_thread() -> None:
    port = free_port()
    argv, env = door("command", SERVERS["uvicorn"](port))
    for off in ({"PLATFORM_RUNTIME_METRICS": "false"}, {"OTEL_METRICS_EXPORTER": "none"}):
        with Collector() as collector, Service(argv, port, env={**env, **off}, collector=collector, cwd=PROGRAMS) as running:
            time.sleep(1)
            assert not collector.requests
            assert len(list(Path(f"/proc/{running.pid}/task").iterdir())) == 1


@pytest.mark.parametrize("body", ["import asyncio; asyncio.run(asyncio.sleep(0.3))", "import logging, sqlite3, gc; gc.collect()"])
def test_a_program_that_records_nothing_sends_nothing(body: str, collector: Collector, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"{body}\nimport gc, sys\nprint(len(gc.callbacks), 'platform_instrument.runtime.metrics' in sys.modules)")
    argv, env = door("command", [sys.executable, program])
    done = run(argv, env=env, collector=collector)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0 False\n", "")
    assert not collector.requests


def test_a_child_that_records_nothing_sends_nothing(collector: Collector, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import asyncio, gc, multiprocessing, sqlite3, time\n"
        "def child():\n"
        "    gc.collect()\n"
        "    asyncio.run(asyncio.sleep(0.1))\n"
        "if __name__ == '__main__':\n"
        "    sqlite3.connect(':memory:').execute('select 1')\n"
        "    time.sleep(0.5)\n"
        "    started = multiprocessing.get_context('fork').Process(target=child)\n"
        "    started.start()\n"
        "    started.join()\n"
    )
    argv, env = door("command", [sys.executable, program])
    done = run(argv, env=env, collector=collector)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len({point.resource["process.pid"] for point in collector.metrics}) == 1


def test_nothing_is_imported_on_our_account_that_the_program_does_not_use(collector: Collector, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sqlite3, sys, time\n"
        "sqlite3.connect(':memory:').execute('select 1')\n"
        "time.sleep(0.5)\n"
        "print([name for name in ('asyncio', 'concurrent.futures', 'anyio', 'psutil') if name in sys.modules])\n"
    )
    argv, env = door("command", [sys.executable, program])
    done = run(argv, env=env, collector=collector)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    assert collector.latest("process.uptime")
