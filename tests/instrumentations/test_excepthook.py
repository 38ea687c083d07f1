"""The interpreter prints what nobody catches as it always does, without values; hooks of others stay."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.processes import door, run

if TYPE_CHECKING:
    from pathlib import Path

EMAIL, CARD = "bob@example.com", "4539 1488 0343 6467"
NOWHERE = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}

CRASHES = {
    "plain": "raise ValueError(f'no card {CARD} of {EMAIL}')",
    "chained": "try:\n    {}[EMAIL]\nexcept KeyError as error:\n    raise RuntimeError(f'of {EMAIL}') from error",
    "deep": "def again(n): return again(n + 1) if n < 5000 else 1\nagain(0)",
    "syntax": "compile('a b ' + repr(EMAIL), 'x.py', 'exec')",
    "unprintable": "class Odd(Exception):\n    def __str__(self): raise ValueError(EMAIL)\nraise Odd",
    "lines": "raise ValueError(f'first\\n{EMAIL}\\nlast ü 手')",
    "interrupt": "raise KeyboardInterrupt(EMAIL)",
    "exit": "sys.exit(f'no card {CARD[:4]}')",
}
if sys.version_info >= (3, 11):
    CRASHES["group"] = "raise ExceptionGroup(EMAIL, [ValueError(CARD), TypeError(1)])"
    CRASHES["note"] = "error = ValueError(1)\nerror.add_note(EMAIL)\nraise error"


def stderr(tmp_path: Path, program: str, env: dict[str, str] | None = None, *, instrumented: bool = True) -> tuple[str, int]:
    file = tmp_path / "program.py"
    file.write_text(f"import logging, sys, threading\nEMAIL, CARD = {EMAIL!r}, {CARD!r}\n{program}\n")
    argv, environment = door("command", [sys.executable, file]) if instrumented else ([sys.executable, str(file)], {})
    done = run(argv, env={**environment, **NOWHERE, **(env or {})})
    return done.stderr, done.returncode


@pytest.mark.parametrize("crash", CRASHES)
def test_what_is_printed_is_the_same_but_for_its_values(tmp_path: Path, crash: str) -> None:
    plain, code = stderr(tmp_path, CRASHES[crash], instrumented=False)
    printed, same = stderr(tmp_path, CRASHES[crash])
    assert same == code
    assert printed == plain.replace(EMAIL, "[email]").replace(CARD, "[card]")
    assert printed


@pytest.mark.parametrize("crash", ["plain", "exit", "unprintable"])
def test_what_a_thread_prints_is_the_same_but_for_its_values(tmp_path: Path, crash: str) -> None:
    body = "\n".join(f"    {line}" for line in CRASHES[crash].splitlines())
    program = f"def work():\n{body}\nthread = threading.Thread(target=work, name='of ' + EMAIL)\nthread.start()\nthread.join()"
    plain, code = stderr(tmp_path, program, instrumented=False)
    printed, same = stderr(tmp_path, program)
    assert same == code == 0
    assert printed == plain.replace(EMAIL, "[email]").replace(CARD, "[card]")


def test_hooks_of_the_application_stay_and_may_call_ours(tmp_path: Path) -> None:
    program = "before = sys.excepthook\ndef own(*raised):\n    print('own', file=sys.stderr)\n    before(*raised)\n"
    printed, _ = stderr(tmp_path, f"{program}sys.excepthook = own\nraise ValueError(EMAIL)")
    assert printed.startswith("own\nTraceback ")
    assert printed.endswith("ValueError: [email]\n")


def test_the_setting_leaves_the_interpreters_hooks_alone(tmp_path: Path) -> None:
    program = "print(sys.excepthook is sys.__excepthook__, threading.excepthook is threading.__excepthook__, file=sys.stderr)"
    assert stderr(tmp_path, program)[0] == "False False\n"
    assert stderr(tmp_path, program, {"PLATFORM_LOG_MASK": "false"})[0] == "True True\n"


def test_a_traceback_that_cannot_be_masked_is_withheld(tmp_path: Path) -> None:
    program = "from platform_instrument.privacy import pii\npii.look = None\nraise ValueError(EMAIL)"
    printed, code = stderr(tmp_path, program)
    assert code == 1
    assert "[withheld]\n" in printed
    assert EMAIL not in printed


def test_standard_error_may_be_anything_that_writes(tmp_path: Path) -> None:
    program = """
class Written:
    def __init__(self, stream): self.stream = stream
    def write(self, text): return self.stream.write(text)
sys.stderr = Written(sys.stderr)
raise ValueError(EMAIL)
"""
    plain, code = stderr(tmp_path, program, instrumented=False)
    printed, same = stderr(tmp_path, program)
    assert (printed, same) == (plain.replace(EMAIL, "[email]"), code)


def test_a_long_traceback_is_printed_whole(tmp_path: Path) -> None:
    program = "raise ValueError('word ' * 60_000 + EMAIL)"
    plain, _ = stderr(tmp_path, program, instrumented=False)
    assert stderr(tmp_path, program)[0] == plain.replace(EMAIL, "[email]")


def test_a_fork_child_prints_though_a_thread_of_the_parent_was_printing(tmp_path: Path) -> None:
    program = """
import os
began, forked = threading.Event(), threading.Event()
class Slow(Exception):
    def __str__(self):
        began.set()
        forked.wait(20)
        return "slow"
def fail(error): raise error
thread = threading.Thread(target=fail, args=(Slow(),))
thread.start()
began.wait(20)
child = os.fork()
if child == 0:
    print("from the child", file=sys.stderr, flush=True)
    inner = threading.Thread(target=fail, args=(ValueError("in the child, " + EMAIL),))
    inner.start()
    inner.join(20)
    os._exit(7 if inner.is_alive() else 0)
status = os.waitpid(child, 0)[1]
forked.set()
thread.join()
sys.exit(status)
"""
    printed, code = stderr(tmp_path, program)
    assert code == 0
    assert "from the child\n" in printed
    assert "ValueError: in the child, [email]\n" in printed
    assert printed.endswith("Slow: slow\n")
