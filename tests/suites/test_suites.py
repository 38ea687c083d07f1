"""Suites of libraries: what differs is found and judged, and the suites of the log libraries end as they do without us."""

from __future__ import annotations

import json
import re
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.environments import ROOT, install, run_tool
from tests.processes import run
from tests.suites.comparing import Difference, counted, differences, read, reason
from tests.suites.document import BEGIN, DOCUMENT, END, Published, of_report, published, written
from tests.suites.running import Report, report, unpacked
from tests.suites.table import SUITES, WITHOUT_PROPAGATORS, Reason, Suite

if TYPE_CHECKING:
    from pathlib import Path


def outcomes(*pairs: tuple[str, str]) -> list[str]:
    return [json.dumps(pair) for pair in pairs]


def test_the_worst_part_of_a_test_is_what_became_of_it() -> None:
    lines = outcomes(("a", "crashed"), ("a", "passed"), ("a", "error"), ("b", "crashed"), ("c", "crashed"), ("c", "skipped"))
    assert read(lines) == {"a": "error", "b": "crashed", "c": "skipped"}
    assert read(outcomes(("a", "crashed"), ("a", "failed"), ("a", "passed"))) == {"a": "failed"}
    assert read(outcomes(("a[<at 0x7f01234567>]", "passed"))) == {"a[<at 0x…>]": "passed"}


def test_a_failure_that_only_telemetry_makes_harms_unless_there_is_a_reason() -> None:
    plain = {"a": "passed", "b": "failed", "c": "skipped", "d": "passed", "e": "passed", "f": "passed", "same": "passed"}
    observed = {"a": "failed", "b": "passed", "c": "error", "d": "skipped", "f": "crashed", "same": "passed", "new": "passed"}
    found = differences(plain, observed, {"f": Reason("as it should"), "e": Reason("none")})
    assert {each.test: each.harms for each in found} == {
        "a": True,
        "b": False,
        "c": True,
        "d": False,
        "e": True,
        "f": False,
        "new": False,
    }
    assert str(found[0]) == "a: passed → failed"
    assert str(found[5]) == "f: passed → crashed (as it should)"
    assert counted(observed) == "3 passed, 1 failed, 1 error, 1 skipped, 1 crashed"


def test_a_reason_is_found_by_the_beginning_of_a_name_or_a_part_of_it() -> None:
    one, two = Reason("one"), Reason("two")
    known = {"tests/a.py::test_one": one, "*headers": two}
    assert [reason(test, known) for test in ("tests/a.py::test_one[x]", "b::test_headers", "b::test_one")] == [one, two, None]


def test_what_is_published_is_of_the_suites_that_are_run_with_what_is_known_of_them() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert set(published()) <= set(SUITES)
    assert len(published()) > 6
    assert written({}) == text, "the reasons in tests/suites/table.py have changed: publish a suite again"


@pytest.mark.parametrize(("name", "suite"), sorted(published().items()))
def test_each_difference_that_is_published_is_explained(name: str, suite: Published) -> None:
    cells = [cell.strip() for cell in suite.row.strip("|").split("|")]
    assert re.fullmatch(r"\d+(\.\d+)+", cells[1]), "the version"
    assert re.fullmatch(r"3\.\d+", cells[2]), "the Python"
    tests, passed = (int(cell.replace(",", "")) for cell in cells[3:5])
    differ, silent = (int(cell.removesuffix(", below").replace(",", "")) if cell[0].isdecimal() else cell for cell in cells[5:])
    assert 0 < passed <= tests
    known = SUITES[name].known
    assert set(suite.explained) == set(known), "what is explained is what differs"
    others = sum(many for test, many in suite.explained.items() if known[test].settings != WITHOUT_PROPAGATORS)
    assert differ == (sum(suite.explained.values()) or "none")
    assert silent in {others or "none", "not run"}


def test_a_suite_is_published_in_its_place(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    line = "- requests, 3, `tests/test_requests.py::TestRequests::test_response_iter_lines_reentrant`: "
    document.write_text(
        f"before\n\n{BEGIN}\n\n| requests | 1 | 3.11 | 4 | 1 | 3, below | none |\n\n{line}\n{line}x\n\n{END}\nafter\n"
    )
    differences = [
        Difference(each, "passed", "failed", Reason("")) for each in ("tests/test_asgi.py::test_asgi_headers[a]", "no")
    ]
    found = Report("httpx", "2.0", {}, {"a": "passed", "b": "skipped"}, differences, [], differences[1:])
    text = written({"httpx": of_report(found, "3.12")}, document)
    head = "| httpx | 2.0 | 3.12 | 2 | 1 | 2, below | 1, below |\n| requests | 1 | 3.11 | 4 | 1 | 3, below | none |\n\n- httpx, 1, `tests"
    assert head in text
    assert text.count(line) == 1
    assert (text.startswith("before\n"), text.endswith("after\n")) == (True, True)
    document.write_text(text)
    assert written({}, document) == text


def project(folder: Path) -> Path:
    """Write a library whose tests know whether they are under telemetry."""
    files = {
        "pyproject.toml": """
            [project]
            name = "little"
            version = "3.4"
            [dependency-groups]
            tests = ["pytest", "iniconfig"]
            [build-system]
            requires = ["setuptools"]
            build-backend = "setuptools.build_meta"
            [tool.setuptools]
            py-modules = ["little"]
        """,
        "little.py": "import sys\nobserved = 'platform_instrument.engine.imports' in sys.modules\n",
        "test_little.py": """
            import os, pathlib, pytest
            from little import observed
            first = pathlib.Path("first")

            def test_passes(): pass
            def test_fails_anyway(): assert 0
            def test_harmed(): assert not observed
            @pytest.fixture
            def broken():
                yield
                assert not observed
            def test_harmed_at_its_end(broken): pass
            def test_unsteady():
                if observed and not first.exists():
                    first.touch()
                    assert 0
            @pytest.mark.skipif(observed, reason="not here")
            def test_skipped(): pass
            @pytest.mark.skip(reason="nowhere")
            def test_never(): assert 0
            def test_takes_the_process_with_it():
                if observed: os._exit(3)
        """,
        "test_broken.py": "import nothing_of_this_name",
    }
    folder.mkdir()
    for name, text in files.items():
        lines = text.splitlines()
        (folder / name).write_text("\n".join(line.removeprefix(" " * 12) for line in lines) + "\n")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("door", ["command", "auto"])
def test_a_suite_s_differences_are_found_one_by_one(door: str, tmp_path: Path) -> None:
    source = project(tmp_path / "little")
    before = sorted(path.name for path in source.iterdir())
    found = report("little", source, tmp_path / "work", door)
    assert sorted(path.name for path in source.iterdir()) == before
    assert found.version == "3.4"
    assert found.plain == {
        "test_broken.py (collection)": "error",
        **{
            f"test_little.py::test_{name}": outcome
            for name, outcome in {
                "passes": "passed",
                "fails_anyway": "failed",
                "harmed": "passed",
                "harmed_at_its_end": "passed",
                "unsteady": "passed",
                "skipped": "passed",
                "never": "skipped",
                "takes_the_process_with_it": "passed",
            }.items()
        },
    }
    assert [(each.test.partition("::test_")[2], each.observed) for each in found.harmful] == [
        ("harmed", "failed"),
        ("harmed_at_its_end", "error"),
        ("takes_the_process_with_it", "crashed"),
    ]
    assert [each.test.partition("::test_")[2] for each in found.unsteady] == ["unsteady"]
    assert [each.test.partition("::test_")[2] for each in found.differences if not each.harms] == ["skipped"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_reason_is_none_where_the_difference_stays_without_what_makes_it(tmp_path: Path) -> None:
    named = Reason("named", {"OTEL_SERVICE_NAME": "mine"})
    source = project(tmp_path / "little")
    tests = ("one(): assert not observed or 'OTEL_SERVICE_NAME' in os.environ", "two(): assert not observed")
    (source / "test_named.py").write_text(
        "import os\nfrom little import observed\n" + "".join(f"def test_{each}\n" for each in tests)
    )
    found = report("little", source, tmp_path / "work", suite=Suite(known={"test_named.py::": named}, folder="test_named.py"))
    assert [(each.test, each.reason, each.harms) for each in found.differences] == [
        ("test_named.py::test_one", named, False),
        ("test_named.py::test_two", None, True),
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_suite_says_what_is_installed_and_what_its_tests_find(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    project(source / "little")
    (source / "one").mkdir()
    (source / "one" / "test_one.py").write_text("import os\ndef test_one(): assert os.environ['PLACE'] == 'here'\n")
    (source / "two").mkdir()
    (source / "two" / "test_two.py").write_text(
        "import os, pathlib\ndef test_two(): assert 'OTEL_SERVICE_NAME' not in os.environ\n"
        "def test_three(): assert pathlib.Path('made').exists()\n"
    )
    suite = Suite(
        ("iniconfig",),
        folder="one two",
        packages=("little",),
        variables={"PLACE": "here"},
        before=(("-c", "open('made', 'w')"),),
        settings={"OTEL_SERVICE_NAME": "mine"},
    )
    found = report("little", source, tmp_path / "work", suite=suite)
    assert found.plain == {
        "one/test_one.py::test_one": "passed",
        "two/test_two.py::test_two": "passed",
        "two/test_two.py::test_three": "passed",
    }
    assert [each.test for each in found.differences] == ["two/test_two.py::test_two"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_target_ends_with_an_error_where_telemetry_harms(tmp_path: Path) -> None:
    project(tmp_path / "little")
    with tarfile.open(tmp_path / "little-3.4.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "little", "little-3.4")
    words = ["make", "-s", "-o", f"{sys.prefix}/installed", "suites", f"VENV={sys.prefix}", "NAME=little"]
    env = {"TMPDIR": str(tmp_path)}
    ended = run([*words, f"SRC={tmp_path}/little-3.4.tar.gz"], env=env, cwd=ROOT, timeout=580)
    if "the package index cannot be reached" in ended.stderr:
        pytest.skip(ended.stderr)
    assert ended.returncode == 2, ended.stderr
    assert "\nfails only under telemetry: test_little.py::test_harmed: passed → failed\n" in ended.stdout
    assert "\nwithout: 6 passed, " in ended.stdout
    missing = run([*words, f"SRC={tmp_path}/nowhere"], env=env, cwd=ROOT)
    assert (missing.returncode, f"{tmp_path}/nowhere does not exist" in missing.stderr) == (2, True)


def test_a_git_directory_is_read_without_a_work_tree(tmp_path: Path) -> None:
    source = project(tmp_path / "little")
    for words in (
        ("init", "-q"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "one"),
        ("clone", "-q", "--bare", ".", str(tmp_path / "bare")),
    ):
        run_tool("git", *words, cwd=source)
    (source / "little.py").unlink()
    assert (unpacked(tmp_path / "bare", tmp_path / "copy") / "little.py").exists()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("door", ["command", "auto"])
@pytest.mark.parametrize("name", ["structlog", "loguru"])
def test_the_suite_of_a_log_library_ends_as_it_does_without_us(name: str, door: str, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "pip", "download", "-q", "--no-binary", ":all:", "--no-deps", "--dest", str(tmp_path))
    install(command, name)
    (archive,) = tmp_path.glob("*.tar.gz")
    source = unpacked(archive, tmp_path / "looked-at")
    if not (source / "tests").is_dir():
        pytest.skip(f"{archive.name} holds no tests: make suites NAME={name} SRC=… runs those of a checkout")
    found = report(name, archive, tmp_path / "work", door)
    assert [str(each) for each in found.harmful] == []
    assert list(found.plain.values()).count("passed") > 500
