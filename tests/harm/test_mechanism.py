"""The mechanism itself: it finds harm, takes figures, and the document lists what there is."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.harm.document import BEGIN, END, ROOT, registered, written
from tests.harm.figures import VARIABLE, Figures, recorded
from tests.harm.situations import SECTIONS, Outcome, Shown, Side, Sides, Situation, program, spans

if TYPE_CHECKING:
    from pathlib import Path

SAYS = "import sys\nprint('platform_instrument.distro.startup' in sys.modules)\n"
SELECTS = """
import json, os, sqlite3
sqlite3.connect(":memory:").execute("SELECT 1")
open(os.environ["HARM_FIGURES"], "w").write(json.dumps({"rows": 1}))
print("well")
"""


@pytest.mark.parametrize(
    ("text", "compare", "found"),
    [
        (SAYS, ("stdout",), "'stdout': ('False"),
        (f"{SAYS}sys.stderr.write(str(len(sys.meta_path)))", ("status", "stderr"), "'stderr'"),
        ("import sys\nsys.exit('platform_instrument.distro.startup' in sys.modules)\n", ("status",), "'status': (0, 1)"),
    ],
)
def test_what_differs_is_harm(text: str, compare: tuple[str, ...], found: str, sides: Sides) -> None:
    with pytest.raises(AssertionError, match="plain and instrumented differ") as error:
        Situation("differs", "Start", program(text), compare=compare).judge(sides)
    assert found in str(error.value)


def test_what_takes_too_long_or_does_not_arrive_is_harm(sides: Sides, tmp_path: Path) -> None:
    def late(side: Side) -> Outcome:
        return Outcome(0, "", "", 3.0 if side.ours else 0.5)

    Situation("late", "Start", late, longer=2.6).judge(sides)
    with pytest.raises(AssertionError):
        Situation("late", "Start", late, longer=2.4).judge(Sides(tmp_path, sides.collector))


def test_figures_of_both_sides_are_recorded(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    file = sides.folder / "figures"
    monkeypatch.setenv(VARIABLE, str(file))
    Situation("selects", "Start", program(SELECTS), delivered=spans(1)).judge(sides)
    figures = recorded(file)["selects"]
    assert (figures.plain["rows"], figures.ours["rows"]) == (1, 1)
    assert 0 < figures.plain["seconds"] < 20
    with pytest.raises(AssertionError, match="the spans wanted did not come"):
        sides.collector.wait_for(2, seconds=0.1)


def test_names_and_references_are_sound() -> None:
    every = registered()
    assert [name for name, count in Counter(each.name for each in every).items() if count > 1] == []
    assert [each.name for each in every if each.section not in SECTIONS or "|" in each.name] == []
    tests = sorted({each.test for each in every if isinstance(each, Shown)})
    assert [test for test in tests if not _exists(*test.split("::"))] == []


def _exists(file: str, *names: str) -> bool:
    """Say whether a file has this test, which may be in a class."""
    defined: list[ast.stmt] = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    for name in names:
        found = [each for each in defined if isinstance(each, (ast.FunctionDef, ast.ClassDef)) and each.name == name]
        if not found:
            return False
        defined = found[0].body
    return True


def test_figures_are_written_in_their_place_and_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n\n{BEGIN}\n\n| old | 1.00 | 2.00 | spans: 3 |\n| gone | 1.00 | 1.00 ||\n\n{END}\nafter\n")
    run = program("print()\n")
    every = [
        Situation("new", "Running", run),
        Situation("old", "Start", run),
        Situation("never run", "Start", run),
        Shown("shown", "Start", "tests/test_x.py::test_y"),
    ]
    monkeypatch.setattr("tests.harm.document.registered", lambda: every)
    figures = Figures({"seconds": 0.125, "MiB": 20.0}, {"seconds": 0.25, "MiB": 21.5, "spans": 1000})
    text = written({"new": figures}, document)
    assert "4 situations: 3 are run plain and under us, 1 is shown by another test." in text
    assert "| new | 0.12 | 0.25 | MiB: 20 → 21.5; spans: 1,000 |" in text
    assert "| old | 1.00 | 2.00 | spans: 3 |\n| never run | - | - ||\n| shown |  |  | `tests/test_x.py::test_y` |" in text
    assert "gone" not in text
    assert (text.startswith("before\n\n<!--"), text.endswith(f"{END}\nafter\n")) == (True, True)
    document.write_text(text)
    assert written({}, document) == text
