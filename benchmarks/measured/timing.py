"""Time small pieces of work: the best of some rounds, in µs each."""

from collections.abc import Callable
from time import process_time_ns

ROUNDS = 7


def best_us(work: Callable[[], object], times: int = 20_000) -> float:
    """Return the least CPU time of one call over the rounds, without the loop's own."""

    def loop(function: Callable[[], object]) -> int:
        before = process_time_ns()
        for _ in range(times):
            function()
        return process_time_ns() - before

    work()
    empty = min(loop(lambda: None) for _ in range(ROUNDS))
    return max(min(loop(work) for _ in range(ROUNDS)) - empty, 0) / times / 1e3
