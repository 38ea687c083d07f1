"""Programs that say more lines than are kept: how they are run, and how many lines of theirs the summaries speak of."""

from __future__ import annotations

import re
import sys
import textwrap
from typing import TYPE_CHECKING

from tests.processes import Completed, door, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

FEW = {"PLATFORM_LOG_SAMPLE": "true", "PLATFORM_LOG_SAMPLE_BURST": "3", "PLATFORM_LOG_SAMPLE_RATE": "0.001"}
"""Three lines of a template, and then none for a quarter of an hour."""
NOWHERE = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
_SUMMARY = re.compile(r"(\d+) lines left out within \d+ s by PLATFORM_LOG_SAMPLE: ([^\n]*)")
_PART = re.compile(r"(\d+) (\w+) ('(?:[^'\\]|\\.)*'|\S+?)(?=;|$|[|\"}])")


def ran(  # noqa: PLR0913 - what a program is run with
    tmp_path: Path,
    program: str,
    env: Mapping[str, str] | None = None,
    collector: Collector | None = None,
    *,
    status: int = 0,
    place: str = "",
) -> Completed:
    """Run a program that has `log`, a logger at DEBUG that prints level, name and message, to its end; `place` is that of a planted fault."""
    file = tmp_path / "program.py"
    beginning = (
        "import logging, sys\nlogging.basicConfig(level=logging.DEBUG, stream=sys.stdout, "
        "format='%(levelname)s %(name)s %(message)s')\nlog = logging.getLogger('shop')\n"
    )
    file.write_text(beginning + textwrap.dedent(program))
    argv, environment = door("command", [sys.executable, file])
    found = {**environment, **FEW, **({} if collector else NOWHERE), **(env or {})}
    done = run(argv, env=found, collector=collector, cwd=tmp_path, timeout=60)
    assert done.returncode == status, done.stderr
    assert done.stderr.count("fault of ours") == (1 if place else 0), done.stderr
    assert f"contained a fault of ours in {place}" in done.stderr or not place
    return done


def told(printed: str) -> dict[str, int]:
    """Return how many lines are said to be left out, by what they are told by; the parts of a summary add up to its sum."""
    found: dict[str, int] = {}
    for total, parts in _SUMMARY.findall(printed):
        numbers = [(int(number), title) for number, _, title in _PART.findall(parts)]
        assert sum(number for number, _ in numbers) == int(total), parts
        for number, title in numbers:
            found[title] = found.get(title, 0) + number
    return found


def lines(printed: str, part: str) -> list[str]:
    """Return the lines with this in them, but for summaries."""
    return [line for line in printed.splitlines() if part in line and "left out" not in line]
