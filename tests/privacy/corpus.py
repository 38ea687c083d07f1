"""The facts that are kept beside the project; a clone elsewhere lacks them, and the literal tests prove the rules there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("PLATFORM_CORPUS") or Path(__file__).resolve().parents[3] / "shared" / "corpus")

SYSTEMS = {"dq_literal": "other_sql", "ansi_dq_ident": "postgresql", "mssql": "microsoft.sql_server", "oracle": "oracle.db"}


def rows(name: str) -> list[dict[str, Any]]:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"no corpus at {path}: the literal tests prove the rules")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def system(row: dict[str, Any]) -> str:
    return SYSTEMS.get(row["dialect"], row["dialect"] or "other_sql")
