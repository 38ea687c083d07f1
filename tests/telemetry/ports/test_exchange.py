"""Requests as clients send them: answered once, bounded in bytes and in time, never waited for."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from platform_instrument.telemetry.ports import exchange
from platform_instrument.telemetry.ports.exchange import LONGEST_REQUEST, Exchange, Request, parsed
from platform_instrument.telemetry.ports.sockets import own

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def connection() -> Iterator[tuple[Exchange, socket.socket]]:
    """Return both sides of a connection."""
    client, server = socket.socketpair()
    client.settimeout(5)
    ours = Exchange(own(server.detach()))
    with client:
        yield ours, client
        ours.close()


def test_a_request_that_comes_in_pieces_is_whole_with_its_last(connection: tuple[Exchange, socket.socket]) -> None:
    ours, client = connection
    assert ours.read() is None
    for piece in (b"GET /metrics?name[]=a HTTP/1.1\r\nHost", b": x\r\nAccept: a\r\nAccept: b\r\n\r"):
        client.sendall(piece)
        assert ours.read() is None
    client.sendall(b"\n")
    assert ours.read() == Request("GET", "/metrics", "name[]=a", {"host": "x", "accept": "a"})


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        (b"GET /metrics\r\n\r\n", 400),
        (b"GET metrics HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno header\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400),
        (b"x" * LONGEST_REQUEST, 431),
    ],
)
def test_what_is_no_request_is_answered_with_its_fault(
    sent: bytes, status: int, connection: tuple[Exchange, socket.socket]
) -> None:
    ours, client = connection
    client.sendall(sent)
    assert ours.read() is None
    assert client.recv(100).startswith(b"HTTP/1.1 %d " % status)


def test_a_client_that_reads_slowly_gets_all_of_a_long_answer(connection: tuple[Exchange, socket.socket]) -> None:
    ours, client = connection
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert ours.read()
    ours.answer(200, b"x" * 3_000_000)
    received = 0
    while ours.sending:
        received += len(client.recv(100_000))
        ours.write()
    while more := client.recv(1_000_000):
        received += len(more)
    assert received > 3_000_000
    assert ours.answered


def test_a_client_that_has_said_all_it_will_is_answered(connection: tuple[Exchange, socket.socket]) -> None:
    ours, client = connection
    client.sendall(b"HEAD / HTTP/1.1\r\n\r\n")
    client.shutdown(socket.SHUT_WR)
    assert ours.read()
    assert ours.read() is None
    assert ours.ended
    ours.head_only = True
    ours.answer(200, b"body")
    text = b"".join(iter(lambda: client.recv(1_000), b""))
    assert b"Content-Length: 4" in text
    assert text.endswith(b"\r\n\r\n")


def test_a_request_that_never_comes_whole_is_ended(
    connection: tuple[Exchange, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, client = connection
    client.sendall(b"GET / HT")
    assert ours.read() is None
    ours.expire()
    assert not ours.closed
    now = time.monotonic()
    monkeypatch.setattr(exchange, "monotonic", lambda: now + 11)
    ours.expire()
    assert client.recv(100).startswith(b"HTTP/1.1 408 ")
    monkeypatch.setattr(exchange, "monotonic", lambda: now + 22)
    ours.expire()
    assert ours.closed


def test_an_absolute_target_is_one_of_ours() -> None:
    assert parsed(b"GET http://shop:9464/metrics?x HTTP/1.1") == Request("GET", "/metrics", "x", {})
    assert parsed(b"GET http://shop HTTP/1.0") == Request("GET", "/", "", {})
