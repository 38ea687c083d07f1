"""The garbage collector: collections, what they freed and what they could not, and for how long they stopped the program.

Source: https://opentelemetry.io/docs/specs/semconv/runtime/cpython-metrics/ (version 1.45.0); pauses have no convention.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from platform_instrument.core.values import COUNTER, Instrument
from platform_instrument.runtime.metrics.pauses import BOUNDS, Pauses
from platform_instrument.runtime.metrics.series import put, series
from platform_instrument.telemetry.metrics.cells import HistogramCell
from platform_instrument.telemetry.metrics.registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GENERATION = "cpython.gc.generation"


def _counter(name: str, description: str, unit: str) -> Instrument:
    """Return the declaration of what the collector counts itself, by generation."""
    return Instrument(f"cpython.gc.{name}", description, unit=unit, kind=COUNTER, constant=(_GENERATION,), observable=True)


COLLECTIONS = _counter("collections", "How often a generation was collected.", "{collection}")
COLLECTED = _counter("collected_objects", "Objects that were collected in a generation.", "{object}")
UNCOLLECTABLE = _counter("uncollectable_objects", "Objects in a generation that could not be collected.", "{object}")
PAUSE = Instrument(
    "platform.cpython.gc.pause.duration",
    "For how long a collection stopped the program.",
    constant=(_GENERATION,),
    bounds=BOUNDS,
    observable=True,
)

PAUSES = Pauses()

_numbers = [
    (each, [(key, series(instrument, (_GENERATION, each))) for instrument, key in counted])
    for counted in [((COLLECTIONS, "collections"), (COLLECTED, "collected"), (UNCOLLECTABLE, "uncollectable"))]
    for each in range(len(gc.get_stats()))
]
_pauses = [HistogramCell(((_GENERATION, each),), BOUNDS) for each in range(len(gc.get_stats()))]
METRICS.metric(PAUSE).cells.update({cell.attributes: cell for cell in _pauses})


def observe(before: Sequence[Mapping[str, int]]) -> None:
    """Put what the collector has done in this process; `before` is what its parent's had done at the fork, or empty."""
    now = gc.get_stats()
    for generation, cells in _numbers:
        for key, cell in cells:
            put(cell, now[generation][key] - (before[generation][key] if before else 0))
    for generation, cell in enumerate(_pauses):
        cell.counts = PAUSES.counts[generation].copy()
        cell.sum = PAUSES.seconds(generation)
        cell.touched = any(cell.counts)
