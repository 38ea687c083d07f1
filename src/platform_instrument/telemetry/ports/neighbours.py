"""How the workers of a service speak with each other: by datagrams between sockets that have no file.

A worker asks another to write its state, or for the socket on which the service listens. Who asks is known by the kernel's
word: this user, or whoever holds a slot, since a child may have dropped its rights; nobody else is answered. The name of a
worker's socket is made of what only processes of this service can read.
Source: unix(7), SCM_CREDENTIALS, SCM_RIGHTS.
"""

from __future__ import annotations

import _socket
import os
from itertools import count
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from platform_instrument.telemetry.ports.sockets import own
from platform_instrument.telemetry.workers.locks import holder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.telemetry.workers.membership import Slot

ASK_STATE, STATE_WRITTEN, ASK_LISTENER, LISTENER = b"S", b"s", b"L", b"l"

PATIENCE = 0.25
"""Seconds that all workers together have for an answer."""

TOKEN = 8
"""Bytes by which an answer is matched with what was asked."""

_OURS = b"\0platform-instrument."
_CREDENTIALS = Struct("@iII")
_DESCRIPTOR = Struct("@i")
_ANCILLARY = 256
_MOST_AT_ONCE = 64


class Message(NamedTuple):
    """What a neighbour says; `descriptor` is a socket that came along, negative where none did."""

    kind: bytes
    token: bytes
    slot: int
    sender: bytes
    descriptor: int


class Neighbours:
    """This worker's own socket, and the way to those of the others, for one port. Raises `OSError` where there can be none."""

    def __init__(self, slot: Slot, port: int) -> None:
        self._slot = slot
        self._port = port
        self._tokens = count(1)
        self.socket = own(_socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM).detach())
        try:
            self.socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_PASSCRED, 1)
            self.socket.bind(self._address(slot.number, slot.generation))
        except OSError:
            self.socket.close()
            raise
        self.open()

    def open(self) -> None:
        """Be asked from now on."""
        self._slot.ledger.put_door(self._slot.number, self._port, self._slot.generation)

    def shut(self) -> None:
        """Be asked no more: what is written is the last, or nobody is there to answer."""
        self._slot.ledger.put_door(self._slot.number, self._port, 0)

    def close(self) -> None:
        """Be asked no more, ever."""
        self.shut()
        self.socket.close()

    def token(self) -> bytes:
        """Return by what the answers to the next question will be known."""
        return next(self._tokens).to_bytes(TOKEN, "big")

    def ask(self, kind: bytes, token: bytes) -> dict[int, bool]:
        """Ask all others; return by slot whether the question could be put."""
        return {number: self.tell(address, kind, token) for number, address in self.others().items()}

    def others(self) -> dict[int, bytes]:
        """Return by slot the addresses of the others that live and can be asked."""
        ledger = self._slot.ledger
        found = {}
        for number in ledger.slots():
            generation = ledger.generation(number)
            answers = generation and ledger.door(number, self._port) == generation
            if number != self._slot.number and answers and holder(ledger.descriptor, number):
                found[number] = self._address(number, generation)
        return found

    def tell(self, address: bytes, kind: bytes, token: bytes, descriptor: int = -1) -> bool:
        """Send a message, with a socket or without; say whether it was taken."""
        along = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _DESCRIPTOR.pack(descriptor))] if descriptor >= 0 else []
        try:
            self.socket.sendmsg([kind + token], along, 0, address)
        except OSError:
            return False  # it has just ended, or it does not read what it is sent
        return True

    def messages(self) -> Iterator[Message]:
        """Yield what has come from processes of this user, or of this service."""
        for _ in range(_MOST_AT_ONCE):
            try:
                text, along, _, sender = self.socket.recvmsg(64, _ANCILLARY, _socket.MSG_CMSG_CLOEXEC)
            except OSError:
                return
            process, user, descriptors = _read(along)
            kind, token, number = text[:1], text[1:], _number(sender)
            wanted = number >= 0 and len(token) == TOKEN and (user == os.geteuid() or self._is(number, process))
            descriptor = descriptors.pop() if wanted and kind == LISTENER and descriptors else -1
            for each in descriptors:
                os.close(each)
            if wanted:
                yield Message(kind, token, number, sender, descriptor)

    def _address(self, number: int, generation: int) -> bytes:
        return b"%b%b.%d.%d.%d" % (_OURS, self._slot.ledger.tree.hex().encode(), self._port, generation, number)

    def _is(self, number: int, process: int) -> bool:
        """Say whether a process has a slot: only who has the common memory can hold a lock in it."""
        return process > 0 and process == holder(self._slot.ledger.descriptor, number)


def _number(address: object) -> int:
    """Return the slot of whoever has an address, negative where it is none of ours."""
    if not isinstance(address, bytes) or not address.startswith(_OURS):
        return -1
    last = address.rpartition(b".")[2]
    return int(last) if last.isdigit() else -1


def _read(along: list[tuple[int, int, bytes]]) -> tuple[int, int, list[int]]:
    """Return the process and the user who sends, negative where that is not said, and the descriptors that came along."""
    process, user, descriptors = -1, -1, []
    for level, kind, content in along:
        if level != _socket.SOL_SOCKET:
            continue
        if kind == _socket.SCM_CREDENTIALS and len(content) >= _CREDENTIALS.size:
            process, user, _ = _CREDENTIALS.unpack_from(content)
        elif kind == _socket.SCM_RIGHTS:
            whole = content[: len(content) - len(content) % _DESCRIPTOR.size]
            descriptors += [found for (found,) in _DESCRIPTOR.iter_unpack(whole)]
    return process, user, descriptors
