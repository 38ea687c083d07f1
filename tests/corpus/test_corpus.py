"""The rows that others have made: the bounds hold, what is published is what is measured, and the judge sees what is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.corpus.document import DOCUMENT, rendered, written
from tests.corpus.figures import FILES, Figures, figures, missing
from tests.corpus.judging import changes, is_expected, keeps_a_comment, leaked, reason, survives
from tests.privacy.corpus import FOLDER
from tests.processes import Completed, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found() -> Figures:
    """Return the figures of the rows that are here."""
    lacking = missing(FOLDER)
    if lacking:
        pytest.skip(f"no {', no '.join(lacking)} in {FOLDER}: PLATFORM_CORPUS names the folder")
    return figures(FOLDER)


def test_the_bounds_hold(found: Figures) -> None:
    assert found.failures() == []
    assert found.literals.misses == []


def test_what_is_published_is_what_is_measured(found: Figures) -> None:
    published = DOCUMENT.read_text()
    if found.rows not in published:
        pytest.skip(f"the figures of other rows than those in {FOLDER} are published")
    assert written(rendered(found)) == published, "make corpus"


# --- the judge --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind", "masked", "left"),
    [
        ("ada@example.org", "email", "to [email]", False),
        ("ada@example.org", "email", "to ada@example.org", True),
        ("ada@example.org", "email", "to [x]ada@exam", True),
        ("ada@example.org", "email", "to [x]ada@exa", False),
        ("4111 1111 1111 1234", "credit_card", "[card] 1234", False),
        ("4111 1111 1111 1234", "credit_card", "[card] 1-1111.1234", True),
        ("415-555-0132", "phone", "(415)555 0132", True),
        ("536-22-1234", "us_ssn", "536 22 123?", False),
        ("536-22-1234", "us_ssn", "536221234", True),
        ("10.0.0.1", "ip", "10-0-0-1", False),
    ],
)
def test_a_value_is_masked_where_no_long_run_of_it_is_left(value: str, kind: str, masked: str, *, left: bool) -> None:
    assert survives(value, kind, masked) is left


def test_a_literal_leaks_as_a_word() -> None:
    assert leaked(["true", "O'Hara", "12"], "select truestory from t12 where a = true") == ["true"]
    assert leaked(["O'Hara"], "x = 'O'Hara'") == ["O'Hara"]


def test_texts_are_compared_without_spaces_and_case() -> None:
    assert is_expected("SELECT  a\nFROM t ", ["select a from t"])
    assert not is_expected("SELECT b FROM t", ["select a from t"])
    assert keeps_a_comment(["SELECT 1 -- one", "SELECT /* one */ ?"])
    assert not keeps_a_comment(["SELECT 1 -- one", "SELECT ?"])


@pytest.mark.parametrize(
    ("text", "expected", "why"),
    [
        ("select ?", "select ?, ?", "the same words stay; literals are hidden in other pieces"),
        ("select a ?", "select a from t where b = ?", "what follows could be read in two ways, so it is hidden"),
        ("t a", "a t", "the same words stay in another order"),
        ("select a b", "select a", "more words stay"),
        ("select b", "select a", "other words stay"),
    ],
)
def test_each_miss_has_a_reason(text: str, expected: str, why: str) -> None:
    assert reason(text, [expected]) == why


@pytest.mark.parametrize(
    ("text", "changed", "wrong"),
    [
        ("GET /items/3 200", False, []),
        ("mail from ada@example.org", True, []),
        ("https://ada:sesame@example.org/x", True, []),
        ("card 4111 1111 1111 1111", True, ["card"]),
        ("mail from ada@example.org, card 4111 1111 1111 1111", True, ["card"]),
        ("Duplicate entry 'x' for key 'y'", True, ["sql"]),
    ],
)
def test_a_change_is_a_false_alarm_unless_the_line_holds_an_address(text: str, wrong: list[str], *, changed: bool) -> None:
    assert changes(text) == (changed, wrong)


# --- the target -------------------------------------------------------------------------------------------------------


def make(*words: str, env: Mapping[str, str] | None = None) -> Completed:
    """Run the target with the interpreter under test, whose environment is not made anew."""
    return run(["make", "-o", f"{sys.prefix}/installed", "corpus", f"VENV={sys.prefix}", *words], env=env, cwd=ROOT)


def test_without_the_folder_the_target_says_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    before = DOCUMENT.read_text()
    remedy = (
        f"set PLATFORM_CORPUS to a folder that holds {', '.join(FILES)}\n"
        "docs/privacy.md (How it is measured) says what their rows are, and from which public projects they are made\n"
    )
    ended = make()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"PLATFORM_CORPUS is not set\n{remedy}")
    (tmp_path / "sql.jsonl").touch()
    ended = make(env={"PLATFORM_CORPUS": str(tmp_path)})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"{tmp_path}: no personal_data.jsonl and no clean_lines.jsonl\n{remedy}")
    assert DOCUMENT.read_text() == before
    assert "\n## How it is measured\n" in before


def statement(sql: str, *, secrets: Sequence[str] = (), text: str = "", summary: str | None = None) -> dict[str, Any]:
    row = {"source": "otel-java", "dialect": "postgresql", "sql": sql, "must_not_contain": secrets, "expected_summary": summary}
    return {**row, "expected_text": [text] if text else []}


def rows(folder: Path, **files: list[dict[str, Any]]) -> dict[str, str]:
    for name in FILES:
        lines = files.get(name.partition(".")[0], [])
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in lines))
    return {"PLATFORM_CORPUS": str(folder)}


def test_what_is_wrong_is_published_by_row_and_ends_with_1(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text("before\n<!-- figures: written by make corpus -->\nstale\n<!-- end of figures -->\nafter\n")
    env = rows(
        tmp_path,
        sql=[
            statement("SELECT a FROM t WHERE b = 7", secrets=["7"], text="SELECT a FROM t WHERE b = ?", summary="SELECT t"),
            statement("SELECT a FROM t", secrets=["a"], text="SELECT b FROM t", summary="SELECT u"),
            statement("SELECT 1 -- one", text="SELECT ? -- one"),
        ],
        personal_data=[
            {"text": "to ada@example.org", "spans": [{"start": 3, "end": 18, "type": "email"}]},
            {"text": "to a plain word", "spans": [{"start": 5, "end": 10, "type": "email"}]},
            {"text": "at 203.0.113.9", "spans": [{"start": 3, "end": 14, "type": "ip"}]},
        ],
        clean_lines=[
            {"group": "log", "text": "from ada@example.org"},
            {"group": "prose", "text": "plain"},
            {"group": "log", "text": "card 4111 1111 1111 1111"},
        ],
    )
    ended = run([sys.executable, "-m", "tests.corpus", document], env=env, cwd=ROOT)
    assert ended.returncode == 1
    assert ended.stderr == (
        "out of bounds: literals leak, texts, summaries, recall of email, false alarms of validated kinds, false alarms\n"
    )
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "stale" not in text
    assert ended.stdout in text
    for line in (
        "| statements whose literals are all hidden | 1 | 2 | 50.0% | all |",
        "| texts as expected | 1 | 2 | 50.0% | 97% |",
        "- statements whose literals are all hidden, row 2: leaks",
        "- texts as expected, row 2: other words stay",
        "- summaries as expected, row 2: other words stay",
        "| e-mail | 1 | 2 | 0.500 | 0.98 |",
        "| IP address, where they are hidden | 1 | 1 | 1.000 | - |",
        "| card | 1 | 0 | - |",
        "| validated kinds together | 1 | 0 | 1 in 10,000 log lines |",
        "- row 3 (log): card",
        "1 clean lines do hold an address or a credential, and are changed rightly.",
    ):
        assert line in text.splitlines(), line


def test_nothing_wrong_ends_with_0(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text("<!-- figures: written by make corpus --><!-- end of figures -->")
    ended = run([sys.executable, "-m", "tests.corpus", document], env=rows(tmp_path), cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "No statement is missed." in document.read_text()
