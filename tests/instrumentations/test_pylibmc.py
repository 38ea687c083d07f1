"""One span a command of pylibmc, whose methods are C code; its class stays, and values never leave."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from platform_instrument.testing.contract import InstrumentationContract
from tests.instrumentations.pooled import lookups
from tests.instrumentations.recording import Recording, ids, inside, recording
from tests.own_servers import own
from tests.processes import HOST, free_port
from tests.servers import MEMCACHED

if TYPE_CHECKING:
    from collections.abc import Iterator

pylibmc = pytest.importorskip("pylibmc", reason="pylibmc is built against libmemcached, which is not here")
SERVER = {"db.system.name", "server.address", "server.port"}


@pytest.fixture
def address(memcached_url: str) -> str:
    return urlsplit(memcached_url).netloc


@pytest.fixture
def recorded(address: str) -> Iterator[Recording]:
    pylibmc.Client([address]).flush_all()
    with recording("pylibmc") as running:
        yield running


@pytest.fixture
def client(address: str, recorded: Recording) -> Any:  # noqa: ARG001 - goes on meanwhile
    return pylibmc.Client([address], behaviors={"cas": True})


def where(address: str) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    return {"db.system.name": "memcached", "server.address": host, "server.port": int(port)}


def texts(recorded: Recording) -> list[tuple[str, str, int | None]]:
    """Return name, text and size of each span."""
    return [
        (span.name, span.attributes["db.query.text"], span.attributes.get("db.operation.batch.size")) for span in recorded.take()
    ]


@pytest.mark.parametrize("binary", [False, True])
def test_a_command_carries_every_attribute_of_the_conventions_and_no_value(
    recorded: Recording,
    address: str,
    binary: bool,  # noqa: FBT001 - a row
) -> None:
    client = pylibmc.Client([address], binary=binary)
    with inside() as parent:
        assert client.set("cart", "s3cret") is True
    span = recorded.one()
    operation = {**where(address), "db.operation.name": "set"}
    assert span.attributes == {**operation, "network.transport": "tcp", "db.query.text": "set cart ?"}
    assert (span.name, span.kind, span.status, span.scope.name) == ("set", "CLIENT", "UNSET", "platform_instrument.pylibmc")
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert recorded.counted() == [(operation, 1)]


def test_every_command_is_named_as_the_protocol_does(recorded: Recording, client: Any) -> None:
    client.set("cart", 41)
    client.add("cart", "s3cret")
    client.replace("cart", 41)
    client.incr("cart")
    client.decr("cart", 1)
    client.touch("cart", 60)
    _, token = client.gets("cart")
    client.cas("cart", "s3cret", token)
    client.append("cart", "s3cret")
    client.prepend("cart", "s3cret")
    client.delete("cart")
    client.get_stats()
    client.flush_all()
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
        ("stats", "stats", None),
        ("flush_all", "flush_all", None),
    ]


def test_what_is_sent_for_several_keys_is_one_span(recorded: Recording, client: Any) -> None:
    assert client.set_multi({"cart": 1, "basket": "s3cret"}) == []
    client.add_multi({"cart": 2})
    client.incr_multi(["cart"], delta=2)
    assert client.get_multi(["cart", "basket"]) == {"cart": 3, "basket": "s3cret"}
    client.delete_multi(["cart", "basket"])
    assert texts(recorded) == [
        ("BATCH set", "set cart ?\nset basket ?", 2),
        ("add", "add cart ?", None),
        ("incr", "incr cart ?", None),
        ("get", "get cart basket", None),
        ("BATCH delete", "delete cart delete basket", 2),  # read as SQL on its way out, which leaves out line ends
    ]


def test_keys_may_be_given_by_name(recorded: Recording, client: Any) -> None:
    client.set_multi(keys={"cart": "s3cret", "basket": "s3cret"})
    client.set(key="cart", val="s3cret")
    client.get_multi(keys=["cart", "basket"])
    client.delete_multi(keys=["cart", "basket"])
    assert texts(recorded) == [
        ("BATCH set", "set cart ?\nset basket ?", 2),
        ("set", "set cart ?", None),
        ("get", "get cart basket", None),
        ("BATCH delete", "delete cart delete basket", 2),
    ]
    assert lookups(SERVER) == (2, 0, 2, 12)


def test_it_is_used_as_a_mapping_and_in_pools(recorded: Recording, client: Any) -> None:
    client["cart"] = "s3cret"
    assert client["cart"] == "s3cret"
    with pytest.raises(KeyError):
        client["gone"]
    assert "cart" in client
    with pylibmc.ClientPool(client, 2).reserve() as other, pylibmc.ThreadMappedPool(client).reserve() as third:
        assert type(other) is type(third) is pylibmc.Client
        assert other.get("cart") == third.get("cart") == "s3cret"
    assert [span.name for span in recorded.take()] == ["set", "get", "get", "get", "get", "get"]
    assert lookups(SERVER) == (4, 1, 4, 24)


def test_each_key_is_a_lookup_and_what_was_there_is_measured(recorded: Recording, client: Any) -> None:  # noqa: ARG001
    client.set("cart", b"x" * 300)
    client.set("none", None)
    client.get("cart")
    client.get("gone")
    client.get("gone", b"another")
    client.get("none", "another")
    client.gets("cart")
    client.gets("gone")
    client.get_multi(["cart", "gone", "none"])
    assert lookups(SERVER) == (5, 4, 3, 900)


@pytest.mark.parametrize(
    ("call", "attributes"),
    [
        (lambda client: client.incr("cart"), {"db.response.status_code": "CLIENT_ERROR", "error.type": "CLIENT_ERROR"}),
        (lambda client: client.incr("gone"), {"error.type": "pylibmc.NotFound"}),
        (lambda client: client.set("cart", b"x" * 2_000_000), {"error.type": "pylibmc.TooBig"}),
        (lambda client: client.get("x" * 300), {"error.type": "ValueError"}),
    ],
)
def test_an_error_says_what_it_was(recorded: Recording, client: Any, call: Any, attributes: dict[str, str]) -> None:
    client.set("cart", "tea")
    with pytest.raises((pylibmc.Error, ValueError)):
        call(client)
    span = recorded.take()[-1]
    assert span.status == "ERROR"
    assert attributes == {
        key: value for key, value in span.attributes.items() if key in {"db.response.status_code", "error.type"}
    }


def test_a_server_that_is_not_there_is_an_error(recorded: Recording) -> None:
    address = f"{HOST}:{free_port()}"
    with pytest.raises(pylibmc.Error):
        pylibmc.Client([address]).get("cart")
    span = recorded.one()
    assert where(address).items() <= span.attributes.items()
    assert (span.status, span.attributes["error.type"]) == ("ERROR", "pylibmc.ConnectionError")


def test_which_of_several_servers_it_was_is_not_said(recorded: Recording, address: str) -> None:
    with own(MEMCACHED) as second:
        client = pylibmc.Client([address, f"{HOST}:{second.port}"])
        client.set("cart", "s3cret")
        client.disconnect_all()
    span = recorded.one()
    assert span.attributes == {"db.system.name": "memcached", "db.operation.name": "set", "db.query.text": "set cart ?"}


def test_the_class_stays_as_it_is(recorded: Recording, address: str) -> None:
    class Own(pylibmc.Client):  # type: ignore[name-defined,misc] # not known before it is found
        def get(self, key: str) -> Any:
            return super().get(f"own:{key}")

    client = Own([address])
    assert isinstance(client, pylibmc.Client)
    assert client.get("cart") is None
    assert texts(recorded) == [("get", "get own:cart", None)]
    with pytest.raises(TypeError, match="expected at most 2 arguments"):
        pylibmc.Client([address]).get("a", "b", "c")
    with pytest.raises((TypeError, pickle.PicklingError)):
        pickle.dumps(pylibmc.Client([address]).get)


class TestContract(InstrumentationContract):
    declared_in = "platform_instrument.instrumentations.pylibmc"

    @pytest.fixture(autouse=True)
    def _server(self, address: str) -> None:
        self.address = address

    def exercise(self) -> None:
        client = pylibmc.Client([self.address])
        client.set("cart", "tea")
        client.get_multi(["cart", "gone"])
        with pytest.raises(pylibmc.Error):
            client.incr("cart")
