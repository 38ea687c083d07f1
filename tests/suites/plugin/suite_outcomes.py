"""A pytest plugin that writes what became of each test, a JSON line each, as soon as it is known: a crash loses none of it.

Copied into the environment of a suite, so it imports nothing of ours.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

OPTION, THREADS = "--suite-outcomes", "--suite-threads"
_OURS = "platform-instrument"


def pytest_addoption(parser: Any) -> None:
    """Take the name of the file, and whether the tests compare threads: telemetry has one, which is left out then."""
    parser.addoption(OPTION)
    parser.addoption(THREADS, action="store_true")


class Outcomes:
    """Writes the lines."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "w", buffering=1, encoding="utf-8")  # noqa: PTH123, SIM115 - as long as the process lives

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Say that a test begins: where no more is said, it took the process with it."""
        self._write(nodeid, "crashed")

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Say how a test ended, or a part of it that did not pass."""
        expected = hasattr(report, "wasxfail")
        if report.when == "call" or report.outcome != "passed":
            outcome = report.outcome if report.when == "call" or report.outcome == "skipped" else "error"
            self._write(report.nodeid, f"x{outcome}" if expected else outcome)

    def pytest_collectreport(self, report: Any) -> None:
        """Say what could not be collected."""
        if report.failed:
            self._write(f"{report.nodeid} (collection)", "error")

    def _write(self, test: str, outcome: str) -> None:
        self._file.write(json.dumps([test, outcome]) + "\n")


def pytest_configure(config: Any) -> None:
    """Begin, in the process that reports."""
    if config.getoption(THREADS):
        every = threading.enumerate
        threading.enumerate = lambda: [thread for thread in every() if not thread.name.startswith(_OURS)]  # type: ignore[method-assign]
    path = config.getoption(OPTION)
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Outcomes(path), "suite-outcomes-file")
