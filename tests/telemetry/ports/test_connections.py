"""Clients that come and stay silent, more than there is room for, and a process that has no descriptor left for them."""

from __future__ import annotations

import resource
import socket
import time
from typing import TYPE_CHECKING

import pytest

from platform_instrument.telemetry.ports import complaints, connections
from platform_instrument.telemetry.ports.connections import Connections
from platform_instrument.telemetry.ports.sockets import OwnSocket, own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUEST = b"GET /metrics HTTP/1.1\r\n\r\n"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connections]:
    """Return room for two."""
    monkeypatch.setattr(connections, "_MOST", 2)
    complaints.forget()
    made = Connections()
    yield made
    made.abandon()
    complaints.forget()


@pytest.fixture
def listener() -> Iterator[OwnSocket]:
    """Return a listening socket of ours."""
    ours = own(socket.create_server(("127.0.0.1", 0)).detach())
    yield ours
    ours.close()


@pytest.fixture
def client(listener: OwnSocket) -> Iterator[Callable[[bytes], socket.socket]]:
    """Return what connects and sends something."""
    made: list[socket.socket] = []

    def connect(sent: bytes) -> socket.socket:
        made.append(socket.create_connection(listener.getsockname(), 5))
        made[-1].sendall(sent)
        return made[-1]

    yield connect
    for each in made:
        each.close()


def test_who_is_silent_longest_makes_room_after_a_moment(
    few: Connections, listener: OwnSocket, client: Callable[[bytes], socket.socket]
) -> None:
    silent = [client(b""), client(b"GET /metr")]
    assert all(few.accept(listener) for _ in silent)
    assert time.monotonic() < few.opening() < time.monotonic() + 0.5
    time.sleep(max(few.opening() - time.monotonic(), 0))
    client(REQUEST)
    exchange = few.accept(listener)
    assert exchange is not None
    assert exchange.read() is not None
    assert len(list(few)) == 2
    assert silent[0].recv(1) == b""


def test_who_waits_for_its_page_keeps_its_place(
    few: Connections, listener: OwnSocket, client: Callable[[bytes], socket.socket]
) -> None:
    for _ in range(2):
        client(REQUEST)
        exchange = few.accept(listener)
        assert exchange is not None
        assert exchange.read() is not None
    time.sleep(0.3)
    assert few.opening() > time.monotonic()
    for exchange in few:
        exchange.answer(200, b"page")
    few.forget()
    client(REQUEST)
    assert few.opening() <= time.monotonic() + 0.3
    assert few.accept(listener)


def test_without_a_descriptor_it_pauses_and_says_so_once(
    few: Connections, listener: OwnSocket, client: Callable[[bytes], socket.socket], capfd: pytest.CaptureFixture[str]
) -> None:
    client(REQUEST)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as lowest:
        free = lowest.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        for _ in range(3):
            assert few.accept(listener) is None
            assert few.opening() > time.monotonic()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert few.accept(listener)
    assert capfd.readouterr().err.count("Too many open files") == 1
