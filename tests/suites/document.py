"""What suites came to, as a table of `docs/compatibility.md`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.suites.table import SUITES

if TYPE_CHECKING:
    from tests.suites.running import Report

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
BEGIN, END = "<!-- suites: written by make suites -->", "<!-- end of suites -->"
_HEAD = ["| suite | version | Python | tests | pass | differences |", "|---|---|---|---:|---:|---|"]


def rows(document: Path = DOCUMENT) -> dict[str, str]:
    """Return the rows of the table, by the names of their suites."""
    lines = _parts(document)[1].splitlines()
    return {line.split("|")[1].strip(): line for line in lines if line.startswith("| ") and line not in _HEAD}


def row(report: Report, python: str) -> str:
    """Return the row of a suite."""
    passed = sum(outcome in {"passed", "xpassed"} for outcome in report.observed.values())
    told = f"{len(report.differences)}, below" if report.differences else "none"
    return f"| {report.name} | {report.version} | {python} | {len(report.observed):,} | {passed:,} | {told} |"


def written(changed: dict[str, str], document: Path = DOCUMENT) -> str:
    """Return the document with these rows in the place of their old ones, and what is known of differences below."""
    before, _, after = _parts(document)
    found = {**rows(document), **changed}
    known = [f"- {name}, `{test}`: {why.text}" for name, suite in SUITES.items() for test, why in suite.known.items()]
    table = [*_HEAD, *[found[name] for name in sorted(found)]]
    return "\n".join([f"{before}{BEGIN}", "", *table, "", *known, *([""] if known else []), f"{END}{after}"])


def _parts(document: Path) -> tuple[str, str, str]:
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    table, found, after = rest.partition(END)
    assert found, f"{document} has no place for suites"
    return before, table, after
