"""Lookups of Django's caches by alias, whatever the backend; the span is the client's."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import django
import pytest
from django.conf import settings
from django.core.cache import CacheHandler

from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.testing import received
from tests.instrumentations.recording import Recording, recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENVIRON = {"PLATFORM_CACHE_METRICS": "true"}
BACKENDS = {
    "locmem": "locmem.LocMemCache",
    "file": "filebased.FileBasedCache",
    "db": "db.DatabaseCache",
    "redis": "redis.RedisCache",
    "pymemcache": "memcached.PyMemcacheCache",
    "pylibmc": "memcached.PyLibMCCache",
}


@pytest.fixture(scope="module", autouse=True)
def _configured(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not settings.configured:
        file = tmp_path_factory.mktemp("django") / "db.sqlite3"
        settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}})
        django.setup()


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording("django_cache", "redis", "pymemcache", environ=ENVIRON) as running:
        yield running


@pytest.fixture(params=BACKENDS)
def cache(request: pytest.FixtureRequest, recorded: Recording, tmp_path: Path) -> Iterator[Any]:
    """Return the cache `tea` of each backend, empty."""
    kind = request.param
    location = {"locmem": "tea", "file": str(tmp_path), "db": "tea_cache"}.get(kind, "")
    if kind == "redis":
        if django.VERSION < (4, 0):
            pytest.skip("Django's own backend for Redis came with 4.0")
        location = request.getfixturevalue("redis_url")
    elif kind in {"pymemcache", "pylibmc"}:
        pytest.importorskip(kind, reason=f"no {kind} here")
        location = urlsplit(request.getfixturevalue("memcached_url")).netloc
    elif kind == "db":
        from django.core.management import call_command
        from django.db import connection, connections

        if not connections.settings["default"].get("ENGINE", "").endswith("sqlite3"):  # another test has configured Django first
            own = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")}
            connections.settings = connections.configure_settings({"default": own})
            if hasattr(connections._connections, "default"):
                del connections["default"]
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS tea_cache")
        caches = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "tea_cache"}}
        settings.CACHES = caches
        call_command("createcachetable", "tea_cache", verbosity=0)
    options = {"BACKEND": f"django.core.cache.backends.{BACKENDS[kind]}", "LOCATION": location, "KEY_PREFIX": "test_django_cache"}
    made = CacheHandler({"tea": options})["tea"]
    for key in ("cart", "basket", "gone"):
        made.delete(key)
    recorded.take()
    yield made
    made.close()


def told() -> dict[str, tuple[int, int]]:
    """Return hits and misses by alias."""
    found: dict[str, dict[str, int]] = {}
    for point in received.points(MetricEncoder({}).encode(METRICS)):
        if point.name == "platform.cache.lookups" and "cache.name" in point.attributes:
            assert set(point.attributes) == {"cache.system", "cache.name", "cache.result"}
            assert point.attributes["cache.system"] == "django"
            each = found.setdefault(str(point.attributes["cache.name"]), {})
            each[str(point.attributes["cache.result"])] = int(point.value or 0)
    return {name: (each.get("hit", 0), each.get("miss", 0)) for name, each in found.items()}


def test_each_key_is_a_lookup_of_the_alias(cache: Any) -> None:
    cache.set("cart", "assam")
    assert cache.get("cart") == "assam"
    assert cache.get("gone") is None
    assert cache.get(key="gone", default="ceylon") == "ceylon"
    assert cache.get_many(["cart", "gone"]) == {"cart": "assam"}
    assert told() == {"tea": (2, 3)}


def test_what_is_looked_up_or_set_is_one_lookup(cache: Any) -> None:
    assert cache.get_or_set("cart", "assam") == "assam"
    assert told() == {"tea": (0, 1)}
    assert cache.get_or_set("cart", "ceylon") == "assam"
    assert told() == {"tea": (1, 1)}
    assert cache.get_or_set(key="basket", default=lambda: cache.get("cart")) == "assam"
    assert told() == {"tea": (2, 2)}
    cache.get("basket")
    assert told() == {"tea": (3, 2)}


def test_what_cannot_be_set_is_forgotten(cache: Any) -> None:
    def fail() -> None:
        message = "no tea"
        raise LookupError(message)

    with pytest.raises(LookupError):
        cache.get_or_set("cart", fail)
    cache.get("cart")
    assert told() == {"tea": (0, 2)}


@pytest.mark.skipif(django.VERSION < (4, 0), reason="asynchronous methods came with Django 4.0")
def test_asynchronous_lookups_are_counted_alike(cache: Any) -> None:
    if type(cache).__name__ == "DatabaseCache":
        pytest.skip("Django's connection to SQLite belongs to its thread")

    async def work() -> None:
        await cache.aset("cart", "assam")
        assert await cache.aget("cart") == "assam"
        assert await cache.aget_many(["cart", "gone"]) == {"cart": "assam"}
        assert await cache.aget_or_set("basket", "ceylon") == "ceylon"

    asyncio.run(work())
    assert told() == {"tea": (2, 2)}


def test_a_call_is_the_one_span_of_the_client(cache: Any, recorded: Recording) -> None:
    cache.get("cart")
    expected = {"RedisCache": ["GET"], "PyMemcacheCache": ["get"]}.get(type(cache).__name__, [])
    assert recorded.names == expected


def test_aliases_are_told_apart_and_a_cache_without_one_is_not_counted(recorded: Recording) -> None:  # noqa: ARG001 - goes on
    from django.core.cache.backends.locmem import LocMemCache

    backend = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    caches = CacheHandler({"tea": {**backend, "LOCATION": "a"}, "sugar": {**backend, "LOCATION": "b"}})
    caches["tea"].get("cart")
    caches["sugar"].get_or_set("cart", 1)
    caches["sugar"].get("cart")
    LocMemCache("c", {}).get("cart")
    assert told() == {"tea": (0, 1), "sugar": (1, 1)}


def test_a_backend_of_the_application_is_counted_by_what_it_inherits(recorded: Recording) -> None:  # noqa: ARG001 - goes on
    from django.core.cache.backends.locmem import LocMemCache

    class Own(LocMemCache):
        pass

    sys.modules[__name__].Own = Own  # type: ignore[attr-defined] # where Django looks for it
    caches = CacheHandler({"own": {"BACKEND": f"{__name__}.Own"}})
    assert type(caches["own"]) is Own
    caches["own"].get("cart")
    assert told() == {"own": (0, 1)}
