"""Caches of functions count themselves, and are asked when metrics are collected."""

from __future__ import annotations

import copy
import functools
import gc
import inspect
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

import cachetools
import pytest

from platform_instrument.engine import counted
from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.testing import received
from tests.instrumentations.recording import recording
from tests.processes import BIN, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

HERE = __name__


@pytest.fixture
def _counting() -> Iterator[None]:
    with recording("std_functools", "cachetools", environ={"PLATFORM_CACHE_METRICS": "true"}):
        yield


pytestmark = pytest.mark.usefixtures("_counting")


def told() -> dict[tuple[str, str], tuple[int, int, int | None]]:
    """Return hits, misses and items by system and name."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for point in METRICS.collect(lambda: received.points(MetricEncoder({}).encode(METRICS))) or ():
        if "cache.name" in point.attributes:
            each = found.setdefault((str(point.attributes["cache.system"]), str(point.attributes["cache.name"])), {})
            each[str(point.attributes.get("cache.result", point.name))] = int(point.value or 0)
    return {key: (each.get("hit", 0), each.get("miss", 0), each.get("platform.cache.items")) for key, each in found.items()}


PROGRAM = """
import functools
from functools import cache

@cache
def price(tea):
    return tea

price("assam")
price("assam")
"""


class _Written(NamedTuple):
    tea: str


@functools.lru_cache
def early(number: int) -> int:
    return number


def test_a_cached_function_tells_lookups_and_items() -> None:
    @functools.lru_cache(maxsize=2)
    def price(tea: str) -> str:
        return tea * 2

    @functools.cache
    def stock(tea: str) -> str:
        return tea

    @functools.lru_cache
    def bare(tea: str) -> str:
        return tea

    for tea in ("assam", "assam", "darjeeling", "ceylon"):
        assert price(tea) == tea * 2
    stock("assam")
    bare("assam")
    bare("assam")
    place = f"{HERE}.test_a_cached_function_tells_lookups_and_items.<locals>."
    assert told() == {
        ("functools", f"{place}price"): (1, 3, 2),
        ("functools", f"{place}stock"): (0, 1, 1),
        ("functools", f"{place}bare"): (1, 1, 1),
    }
    price("ceylon")
    assert told()["functools", f"{place}price"] == (2, 3, 2)


def test_who_clears_a_cache_loses_no_count() -> None:
    @functools.cache
    def price(tea: str) -> str:
        return tea

    price("assam")
    price("assam")
    assert [*told().values()] == [(1, 1, 1)]
    price.cache_clear()
    price("assam")
    assert [*told().values()] == [(1, 2, 1)]


def test_caches_of_one_name_are_added_up_and_what_they_counted_stays() -> None:
    class Shop:
        def __init__(self) -> None:
            self.price = functools.lru_cache(self._price)

        def _price(self, tea: str) -> str:
            return tea

    shops = [Shop(), Shop()]
    for shop in shops:
        shop.price("assam")
        shop.price("assam")
    assert [*told().values()] == [(2, 2, 2)]
    del shops, shop
    gc.collect()
    assert [*told().values()] == [(2, 2, None)]
    assert counted._counted == {}


def test_a_fork_child_counts_what_it_looks_up_itself() -> None:
    @functools.cache
    def price(tea: str) -> str:
        return tea

    price("assam")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        price("assam")
        os.write(writing, repr([*told().values()]).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as answer:
        assert answer.read() == "[(1, 0, 1)]"
    assert [*told().values()] == [(0, 1, 1)]


def test_functions_of_libraries_and_of_the_interpreter_are_left_out() -> None:
    kept = [functools.lru_cache(function) for function in (inspect.getdoc, pytest.importorskip, len)]
    kept[0](len)
    functools.lru_cache(_Written.__new__)(_Written, "assam")
    assert early(7) == 7
    assert told() == {}


def test_what_is_cached_stays_what_it_is() -> None:
    @functools.lru_cache(maxsize=3, typed=True)
    def price(tea: str) -> str:
        """Say a price."""
        return tea

    assert type(price) is type(early)
    assert price.cache_parameters() == {"maxsize": 3, "typed": True}
    assert (price.__doc__, str(inspect.signature(functools.lru_cache))) == ("Say a price.", "(maxsize=128, typed=False)")
    assert copy.deepcopy(early) is early
    with pytest.raises(TypeError, match="Expected first argument to be an integer"):
        functools.lru_cache("nonsense")


@pytest.mark.parametrize("locked", [False, True])
def test_a_function_that_is_cached_by_cachetools_with_info_tells_the_same(locked: bool) -> None:  # noqa: FBT001 - a row
    import threading

    lock = threading.Lock() if locked else None

    @cachetools.cached(cachetools.LRUCache(maxsize=2), lock=lock, info=True)
    def price(tea: str) -> str:
        return tea

    @cachetools.cached(cachetools.LRUCache(maxsize=2), lock=lock)
    def stock(tea: str) -> str:
        return tea

    for tea in ("assam", "assam", "darjeeling", "ceylon"):
        assert price(tea) == stock(tea) == tea
    name = f"{HERE}.{price.__qualname__}"
    assert told() == {("cachetools", name): (1, 3, 2)}


def test_what_is_undone_tells_nothing_any_more() -> None:
    decorating = functools.lru_cache(maxsize=3)
    with recording(environ={"PLATFORM_CACHE_METRICS": "true"}):
        from platform_instrument.engine import apply

        apply.uninstall("functools")

        @decorating
        def price(tea: str) -> str:
            return tea

        price("assam")
        assert told() == {}


def test_without_the_setting_nothing_is_patched() -> None:
    from platform_instrument.config.schema import Settings
    from platform_instrument.engine.apply import why_off

    for name in ("functools", "cachetools", "django_cache"):
        assert "PLATFORM_CACHE_METRICS" in why_off(Settings(), name, ("cache_metrics",))


def test_a_program_that_is_started_with_the_setting_tells_its_caches(tmp_path: Path, collector: Collector) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    run([BIN / "platform-instrument", sys.executable, file], env={"PLATFORM_CACHE_METRICS": "true"}, collector=collector)
    hits = [point for point in collector.latest("platform.cache.lookups") if point.attributes["cache.result"] == "hit"]
    assert [(point.attributes["cache.name"], point.value) for point in hits] == [("__main__.price", 1)]
