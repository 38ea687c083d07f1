"""cachetools: lookups and items of functions that are cached with `info=True`, around functions of the application's own.

Only with `PLATFORM_CACHE_METRICS`. They count themselves, and are asked when metrics are collected. Others do not: a cache that
takes an item out, to make room, looks it up as a caller does, so that from outside an eviction is a hit.
Source: cachetools/__init__.py, cachetools/_cached.py (5.3 to 8.0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.engine.counted import CountedCaches
from platform_instrument.engine.edits import Edit, edit_result

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

CACHES = CountedCaches("cachetools")


def decorating(_call: Call, decorator: Any) -> Any:  # noqa: ANN401 - what makes a cached function
    """Return the decorator that notes what it makes, if that counts."""
    return edit_result(decorator, Edit("cachetools cachetools:cached", made))


def made(_call: Call, cached: Any) -> None:  # noqa: ANN401 - a cached function
    """Note a cached function."""
    CACHES.note(cached)


INSTRUMENTATION = Instrumentation(
    name="cachetools",
    requires="cachetools>=5.3,<9",
    patches=(
        Custom("cachetools", CACHES.watch),
        EditResult("cachetools:cached", decorating),
    ),
    modules=("cachetools",),
    settings=("cache_metrics",),
)
