"""Workers that speak with each other: nobody else is heard, and what they send along is not kept."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platform_instrument.telemetry.ports.neighbours import ASK_LISTENER, ASK_STATE, LISTENER, Neighbours
from platform_instrument.telemetry.ports.place import METRICS
from platform_instrument.telemetry.workers import founding
from platform_instrument.telemetry.workers.ledger import Ledger
from platform_instrument.telemetry.workers.locks import lock
from platform_instrument.telemetry.workers.membership import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = b"12345678"


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Neighbours, Neighbours]]:
    """Return two workers of one service, both of them this process."""
    monkeypatch.setattr(founding.Founded, "descriptor", -1)
    assert founding.make(tell=False)
    ledger = Ledger(founding.Founded.descriptor)
    first, second = (Neighbours(Slot(ledger, number, os.getpid()), METRICS) for number in range(2))
    yield first, second
    first.socket.close()
    second.socket.close()
    founding.forget()


def test_a_message_arrives_with_its_token_and_its_sender(pair: tuple[Neighbours, Neighbours]) -> None:
    first, second = pair
    assert first.tell(second.socket.getsockname(), ASK_STATE, TOKEN)
    (message,) = second.messages()
    assert (message.kind, message.token, message.slot, message.descriptor) == (ASK_STATE, TOKEN, 0, -1)
    assert message.sender == first.socket.getsockname()


def test_a_socket_comes_along_with_the_answer_that_it_belongs_to_alone(pair: tuple[Neighbours, Neighbours]) -> None:
    first, second = pair
    before = len(list(Path("/proc/self/fd").iterdir()))
    with socket.socket() as listener:
        for kind in (ASK_STATE, LISTENER):
            first.tell(second.socket.getsockname(), kind, TOKEN, listener.fileno())
        plain, answer = second.messages()
        assert plain.descriptor == -1
        assert os.fstat(answer.descriptor).st_ino == os.fstat(listener.fileno()).st_ino
        assert not os.get_inheritable(answer.descriptor)
        os.close(answer.descriptor)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_who_is_no_worker_of_the_service_or_makes_no_sense_is_not_heard(pair: tuple[Neighbours, Neighbours]) -> None:
    first, second = pair
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.bind(b"\0stranger.0")
        stranger.sendto(ASK_LISTENER + TOKEN, second.socket.getsockname())
    first.tell(second.socket.getsockname(), ASK_STATE, b"short")
    first.tell(second.socket.getsockname(), b"", b"")
    assert list(second.messages()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_is_not_heard(pair: tuple[Neighbours, Neighbours]) -> None:
    first, second = pair
    child = os.fork()
    if not child:
        os.setuid(65_534)
        first.tell(second.socket.getsockname(), ASK_LISTENER, TOKEN)
        os._exit(0)
    os.waitpid(child, 0)
    assert list(second.messages()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_worker_that_has_dropped_its_rights_is_heard(pair: tuple[Neighbours, Neighbours]) -> None:
    """By the lock that it holds in the common memory, which no stranger can."""
    first, second = pair
    told, end = os.pipe()
    child = os.fork()
    if not child:
        os.setuid(65_534)
        held = lock(founding.Founded.descriptor, 0)
        first.tell(second.socket.getsockname(), ASK_STATE, TOKEN)
        os.write(end, b"1" if held else b"0")
        signal.pause()
    assert os.read(told, 1) == b"1"
    try:
        assert [message.slot for message in second.messages()] == [0]
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(told)
        os.close(end)


HOLDER = """
import os, sys
sys.path[:0] = sys.argv[3:]
from platform_instrument.telemetry.workers.locks import lock
descriptor = os.open(sys.argv[1], os.O_RDWR)
print(lock(descriptor, int(sys.argv[2])), flush=True)
sys.stdin.read()
"""


def test_only_who_lives_and_can_be_asked_is_asked(pair: tuple[Neighbours, Neighbours]) -> None:
    first, second = pair
    assert first.others() == {}  # nobody holds the other slot
    memory = f"/proc/{os.getpid()}/fd/{founding.Founded.descriptor}"
    words = [sys.executable, "-c", HOLDER, memory, "1", *sys.path]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert first.others() == {1: second.socket.getsockname()}
        assert first.ask(ASK_STATE, TOKEN) == {1: True}
        second.shut()
        assert first.ask(ASK_STATE, TOKEN) == {}
        second.open()
        second.socket.close()
        assert first.ask(ASK_STATE, TOKEN) == {1: False}
        holder.kill()
    assert first.others() == {}
