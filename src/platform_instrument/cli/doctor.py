"""`platform-instrument doctor`: what is instrumented here, whether it arrives, and what is wrong, each with what to do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from platform_instrument.cli.output import put
from platform_instrument.cli.reading import text
from platform_instrument.config.setting import SIGNALS
from platform_instrument.distro import diagnosis, libraries
from platform_instrument.distro.finding import Finding
from platform_instrument.distro.startup import RECORD

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from platform_instrument.distro.diagnosis import Report

_USAGE = """usage: platform-instrument doctor [--json] [-- COMMAND ...]

Without COMMAND: examines this environment, imports each library we know in a process of its own, and sends an empty
export to each collector. With COMMAND: runs it under instrumentation until it ends, or until Ctrl-C, and says what
became of its processes. With --json, what COMMAND prints goes to standard error.
Ends with 0 where no finding is an error, with 1 otherwise; docs/troubleshooting.md explains each code.
"""

_LAUNCH = "import sys; from platform_instrument.cli.main import main; sys.exit(main())"

_TRIAL = """
import sys
for name in sys.argv[1:]:
    try:
        __import__(name)
    except BaseException:
        pass  # what is missing is seen by what was not patched
first_use = sys.modules.get("platform_instrument.engine.first_use")
if first_use is not None:
    first_use.load_all()
"""
_TRIAL_SECONDS = 60

_PASSAGE, _BOX = 0o711, 0o1733
"""A worker that runs as somebody else may write its record, and who was not told where cannot find the place."""


def doctor(arguments: list[str]) -> int:
    """Examine, print, and return the exit code."""
    if arguments in (["-h"], ["--help"]):
        put(_USAGE)
        return 0
    as_json = arguments[:1] == ["--json"]
    rest = arguments[1:] if as_json else arguments
    if rest and (rest[0] != "--" or not rest[1:]):
        sys.stderr.write(_USAGE)
        return 2
    report = _with_command(rest[1:], as_json=as_json) if rest else _without_command()
    diagnosis.conclude(report)
    put(json.dumps(report.described(), indent=2) + "\n" if as_json else text(report))
    return 0 if report.healthy else 1


def _without_command() -> Report:
    """Examine the environment, and import every library that is instrumented here to see it patched."""
    report = diagnosis.examine(os.environ)
    wanted = [library for library in report.libraries if library.status == libraries.WOULD]
    modules = dict.fromkeys(module for library in wanted for module in library.modules)
    silent = {f"OTEL_{signal_name.upper()}_EXPORTER": "none" for signal_name in SIGNALS}
    with tempfile.TemporaryDirectory(prefix="platform-instrument-") as folder:
        command = _launched([sys.executable, "-c", _TRIAL, *modules])
        environ = {**os.environ, **silent, RECORD: folder}
        nothing = subprocess.DEVNULL
        try:
            subprocess.run(  # noqa: S603 - our own interpreter
                command, env=environ, stdin=nothing, stdout=nothing, stderr=nothing, timeout=_TRIAL_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            message = f"importing them took more than {_TRIAL_SECONDS} s"
            report.findings.append(Finding("PI306", "libraries", message, "run doctor with the service's command"))
        diagnosis.take_trial(report, diagnosis.records(folder))
    return report


def _with_command(command: list[str], *, as_json: bool) -> Report:
    """Run the command to its end, then examine what its processes have left, and the environment."""
    if shutil.which(command[0]) is None:
        report = diagnosis.examine(os.environ)
        report.processes = []
        remedy = "see that it is there, executable, and on PATH"
        report.findings.append(Finding("PI104", command[0], "is not a command that can be run", remedy))
        return report
    with tempfile.TemporaryDirectory(prefix="platform-instrument-") as passage:
        box = Path(passage) / token_hex(16)
        box.mkdir()
        box.chmod(_BOX)
        Path(passage).chmod(_PASSAGE)
        status = _run(_launched(command), {**os.environ, RECORD: str(box)}, as_json=as_json)
        processes = diagnosis.records(str(box))
    report = diagnosis.examine(os.environ)
    diagnosis.take_in(report, processes)
    if status not in {0, -signal.SIGINT, -signal.SIGTERM, 128 + signal.SIGINT}:
        ended = f"ended with exit status {status}" if status > 0 else f"was ended by {signal.Signals(-status).name}"
        report.findings.append(Finding("PI107", command[0], ended, "see what it has printed"))
    return report


def _launched(command: list[str]) -> list[str]:
    """Return the command under instrumentation, by the same way as `platform-instrument COMMAND`."""
    return [sys.executable, "-c", _LAUNCH, "run", "--", *command]


def _run(command: list[str], environ: dict[str, str], *, as_json: bool) -> int:
    """Run a command in the foreground; it gets the signals that we get, and we outlive it."""
    handlers: dict[signal.Signals, Callable[[int, FrameType | None], object]] = {}
    with subprocess.Popen(command, env=environ, stdout=sys.stderr if as_json else None) as process:  # noqa: S603 - the user's own
        handlers[signal.SIGTERM] = lambda number, _frame: process.send_signal(number)
        handlers[signal.SIGINT] = lambda number, _frame: None if _has_terminal() else process.send_signal(number)
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            return process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _has_terminal() -> bool:
    """Say whether Ctrl-C comes from a terminal, which sends it to the command as well; twice is a hurry to many servers."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
