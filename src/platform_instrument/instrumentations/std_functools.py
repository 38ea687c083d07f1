"""functools: lookups and items of `lru_cache` and `cache` around functions of the application's own.

Only with `PLATFORM_CACHE_METRICS`. They count themselves, and are asked when metrics are collected: a call costs nothing more.
A decorator that a module has imported before this one is not seen; those of libraries are not looked at.
Source: Lib/functools.py (3.10 to 3.15)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.engine.counted import CountedCaches
from platform_instrument.engine.edits import Edit, edit_result

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

CACHES = CountedCaches("functools")


def made(_call: Call, result: Any) -> Any:  # noqa: ANN401 - a cached function, or what makes one
    """Note a cached function; `lru_cache(…)` without one returns what makes it."""
    if hasattr(result, "cache_info"):
        CACHES.note(result)
        return None
    return edit_result(result, Edit("functools functools:lru_cache", made))


INSTRUMENTATION = Instrumentation(
    name="functools",
    requires="python>=3.10,<3.16",
    patches=(
        Custom("functools", CACHES.watch),
        EditResult("functools:lru_cache", made),
    ),
    modules=("functools",),
    settings=("cache_metrics",),
)
