"""The shares of all runs that were published, and whether this one is worse than they were, beyond noise.

A run is worse in a row when three quarters of its rounds lie above three quarters of the rounds of the last runs on such a
machine: no average, so that one slow round decides nothing.
"""

from __future__ import annotations

import json
import os
import platform
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from benchmarks.environments import BARE, OURS, ROOT, VANILLA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    Rounds = Mapping[str, Sequence[Mapping[str, float]]]

FILE = ROOT / "benchmarks" / "history.jsonl"
_LAST = 5
"""Runs that are looked back on."""
_FEWEST = 4
"""Rounds below which nothing can be said."""


def shares(rounds: Rounds) -> dict[str, list[float]]:
    """Return what ours adds of what vanilla adds, by row, a number a round."""
    return {
        row: [round((one[OURS.name] - one[BARE.name]) / (one[VANILLA.name] - one[BARE.name]), 4) for one in samples]
        for row, samples in rounds.items()
    }


def machine() -> str:
    """Return what figures depend on that ratios do not take out."""
    return f"{platform.machine()}, {os.cpu_count()} processors, CPython {platform.python_version()}"


def entries(file: Path = FILE) -> list[dict[str, Any]]:
    """Return the runs so far, the oldest first."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def worse(found: Mapping[str, Sequence[float]], before: Iterable[Mapping[str, Any]], on: str) -> list[str]:
    """Return what is to be said of the rows that cost more than they did."""
    alike = [entry["shares"] for entry in before if entry["machine"] == on][-_LAST:]
    said = []
    for row, now in found.items():
        then = [share for entry in alike for share in entry.get(row, ())]
        if len(now) >= _FEWEST and len(then) >= _FEWEST:
            least, most = quantiles(now, n=4)[0], quantiles(then, n=4)[2]
            if least > most:
                said.append(
                    f"{row}: three quarters of the rounds are above {least:.3f}, three quarters of those before below {most:.3f}"
                )
    return said


def add(found: Mapping[str, Sequence[float]], on: str, day: str, file: Path = FILE) -> None:
    """Add a run."""
    with file.open("a") as lines:
        lines.write(json.dumps({"date": day, "machine": on, "shares": found}) + "\n")
