"""One span a command of aiomcache; values never leave."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiomcache
import pytest
from aiomcache.exceptions import ClientException, ValidationException

from platform_instrument.testing.contract import InstrumentationContract
from tests.instrumentations.pooled import lookups
from tests.instrumentations.recording import Recording, ids, inside, recording
from tests.processes import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

SERVER = {"db.system.name", "server.address", "server.port"}


@pytest.fixture
def address(memcached_url: str) -> tuple[str, int]:
    url = urlsplit(memcached_url)
    return str(url.hostname), url.port or 11211


def run(address: tuple[str, int], work: Callable[[aiomcache.Client], Awaitable[Any]], **options: Any) -> Any:
    """Return what `work` answers with a client."""

    async def main() -> Any:
        client = aiomcache.Client(*address, **options)
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(main())


@pytest.fixture
def recorded(address: tuple[str, int]) -> Iterator[Recording]:
    run(address, lambda client: client.flush_all())
    with recording("aiomcache") as running:
        yield running


def where(address: tuple[str, int]) -> dict[str, Any]:
    return {"db.system.name": "memcached", "server.address": address[0], "server.port": address[1]}


def test_a_command_carries_every_attribute_of_the_conventions_and_no_value(recorded: Recording, address: tuple[str, int]) -> None:
    with inside() as parent:
        assert run(address, lambda client: client.set(b"cart", b"s3cret")) is True
    span = recorded.one()
    operation = {**where(address), "db.operation.name": "set"}
    assert span.attributes == {**operation, "network.transport": "tcp", "db.query.text": "set cart ?"}
    assert (span.name, span.kind, span.status, span.scope.name) == ("set", "CLIENT", "UNSET", "platform_instrument.aiomcache")
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert recorded.counted() == [(operation, 1)]


def test_every_command_is_named_as_the_protocol_does(recorded: Recording, address: tuple[str, int]) -> None:
    async def work(client: aiomcache.Client) -> None:
        await client.set(b"cart", b"s3cret")
        await client.add(b"cart", b"s3cret")
        await client.replace(b"cart", b"41")
        await client.incr(b"cart")
        await client.decr(b"cart", 1)
        await client.touch(b"cart", 60)
        _, token = await client.gets(b"cart")
        assert token is not None
        await client.cas(b"cart", b"s3cret", token)
        await client.append(b"cart", b"s3cret")
        await client.prepend(b"cart", b"s3cret")
        await client.multi_get(b"cart", b"basket")
        await client.multi_get()
        await client.delete(b"cart")
        await client.version()
        await client.stats()
        await client.flush_all()

    run(address, work)
    assert [span.attributes["db.query.text"] for span in recorded.take()] == [
        "set cart ?",
        "add cart ?",
        "replace cart ?",
        "incr cart ?",
        "decr cart ?",
        "touch cart ?",
        "gets cart",
        "cas cart ?",
        "append cart ?",
        "prepend cart ?",
        "gets cart basket",
        "delete cart",
        "version",
        "stats",
        "flush_all",
    ]


def test_each_key_is_a_lookup_and_what_was_there_is_measured(recorded: Recording, address: tuple[str, int]) -> None:  # noqa: ARG001
    async def work(client: aiomcache.Client) -> None:
        await client.set(b"cart", b"x" * 300)
        await client.get(b"cart")
        await client.get(b"gone")
        await client.get(b"gone", b"another")
        await client.gets(b"cart")
        await client.gets(b"gone")
        assert await client.multi_get(b"cart", b"gone") == (b"x" * 300, None)

    run(address, work)
    assert lookups(SERVER) == (3, 4, 3, 900)


def test_an_error_of_the_server_says_its_word(recorded: Recording, address: tuple[str, int]) -> None:
    async def work(client: aiomcache.Client) -> None:
        await client.set(b"cart", b"tea")
        with pytest.raises(ClientException):
            await client.incr(b"cart")
        with pytest.raises(ClientException):
            await client.incr(b"gone")
        with pytest.raises(ValidationException):
            await client.get(b"with space")

    run(address, work)
    _, refused, absent, invalid = recorded.take()
    assert refused.attributes["db.response.status_code"] == refused.attributes["error.type"] == "CLIENT_ERROR"
    assert absent.attributes["error.type"] == "aiomcache.exceptions.ClientException"
    assert invalid.attributes["error.type"] == "aiomcache.exceptions.ValidationException"
    assert [span.status for span in (refused, absent, invalid)] == ["ERROR"] * 3


def test_a_server_that_is_not_there_is_an_error_without_a_code(recorded: Recording) -> None:
    address = (HOST, free_port())
    with pytest.raises(ConnectionRefusedError):
        run(address, lambda client: client.get(b"cart"))
    span = recorded.one()
    assert where(address).items() <= span.attributes.items()
    assert (span.attributes["error.type"], "db.response.status_code" in span.attributes) == ("ConnectionRefusedError", False)


def test_a_command_that_is_cancelled_says_so(recorded: Recording) -> None:
    with socket.create_server((HOST, 0)) as silent:
        address = silent.getsockname()

        async def work(client: aiomcache.Client) -> None:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.get(b"cart"), 0.05)

        run(address, work)
    assert recorded.one().attributes["error.type"].endswith("CancelledError")
    assert lookups(SERVER) == (0, 0, 0, 0)


def test_the_wait_for_a_connection_is_part_of_it_and_tasks_keep_their_parents(
    recorded: Recording, address: tuple[str, int]
) -> None:
    async def request(client: aiomcache.Client) -> str:
        with inside() as parent:
            for _ in range(5):
                await client.get(b"cart")
        return ids(parent)[1]

    async def work(client: aiomcache.Client) -> list[str]:
        return list(await asyncio.gather(*(request(client) for _ in range(6))))

    parents = run(address, work, pool_size=1)
    assert sorted(span.parent_id for span in recorded.take()) == sorted(parents * 5)


def test_flagged_values_are_hits_of_unknown_size(recorded: Recording, address: tuple[str, int]) -> None:  # noqa: ARG001
    async def pack(value: dict[str, int]) -> tuple[bytes, int]:
        return repr(value).encode(), 1

    async def unpack(value: bytes, _flags: int) -> dict[str, int]:
        return {"sugar": len(value)}

    async def main() -> None:
        client: Any = aiomcache.FlagClient(*address, get_flag_handler=unpack, set_flag_handler=pack)
        await client.set(b"cart", {"sugar": 1})
        assert await client.get(b"cart") == {"sugar": 12}
        await client.close()

    asyncio.run(main())
    assert lookups(SERVER) == (1, 0, 0, 0)


class TestContract(InstrumentationContract):
    declared_in = "platform_instrument.instrumentations.aiomcache"

    @pytest.fixture(autouse=True)
    def _server(self, address: tuple[str, int]) -> None:
        self.address = address

    def exercise(self) -> None:
        async def work(client: aiomcache.Client) -> None:
            await client.set(b"cart", b"tea")
            await client.multi_get(b"cart", b"gone")
            with pytest.raises(ClientException):
                await client.incr(b"cart")

        run(self.address, work)
