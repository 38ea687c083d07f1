"""Caches of functions that count themselves, as those of `functools` do: read when metrics are collected, never when called.

A cache is told by the name of its function; several of one name, such as each object's own, are added up. What a cache has
counted since the last collection is lost with it.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

import platform_instrument
from platform_instrument.core.forks import around_fork
from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.semantics.caches import HIT, ITEMS, LOOKUPS, MISS, NAMED, RESULT
from platform_instrument.telemetry.metrics.registry import METRICS

if TYPE_CHECKING:
    from platform_instrument.core.values import Changes

_MOST_CACHES = 1_000
_LONGEST_NAME = 128
_INSTALLED = tuple([f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages")])
_NOBODY_S = tuple([os.path.dirname(str(module.__file__)) + os.sep for module in (os, platform_instrument)])  # noqa: PTH120

_counted: dict[int, _Counted] = {}
_shown: set[tuple[tuple[str, str], ...]] = set()
"""The caches of the last collection."""


class _Counted:
    """One cache, held weakly, and what was read of it last."""

    __slots__ = ("cached", "forked", "hits", "misses", "name", "system")

    def __init__(self, system: str, cached: Any, name: str) -> None:  # noqa: ANN401 - a function with `cache_info`
        self.system = system
        self.name = name
        self.hits = self.misses = 0
        self.forked = False
        self.cached = ref(cached, partial(_forget, id(cached)))

    def read(self) -> tuple[int, int, int]:
        """Return hits and misses since the last time, and the number of items; who clears a cache lets it count from zero."""
        cached = self.cached()
        if cached is None:
            return 0, 0, 0
        info = cached.cache_info()
        hits, misses = info.hits, info.misses
        begun = hits < self.hits or misses < self.misses
        since = (0, 0) if self.forked else (hits, misses) if begun else (hits - self.hits, misses - self.misses)
        self.forked = False
        self.hits, self.misses = hits, misses
        return *since, int(info.currsize)

    def begin(self) -> None:
        """Count from now on, in a fork child; a cache with a lock, which a thread of the parent may hold, is asked later."""
        self.forked = True
        if getattr(self.cached(), "cache_lock", None) is None:
            self.read()


def _after_fork() -> None:
    for each in _counted.copy().values():
        guard("cache of a function", each.begin)


def _forget(key: int, _gone: object) -> None:
    _counted.pop(key, None)


class CountedCaches:
    """The caches of one library; `system` is what it is called."""

    __slots__ = ("noting", "system")

    def __init__(self, system: str) -> None:
        self.system = system
        self.noting = False

    def watch(self, changes: Changes) -> None:
        """Read what was noted until the instrumentation is undone."""
        self.noting = True
        changes.on_undo(self._stop)

    def note(self, cached: Any) -> None:  # noqa: ANN401 - what a decorator returned
        """Read this cache from now on, if it counts itself and its function is the application's own."""
        name = _name(cached) if self.noting else ""
        if not name:
            return
        if len(_counted) >= _MOST_CACHES:
            say(f"more than {_MOST_CACHES} caches of functions are alive; further ones are not measured", place="caches")
            return
        if _observe not in METRICS.observers:
            METRICS.observers.append(_observe)
            METRICS.asked = True
        _counted[id(cached)] = _Counted(self.system, cached, name)

    def _stop(self) -> None:
        self.noting = False
        for key, each in _counted.copy().items():
            if each.system == self.system:
                del _counted[key]


def _name(cached: Any) -> str:  # noqa: ANN401 - as above
    """Return module and name of a function of the application's, empty where it is another's or does not count."""
    function: Any = getattr(cached, "__wrapped__", None)
    file = str(getattr(getattr(function, "__code__", None), "co_filename", "<"))
    if not callable(getattr(cached, "cache_info", None)):
        return ""
    if file.startswith(("<", *_NOBODY_S)) or any(place in file for place in _INSTALLED):
        return ""
    return f"{function.__module__}.{function.__qualname__}"[:_LONGEST_NAME]


def _observe() -> None:
    """Count what was counted since, and say how many items there are."""
    items: dict[tuple[tuple[str, str], ...], int] = {}
    for each in _counted.copy().values():
        found = guard("cache of a function", each.read)
        if found is None:
            continue
        hits, misses, size = found
        pairs = tuple(zip(NAMED, (each.system, each.name), strict=True))
        items[pairs] = items.get(pairs, 0) + size
        for result, number in ((HIT, hits), (MISS, misses)):
            METRICS.metric(LOOKUPS).cell((*pairs, (RESULT, result))).add(number)
    for pairs, total in items.items():
        METRICS.metric(ITEMS).cell(pairs).put(total)
    for pairs in _shown - items.keys():
        METRICS.metric(ITEMS).retire(pairs)
    _shown.clear()
    _shown.update(items)


around_fork(child=_after_fork)
