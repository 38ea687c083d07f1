"""Many threads count in the same cells while switching all the time; prints how much of it is missing.

Run by other interpreters too: it needs nothing but the package itself.
"""

import json
import sys
import threading
from collections.abc import Callable

from platform_instrument.core.values import CLIENT, COUNTER, HISTOGRAM, Instrument, Operation
from platform_instrument.telemetry.context import Ambient
from platform_instrument.telemetry.metrics.exponential import ExponentialCell
from platform_instrument.telemetry.metrics.registry import METRICS, Metric, cell_of

THREADS, TIMES, VALUES = 8, 10_000, (0.05, 0.5, 5)
CURRENT = Ambient(1 << 100, 1, 1)

DURATION = Instrument("duration", "", kind=HISTOGRAM, varying=("error.type",), bounds=(0.1, 1.0))
OPERATION = Operation("x", CLIENT, {}, DURATION)


class Unsafe:
    """What a cell would be with a call between reading and writing: it shows that the hammer hits."""

    value = 0

    def count(self, _turn: int) -> None:
        value = self.value
        nothing()
        self.value = value + 1


def nothing() -> None:
    """Be a call in which threads switch."""


def hammered(count: Callable[[int], None]) -> None:
    """Call from all threads at once, switching every microsecond."""
    barrier = threading.Barrier(THREADS)

    def run() -> None:
        barrier.wait()
        for turn in range(TIMES):
            count(turn)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    sys.setswitchinterval(1e-6)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def unsafe() -> float:
    """Return what is missing where a call lies between reading and writing, as soon as anything is."""
    missing = 0.0
    for _ in range(20):
        counted = Unsafe()
        hammered(counted.count)
        missing = THREADS * TIMES - counted.value
        if missing:
            break
    return missing


def number() -> float:
    """Return what is missing of a sum."""
    cell = Metric(Instrument("number", "", kind=COUNTER)).cell((("a", 1),))
    hammered(lambda _turn: cell.measure(1, CURRENT))
    missing: float = THREADS * TIMES - cell.value
    return missing


def histogram() -> float:
    """Return what is missing in the buckets and in the sum of a histogram."""
    cell = Metric(DURATION).cell(())
    hammered(lambda turn: cell.measure(VALUES[turn % len(VALUES)], CURRENT))
    expected = [THREADS * len(range(at, TIMES, len(VALUES))) for at in range(len(VALUES))]
    total = sum(count * value for count, value in zip(expected, VALUES, strict=True))
    missing = sum(abs(one - other) for one, other in zip(expected, cell.counts, strict=True))
    return float(missing + round(abs(total - cell.sum), 3) + (cell.least != min(VALUES)) + (cell.most != max(VALUES)))


def exponential() -> float:
    """Return what is missing in the buckets of an exponential histogram, whose window moves all the while."""
    cell = ExponentialCell(())
    hammered(lambda turn: cell.measure(2.0 ** (turn % 40), CURRENT))
    return THREADS * TIMES - sum(cell.read().counts)


def operation() -> float:
    """Return what is missing in the cells of an operation, which are made meanwhile."""
    hammered(lambda turn: cell_of(OPERATION, DURATION, {"error.type": str(turn % 50)}).measure(1, CURRENT))
    return THREADS * TIMES - sum(sum(cell.counts) for cell in METRICS.metric(DURATION).series())


sys.stdout.write(json.dumps({each.__name__: each() for each in (unsafe, number, histogram, exponential, operation)}))
