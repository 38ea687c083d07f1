"""The processes that tests start behave the same, however the suite itself was started."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.processes import run

ROOT = Path(__file__).parent.parent


def test_signals_reach_the_programs_of_a_suite_that_runs_in_the_background() -> None:
    """A shell without job control lets what it starts with `&` ignore SIGINT, and so does whatever that starts."""
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    suite = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "SIGINT", "tests/cli/test_main.py"]
    ended = run([*ignoring, *suite], cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert "1 passed" in ended.stdout
