"""One span a command of redis-py, sync and async, whatever the client; values never leave."""

from __future__ import annotations

import asyncio
import inspect
import shutil
import subprocess
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.instrumentations.pooled import alive, lookups
from tests.instrumentations.recording import Recording, ids, inside, recording
from tests.processes import HOST, free_port
from tests.servers import REDIS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

VERSION = tuple(int(part) for part in version("redis").split(".")[:2])


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording("redis") as running:
        yield running


@pytest.fixture
def client(redis_url: str, recorded: Recording) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(redis_url)
    made.delete("cart", "list", "number")
    recorded.take()
    yield made
    made.close()


def run(redis_url: str, work: Callable[[Any], Awaitable[Any]], **options: Any) -> Any:
    """Return what `work` answers with an asyncio client."""

    async def main() -> Any:
        client = redis.asyncio.Redis.from_url(redis_url, **options)
        try:
            return await work(client)
        finally:
            await (client.aclose() if hasattr(client, "aclose") else client.close())
            await client.connection_pool.disconnect()

    return asyncio.run(main())


def where(url: str) -> dict[str, Any]:
    """Return the attributes that say where a command went."""
    address = urlsplit(url)
    port = address.port or 6379
    return {
        "db.system.name": "redis",
        "db.namespace": address.path.lstrip("/") or "0",
        "server.address": address.hostname,
        "server.port": port,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": port,
    }


def test_a_command_carries_every_attribute_of_the_conventions_and_no_value(
    recorded: Recording, client: redis.Redis, redis_url: str
) -> None:
    with inside() as parent:
        assert client.set("cart", "s3cret") is True
    span = recorded.one()
    text = span.attributes.pop("db.query.text")
    assert span.attributes == {**where(redis_url), "network.transport": "tcp", "db.operation.name": "SET"}
    assert text.startswith("SET")
    assert "s3cret" not in text
    assert span.name == "SET"
    assert span.kind == "CLIENT"
    assert span.status == "UNSET"
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert span.scope.name == "platform_instrument.redis"
    assert ({**where(redis_url), "db.operation.name": "SET"}, 1) in recorded.counted()


def test_the_first_command_of_a_pool_says_its_peer_too(recorded: Recording, redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.ping()
    client.close()
    span = recorded.one()
    assert where(redis_url).items() <= span.attributes.items()
    assert [attributes for attributes, _ in recorded.counted()] == [{**where(redis_url), "db.operation.name": "PING"}]


def test_asyncio_is_observed_alike(recorded: Recording, redis_url: str) -> None:
    async def work(client: Any) -> None:
        await client.set("cart", "s3cret")
        assert await client.get("cart") == b"s3cret"
        async with client.pipeline(transaction=False) as queue:
            assert await queue.get("cart").get("cart").execute() == [b"s3cret"] * 2
        with pytest.raises(redis.ResponseError):
            await client.lpush("cart", 1)

    with inside() as parent:
        run(redis_url, work)
    spans = recorded.take()
    assert [span.name for span in spans] == ["SET", "GET", "PIPELINE GET", "LPUSH"]
    assert {span.parent_id for span in spans} == {ids(parent)[1]}
    assert all(where(redis_url).items() <= span.attributes.items() for span in spans[:3])
    assert [span.attributes.get("error.type") for span in spans] == [None, None, None, "WRONGTYPE"]
    assert "s3cret" not in repr(spans)


@pytest.mark.parametrize(("transaction", "kind"), [(True, "MULTI"), (False, "PIPELINE")])
def test_a_pipeline_is_one_span(recorded: Recording, client: redis.Redis, redis_url: str, transaction: bool, kind: str) -> None:  # noqa: FBT001
    with client.pipeline(transaction=transaction) as queue:
        queue.set("cart", "s3cret").incr("number").expire("cart", 9)
        queue.execute()
    span = recorded.one()
    assert len(span.attributes.pop("db.query.text").splitlines()) == 3
    expected = {"network.transport": "tcp", "db.operation.name": kind, "db.operation.batch.size": 3}
    assert span.attributes == {**where(redis_url), **expected}
    assert span.name == kind
    with client.pipeline(transaction=transaction) as queue:
        queue.get("cart").get("cart").execute()
        queue.get("cart").execute()
        queue.execute()
    first, second = recorded.take()
    assert (first.name, first.attributes["db.operation.batch.size"]) == (f"{kind} GET", 2)
    assert (second.name, second.attributes.get("db.operation.batch.size")) == (f"{kind} GET", None)


def test_a_watched_transaction_shows_what_is_sent_at_once(recorded: Recording, client: redis.Redis) -> None:
    def add(queue: Any) -> None:
        queue.get("number")
        queue.multi()
        queue.incr("number")

    client.transaction(add, "number")
    assert [span.name for span in recorded.take()] == ["WATCH", "GET", "MULTI INCRBY"]


def test_an_error_inside_a_pipeline_is_its_error(recorded: Recording, client: redis.Redis) -> None:
    client.set("cart", "x")
    recorded.take()
    with client.pipeline(transaction=False) as queue, pytest.raises(redis.ResponseError):
        queue.get("cart").lpush("cart", 1).execute()
    with client.pipeline(transaction=False) as queue:
        answers = queue.get("cart").lpush("cart", 1).execute(raise_on_error=False)
    assert isinstance(answers[1], redis.ResponseError)
    for span in recorded.take():
        assert span.status == "ERROR"
        assert span.attributes["db.response.status_code"] == span.attributes["error.type"] == "WRONGTYPE"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("NOSUCHCOMMAND",), "ERR"),
        (("EVALSHA", "0" * 40, 0), "NOSCRIPT"),
        (("EVAL", "return redis.error_reply('MY wrong')", 0), "MY"),
    ],
)
def test_an_error_of_the_server_says_its_prefix(recorded: Recording, client: redis.Redis, command: Any, code: str) -> None:
    with pytest.raises(redis.ResponseError):
        client.execute_command(*command)
    span = recorded.one()
    assert span.status == "ERROR"
    assert span.attributes["db.response.status_code"] == span.attributes["error.type"] == code


def test_a_server_that_is_not_there_is_an_error_without_a_code(recorded: Recording) -> None:
    port = free_port()
    with pytest.raises(redis.ConnectionError):
        redis.Redis(host=HOST, port=port, retry=Retry(NoBackoff(), 0)).get("cart")
    span = recorded.one()
    assert span.attributes["error.type"] == "redis.exceptions.ConnectionError"
    assert "db.response.status_code" not in span.attributes
    assert (span.attributes["server.address"], span.attributes["server.port"]) == (HOST, port)
    assert "network.peer.address" not in span.attributes


def test_a_retried_command_is_one_span(recorded: Recording, client: redis.Redis, redis_url: str) -> None:
    retrying = redis.Redis.from_url(redis_url, retry=Retry(NoBackoff(), 3), retry_on_error=[redis.ConnectionError])
    retrying.set("cart", 1)
    recorded.take()
    own = retrying.client_id()
    client.client_kill_filter(_id=str(own))
    recorded.take()
    assert retrying.get("cart") == b"1"
    assert [span.name for span in recorded.take()] == ["GET"]
    retrying.close()


def test_scripts_say_which_one_they_are(recorded: Recording, client: redis.Redis) -> None:
    script = client.register_script("return 's3cret'")
    assert script() == b"s3cret"
    spans = recorded.take()
    called = spans[-1]
    assert called.attributes["db.operation.name"] == "EVALSHA"
    assert called.attributes["db.stored_procedure.name"] == script.sha
    assert called.name == f"EVALSHA {script.sha}"
    assert [span.attributes.get("error.type") for span in spans[:-1]] in ([], ["NOSCRIPT", None])
    keys = [attributes for attributes, _ in recorded.counted() if attributes.get("db.stored_procedure.name")]
    assert keys
    assert "s3cret" not in repr(spans)


def test_messages_are_published_with_a_span_and_awaited_without(recorded: Recording, client: redis.Redis) -> None:
    listener = client.pubsub()
    listener.subscribe("news")
    client.publish("news", "s3cret")
    received = [listener.get_message(timeout=1) for _ in range(2)]
    assert [message["data"] for message in received if message] == [1, b"s3cret"]
    listener.close()
    assert [span.name for span in recorded.take()] == ["PUBLISH"]


def test_a_command_that_waits_is_one_span_and_measured_apart_from_slow_ones(
    recorded: Recording, client: redis.Redis, redis_url: str
) -> None:
    assert client.blpop(["list"], timeout=1) is None
    client.xread({"list": "$"}, block=10)
    client.xread({"list": "$"})
    client.execute_command("XREAD", "STREAMS", "block", "$")
    client.wait(0, 10)
    spans = recorded.take()
    assert [span.name for span in spans] == ["BLPOP", "XREAD", "XREAD", "XREAD", "WAIT"]
    assert [span.attributes.get("platform.db.blocking") for span in spans] == [True, True, None, None, True]
    blocked = recorded.counted("platform.db.client.blocking.duration")
    assert {attributes["db.operation.name"]: count for attributes, count in blocked} == {"BLPOP": 1, "XREAD": 1, "WAIT": 1}
    assert ({**where(redis_url), "db.operation.name": "BLPOP"}, 1) in blocked
    names = {attributes["db.operation.name"]: count for attributes, count in recorded.counted()}
    assert (names["XREAD"], names.keys() & {"BLPOP", "WAIT"}) == (2, set())


def test_a_group_that_is_called_block_waits_for_nothing(recorded: Recording, client: redis.Redis) -> None:
    client.delete("stream")
    client.xgroup_create("stream", "block", mkstream=True)
    client.xreadgroup("block", "block", {"stream": ">"})
    client.xreadgroup("block", "block", {"stream": ">"}, count=1, block=10)
    client.delete("stream")
    spans = [span for span in recorded.take() if span.name == "XREADGROUP"]
    assert [span.attributes.get("platform.db.blocking") for span in spans] == [None, True]


def test_the_first_command_of_a_pool_may_wait(recorded: Recording, redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.blpop(["list"], timeout=0.01)
    client.close()
    assert recorded.one().attributes["platform.db.blocking"] is True
    assert recorded.counted() == []


def test_messages_to_a_shard_are_published_with_a_span(recorded: Recording, client: redis.Redis) -> None:
    if not hasattr(client, "spublish"):
        pytest.skip("sharded messages came with redis-py 5.0")
    client.spublish("news", "s3cret")
    assert [(span.name, span.attributes["db.query.text"]) for span in recorded.take()] == [("SPUBLISH", "SPUBLISH news ?")]


def test_a_client_of_one_connection_is_observed(recorded: Recording, redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url, single_connection_client=True)
    client.set("cart", 1)
    client.get("cart")
    client.close()
    assert [where(redis_url).items() <= span.attributes.items() for span in recorded.take()] == [True, True]

    async def work(client: Any) -> None:
        await client.get("cart")

    run(redis_url, work, single_connection_client=True)
    assert where(redis_url).items() <= recorded.one().attributes.items()


def test_a_blocking_pool_is_observed(recorded: Recording, redis_url: str) -> None:
    client = redis.Redis(connection_pool=redis.BlockingConnectionPool.from_url(redis_url, max_connections=2))
    client.get("cart")
    client.get("cart")
    client.connection_pool.disconnect()
    assert [where(redis_url).items() <= span.attributes.items() for span in recorded.take()] == [True, True]


def test_another_index_is_another_namespace(recorded: Recording, redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url, db=3)
    client.get("cart")
    client.close()
    expected = urlsplit(redis_url).path.lstrip("/") or "3"
    assert recorded.one().attributes["db.namespace"] in {"3", expected}


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Start Redis servers of our own, on free ports, in a temporary folder."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server here")
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> int:
        port = free_port()
        while port > 55_000:  # a cluster's servers talk to each other 10,000 ports above
            port = free_port()
        command = [program, "--port", str(port), "--bind", HOST, "--save", "", "--dir", str(tmp_path), *options]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 10
        while not REDIS.answers(port):  # it accepts before it listens on a socket file as well
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return port

    yield start
    for process in started:
        process.terminate()
        process.wait(10)


def test_a_socket_file_is_address_and_peer(recorded: Recording, own_server: Callable[..., int], tmp_path: Path) -> None:
    path = f"{tmp_path}/redis.sock"
    own_server("--unixsocket", path)
    client = redis.Redis.from_url(f"unix://{path}?db=2")
    client.ping()
    client.close()

    async def work(client: Any) -> None:
        await client.ping()

    run(f"unix://{path}?db=2", work)
    for span in recorded.take():
        del span.attributes["db.query.text"]
        assert span.attributes == {
            "db.system.name": "redis",
            "db.namespace": "2",
            "db.operation.name": "PING",
            "server.address": path,
            "network.peer.address": path,
            "network.transport": "unix",
        }


def test_a_cluster_is_one_span_a_command(recorded: Recording, own_server: Callable[..., int]) -> None:
    port = own_server("--cluster-enabled", "yes")
    plain = redis.Redis(host=HOST, port=port)
    plain.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
    deadline = time.monotonic() + 10
    while "ok" not in str(plain.execute_command("CLUSTER INFO")).partition("cluster_state")[2][:10]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    plain.close()
    cluster = redis.RedisCluster(host=HOST, port=port)
    recorded.take()
    cluster.set("cart", "s3cret")
    queue = cluster.pipeline()
    queue.get("cart")
    queue.get("cart")
    assert queue.execute() == [b"s3cret"] * 2
    cluster.close()

    async def main() -> None:
        client = redis.asyncio.RedisCluster(host=HOST, port=port)
        assert await client.get("cart") == b"s3cret"
        await (client.aclose() if hasattr(client, "aclose") else client.close())

    asyncio.run(main())
    spans = [
        span for span in recorded.take() if span.attributes["db.operation.name"] not in {"COMMAND", "CLUSTER SLOTS", "CLUSTER"}
    ]
    assert [span.name for span in spans] == ["SET", "PIPELINE GET", "GET"]
    assert [span.attributes.get("server.port") for span in spans[:2]] == [port, port]
    assert "s3cret" not in repr(spans)
    assert lookups(known={"db.system.name"}) == (3, 0, 3, 18)


def test_a_sentinel_s_client_says_the_server_it_found(
    recorded: Recording, own_server: Callable[..., int], tmp_path: Path
) -> None:
    from redis.sentinel import Sentinel

    port = own_server()
    file = tmp_path / "sentinel.conf"
    file.write_text(f"sentinel monitor shop {HOST} {port} 1\n")
    program = str(shutil.which("redis-server"))
    sentinel_port = free_port()
    command = [program, str(file), "--sentinel", "--port", str(sentinel_port), "--bind", HOST]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not REDIS.answers(sentinel_port) and time.monotonic() < deadline:
            time.sleep(0.02)
        client = Sentinel([(HOST, sentinel_port)]).master_for("shop")
        client.set("cart", 1)
        client.get("cart")
        names = alive()
        client.close()
    finally:
        process.terminate()
        process.wait(10)
    spans = recorded.take()
    assert [span.name for span in spans] == ["SET", "GET"]
    for span in spans:
        assert (span.attributes["server.address"], span.attributes["server.port"]) == (HOST, port)
        assert span.attributes["network.peer.port"] == port
    assert "shop/0" in names


def test_concurrent_tasks_keep_their_parents(recorded: Recording, redis_url: str) -> None:
    async def request(client: Any) -> str:
        with inside() as parent:
            for _ in range(5):
                await client.get("cart")
        return ids(parent)[1]

    async def work(client: Any) -> list[str]:
        return list(await asyncio.gather(*(request(client) for _ in range(6))))

    parents = run(redis_url, work)
    spans = recorded.take()
    assert sorted(span.parent_id for span in spans) == sorted(parents * 5)
    assert all(where(redis_url).items() <= span.attributes.items() for span in spans)


def test_clients_stay_as_they_are(client: redis.Redis, recorded: Recording) -> None:
    assert type(client) is redis.Redis
    assert list(inspect.signature(redis.Redis.execute_command).parameters) == ["self", "args", "options"]
    assert inspect.iscoroutinefunction(redis.asyncio.Redis.execute_command)
    assert recorded.spans == ()


def test_undo_restores_every_method() -> None:
    places = [(redis.Redis, "execute_command"), (redis.client.Pipeline, "execute"), (redis.asyncio.Redis, "execute_command")]
    before = [vars(kind)[name] for kind, name in places]
    with recording("redis"):
        assert [vars(kind)[name] for kind, name in places] != before
    assert [vars(kind)[name] for kind, name in places] == before


@pytest.mark.faults
def test_a_fault_of_ours_is_invisible(
    recorded: Recording, client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    async def work(client: Any) -> Any:
        return await client.get("cart")

    client.set("cart", 7)
    ours = [f"instrumentations.redis.{name}" for name in ("reached", "looked_up", "redis_failure", "together")]
    for name in (*ours, "privacy.command_name"):
        monkeypatch.setattr(f"platform_instrument.{name}", broken)
        assert client.get("cart") == b"7"
        assert client.pipeline().get("cart").execute() == [b"7"]
        assert run(redis_url, work) == b"7"
        with pytest.raises(redis.ResponseError):
            client.lpush("cart", 1)
    assert recorded.spans
