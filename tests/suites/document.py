"""What suites came to, as a table of `docs/compatibility.md`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.suites.comparing import known_as
from tests.suites.table import SUITES

if TYPE_CHECKING:
    from tests.suites.running import Report

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
BEGIN, END = "<!-- suites: written by make suites -->", "<!-- end of suites -->"
_HEAD = [
    "| suite | version | Python | tests | pass | differences | without propagators |",
    "|---|---|---|---:|---:|---|---|",
]
_EXPLAINED = re.compile(r"- (?P<suite>[\w-]+), (?P<number>[\d,]+), `(?P<test>.+)`: (?P<why>.+)")


@dataclass(frozen=True)
class Published:
    """What the document has of a suite."""

    row: str
    explained: dict[str, int]
    """How many tests end otherwise, by the name under which they are known."""


def published(document: Path = DOCUMENT) -> dict[str, Published]:
    """Return what the document has, by the names of the suites."""
    lines = _parts(document)[1].splitlines()
    found = {line.split("|")[1].strip(): Published(line, {}) for line in lines if line.startswith("| ") and line not in _HEAD}
    for told in filter(None, map(_EXPLAINED.fullmatch, lines)):
        found[told["suite"]].explained[told["test"]] = int(told["number"].replace(",", ""))
    return found


def of_report(report: Report, python: str) -> Published:
    """Return what is published of two runs."""
    passed = sum(outcome in {"passed", "xpassed"} for outcome in report.observed.values())
    differ = [f"{len(each):,}, below" if each else "none" for each in (report.differences, report.silent)]
    cells = [report.name, report.version, python, f"{len(report.observed):,}", f"{passed:,}", *differ]
    known = SUITES[report.name].known if report.name in SUITES else {}
    names = [known_as(each.test, known) for each in report.differences]
    return Published(f"| {' | '.join(cells)} |", dict(Counter(name for name in names if name is not None)))


def written(changed: dict[str, Published], document: Path = DOCUMENT) -> str:
    """Return the document with these suites in the place of what it had of them, and what is known of differences below."""
    before, _, after = _parts(document)
    found = {**published(document), **changed}
    table = [*_HEAD, *[found[name].row for name in sorted(found)]]
    known = [
        f"- {name}, {found[name].explained[test]:,}, `{test}`: {why.text}"
        for name, suite in SUITES.items()
        for test, why in suite.known.items()
        if name in found and test in found[name].explained
    ]
    return "\n".join([f"{before}{BEGIN}", "", *table, "", *known, *([""] if known else []), f"{END}{after}"])


def _parts(document: Path) -> tuple[str, str, str]:
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    table, found, after = rest.partition(END)
    assert found, f"{document} has no place for suites"
    return before, table, after
