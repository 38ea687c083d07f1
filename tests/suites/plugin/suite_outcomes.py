"""A pytest plugin that writes what became of each test, a JSON line each, as soon as it is known: a crash loses none of it.

Copied into the environment of a suite, so it imports nothing of ours.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

OPTION, BUSY = "--suite-outcomes", "--suite-busy"


def pytest_addoption(parser: Any) -> None:
    """Take the name of the file, and whether telemetry is to have its thread before the first test."""
    parser.addoption(OPTION)
    parser.addoption(BUSY, action="store_true")


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
    if config.getoption(BUSY):
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("SELECT 1")
    path = config.getoption(OPTION)
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Outcomes(path), "suite-outcomes-file")
