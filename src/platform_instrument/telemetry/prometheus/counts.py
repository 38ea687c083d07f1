"""The counts of a histogram's buckets as bytes, 64 bits each: read from other processes at once, and added as one large number.

No count reaches 64 bits, so none is carried into its neighbour.
"""

from __future__ import annotations

from array import array
from itertools import accumulate
from sys import byteorder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_number = int.from_bytes


def packed_counts(counts: Iterable[int]) -> bytes:
    """Return counts as bytes."""
    return array("Q", counts).tobytes()


def added(counts: Sequence[bytes]) -> bytes:
    """Return the sums, bucket by bucket."""
    return sum([_number(each, byteorder) for each in counts]).to_bytes(len(counts[0]), byteorder)


def running(counts: bytes) -> tuple[int, ...]:
    """Return how many were counted up to each bound."""
    return tuple(accumulate(memoryview(counts).cast("Q")))
