"""What commands of memcached are called, what they answered, and which code an error carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiomcache.exceptions import ClientException
from pymemcache.exceptions import MemcacheServerError

from platform_instrument.semantics.caches import found, known
from platform_instrument.semantics.memcached import keyed, memcached, memcached_failure, one, retrieved, several

if TYPE_CHECKING:
    from platform_instrument.semantics.database import Database


@pytest.fixture
def where() -> Database:
    return memcached("cache", 11211)


def test_a_socket_file_has_no_port_and_several_servers_have_no_address() -> None:
    assert memcached("/run/memcached.sock", 11211).attributes() == {
        "db.system.name": "memcached",
        "server.address": "/run/memcached.sock",
    }
    assert memcached().attributes() == {"db.system.name": "memcached"}


def test_only_what_has_a_value_shows_that_it_has_one(where: Database) -> None:
    assert keyed(where, "get", "cart")[1] == {"db.query.text": "get cart"}
    assert keyed(where, "incr", b"cart")[1] == {"db.query.text": "incr cart ?"}


def test_names_that_are_none_are_all_called_the_same(where: Database) -> None:
    assert {one(where, (name, "s3cret"))[0].name for name in ("nonsense", b"\xff", "x" * 9_000, 7)} == {"_OTHER"}


def test_one_is_no_batch_and_none_is_no_command(where: Database) -> None:
    assert several(where, iter(()), 0) is None
    single = several(where, iter([("set", "cart", "s3cret")]), 1)
    assert single is not None
    assert (single[0].name, single[1]) == ("set", {"db.query.text": "set cart ?"})


@pytest.mark.parametrize("keys", ["cart", b"cart", 7, None, iter(["cart"])])
def test_what_cannot_be_gone_through_twice_is_left_alone(where: Database, keys: Any) -> None:
    assert list(known(keys)) == []
    assert retrieved(where, "get", keys)[1] == {"db.query.text": "get"}


def test_what_was_there_is_told_from_what_was_not() -> None:
    there = found(["cart", "none", "gone"], {"cart": b"tea", "none": None})
    assert (there[0], there[1] is None, there[2]) == (b"tea", False, None)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemcacheServerError(b"out of memory"), "SERVER_ERROR"),
        (ClientException("incr failed", bytearray(b"CLIENT_ERROR cannot increment")), "CLIENT_ERROR"),
        (ClientException("flush_all failed", b"ERROR"), "ERROR"),
        (ClientException("get failed", b"SERVER_ERROR out of memory\r\n"), "SERVER_ERROR"),
        (ClientException("incr failed", b"NOT_FOUND"), ""),
        (ClientException("received too many responses"), ""),
        (TimeoutError("b'ERROR"), ""),
    ],
)
def test_the_server_s_word_is_status_and_type(error: BaseException, code: str) -> None:
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    expected = {"db.response.status_code": code, "error.type": code} if code else {"error.type": name}
    assert memcached_failure(error) == expected
