"""For how long the garbage collector stops the program, counted without one line of Python at the time.

A callback in Python would be where the interpreter next looks for signals after a collection, or after whatever long call the
collection is part of: a handler of the application that raises, a time limit mostly, would raise in there, and the collector
drops what is raised. So what happens at the start and at the end of a collection is a chain of iterators of C code, advanced by
one step. No lock: the interpreter runs one collection at a time, callbacks included, whatever the thread.
"""

from __future__ import annotations

import gc
from bisect import bisect_left
from collections import deque
from functools import partial
from itertools import accumulate, repeat, starmap, tee
from operator import add, getitem, itemgetter, setitem, sub
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

BOUNDS = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds: a collection of the youngest generation takes microseconds, one of everything up to seconds."""


class _Start(map):  # type: ignore[type-arg] # no more than a chain
    """A chain that takes a step where `start` is assigned; what is assigned to `stop` stays there."""

    __slots__ = ("stop",)
    start: Any = property(None, next)  # `next(chain, what is assigned)`
    stop: Any


class _Stop(map):  # type: ignore[type-arg] # as above
    """A chain that takes a step where `stop` is assigned."""

    __slots__ = ("start",)
    stop: Any = property(None, next)


class Pauses:
    """The pauses by generation: `counts` by bucket, and `seconds` in all."""

    def __init__(self) -> None:
        self.callbacks: tuple[partial[None], ...] = ()
        self.renew()

    def renew(self) -> None:
        """Start from zero."""
        generations = len(gc.get_stats())
        self.counts = [[0] * (len(BOUNDS) + 1) for _ in range(generations)]
        self._seconds = [deque([0.0], 1) for _ in range(generations)]

    def seconds(self, generation: int) -> float:
        """Return how long all pauses of a generation were together."""
        return self._seconds[generation][0]

    def begin(self) -> None:
        """Let the collector tell: `setattr(chain, "start" or "stop", {"generation": …})` is all that it calls."""
        now = starmap(perf_counter, repeat(()))
        began = deque([perf_counter()], 1)
        start = _Start(began.append, now)
        start.stop = {"generation": 0}
        generation = map(itemgetter("generation"), starmap(getattr, repeat((start, "stop"))))
        last = map(getitem, repeat(began), repeat(0))
        counting = [_counting(map(sub, now, last), *into) for into in zip(self.counts, self._seconds, strict=True)]
        step: Any = next
        stop = _Stop(step, map(getitem, repeat(counting), generation))
        self.callbacks = (partial(setattr, start), partial(setattr, stop))
        gc.callbacks.extend(self.callbacks)

    def end(self) -> None:
        """Let the collector tell no more."""
        for callback in self.callbacks:
            if callback in gc.callbacks:
                gc.callbacks.remove(callback)
        self.callbacks = ()

    def after_fork(self) -> None:
        """Count from zero in a fork child."""
        if self.callbacks:
            self.end()
            self.renew()
            self.begin()


def _counting(pauses: Iterator[float], counts: list[int], seconds: deque[float]) -> Iterator[object]:
    """Return a chain that with each step counts one pause in its bucket, and adds it to the sum."""
    counted, summed = tee(pauses)
    bucket, same_bucket = tee(map(bisect_left, repeat(BOUNDS), counted))
    more = map(add, repeat(1), map(getitem, repeat(counts), bucket))
    return zip(map(setitem, repeat(counts), same_bucket, more), map(seconds.append, accumulate(summed)), strict=False)
