"""The command becomes the program: same process, same end, and nothing of ours in between."""

from __future__ import annotations

import re
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from platform_instrument import __version__
from tests.processes import BIN, run

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = BIN / "platform-instrument"
LAUNCH = "import sys; from platform_instrument.cli.main import main; sys.exit(main())"


def executable(path: Path, text: str, mode: int = 0o755) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_program_has_the_process_id_of_the_command() -> None:
    ended = run(["sh", "-c", f'echo $$; exec {COMMAND} {sys.executable} -c "import os; print(os.getpid())"'])
    shell, program = ended.stdout.split()
    assert shell == program


@pytest.mark.parametrize(
    ("statement", "returncode"),
    [
        ("raise SystemExit(7)", 7),
        ("1 / 0", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT),
    ],
)
def test_exit_code_and_signal_are_those_of_the_program(statement: str, returncode: int) -> None:
    assert run([sys.executable, "-c", statement]).returncode == returncode
    assert run([COMMAND, sys.executable, "-c", statement]).returncode == returncode


def test_a_signal_sent_to_the_command_reaches_the_programs_own_handler() -> None:
    program = "import os, signal, sys; signal.signal(signal.SIGUSR1, lambda *_: sys.exit(9)); os.kill(int(sys.argv[1]), 10); signal.pause()"
    assert run(["sh", "-c", f'exec {COMMAND} {sys.executable} -c "{program}" $$']).returncode == 9


def test_standard_streams_are_the_programs() -> None:
    ended = run(["sh", "-c", f"echo in | {COMMAND} cat; {COMMAND} sh -c 'echo err >&2'"])
    assert (ended.stdout, ended.stderr) == ("in\n", "err\n")


def test_a_command_that_is_not_there_is_127_and_one_line() -> None:
    ended = run([COMMAND, "no-such-command", "x"])
    assert (ended.returncode, ended.stdout) == (127, "")
    assert ended.stderr == "platform-instrument: no-such-command: command not found\n"
    assert run([COMMAND, "./confg"]).returncode == 127
    assert run([COMMAND, ""]).returncode == 127


def test_a_command_that_cannot_be_executed_is_126_and_one_line(tmp_path: Path) -> None:
    plain = executable(tmp_path / "plain", "text", 0o644)
    ended = run([COMMAND, plain])
    assert (ended.returncode, ended.stderr) == (126, f"platform-instrument: {plain}: Permission denied\n")
    assert run([COMMAND, tmp_path]).returncode == 126
    assert run([COMMAND, executable(tmp_path / "noise", "\x01\x02")]).returncode == 126


@pytest.mark.parametrize("words", [["run", "--", "config", "--json"], ["run", "config", "--json"]])
def test_run_starts_a_program_that_has_the_name_of_a_subcommand(tmp_path: Path, words: list[str]) -> None:
    executable(tmp_path / "config", "#!/bin/sh\necho own $1 $PLATFORM_AUTO\n")
    ended = run(["sh", "-c", f'PATH={tmp_path}:$PATH exec {COMMAND} "$@"', "sh", *words])
    assert ended.stdout == "own --json 1\n"


def test_arguments_of_the_program_are_passed_on_as_they_are() -> None:
    words = ["--help", "", "--", "a b", "-c", "ü", "run", "*"]
    ended = run([COMMAND, sys.executable, "-c", "import sys; print(sys.argv[1:])", *words])
    assert ended.stdout == f"{words}\n"


def test_both_inherited_doors_are_open_in_the_program_and_own_folders_stay() -> None:
    show = "import os; print(os.environ['PYTHONPATH']); print(os.environ['PLATFORM_AUTO'])"
    nested = run([COMMAND, COMMAND, sys.executable, "-c", show], env={"PYTHONPATH": "/one:/two"})
    path, auto = nested.stdout.split()
    assert re.fullmatch(r"[^:]*/platform_instrument_site:/one:/two", path)
    assert auto == "1"
    assert run([COMMAND, sys.executable, "-c", show], env={"PLATFORM_AUTO": "0"}).stdout.split()[1] == "0"


@pytest.mark.parametrize("path", ["/with a space:/two", ":/one", "/one:", "/one::/two", "::", ""])
def test_an_empty_entry_of_the_path_remains_the_current_folder(path: str, tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import sys; print([place for place in sys.path if not place.endswith('instrument_site')])"]
    plain = run(words, env={"PYTHONPATH": path}, cwd=tmp_path)
    assert run([COMMAND, *words], env={"PYTHONPATH": path}, cwd=tmp_path) == plain
    assert run([COMMAND, COMMAND, *words], env={"PYTHONPATH": path}, cwd=tmp_path) == plain


def test_version_and_help_are_printed() -> None:
    assert run([COMMAND, "--version"]).stdout == f"platform-instrument {__version__}\n"
    for word in ("--help", "-h"):
        ended = run([COMMAND, word], env={"PYTHONIOENCODING": "ascii"})
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith("usage: platform-instrument COMMAND")
        for subcommand in ("run -- COMMAND", "config [--json]", "doctor [--json] [-- COMMAND", "site FOLDER"):
            assert subcommand in ended.stdout


@pytest.mark.parametrize(
    "words", [[], ["-x"], ["--jsn"], ["run"], ["run", "--"], ["run", "-x"], ["config", "x"], ["doctor", "x"], ["doctor", "--"]]
)
def test_a_wrong_call_prints_the_usage_and_ends_with_2(words: list[str]) -> None:
    ended = run([COMMAND, *words])
    assert ended.returncode == 2
    assert "usage: platform-instrument" in ended.stdout + ended.stderr


def test_nothing_but_os_and_sys_is_imported_on_the_way_to_the_program() -> None:
    # `os.execvpe` itself imports `warnings`
    def imported(statement: str, *words: str) -> set[str]:
        ended = run([sys.executable, "-X", "importtime", "-c", statement, *words])
        assert ended.returncode == 0
        return set(re.findall(r"import time: +\d+ \| +\d+ \| +(\S+)", ended.stderr))

    ours = imported(LAUNCH, "run", "--", "true") - imported("import os, sys")
    assert ours - {"__future__", "warnings"} == {"platform_instrument", "platform_instrument.cli", "platform_instrument.cli.main"}
