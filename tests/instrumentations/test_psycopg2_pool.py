"""The pools of psycopg2 as they really are."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg2
import psycopg2.pool
import pytest

from tests.instrumentations.pooled import alive, pool, state
from tests.instrumentations.recording import recording

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = [psycopg2.pool.SimpleConnectionPool, psycopg2.pool.ThreadedConnectionPool]
PAUSE = 0.02


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    gc.collect()
    with recording("psycopg2"):
        yield postgres_url


@pytest.mark.parametrize("kind", KINDS)
def test_a_pool_tells_what_is_used_and_idle(url: str, kind: Any) -> None:
    shop = kind(1, 2, url)
    address = urlsplit(url)
    assert alive() == {f"{address.hostname}:{address.port or 5432}{address.path}"}
    assert state() == (0, 1, 0)
    first, second = shop.getconn(), shop.getconn(key="second")
    assert shop.getconn(key="second") is second
    assert state() == (2, 0, 0)
    with pytest.raises(psycopg2.pool.PoolError):
        shop.getconn()
    shop.putconn(first)
    shop.putconn(conn=second, key="second")
    assert state() == (0, 1, 0)
    assert state("max", "idle.max", "idle.min", "timeouts") == (2, 1, 1, 0)
    only = pool()
    assert (only["create_time"].count, only["wait_time"].count, only["use_time"].count) == (2, 2, 2)
    shop.closeall()
    assert alive() == set()


def test_times_are_those_of_a_watch(url: str) -> None:
    shop = psycopg2.pool.SimpleConnectionPool(1, 1, url)
    began = time.perf_counter()
    for _ in range(2):
        connection = shop.getconn()
        time.sleep(PAUSE)
        shop.putconn(connection)
    whole = time.perf_counter() - began
    only = pool()
    assert 2 * PAUSE <= only["use_time"].sum <= whole
    assert only["wait_time"].sum < whole
    assert only["create_time"].sum > 0
    shop.closeall()


def test_a_pool_that_is_dropped_vanishes(url: str) -> None:
    shop = psycopg2.pool.SimpleConnectionPool(1, 1, url)
    assert len(alive()) == 1
    del shop
    gc.collect()
    assert alive() == set()


def test_connections_of_a_function_s_are_no_fault(url: str) -> None:
    def make(dsn: str, **options: Any) -> Any:
        return psycopg2.extensions.connection(dsn, **options)

    shop = psycopg2.pool.SimpleConnectionPool(1, 1, url, connection_factory=make)
    shop.putconn(shop.getconn())
    assert state() == (0, 1, 0)
    shop.closeall()
