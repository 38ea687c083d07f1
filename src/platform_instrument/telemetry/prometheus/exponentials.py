"""Exponential histograms of several series and processes, made one, and made classic: with few bounds, the same for a family.

The bounds are powers of two, of a root or of a power of it, whatever fits; when they must become coarser, every second one stays
where it is, so what was scraped before goes on.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, TypeAlias

from platform_instrument.telemetry.metrics.exponential import MOST_BUCKETS, upper_bound
from platform_instrument.telemetry.prometheus.counts import packed_counts
from platform_instrument.telemetry.prometheus.exemplars import measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platform_instrument.telemetry.prometheus.snapshot import Row

Counted: TypeAlias = "tuple[int, int, list[int], int]"
"""Scale, offset, counts, zeros, as a cell reads them."""

_MOST_BOUNDS = 20
_FINEST = 3
"""Eight bounds for each doubling: an error of 9 %."""


def joined(one: Counted, other: Counted) -> Counted:
    """Return the sum of two histograms, in buckets as wide as it needs."""
    if not one[2] or not other[2]:
        scale, offset, counts, _ = one if one[2] else other
        return (scale, offset, counts, one[3] + other[3])
    scale, low, high = _window((one, other), MOST_BUCKETS, min(one[0], other[0]))
    counts = [0] * (high - low + 1)
    for its, offset, counted, _ in (one, other):
        for at, count in enumerate(counted, offset):
            counts[(at >> (its - scale)) - low] += count
    return (scale, low, counts, one[3] + other[3])


def classic(rows: Sequence[Row]) -> tuple[tuple[float, ...], list[Row]]:
    """Return bounds for all series of a family, and the series as histograms with these."""
    readings = [row[1] for row in rows if row[1][2]]
    if not readings:
        return (1.0,), [(labels, packed_counts((counted[3], 0)), amount, ()) for labels, counted, amount, _ in rows]
    scale, low, high = _window(readings, _MOST_BOUNDS, min(_FINEST, *(reading[0] for reading in readings)))
    bounds = tuple([upper_bound(at, scale) for at in range(low, high + 1)])
    finite = tuple([bound for bound in bounds if bound != float("inf")])
    return finite, [_row(row, scale, low, finite) for row in rows]


def _row(row: Row, scale: int, low: int, bounds: tuple[float, ...]) -> Row:
    labels, (its, offset, counted, zeros), amount, exemplars = row
    counts = [0] * (len(bounds) + 1)
    counts[0] = zeros
    for at, count in enumerate(counted, offset):
        counts[min((at >> (its - scale)) - low, len(bounds))] += count
    return (labels, packed_counts(counts), amount, _placed(exemplars, bounds))


def _placed(exemplars: Sequence[bytes], bounds: tuple[float, ...]) -> Sequence[bytes]:
    """Return the newest exemplar of each bucket."""
    if not exemplars:
        return ()
    placed = [b""] * (len(bounds) + 1)
    for exemplar in sorted(exemplars):
        if exemplar:
            placed[bisect_left(bounds, measured(exemplar))] = exemplar
    return placed


def _window(readings: Sequence[Counted], most: int, scale: int) -> tuple[int, int, int]:
    """Return the finest scale, the given one at most, at which so many buckets hold all readings, and the first and the last."""
    low = min([offset >> (its - scale) for its, offset, _, _ in readings])
    high = max([(offset + len(counts) - 1) >> (its - scale) for its, offset, counts, _ in readings])
    while high - low >= most:
        scale, low, high = scale - 1, low >> 1, high >> 1
    return scale, low, high
