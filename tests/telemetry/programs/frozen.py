"""Statements in the middle of which the clock is frozen, at times to come and long past, and let go on again."""

from __future__ import annotations

import sqlite3
from typing import Any

from freezegun import freeze_time

connection = sqlite3.connect(":memory:")
frozen: list[Any] = []


def freeze(date: str) -> str:
    frozen.append(freeze_time(date))
    frozen[-1].start()
    return date


def let_go() -> None:
    frozen.pop().stop()


connection.create_function("freeze", 1, freeze)
connection.create_function("let_go", 0, let_go)
for year in ("1999-01-01", "2050-01-01"):
    connection.execute("SELECT freeze(?)", (year,)).fetchall()
    connection.execute("SELECT 1").fetchall()
    connection.execute("SELECT let_go()").fetchall()
connection.execute("SELECT 1").fetchall()
