"""One span a command of valkey-py, which has the shape of redis-py, and the metrics of its pools; values never leave."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import valkey
import valkey.asyncio

from platform_instrument.engine.health import DOWN, UP
from platform_instrument.testing.contract import InstrumentationContract
from tests.instrumentations.pooled import alive, lookups, pool, state
from tests.instrumentations.recording import Recording, ids, inside, recording
from tests.own_servers import own
from tests.processes import HOST, free_port
from tests.runtime.health.checking import checking, states, until
from tests.servers import REDIS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording("valkey") as running:
        yield running


@pytest.fixture
def client(redis_url: str, recorded: Recording) -> Iterator[valkey.Valkey]:
    made = valkey.Valkey.from_url(redis_url)
    made.delete("basket", "list", "number")
    recorded.take()
    yield made
    made.close()


def where(url: str) -> dict[str, Any]:
    address = urlsplit(url)
    return {
        "db.system.name": "valkey",
        "db.namespace": address.path.lstrip("/") or "0",
        "server.address": address.hostname,
        "server.port": address.port,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": address.port,
    }


def test_a_command_carries_every_attribute_of_the_conventions_and_no_value(
    recorded: Recording, client: valkey.Valkey, redis_url: str
) -> None:
    with inside() as parent:
        assert client.set("basket", "s3cret") is True
    span = recorded.one()
    operation = {**where(redis_url), "db.operation.name": "SET"}
    assert span.attributes == {**operation, "network.transport": "tcp", "db.query.text": "SET basket ?"}
    assert (span.name, span.kind, span.status, span.scope.name) == ("SET", "CLIENT", "UNSET", "platform_instrument.valkey")
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert (operation, 1) in recorded.counted()


def test_pipelines_transactions_scripts_and_errors_are_those_of_redis_py(recorded: Recording, client: valkey.Valkey) -> None:
    with client.pipeline() as queue:
        assert queue.set("basket", "s3cret").get("basket").execute() == [True, b"s3cret"]
    client.register_script("return 's3cret'")()
    with pytest.raises(valkey.ResponseError):
        client.lpush("basket", 1)
    multi, *scripts, failed = recorded.take()
    assert (multi.name, multi.attributes["db.query.text"]) == ("MULTI", "SET basket ?\nGET basket")
    assert scripts[-1].name.startswith("EVALSHA ")
    assert (failed.status, failed.attributes["db.response.status_code"]) == ("ERROR", "WRONGTYPE")
    assert "s3cret" not in repr([multi, *scripts, failed])


def test_a_command_that_waits_is_measured_apart(recorded: Recording, client: valkey.Valkey) -> None:
    client.blpop(["list"], timeout=1)
    assert recorded.one().attributes["platform.db.blocking"] is True
    assert [count for _, count in recorded.counted("platform.db.client.blocking.duration")] == [1]


def test_asyncio_is_observed_alike_and_two_tasks_keep_their_parents(recorded: Recording, redis_url: str) -> None:
    async def request(client: Any) -> str:
        with inside() as parent:
            await client.get("basket")
            await client.pipeline(transaction=False).get("basket").get("basket").execute()
        return ids(parent)[1]

    async def main() -> list[str]:
        client = valkey.asyncio.Valkey.from_url(redis_url)
        await client.set("basket", "s3cret")
        parents = await asyncio.gather(request(client), request(client))
        await client.aclose()
        return list(parents)

    parents = asyncio.run(main())
    spans = recorded.take()[1:]
    assert sorted((span.name, span.parent_id) for span in spans) == sorted(
        (name, parent) for name in ("GET", "PIPELINE GET") for parent in parents
    )
    assert all(where(redis_url).items() <= span.attributes.items() for span in spans)


def test_lookups_and_pools_are_measured(recorded: Recording, client: valkey.Valkey, redis_url: str) -> None:  # noqa: ARG001 - goes on
    client.set("basket", b"x" * 300)
    client.get("basket")
    client.mget("basket", "number")
    assert lookups() == (2, 1, 2, 600)
    address = urlsplit(redis_url)
    assert alive() == {f"{address.hostname}:{address.port}/{address.path.lstrip('/') or '0'}"}
    assert state() == (0, 1, 0)
    assert pool()["use_time"].count == 4
    client.close()
    assert alive() == set()


def test_a_blocking_pool_of_asyncio_tells_what_is_used(recorded: Recording, redis_url: str) -> None:  # noqa: ARG001 - goes on
    async def main() -> None:
        shop = valkey.asyncio.BlockingConnectionPool.from_url(redis_url, max_connections=2)
        held = await shop.get_connection("GET")
        assert state("used", "idle", "max") == (1, 0, 2)
        await shop.release(held)
        assert state("used", "idle", "max") == (0, 1, 2)
        await shop.disconnect()
        assert alive() == set()

    asyncio.run(main())


def test_a_server_that_is_not_there_is_an_error_without_a_code(recorded: Recording) -> None:
    port = free_port()
    with pytest.raises(valkey.ConnectionError):
        valkey.Valkey(host=HOST, port=port).get("basket")
    span = recorded.one()
    assert span.attributes["error.type"] == "valkey.exceptions.ConnectionError"
    assert "db.response.status_code" not in span.attributes
    assert (span.attributes["server.address"], span.attributes["server.port"]) == (HOST, port)


def test_a_cluster_is_one_span_a_command(recorded: Recording, tmp_path: Path) -> None:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server here")
    port = free_port()
    while port > 55_000:  # a cluster's servers talk to each other 10,000 ports above
        port = free_port()
    command = [program, "--port", str(port), "--bind", HOST, "--save", "", "--dir", str(tmp_path), "--cluster-enabled", "yes"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: REDIS.answers(port))
        plain = valkey.Valkey(host=HOST, port=port)
        plain.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        until(lambda: "cluster_state:ok" in str(plain.execute_command("CLUSTER INFO")) or _ok(plain))
        plain.close()
        cluster = valkey.ValkeyCluster(host=HOST, port=port)
        recorded.take()
        cluster.set("basket", "s3cret")
        assert cluster.pipeline().get("basket").get("basket").execute() == [b"s3cret"] * 2
        cluster.close()

        async def main() -> None:
            client = valkey.asyncio.ValkeyCluster(host=HOST, port=port)
            assert await client.get("basket") == b"s3cret"
            await client.aclose()

        asyncio.run(main())
    finally:
        process.terminate()
        process.wait(10)
    spans = [span for span in recorded.take() if not span.name.startswith(("COMMAND", "CLUSTER"))]
    assert [span.name for span in spans] == ["SET", "PIPELINE GET", "GET"]
    assert {span.attributes["db.system.name"] for span in spans} == {"valkey"}
    assert [span.attributes.get("server.port") for span in spans[:2]] == [port, port]


def _ok(plain: Any) -> bool:
    return bool(plain.cluster("INFO").get("cluster_state") == "ok")


def test_a_sentinel_s_client_says_the_server_it_found(recorded: Recording, tmp_path: Path) -> None:
    from valkey.sentinel import Sentinel

    with own(REDIS) as server:
        sentinel_port = free_port()
        file = tmp_path / "sentinel.conf"
        file.write_text(f"sentinel monitor shop {HOST} {server.port} 1\n")
        command = [str(shutil.which("redis-server")), str(file), "--sentinel", "--port", str(sentinel_port), "--bind", HOST]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: REDIS.answers(sentinel_port))
            client = Sentinel([(HOST, sentinel_port)]).master_for("shop")
            client.set("basket", 1)
            client.close()
        finally:
            process.terminate()
            process.wait(10)
    span = recorded.take()[-1]
    assert (span.name, span.attributes["db.system.name"]) == ("SET", "valkey")
    assert (span.attributes["server.address"], span.attributes["server.port"]) == (HOST, server.port)


def test_redis_py_and_valkey_py_of_one_service_are_told_apart(redis_url: str) -> None:
    import redis

    with recording("redis", "valkey") as both:
        for kind in (redis.Redis, valkey.Valkey):
            client = kind.from_url(redis_url)
            client.ping()
            client.close()
    assert [(span.scope.name, span.attributes["db.system.name"]) for span in both.take()] == [
        ("platform_instrument.redis", "redis"),
        ("platform_instrument.valkey", "valkey"),
    ]


def test_its_server_is_a_dependency_that_is_up_and_down() -> None:
    with own(REDIS) as server, checking({}, "valkey_checks"):
        client = valkey.Valkey(host=HOST, port=server.port)
        name = f"valkey {HOST}:{server.port}/0"
        until(lambda: states() == {name: UP})
        server.stop()
        until(lambda: states() == {name: DOWN})
        client.close()


class TestContract(InstrumentationContract):
    declared_in = "platform_instrument.instrumentations.valkey"

    @pytest.fixture(autouse=True)
    def _server(self, redis_url: str) -> None:
        self.url = redis_url

    def exercise(self) -> None:
        client = valkey.Valkey.from_url(self.url)
        client.set("basket", "x")
        client.blpop(["list"], timeout=0.01)
        with pytest.raises(valkey.ResponseError):
            client.lpush("basket", 1)
        client.close()
