"""Lookups in caches, counted by whether the cache had what it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.semantics.caches import HIT, ITEM_SIZE, LOOKUPS, MISS, RESULT, size
from platform_instrument.telemetry.metrics.registry import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platform_instrument.semantics.database import Database

_MOST_CACHES = 1_000

_cells: dict[Database, tuple[Any, Any, Any]] = {}
"""By cache: hits, misses, sizes."""


def looked_up(where: Database, items: Iterable[Any]) -> None:
    """Count what a cache answered for each key: None where it had nothing, an exception where nobody knows."""
    hits, misses, sizes = _cells.get(where) or _known(where)
    for item in items:
        if item is None:
            misses.add(1)
        elif not isinstance(item, BaseException):
            hits.add(1)
            number = len(item) if type(item) is bytes else size(item)
            if number is not None:
                sizes.count(number, None)


def _known(where: Database) -> tuple[Any, Any, Any]:
    attributes = where.attributes()
    pairs = tuple([(name, attributes[name]) for name in ITEM_SIZE.constant if name in attributes])
    hits, misses = [METRICS.metric(LOOKUPS).cell((*pairs, (RESULT, result))) for result in (HIT, MISS)]
    if len(_cells) >= _MOST_CACHES:
        _cells.clear()
    cells = _cells[where] = (hits, misses, METRICS.metric(ITEM_SIZE).cell(pairs))
    return cells
