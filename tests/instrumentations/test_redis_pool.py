"""The pools of redis-py as they really are, sync and async, and what was looked up; the same file holds for 4.5 to 8."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
import uuid
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import redis
import redis.asyncio

from platform_instrument.telemetry.metrics.registry import METRICS
from tests.instrumentations.pooled import alive, lookups, points, pool, pools, state, until
from tests.instrumentations.recording import Recording, inside, recording

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

VERSION = tuple(int(part) for part in version("redis").split(".")[:2])
PAUSE = 0.05
CART, GONE, BASKET, NUMBER, NEVER = [str(uuid.uuid4()) for _ in range(5)]
"""Keys that no other test has, which may run at the same time."""


_opened: list[Any] = []


@pytest.fixture
def recorded() -> Iterator[Recording]:
    gc.collect()
    with recording("redis") as running:
        yield running
    while _opened:
        _opened.pop().disconnect()
    gc.collect()


def opened(kind: Any, url: str, **options: Any) -> Any:
    """Return a pool, whose connections are closed after the test."""
    _opened.append(kind.from_url(url, **options))
    return _opened[-1]


@pytest.fixture
def url(recorded: Recording, redis_url: str) -> str:  # noqa: ARG001 - recording goes on meanwhile
    return redis_url


def name(url: str) -> str:
    address = urlsplit(url)
    return f"{address.hostname}:{address.port or 6379}/{address.path.lstrip('/') or '0'}"


def blocking(url: str, **options: Any) -> Any:
    return opened(redis.BlockingConnectionPool, url, **{"max_connections": 3, "timeout": 30, **options})


def asynchronously(work: Callable[[Any], Awaitable[Any]], shop: Any) -> None:
    async def main() -> None:
        try:
            await work(shop)
        finally:
            await shop.disconnect()
        assert alive() == set()

    asyncio.run(main())


def take(shop: Any) -> Any:
    return shop.get_connection("GET")


def later(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


pytestmark = pytest.mark.filterwarnings("ignore:.*get_connection.*:DeprecationWarning")


def test_a_blocking_pool_of_three_tells_what_is_used_idle_and_waited_for(url: str) -> None:
    shop = blocking(url)
    held = [take(shop) for _ in range(3)]
    shop.release(held.pop())
    assert alive() == {name(url)}
    assert state() == (2, 1, 0)
    assert state("max", "idle.max", "idle.min", "timeouts") == (3, 3, 0, 0)
    held.append(take(shop))
    thread = later(lambda: shop.release(take(shop)))
    until(lambda: pool()["pending_requests"] == 1)
    assert state() == (3, 0, 1)
    shop.release(held.pop())
    thread.join()
    assert state() == (2, 1, 0)
    for connection in held:
        shop.release(connection=connection)
    assert state() == (0, 3, 0)
    only = pool()
    assert (only["create_time"].count, only["wait_time"].count, only["use_time"].count) == (3, 5, 5)


def test_a_plain_pool_tells_the_same_and_waits_for_nobody(url: str) -> None:
    shop = opened(redis.ConnectionPool, url, max_connections=2)
    held = [take(shop), take(shop)]
    assert state() == (2, 0, 0)
    with pytest.raises(redis.ConnectionError):
        take(shop)
    shop.release(held.pop())
    assert state("used", "idle", "pending_requests", "max", "idle.max", "timeouts") == (1, 1, 0, 2, 2, 0)
    shop.release(held.pop())
    assert pool()["use_time"].count == 2


def test_who_waits_in_vain_is_a_timeout(url: str) -> None:
    shop = blocking(url, max_connections=1, timeout=PAUSE)
    held = take(shop)
    for _ in range(2):
        with pytest.raises(redis.ConnectionError):
            take(shop)
    assert state("used", "pending_requests", "timeouts") == (1, 0, 2)
    shop.release(held)
    assert pool()["wait_time"].count == 1


def test_times_are_those_of_a_watch(url: str) -> None:
    def slowly(connection: Any) -> None:
        time.sleep(PAUSE)
        connection.on_connect()

    shop = blocking(url, max_connections=1, redis_connect_func=slowly)
    began = time.perf_counter()
    held = take(shop)
    created = time.perf_counter() - began
    thread = later(lambda: shop.release(take(shop)))
    until(lambda: pool()["pending_requests"] == 1)
    time.sleep(PAUSE)
    shop.release(held)
    thread.join()
    whole = time.perf_counter() - began
    only = pool()
    assert PAUSE <= only["create_time"].most <= created
    assert 2 * PAUSE <= only["wait_time"].sum <= 2 * whole
    assert PAUSE <= only["use_time"].most <= whole - created + 0.01
    assert only["create_time"].count == 1


def test_a_connection_that_is_closed_stays_in_the_pool_and_is_not_counted(url: str) -> None:
    shop = blocking(url)
    held = take(shop)
    held.disconnect()
    shop.release(held)
    assert state("used", "idle") == (0, 0)
    shop.release(take(shop))
    assert state("used", "idle") == (0, 1)
    assert pool()["create_time"].count == 2


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["BlockingConnectionPool", "ConnectionPool"])
def test_a_pool_that_is_disconnected_or_dropped_vanishes_and_what_was_counted_stays(url: str, kind: str) -> None:
    shop = getattr(redis, kind).from_url(url)
    client = redis.Redis(connection_pool=shop)
    client.ping()
    assert alive() == {name(url)}
    shop.disconnect()
    assert alive() == set()
    client.ping()
    assert alive() == {name(url)}
    del shop, client
    gc.collect()
    assert alive() == set()
    assert pool()["use_time"].count == 2


def test_each_command_takes_a_connection_and_gives_it_back(url: str) -> None:
    client = redis.Redis.from_url(url)
    for _ in range(7):
        client.get("cart")
    with client.pipeline() as queue:
        queue.get("cart").get("cart").execute()
    only = pool()
    assert (only["create_time"].count, only["wait_time"].count, only["use_time"].count) == (1, 8, 8)
    assert state() == (0, 1, 0)
    client.close()


def test_where_there_is_no_limit_none_is_told(url: str) -> None:
    client = redis.Redis.from_url(url, max_connections=1 << 31)
    client.ping()
    assert state("used", "idle", "max", "idle.max") == (0, 1, None, None)
    client.close()


def test_two_pools_of_one_database_are_told_apart_and_no_credential_is_in_a_name(url: str) -> None:
    first, second = redis.Redis.from_url(url), redis.Redis.from_url(url)
    third = redis.Redis.from_url(url.rpartition("/")[0] + "/3")
    for client in (first, second, third):
        client.ping()
    assert alive() == {name(url), f"{name(url)}#2", name(url).rpartition("/")[0] + "/3"}
    del client
    for client in (first, second, third):
        client.close()


def test_asynchronous_pools_tell_the_same(url: str) -> None:
    async def work(shop: Any) -> None:
        held = [await take(shop), await take(shop)]
        assert state() == (2, 0, 0)
        waiter = asyncio.ensure_future(take(shop))
        await asyncio.sleep(PAUSE / 2)
        assert state() == (2, 0, 1)
        with pytest.raises(redis.ConnectionError):
            await waiter
        assert state("used", "pending_requests", "timeouts") == (2, 0, 1)
        for connection in held:
            await shop.release(connection)
        assert state() == (0, 2, 0)
        only = pool()
        assert (only["create_time"].count, only["wait_time"].count, only["use_time"].count) == (2, 2, 2)

    asynchronously(work, redis.asyncio.BlockingConnectionPool.from_url(url, max_connections=2, timeout=2 * PAUSE))


def test_commands_of_an_asynchronous_client_take_and_give_back(url: str) -> None:
    async def work(shop: Any) -> None:
        client = redis.asyncio.Redis(connection_pool=shop)
        await asyncio.gather(*[client.get("cart") for _ in range(5)])
        await client.pipeline(transaction=False).get("cart").get("cart").execute()
        only = pool()
        assert only["wait_time"].count == only["use_time"].count == 6
        assert state("used", "pending_requests") == (0, 0)
        assert pool()["idle"] == only["create_time"].count

    asynchronously(work, redis.asyncio.ConnectionPool.from_url(url))


def test_threads_lose_no_measurement_and_leave_nothing_used(url: str) -> None:
    client = redis.Redis(connection_pool=blocking(url))

    def work() -> None:
        for _ in range(50):
            client.get("cart")
        pools()

    threads = [later(work) for _ in range(8)]
    for thread in threads:
        thread.join()
    only = pool()
    assert (only["wait_time"].count, only["use_time"].count) == (400, 400)
    assert (only["used"], only["pending_requests"]) == (0, 0)
    assert only["idle"] == only["create_time"].count <= 3


def test_a_wait_is_remembered_with_the_command_that_waited(recorded: Recording, url: str) -> None:
    shop = blocking(url, max_connections=1)
    client, held = redis.Redis(connection_pool=shop), shop.get_connection("GET")
    giving = threading.Timer(0.01, shop.release, (held,))
    giving.start()
    with inside():
        client.get("cart")
    giving.join()
    span = recorded.one()
    found = {each.name.rpartition(".")[2]: each.exemplars for each in points() if each.exemplars}
    assert {(each.trace_id, each.span_id) for each in found["wait_time"]} == {(span.trace_id, span.span_id)}
    client.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_child_sees_its_pools_as_they_are_and_times_from_zero(url: str) -> None:
    client = redis.Redis.from_url(url)
    client.ping()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        METRICS.reset()  # as the pipeline does in every child
        client.ping()
        only = pool()
        os.write(writing, repr((only["used"], only["idle"], only["wait_time"].count, only["create_time"].count)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 1000).decode() == "(0, 1, 1, 1)"
    os.close(reading)
    os.close(writing)
    client.close()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_pool_for_a_socket_is_called_as_its_file(recorded: Recording, tmp_path: Path) -> None:  # noqa: ARG001
    shop = blocking(f"unix://{tmp_path}/redis.sock?db=2", timeout=PAUSE)
    with pytest.raises(redis.ConnectionError):
        take(shop)
    assert points() == []
    shop.pool.get()
    shop.pool.get()
    shop.pool.get()
    with pytest.raises(redis.ConnectionError):
        take(shop)
    assert alive() == {f"{tmp_path}/redis.sock/2"}
    assert state("timeouts") == (1,)


@pytest.mark.faults
def test_a_fault_of_ours_is_invisible(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    for place in ("taken", "given_back", "made", "timed_out", "closed"):
        monkeypatch.setattr(f"platform_instrument.engine.pools.Pools.{place}", broken)
    client = redis.Redis(connection_pool=blocking(url, max_connections=1, timeout=PAUSE))
    client.set("cart", 7)
    assert client.get("cart") == b"7"
    held = take(client.connection_pool)
    with pytest.raises(redis.ConnectionError):
        client.get("cart")
    client.connection_pool.release(held)
    client.close()
    assert points() == []


# --- lookups --------------------------------------------------------------------------------------------------------


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(url)
    made.delete(CART, GONE, BASKET)
    made.set(CART, b"\xff" * 300)
    made.hset(BASKET, mapping={"tea": "green", "milk": "oat"})
    yield made
    made.close()


def test_what_was_asked_for_is_a_hit_or_a_miss(client: redis.Redis) -> None:
    assert lookups() == (0, 0, 0, 0)
    client.get(CART)
    client.get(GONE)
    client.execute_command("get", GONE)
    assert lookups() == (1, 2, 1, 300)
    client.mget(CART, GONE, CART)
    assert lookups() == (3, 3, 3, 900)
    client.hget(BASKET, "tea")
    client.hget(GONE, "tea")
    client.hmget(BASKET, "tea", "sugar", "milk")
    assert lookups() == (6, 5, 6, 913)


def test_other_commands_are_no_lookups(client: redis.Redis) -> None:
    client.exists(GONE)
    client.hgetall(GONE)
    client.lrange(GONE, 0, -1)
    client.incr(NUMBER)
    client.delete(NUMBER)
    with pytest.raises(redis.ResponseError):
        client.get(BASKET)
    assert lookups() == (0, 0, 0, 0)


@pytest.mark.parametrize("transaction", [True, False])
def test_lookups_of_a_pipeline_are_counted(client: redis.Redis, transaction: bool) -> None:  # noqa: FBT001
    with client.pipeline(transaction=transaction) as queue:
        queue.get(CART).set(GONE, "x", px=1).mget(CART, NEVER).hget(BASKET, "sugar").get(BASKET)
        answers = queue.execute(raise_on_error=False)
    assert isinstance(answers[-1], redis.ResponseError)
    assert lookups() == (2, 2, 2, 600)


def test_a_watched_transaction_counts_what_it_reads_at_once(client: redis.Redis) -> None:
    def read(queue: Any) -> None:
        queue.get(CART)
        queue.multi()
        queue.get(GONE)

    client.transaction(read, CART)
    assert lookups() == (1, 1, 1, 300)


def test_text_is_measured_in_bytes_and_decoded_once(url: str, client: redis.Redis) -> None:
    client.set(CART, "Käse")
    decoding = redis.Redis.from_url(url, decode_responses=True)
    assert decoding.get(CART) == "Käse"
    assert decoding.mget(CART, GONE) == ["Käse", None]
    assert lookups() == (2, 1, 2, 10)
    decoding.close()


def test_what_a_callback_makes_of_an_answer_is_a_hit_of_unknown_size(client: redis.Redis) -> None:
    client.set_response_callback("GET", lambda answer, **_: answer and object())
    client.get(CART)
    client.get(GONE)
    assert lookups() == (1, 1, 0, 0)


def test_asynchronous_lookups_are_counted_alike(url: str, client: redis.Redis) -> None:
    async def work(shop: Any) -> None:
        made = redis.asyncio.Redis(connection_pool=shop)
        await made.get(CART)
        await made.mget(CART, GONE)
        await made.pipeline().get(GONE).get(CART).execute()
        assert lookups() == (3, 2, 3, 900)

    client.close()
    asyncio_pool = redis.asyncio.ConnectionPool.from_url(url)

    async def main() -> None:
        await work(asyncio_pool)
        await asyncio_pool.disconnect()

    asyncio.run(main())
