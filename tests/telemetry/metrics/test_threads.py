"""Cells hold no lock and lose nothing, whatever number of threads counts in them, on every version of Python with a GIL."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.environments import needed
from tests.processes import environment

PROGRAM = Path(__file__).parent / "programs" / "hammer.py"
SOURCE = Path(__file__).parents[3] / "src"


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_what_many_threads_count_in_one_cell_is_counted_exactly(version: str) -> None:
    env = environment({"PYTHONPATH": str(SOURCE)})
    command = [str(needed(version)), str(PROGRAM)]
    missing = json.loads(subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=100).stdout)
    assert missing.pop("unsafe") > 0, "the threads did not get into each other's way, so that this shows nothing"
    assert missing == dict.fromkeys(("number", "histogram", "exponential", "operation"), 0)
