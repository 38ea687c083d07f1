"""What nobody catches is one record, and the process prints, runs and ends as it does without us."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from tests.processes import Completed, door, run

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

PROGRAMS = {
    "main": ("raise ValueError('of main')", ["unhandled exception in the main thread"], ["ValueError"]),
    "hook": (
        "sys.excepthook = lambda *raised: print('mine', raised[0].__name__)\nraise ValueError('of main')",
        ["unhandled exception in the main thread"],
        ["ValueError"],
    ),
    "logging hook": (
        "sys.excepthook = lambda *raised: logging.critical('crashed', exc_info=raised)\nraise ValueError('of main')",
        ["crashed"],
        ["ValueError"],
    ),
    "chained hook": (
        "hook = sys.excepthook\ndef mine(*raised):\n    print('mine')\n    hook(*raised)\nsys.excepthook = mine\nraise ValueError(1)",
        ["unhandled exception in the main thread"],
        ["ValueError"],
    ),
    "logged before": (
        "try: raise ValueError(1)\nexcept ValueError:\n    logging.exception('logged')\n    raise",
        ["logged", "unhandled exception in the main thread"],
        ["ValueError", "ValueError"],
    ),
    "exit": ("sys.exit('bye')", [], []),
    "thread": (
        ("def work(): raise KeyError('of a thread')\n"
        "thread = threading.Thread(target=work, name='worker-1')\nthread.start(); thread.join()"),
        ["unhandled exception in thread worker-1"],
        ["KeyError"],
    ),
    "thread hook": (
        ("threading.excepthook = lambda raised: print('mine')\n"
        "def work(): raise KeyError('of a thread')\nthread = threading.Thread(target=work)\nthread.start(); thread.join()"),
        ["unhandled exception in thread Thread-1 (work)"],
        ["KeyError"],
    ),
    "finalizer": (
        "class Odd:\n    def __del__(self): raise OSError('in a finalizer')\nOdd()",
        ["exception ignored in a function"],
        ["OSError"],
    ),
    "task": (
        ("import asyncio, gc\nasync def work(): raise LookupError('of a task')\n"
        "async def main():\n    asyncio.create_task(work())\n    await asyncio.sleep(0.01)\n    gc.collect()\n    await asyncio.sleep(0)\n"
        "asyncio.run(main())"),
        ["Task exception was never retrieved"],
        ["LookupError"],
    ),
    "task handler": (
        ("import asyncio, gc\nasync def work(): raise LookupError('of a task')\n"
        "async def main():\n    asyncio.get_running_loop().set_exception_handler(lambda loop, context: print('mine'))\n"
        "    asyncio.create_task(work())\n    await asyncio.sleep(0.01)\n    gc.collect()\n    await asyncio.sleep(0)\n"
        "asyncio.run(main())"),
        ["Task exception was never retrieved"],
        ["LookupError"],
    ),
    "callback": (
        ("import asyncio\ndef fails(): raise TypeError('of a callback')\n"
        "async def main():\n    asyncio.get_running_loop().call_soon(fails)\n    await asyncio.sleep(0.01)\nasyncio.run(main())"),
        ["Exception in callback fails()"],
        ["TypeError"],
    ),
}  # fmt: skip


def ran(tmp_path: Path, program: str, collector: Collector | None) -> Completed:
    file = tmp_path / "program.py"
    file.write_text(f"import logging, sys, threading\n{textwrap.dedent(program)}\n")
    argv, environment = ([sys.executable, str(file)], {}) if collector is None else door("command", [sys.executable, file])
    return run(argv, env={**environment, "OTEL_LOGS_EXPORTER": "otlp"}, collector=collector, cwd=tmp_path)


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_nobody_catches_is_one_record_and_all_else_is_as_before(tmp_path: Path, collector: Collector, name: str) -> None:
    program, bodies, kinds = PROGRAMS[name]
    plain = ran(tmp_path, program, None)
    ours = ran(tmp_path, program, collector)
    assert (ours.returncode, ours.stdout) == (plain.returncode, plain.stdout)
    assert _lines(ours.stderr) == _lines(plain.stderr)
    assert [log.body.partition(" at ")[0].partition("\n")[0] for log in collector.logs] == bodies
    assert [log.attributes["exception.type"] for log in collector.logs] == kinds
    assert all(log.severity >= 17 for log in collector.logs)


def _lines(stderr: str) -> list[str]:
    """Return lines without the addresses of objects."""
    return [line.partition(" at ")[0] for line in stderr.splitlines()]


def test_an_interrupt_is_no_error(tmp_path: Path, collector: Collector) -> None:
    done = ran(tmp_path, "raise KeyboardInterrupt", collector)
    assert done.returncode == -2
    assert not collector.logs
