"""The situations as tables of docs/reliability.md: which there are is generated, what they came to is published by `make harm`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tests.harm.elsewhere import SHOWN
from tests.harm.situations import SECTIONS, Shown, Situation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.harm.figures import Figures

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- situations: written by make generate and make harm -->", "<!-- end of situations -->"
_HEAD = ["| situation | plain, s | under us, s | more |", "|---|---:|---:|---|"]


def registered() -> list[Situation | Shown]:
    """Return every situation of tests/harm/test_*.py, in the order of files and tuples, and those that are shown elsewhere."""
    found: list[Situation | Shown] = []
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        module = import_module(f"tests.harm.{file.stem}")
        found += [*getattr(module, "SITUATIONS", ()), *getattr(module, "SHOWN", ())]
    return [*found, *SHOWN]


def published(document: Path = DOCUMENT) -> dict[str, list[str]]:
    """Return the three cells of figures that the document has now, by the names of situations."""
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in _parts(document)[1].splitlines() if line.startswith("| ")
    ]
    return {name: cells for name, *cells in rows if name != "situation"}


def written(figures: Mapping[str, Figures], document: Path = DOCUMENT) -> str:
    """Return the document with these figures in the place of their old ones; figures of others stay as they are."""
    before, _, after = _parts(document)
    every, old = registered(), published(document)
    ran = sum(isinstance(each, Situation) for each in every)
    others = len(every) - ran
    shown = f"{others} {'is shown by another test' if others == 1 else 'are shown by other tests'}"
    lines = [BEGIN, "", f"{len(every)} situations: {ran} are run plain and under us, {shown}."]
    for section in SECTIONS:
        rows = [each for each in every if each.section == section]
        if rows:
            lines += ["", f"## {section}", "", *_HEAD, *[_row(each.name, _cells(each, figures, old)) for each in rows]]
    return "\n".join([f"{before}{lines[0]}", *lines[1:], "", f"{END}{after}"])


def _cells(each: Situation | Shown, figures: Mapping[str, Figures], old: Mapping[str, list[str]]) -> list[str]:
    """Return what stands beside the name of a situation."""
    if isinstance(each, Shown):
        return ["", "", f"`{each.test}`"]
    if each.name in figures:
        return _figures(figures[each.name])
    kept = old.get(each.name, [])
    return kept if kept and kept[0] else ["-", "-", ""]


def _figures(found: Figures) -> list[str]:
    """Return seconds of both sides, and further figures: of both, or of ours alone."""
    more = []
    for name, ours in found.ours.items():
        if name != "seconds":
            plain = f"{found.plain[name]:,.4g} → " if name in found.plain else ""
            more.append(f"{name}: {plain}{ours:,.4g}")
    return [f"{found.plain['seconds']:.2f}", f"{found.ours['seconds']:.2f}", "; ".join(more)]


def _row(name: str, cells: list[str]) -> str:
    return "| " + " | ".join([name, *cells]).rstrip() + (" |" if cells[-1] else "|")


def _parts(document: Path) -> tuple[str, str, str]:
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    table, found, after = rest.partition(END)
    assert found, f"{document} has no place for situations"
    return before, table, after
