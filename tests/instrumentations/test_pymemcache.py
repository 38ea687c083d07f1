"""One span a command of pymemcache, whichever client sends it; values never leave."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pymemcache
import pytest
from pymemcache import serde
from pymemcache.client.base import PooledClient
from pymemcache.client.hash import HashClient
from pymemcache.exceptions import MemcacheIllegalInputError, MemcacheServerError, MemcacheUnknownCommandError

from platform_instrument.testing.contract import InstrumentationContract
from tests.instrumentations.pooled import lookups
from tests.instrumentations.recording import Recording, ids, inside, recording
from tests.own_servers import own
from tests.processes import HOST, free_port
from tests.servers import MEMCACHED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = {"db.system.name", "server.address", "server.port"}


@pytest.fixture
def address(memcached_url: str) -> tuple[str, int]:
    url = urlsplit(memcached_url)
    return str(url.hostname), url.port or 11211


@pytest.fixture
def recorded(address: tuple[str, int]) -> Iterator[Recording]:
    cleaner = pymemcache.Client(address)
    cleaner.flush_all(noreply=False)
    cleaner.close()
    with recording("pymemcache") as running:
        yield running


@pytest.fixture
def client(address: tuple[str, int], recorded: Recording) -> Iterator[pymemcache.Client]:  # noqa: ARG001 - goes on meanwhile
    made = pymemcache.Client(address, default_noreply=False)
    yield made
    made.close()


def where(address: tuple[str, int]) -> dict[str, Any]:
    return {"db.system.name": "memcached", "server.address": address[0], "server.port": address[1]}


def texts(recorded: Recording) -> list[tuple[str, str, int | None]]:
    """Return name, text and size of each span."""
    return [
        (span.name, span.attributes["db.query.text"], span.attributes.get("db.operation.batch.size")) for span in recorded.take()
    ]


def test_a_command_carries_every_attribute_of_the_conventions_and_no_value(
    recorded: Recording, client: pymemcache.Client, address: tuple[str, int]
) -> None:
    with inside() as parent:
        assert client.set("cart", "s3cret") is True
    span = recorded.one()
    operation = {**where(address), "db.operation.name": "set"}
    assert span.attributes == {**operation, "network.transport": "tcp", "db.query.text": "set cart ?"}
    assert (span.name, span.kind, span.status, span.scope.name) == ("set", "CLIENT", "UNSET", "platform_instrument.pymemcache")
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert recorded.counted() == [(operation, 1)]


def test_every_command_is_named_as_the_protocol_does(recorded: Recording, client: pymemcache.Client) -> None:
    client.set("cart", "1")
    client.add("cart", "s3cret")
    client.replace("cart", "41")
    client.incr("cart", 1)
    client.decr("cart", 1)
    client.touch("cart", 60)
    _, token = client.gets("cart")
    client.cas("cart", "s3cret", token)
    client.append("cart", "s3cret")
    client.prepend("cart", "s3cret")
    client.delete("cart", noreply=True)
    client.version()
    client.stats("settings")
    client.cache_memlimit(64)
    client.flush_all()
    client.quit()
    assert texts(recorded) == [
        ("set", "set cart ?", None),
        ("add", "add cart ?", None),
        ("replace", "replace cart ?", None),
        ("incr", "incr cart ?", None),
        ("decr", "decr cart ?", None),
        ("touch", "touch cart ?", None),
        ("gets", "gets cart", None),
        ("cas", "cas cart ?", None),
        ("append", "append cart ?", None),
        ("prepend", "prepend cart ?", None),
        ("delete", "delete cart", None),
        ("version", "version", None),
        ("stats", "stats ?", None),
        ("cache_memlimit", "cache_memlimit ?", None),
        ("flush_all", "flush_all ?", None),
        ("quit", "quit", None),
    ]


def test_what_is_sent_for_several_keys_is_one_span(recorded: Recording, client: pymemcache.Client) -> None:
    client.set_many({"cart": "s3cret", "basket": "s3cret"})
    client.set_many({"cart": "s3cret"})
    client.set_many({})
    assert client.get_many({"cart": 1, "basket": 2}.keys()) == {"cart": b"s3cret", "basket": b"s3cret"}
    client.delete_many(["cart", "basket"])
    client.get_many([])
    assert texts(recorded) == [
        ("BATCH set", "set cart ?\nset basket ?", 2),
        ("set", "set cart ?", None),
        ("get", "get cart basket", None),
        ("BATCH delete", "delete cart delete basket", 2),  # read as SQL on its way out, which leaves out line ends
    ]


def test_many_keys_make_a_short_text(recorded: Recording, client: pymemcache.Client) -> None:
    client.set_many({f"key{number}": "s3cret" for number in range(500)})
    client.get_many([f"key{number}" for number in range(500)])
    batch, fetched = recorded.take()
    assert batch.attributes["db.operation.batch.size"] == 500
    assert len(batch.attributes["db.query.text"]) < 500
    assert len(fetched.attributes["db.query.text"]) < 500
    assert lookups(SERVER) == (500, 0, 500, 3000)


def test_each_key_is_a_lookup_and_what_was_there_is_measured(recorded: Recording, client: pymemcache.Client) -> None:  # noqa: ARG001
    client.set("cart", b"x" * 300)
    client.get("cart")
    client.get("gone")
    client.get("gone", b"another")
    client.gets("cart")
    client.gets_many(["cart", "gone"])
    client.get_many(["cart", "gone", "never"])
    client.stats()
    assert lookups(SERVER) == (4, 5, 4, 1200)


def test_an_iterator_of_keys_is_left_to_the_library(recorded: Recording, client: pymemcache.Client) -> None:
    assert client.get_many(key for key in ("gone", "never")) == {}
    assert [text for _, text, _ in texts(recorded)] == ["get"]


def test_what_a_serializer_makes_of_it_is_a_hit_of_unknown_size(recorded: Recording, address: tuple[str, int]) -> None:  # noqa: ARG001
    client = pymemcache.Client(address, serde=serde.PickleSerde(), default_noreply=False)
    client.set("cart", {"sugar": 1})
    client.set("basket", None)
    assert (client.get("cart"), client.get("basket")) == ({"sugar": 1}, None)
    client.close()
    assert lookups(SERVER) == (2, 0, 0, 0)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda client: client.set("cart", b"x" * 2_000_000), "SERVER_ERROR"),
        (lambda client: client.incr("cart", 1), "CLIENT_ERROR"),
        (lambda client: client._misc_cmd([b"nonsense s3cret\r\n"], b"nonsense", noreply=False), "ERROR"),
    ],
)
def test_an_error_of_the_server_says_its_word(recorded: Recording, client: pymemcache.Client, call: Any, code: str) -> None:
    client.set("cart", "tea")
    with pytest.raises((MemcacheServerError, pymemcache.exceptions.MemcacheClientError)):
        call(client)
    span = recorded.take()[-1]
    assert span.status == "ERROR"
    assert span.attributes["db.response.status_code"] == span.attributes["error.type"] == code
    assert "s3cret" not in repr(span)
    assert {code} == {attributes["error.type"] for attributes, _ in recorded.counted() if "error.type" in attributes}


def test_a_command_that_is_none_has_no_name_of_its_own(recorded: Recording, client: pymemcache.Client) -> None:
    with pytest.raises(MemcacheUnknownCommandError):
        client._misc_cmd([b"nonsense s3cret\r\n"], b"nonsense", noreply=False)  # as `raw_command` does, which 3.0 has not
    assert recorded.one().attributes["db.operation.name"] == "_OTHER"


def test_a_key_that_the_library_refuses_is_an_error_of_its_own(recorded: Recording, client: pymemcache.Client) -> None:
    with pytest.raises(MemcacheIllegalInputError):
        client.get("with space")
    span = recorded.one()
    assert span.attributes["error.type"] == "pymemcache.exceptions.MemcacheIllegalInputError"
    assert "db.response.status_code" not in span.attributes
    assert lookups(SERVER) == (0, 0, 0, 0)


def test_a_server_that_is_not_there_is_an_error_without_a_code(recorded: Recording) -> None:
    address = (HOST, free_port())
    with pytest.raises(ConnectionRefusedError):
        pymemcache.Client(address).get("cart")
    span = recorded.one()
    assert where(address).items() <= span.attributes.items()
    assert (span.attributes["error.type"], "db.response.status_code" in span.attributes) == ("ConnectionRefusedError", False)


def test_a_server_that_does_not_answer_is_a_timeout(recorded: Recording) -> None:
    with socket.create_server((HOST, 0)) as silent:
        client = pymemcache.Client(silent.getsockname(), timeout=0.05)
        with pytest.raises(TimeoutError):
            client.get("cart")
    assert recorded.one().attributes["error.type"] == "TimeoutError"


def test_an_error_that_is_to_be_ignored_is_one_all_the_same_and_no_lookup(recorded: Recording) -> None:
    client = pymemcache.Client((HOST, free_port()), ignore_exc=True)
    assert client.get("cart", "tea") == "tea"
    span = recorded.one()
    assert (span.status, span.attributes["error.type"]) == ("ERROR", "_OTHER")
    assert lookups(SERVER) == (0, 0, 0, 0)


def test_a_pooled_client_is_observed_once(recorded: Recording, address: tuple[str, int]) -> None:
    client = PooledClient(address, max_pool_size=2, default_noreply=False)
    client.set("cart", "s3cret")
    assert client.get("cart") == b"s3cret"
    client.close()
    spans = recorded.take()
    assert [span.name for span in spans] == ["set", "get"]
    assert all(where(address).items() <= span.attributes.items() for span in spans)
    assert lookups(SERVER) == (1, 0, 1, 6)


@pytest.mark.parametrize("pooling", [False, True])
def test_a_hashing_client_says_which_server_it_was(recorded: Recording, address: tuple[str, int], pooling: bool) -> None:  # noqa: FBT001
    with own(MEMCACHED) as second:
        keys = [f"key{number}" for number in range(40)]
        addresses = {address, (HOST, second.port)}
        client = HashClient(addresses, use_pooling=pooling, default_noreply=False)
        client.set_many(dict.fromkeys(keys, "tea"))
        assert len(client.get_many([*keys, "gone"])) == 40
        for each in client.clients.values():
            each.close()
    spans = recorded.take()
    assert [span.name for span in spans[-2:]] == ["get", "get"]
    assert {span.name for span in spans[:-2]} in ({"BATCH set"}, {"set"})  # one by one before pymemcache 3.1
    assert {(span.attributes["server.address"], span.attributes["server.port"]) for span in spans} == addresses
    assert sum(span.attributes.get("db.operation.batch.size", 1) for span in spans[:-2]) == 40
    assert lookups(SERVER) == (40, 1, 40, 120)


def test_each_attempt_of_a_retrying_client_is_a_command(recorded: Recording, address: tuple[str, int]) -> None:
    retrying = pytest.importorskip("pymemcache.client.retrying", reason="retries came with pymemcache 3.5")
    inner = pymemcache.Client((HOST, free_port()))
    client = retrying.RetryingClient(inner, attempts=3, retry_for=[OSError])
    with pytest.raises(ConnectionRefusedError):
        client.get("cart")
    assert [span.attributes["error.type"] for span in recorded.take()] == ["ConnectionRefusedError"] * 3
    working = retrying.RetryingClient(pymemcache.Client(address), attempts=3)
    assert working.get("cart") is None
    working.close()
    assert recorded.one().name == "get"


def test_a_socket_file_is_the_address(recorded: Recording, tmp_path: Path) -> None:
    client = pymemcache.Client(f"{tmp_path}/none.sock")
    with pytest.raises(FileNotFoundError):
        client.get("cart")
    attributes = recorded.one().attributes
    assert (attributes["server.address"], attributes["network.transport"]) == (f"{tmp_path}/none.sock", "unix")
    assert "server.port" not in attributes


def test_threads_keep_their_parents(recorded: Recording, address: tuple[str, int]) -> None:
    client = PooledClient(address)
    parents: list[str] = []

    def request() -> None:
        with inside() as parent:
            for _ in range(5):
                client.get("cart")
        parents.append(ids(parent)[1])

    threads = [threading.Thread(target=request) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    assert sorted(span.parent_id for span in recorded.take()) == sorted(parents * 5)


@pytest.mark.faults
def test_a_fault_of_ours_is_invisible(recorded: Recording, client: pymemcache.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    client.set("cart", "tea")
    for name in ("retrieved", "several", "looked_up", "found", "memcached_failure"):
        monkeypatch.setattr(f"platform_instrument.instrumentations.pymemcache.{name}", broken)
        assert client.set("cart", "tea") is True
        assert client.get_many(["cart"]) == {"cart": b"tea"}
        with pytest.raises(pymemcache.exceptions.MemcacheClientError):
            client.incr("cart", 1)
    assert recorded.spans


class TestContract(InstrumentationContract):
    declared_in = "platform_instrument.instrumentations.pymemcache"

    @pytest.fixture(autouse=True)
    def _server(self, address: tuple[str, int]) -> None:
        self.address = address

    def exercise(self) -> None:
        client = pymemcache.Client(self.address, default_noreply=False)
        client.set("cart", "tea")
        client.get_many(["cart", "gone"])
        with pytest.raises(pymemcache.exceptions.MemcacheClientError):
            client.incr("cart", 1)
        client.close()
