"""What reading a text costs, and that it grows with its length and no faster."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def cost(function: Callable[[str], object], text: str) -> float:
    """Return the seconds of the processor that a call takes, the best of three."""
    best = float("inf")
    for _ in range(3):
        before = time.thread_time()
        function(text)
        best = min(best, time.thread_time() - before)
    return best


def assert_linear(function: Callable[[str], object], unit: str, longest: int = 60_000) -> None:
    """Repeat a unit to the length, and to a fourth of it: the longer text takes four times as long, with room for chance."""
    short, long = (unit * (length // len(unit)) for length in (longest // 4, longest))
    assert cost(function, long) < 7 * cost(function, short) + 0.01
