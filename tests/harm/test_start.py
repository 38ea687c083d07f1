"""Start: however a program is begun, it runs as without us and is observed."""

from __future__ import annotations

import os
import shlex
import sys
import zipapp
from typing import TYPE_CHECKING

import pytest

from tests.harm.situations import PATIENT, PROGRAMS, Outcome, Side, Sides, Situation, cases, program, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

QUIET = PROGRAMS / "start_quiet.py"
SPANS = 3
"""CREATE TABLE, INSERT, SELECT."""


def command(words: Callable[[Side], list[str | Path]], env: Mapping[str, str] | None = None) -> Callable[[Side], Outcome]:
    """Return what runs other words than interpreter, flags and file."""
    return lambda side: side.run(words(side), env=env, settings=PATIENT)


def flags(*given: str) -> Situation:
    """Return the quiet program under flags of the interpreter."""
    return Situation(
        f"`python {' '.join(given)}`", "Start", program(QUIET, flags=given), spans(SPANS), longer=30, quick=given == ("-O",)
    )


def variable(name: str, value: str) -> Situation:
    """Return the quiet program under a variable of the interpreter."""
    return Situation(f"`{name}={value}`", "Start", program(QUIET, env={name: value}), spans(SPANS))


def under(*words: str) -> Situation:
    """Return the quiet program that a module of the standard library runs."""
    return Situation(
        f"`python {' '.join(words)} program.py`",
        "Start",
        command(lambda _: [sys.executable, *words, QUIET]),
        spans(1, "CREATE TABLE t"),
        compare=("status", "stderr")
        if {"cProfile", "trace"} & {*words}
        else ("status", "stdout", "stderr"),  # they list every call
        longer=60,  # and slow down whatever is run
    )


def shell(text: str) -> Callable[[Side], Outcome]:
    """Return what runs the quiet program by a shell: `$PROGRAM` are its words, a door of ours included."""

    def run(side: Side) -> Outcome:
        line = text.replace("$PROGRAM", f'"{sys.executable}" "{QUIET}"')
        return side.run(["/bin/sh", "-c", line], way="pth", settings=PATIENT)

    return run


def copied(side: Side, name: str = "start_quiet.py") -> Path:
    """Return a copy of the quiet program in the folder that it runs in."""
    file = side.folder / name
    file.write_bytes(QUIET.read_bytes())
    return file


def zipped(side: Side) -> list[str | Path]:
    """Return the words that run the program from an archive."""
    (side.folder / "app").mkdir()
    copied(side, "app/start_quiet.py")
    zipapp.create_archive(side.folder / "app", side.folder / "app.pyz", main="start_quiet:main")
    return [sys.executable, side.folder / "app.pyz"]


def as_module(side: Side) -> list[str | Path]:
    copied(side)
    return [sys.executable, "-m", "start_quiet"]


def as_package(side: Side) -> list[str | Path]:
    (side.folder / "shop").mkdir()
    (side.folder / "shop" / "__init__.py").touch()
    copied(side, "shop/__main__.py")
    return [sys.executable, "-m", "shop", "--port", "1"]


def as_text(_side: Side) -> list[str | Path]:
    return [sys.executable, "-c", QUIET.read_text(), "one", "two"]


def by_runpy(side: Side) -> list[str | Path]:
    return [sys.executable, "-c", f"import runpy; runpy.run_path({str(copied(side))!r}, run_name='__main__')"]


def oddly_named(side: Side) -> list[str | Path]:
    (side.folder / "a folder, ünd é").mkdir()
    return [sys.executable, copied(side, "a folder, ünd é/pro gram$(x).py"), "a b", "ü", "", "--", "-c"]


def on_the_path(side: Side) -> list[str | Path]:
    """Return an executable file with a first line for the system."""
    file = side.folder / "service"
    file.write_text(f"#!{sys.executable} -B\n{QUIET.read_text()}")
    file.chmod(0o755)
    return [file]


def limited(text: str) -> Callable[[Side], Outcome]:
    """Return what runs the quiet program in a process that has set limits to itself before it replaced itself."""
    before = f"import os, resource, sys\n{text}\nos.execv(sys.argv[1], sys.argv[1:])\n"
    return lambda side: side.run([sys.executable, "-S", "-c", before, sys.executable, QUIET], way="pth", settings=PATIENT)


REPLACES = f"""
import os, sqlite3, sys, time
sqlite3.connect(":memory:").execute("SELECT 1")
time.sleep(2)  # the worker has sent it
sys.stdout.write("before\\n")
sys.stdout.flush()
os.execv(sys.executable, [sys.executable, {str(QUIET)!r}])
"""

WITHOUT_FOLDER = f"""
import os, runpy
os.mkdir("gone"); os.chdir("gone"); os.rmdir("../gone")
runpy.run_path({str(QUIET)!r}, run_name="__main__")
"""

TRACED = f"""
import collections, runpy, sys, threading
seen = collections.Counter()
def trace(frame, event, argument):
    if frame.f_code.co_filename.endswith("start_quiet.py"):
        seen[frame.f_code.co_name, event] += 1
        return trace
sys.settrace(trace)
threading.settrace(trace)
try:
    runpy.run_path({str(QUIET)!r}, run_name="__main__")
finally:
    sys.settrace(None)
    print(sorted(seen.items()))
"""

AUDITED = """
import sys
def told(event, arguments):
    if event.startswith(("subprocess.", "os.", "pty.", "shutil.", "pickle.", "ctypes.", "socket.bind", "signal.")) and event != "os.listdir":
        print(event, arguments)
sys.addaudithook(told)
import sqlite3
sqlite3.connect(":memory:").execute("SELECT 1")
"""

CUSTOMIZED = "import sys\nprint('own', __name__, 'sqlite3' in sys.modules)\n"


def customized(side: Side) -> Outcome:
    """Return what a program prints beside customizations of its own that the interpreter runs before it."""
    for name in ("sitecustomize", "usercustomize"):
        (side.folder / f"{name}.py").write_text(CUSTOMIZED)
    return side.run([sys.executable, QUIET], env={"PYTHONPATH": str(side.folder)}, way="pythonpath", settings=PATIENT)


BROKEN_PATH = os.pathsep.join(["/nonexistent", "", "/dev/null", "/proc/self/mem"])

DOORS = ("command", "pth", "pythonpath")
FLAGS = (
    ("-O",),
    ("-OO",),
    ("-I",),
    ("-E",),
    ("-B", "-s"),
    ("-u",),
    ("-bb",),
    ("-W", "error"),
    ("-X", "utf8"),
    ("-X", "dev"),
    ("-X", "tracemalloc=5"),
    ("-X", "faulthandler"),
    ("-X", "int_max_str_digits=640"),
    ("-X", "pycache_prefix=cache"),
)
VARIABLES = (
    ("PYTHONHASHSEED", "0"),
    ("PYTHONMALLOC", "debug"),
    ("PYTHONASYNCIODEBUG", "1"),
    ("PYTHONIOENCODING", "ascii:backslashreplace"),
    ("PYTHONPATH", BROKEN_PATH),
    ("PYTHONWARNINGS", "error"),
    ("LC_ALL", "C"),
    ("HOME", ""),
    ("TMPDIR", "/nonexistent"),
    ("TZ", "Nowhere/Nothing"),
)

SITUATIONS = (
    *(Situation(f"a quiet program, by the door `{way}`", "Start", program(QUIET, way=way), spans(SPANS)) for way in DOORS),
    *(flags(*each) for each in FLAGS),
    *(variable(*each) for each in VARIABLES),
    under("-m", "pdb", "-c", "continue", "-c", "quit"),
    under("-m", "cProfile"),
    under("-m", "trace", "--trackcalls"),
    under("-m", "coverage", "run", "--data-file=here.coverage"),
    Situation("a module, `python -m shop` with a file", "Start", command(as_module), spans(SPANS)),
    Situation("a package, `python -m shop`", "Start", command(as_package), spans(SPANS)),
    Situation("a text, `python -c`", "Start", command(as_text), spans(SPANS)),
    Situation("an archive of zipapp", "Start", command(zipped), spans(SPANS)),
    Situation("a program that runpy runs", "Start", command(by_runpy), spans(SPANS)),
    Situation("a file and arguments of odd names", "Start", command(oddly_named), spans(SPANS)),
    Situation("an executable file with a first line for the system", "Start", command(on_the_path), spans(SPANS)),
    Situation(
        "a program that is read from standard input", "Start", shell(f"{shlex.quote(sys.executable)} - < {QUIET}"), spans(SPANS)
    ),
    Situation("standard input is closed", "Start", shell("exec $PROGRAM <&-"), spans(SPANS)),
    Situation("standard output is closed", "Start", shell("exec $PROGRAM >&-"), spans(SPANS)),
    Situation("all three standard streams are closed", "Start", shell("exec $PROGRAM <&- >&- 2>&-"), spans(SPANS)),
    Situation("standard output is full", "Start", shell("exec $PROGRAM >/dev/full"), spans(SPANS)),
    Situation("the reader of standard output has gone", "Start", shell("$PROGRAM | true; echo $?"), compare=("status", "stdout")),
    Situation(
        "an environment of nothing but the path",
        "Start",
        shell(
            'exec env -i PATH="$PATH" PLATFORM_AUTO="$PLATFORM_AUTO" OTEL_EXPORTER_OTLP_ENDPOINT="$OTEL_EXPORTER_OTLP_ENDPOINT" $PROGRAM'
        ),
        spans(SPANS),
    ),
    Situation("`os.execv` after records were made", "Start", program(REPLACES), spans(SPANS + 1)),
    Situation("a current folder that is no more", "Start", program(WITHOUT_FOLDER), spans(SPANS)),
    Situation("a program that traces itself", "Start", program(TRACED), spans(SPANS)),
    Situation("a program that audits itself", "Start", program(AUDITED), spans(1)),
    Situation("a sitecustomize and a usercustomize of its own", "Start", customized, spans(SPANS)),
    Situation("eight open files and no more", "Start", limited("resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))")),
    Situation(
        "no file may grow",
        "Start",
        limited(
            "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"
        ),
    ),
    Situation(
        "an address space of 400 MB",
        "Start",
        limited("resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000))"),
        spans(SPANS),
    ),
    Situation(
        "every signal is ignored",
        "Start",
        limited("import signal\n[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 10, 12, 13, 14, 15)]"),
        spans(SPANS),
    ),
    Situation(
        "every signal is blocked",
        "Start",
        limited("import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))"),
        spans(SPANS),
    ),
)


@pytest.mark.parametrize("situation", cases(*SITUATIONS))
def test_no_harm(situation: Situation, sides: Sides) -> None:
    situation.judge(sides)
