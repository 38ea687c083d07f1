"""Transparency: what a program finds out about itself and its libraries is what it finds without us."""

from __future__ import annotations

import re

import pytest

from tests.harm.situations import Sides, Situation, cases, program

WITHOUT_IDS = {"PLATFORM_LOG_TRACE_ID": "false"}
PARTS = {
    "functions": "`inspect`, `pickle`, `copy`, `weakref` and `functools.partial` of every function that is observed",
    "sqlite": "connections, cursors, factories, `backup`, `super()` and errors of sqlite3",
    "log": "records, factories, handlers, adapters and mocks of logging",
    "frames": "callers, levels of warnings, tracebacks and stacks",
    "loops": "tasks, loops, generators and cancellation of asyncio",
    "caches": "what `functools.lru_cache` decorates",
    "modules": "hooks, modules, threads, signals and variables of the interpreter",
    "mocked": "what `unittest.mock` makes of functions that are observed",
}
STANDARD = {"sqlite", "log", "loops"}


def without_addresses(text: str) -> str:
    """Leave out where objects are in memory, which is another place in each run."""
    return re.sub(r"0x[0-9a-f]+|id='\d+'|\b\d{15}\b", "N", text)


SITUATIONS = tuple(
    Situation(
        name,
        "Transparency",
        program("looks_standard.py" if part in STANDARD else "looks.py", part, settings=WITHOUT_IDS),
        tidy=without_addresses,
    )
    for part, name in PARTS.items()
)


@pytest.mark.parametrize("situation", cases(*SITUATIONS))
def test_no_harm(situation: Situation, sides: Sides) -> None:
    situation.judge(sides)
