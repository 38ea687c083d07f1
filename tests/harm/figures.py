"""Figures of situations: each test adds a line of JSON to the file that PLATFORM_HARM_FIGURES names, if it names one."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "PLATFORM_HARM_FIGURES"


@dataclass(frozen=True)
class Figures:
    """What a situation came to on both sides, by the name of the figure; "seconds" is always there."""

    plain: Mapping[str, float]
    ours: Mapping[str, float]


def record(name: str, plain: Mapping[str, float], ours: Mapping[str, float]) -> None:
    """Add what a situation came to."""
    file = os.environ.get(VARIABLE)
    if file:
        with Path(file).open("a", encoding="utf-8") as lines:  # one short write: processes may add at the same time
            lines.write(json.dumps({"name": name, "plain": dict(plain), "ours": dict(ours)}) + "\n")


def recorded(file: Path) -> dict[str, Figures]:
    """Return what was recorded, by the names of situations."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {line["name"]: Figures(line["plain"], line["ours"]) for line in lines}
