"""`platform-instrument config`: every setting, its value, where it came from, and what is wrong with it."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.cli.output import columns, put
from platform_instrument.config.overview import Row, all_problems, rows
from platform_instrument.config.read import read

if TYPE_CHECKING:
    from platform_instrument.config.problem import ConfigProblem

_USAGE = """usage: platform-instrument config [--json]

Prints every setting, its value and where it came from: the environment, the file or the default. Secrets are masked.
Ends with 1 where a value is wrong, with 0 otherwise.
"""
_WIDEST = 60


def config(arguments: list[str]) -> int:
    """Print the settings in force in this environment; return the exit code."""
    if arguments in (["-h"], ["--help"]):
        put(_USAGE)
        return 0
    if arguments not in ([], ["--json"]):
        sys.stderr.write(_USAGE)
        return 2
    settings, problems = read(os.environ)
    problems = all_problems(settings, problems)
    table = list(rows(settings))
    put(_json(table, problems) if arguments else _text(table, problems))
    return 1 if problems else 0


def described(problem: ConfigProblem) -> dict[str, str]:
    """Return a problem as JSON."""
    return {name: getattr(problem, name) for name in ("variable", "value", "problem", "used", "remedy")}


def _json(table: list[Row], problems: list[ConfigProblem]) -> str:
    settings = [{name: getattr(row, name) for name in sorted(Row.__slots__)} for row in table]
    shape: dict[str, Any] = {"settings": settings, "problems": [described(problem) for problem in problems]}
    return json.dumps(shape, indent=2) + "\n"


def _text(table: list[Row], problems: list[ConfigProblem]) -> str:
    """Return the settings by sections, a line each, and the problems last, where they are seen."""
    name = max(len(row.variable) for row in table)
    value = min(max(len(_value(row)) for row in table), _WIDEST)
    lines: list[str] = []
    section = ""
    for row in table:
        if row.section != section:
            section = row.section
            lines.append(f"{'' if not lines else chr(10)}{section}\n")
        lines.append(f"  {row.variable:{name}}  {_value(row):{value}}  {row.source}\n")
    if problems:
        lines.append(f"\n{len(problems)} {'problem' if len(problems) == 1 else 'problems'}\n")
        lines.append(columns([[str(problem)] for problem in problems]))
    return "".join(lines)


def _value(row: Row) -> str:
    """Return the value, or in brackets what holds where there is none."""
    if row.value:
        text = f"{row.value} {row.unit}" if row.unit else row.value
        return text if text.isprintable() else ascii(text)
    return f"({row.otherwise})" if row.otherwise else "-"
