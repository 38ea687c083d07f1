"""The check of a clean checkout, `.ci/run`: what decides, and what does not. The script itself runs, with made-up targets."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.processes import BIN, Completed, run

SCRIPT = Path(__file__).parent.parent / ".ci" / "run"
FAST = "echo '===== 7 passed in 1.00s ====='"
SLOW = "echo '===== 3 passed, 1 skipped in 1.00s ====='"
SLOW_FAILS = "echo '===== 1 failed, 2 passed in 1.00s ====='; exit 1"


def check(folder: Path, test: str = FAST, slow: str = SLOW, lint: str = "true", limit: int = 60) -> Completed:
    """Run the script in a project whose targets do what is given, on a machine that has what it needs and installs nothing."""
    if not SCRIPT.exists():
        pytest.skip("this is not a checkout")
    for name in ("redis-server", "postgres", "apt-get"):
        program = folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text("")
        program.chmod(0o755)
    (folder / ".ci").mkdir()
    shutil.copy(SCRIPT, folder / ".ci")
    (folder / "Makefile").write_text(f"lint:\n\t@{lint}\ntest:\n\t@{test}\ntest-slow:\n\t@{slow}\n")
    path = os.pathsep.join([str(folder / "bin"), str(BIN), os.environ.get("PATH", os.defpath)])
    return run(["bash", folder / ".ci" / "run"], env={"PATH": path, "CI_LIMIT_SECONDS": str(limit)})


def closing(done: Completed) -> tuple[int, str]:
    """Return the exit status, and the last line: a reader of the log looks there for what the tests said."""
    return done.returncode, done.stdout.splitlines()[-1].strip("= ")


def test_all_is_well(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert closing(done) == (0, "7 passed in 1.00s")
    assert "3 passed, 1 skipped" in done.stdout


def test_a_failure_of_the_tests_decides(tmp_path: Path) -> None:
    done = check(tmp_path, test="echo '===== 1 failed, 6 passed in 1.00s ====='; exit 1")
    assert closing(done) == (1, "1 failed, 6 passed in 1.00s")
    assert "make test-slow" not in done.stdout


@pytest.mark.parametrize("target", ["test", "slow"])
def test_what_passes_at_the_second_try_does_not_decide_and_is_said(tmp_path: Path, target: str) -> None:
    failed = "===== 1 failed, 6 passed in 1.00s ====="
    twice = f"if [ -e tried ]; then echo \"$(PYTEST_ARGS)\"; {FAST}; else touch tried; echo '{failed}'; exit 1; fi"
    done = check(tmp_path, **{target: twice})
    assert closing(done) == (0, "7 passed in 1.00s")
    assert f"passed at the second try, after: {failed}" in done.stdout
    assert "--last-failed --last-failed-no-failures=none\n" in done.stdout


def test_a_failure_of_the_matrices_decides(tmp_path: Path) -> None:
    done = check(tmp_path, slow=SLOW_FAILS)
    assert closing(done) == (1, "1 failed, 2 passed in 1.00s")
    assert "the matrices failed" in done.stdout


def test_matrices_that_cannot_begin_are_a_failure(tmp_path: Path) -> None:
    assert closing(check(tmp_path, slow="exit 4")) == (1, "no test ran")


def test_matrices_that_take_too_long_do_not_decide(tmp_path: Path) -> None:
    done = check(tmp_path, slow="sleep 20", limit=8)
    assert closing(done) == (0, "7 passed in 1.00s")
    assert "the matrices were ended after 3 s" in done.stdout


def test_a_slow_machine_leaves_the_matrices_out(tmp_path: Path) -> None:
    done = check(tmp_path, test=f"sleep 3; {FAST}", slow=SLOW_FAILS, limit=6)
    assert closing(done) == (0, "7 passed in 1.00s")
    assert "the matrices were left out" in done.stdout


def test_tests_that_take_too_long_are_a_failure(tmp_path: Path) -> None:
    assert closing(check(tmp_path, test="sleep 20", limit=2)) == (1, "no test ran")


def test_what_lint_says_decides(tmp_path: Path) -> None:
    assert check(tmp_path, lint="false").returncode == 1
