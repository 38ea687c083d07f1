"""What the processes of a service keep in their common memory: each in a place of its own, whole at any moment.

One place a slot, far apart: the memory is sparse, and takes only what is written. A place holds two records, each twice: the
state of the process that has the slot, and what those before it have left. A record is written beside the one in force, which
a single number then changes for the other; who is killed in between leaves the one before.
"""

from __future__ import annotations

import os
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from platform_instrument.telemetry.workers.founding import HEAD, MAGIC

if TYPE_CHECKING:
    from collections.abc import Iterator

STATE, LEFT = 0, 1
"""The two records of a place."""

LONGEST = 63 << 20
"""Bytes that a record may have."""

_PAGE = 4_096
_PLACE = 1 << 28
_KEY = 256
_LONGEST_KEY = 1_024
_PORTS = (HEAD, 1_536)
"""Where it stands what is known of each port, by its number."""
_DRAINS, _MOST_DRAINS = HEAD + 32, 6
"""Where it stands which processes drain, and how many at most: masters, of which there are two while one replaces another."""
_GENERATION, _OWNER, _DOORS, _SINCE, _HEALTH = 16, 24, (32, 48), 40, 56
"""Where in a place these numbers stand, after those of the two records; doors by the number of the port."""
_ATTEMPTS = 20

_WORD = Struct("<Q")
_RECORD = Struct("<QQ")
_LENGTH = Struct("<I")
_DRAIN = Struct("<Qddd")


class Drain(NamedTuple):
    """How a process drains, in seconds of `time.monotonic`: since when, until when its workers go on, whether they hurry."""

    since: float
    until: float
    hurried: bool


class Ledger:
    """The common memory behind a descriptor. A record that cannot be written raises `OSError`."""

    __slots__ = ("descriptor", "founder", "tree")

    def __init__(self, descriptor: int) -> None:
        """Raise `ValueError` where the memory is none of ours."""
        head = os.pread(descriptor, HEAD, 0)
        if len(head) < HEAD or not head.startswith(MAGIC):
            message = "not a ledger"
            raise ValueError(message)
        self.descriptor = descriptor
        self.tree = head[8:24]
        """Random bytes by which this service is told from all others."""
        self.founder = int.from_bytes(head[24:32], "little")
        """The process that has made the memory."""

    # --- of the service -------------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """What the service is: empty until its first process has said so."""
        (length,) = _LENGTH.unpack(self._read(_KEY, _LENGTH.size))
        return self._read(_KEY + _LENGTH.size, min(length, _LONGEST_KEY)).decode("utf-8", "replace")

    @key.setter
    def key(self, text: str) -> None:
        encoded = text.encode("utf-8", "replace")[:_LONGEST_KEY]
        self._write(_KEY, _LENGTH.pack(len(encoded)) + encoded)

    def port(self, number: int) -> Port:
        """Return what the service knows of one of its ports."""
        return Port(self, _PORTS[number])

    def drain(self, process: int) -> Drain | None:
        """Return how a process drains, None where it has not said so."""
        content = self._read(_DRAINS, _MOST_DRAINS * _DRAIN.size)
        found = {number: (since, until, hurried) for number, since, until, hurried in _DRAIN.iter_unpack(content)}
        if process not in found:
            return None
        since, until, hurried = found[process]
        return Drain(since, until, bool(hurried))

    def put_drain(self, process: int, since: float, until: float, *, hurried: bool) -> None:
        """Say how this process drains, in the place that it has, or a free one, or else the first."""
        owners = [self._word(_DRAINS + at * _DRAIN.size) for at in range(_MOST_DRAINS)]
        at = next((at for at, owner in enumerate(owners) if owner in {process, 0}), 0)
        self._write(_DRAINS + at * _DRAIN.size, _DRAIN.pack(process, since, until, hurried))

    def slots(self) -> range:
        """Return the numbers of the slots that were ever taken."""
        size = os.fstat(self.descriptor).st_size
        return range(max(0, -(-size // _PLACE) - 1))

    # --- of a slot ------------------------------------------------------------------------------------------------

    def generation(self, slot: int) -> int:
        """Return how often the slot was taken."""
        return self._word(_place(slot) + _GENERATION)

    def owner(self, slot: int) -> int:
        """Return the process that has taken the slot last."""
        return self._word(_place(slot) + _OWNER)

    def since(self, slot: int) -> int:
        """Return when the slot was taken last, in ns of `time.perf_counter_ns`."""
        return self._word(_place(slot) + _SINCE)

    def take(self, slot: int, owner: int, since: int) -> int:
        """Note who has a slot now; return the new generation."""
        generation = self.generation(slot) + 1
        self._write(_place(slot) + _GENERATION, b"".join(map(_WORD.pack, (generation, owner, 0, since))))
        return generation

    def door(self, slot: int, port: int) -> int:
        """Return for which generation the slot's process can be asked by those that answer at a port."""
        return self._word(_place(slot) + _DOORS[port])

    def put_door(self, slot: int, port: int, generation: int) -> None:
        """Say that the slot's process can be asked from now on, or with 0 that it cannot."""
        self._put_word(_place(slot) + _DOORS[port], generation)

    def health(self, slot: int) -> tuple[int, int]:
        """Return the generation that has told its health last, zero where none has, and what it told: a byte."""
        generation, told = divmod(self._word(_place(slot) + _HEALTH), 256)
        return generation, told

    def put_health(self, slot: int, generation: int, told: int) -> None:
        """Tell the health of the slot's process, in a byte; only who has the slot does so."""
        self._put_word(_place(slot) + _HEALTH, generation * 256 + told)

    def put(self, slot: int, record: int, content: bytes, generation: int) -> None:
        """Put a record in force; only who has the slot does so."""
        if len(content) > LONGEST:
            message = f"{len(content)} bytes are more than {LONGEST}"
            raise OSError(message)
        number = self._word(_place(slot) + record * _WORD.size) + 1
        self._write(_buffer(slot, record, number), _RECORD.pack(len(content), generation) + content)
        self._put_word(_place(slot) + record * _WORD.size, number)

    def get(self, slot: int, record: int) -> tuple[int, bytes]:
        """Return the record in force and the generation it is of, zero where there is none."""
        for number in self._numbers(slot, record):
            length, generation = _RECORD.unpack(self._read(_buffer(slot, record, number), _RECORD.size))
            content = self._read(_buffer(slot, record, number) + _RECORD.size, min(length, LONGEST))
            if self._word(_place(slot) + record * _WORD.size) == number:
                return generation, content
        return 0, b""

    def _numbers(self, slot: int, record: int) -> Iterator[int]:
        """Yield the number of the record in force, again while others are put in its place."""
        for _ in range(_ATTEMPTS):
            number = self._word(_place(slot) + record * _WORD.size)
            if not number:
                return
            yield number

    # --- bytes ----------------------------------------------------------------------------------------------------

    def _word(self, offset: int) -> int:
        (number,) = _WORD.unpack(self._read(offset, _WORD.size))
        return int(number)

    def _put_word(self, offset: int, number: int) -> None:
        self._write(offset, _WORD.pack(number))

    def _read(self, offset: int, length: int) -> bytes:
        """Return so many bytes, zeros where nothing was ever written."""
        found = os.pread(self.descriptor, length, offset)
        while len(found) < length:
            more = os.pread(self.descriptor, length - len(found), offset + len(found))
            if not more:
                return found + bytes(length - len(found))
            found += more
        return found

    def _write(self, offset: int, content: bytes) -> None:
        view = memoryview(content)
        while view:
            written = os.pwrite(self.descriptor, view, offset)
            view, offset = view[written:], offset + written


class Port:
    """One of the ports of a service, as its processes know it."""

    __slots__ = ("_at", "_ledger")

    def __init__(self, ledger: Ledger, at: int) -> None:
        self._ledger = ledger
        self._at = at

    @property
    def bound(self) -> int:
        """The port that the service listens on, 0 until there is one."""
        return self._get(0)

    @bound.setter
    def bound(self, number: int) -> None:
        self._put(0, number)

    @property
    def binder(self) -> int:
        """The process that has bound it."""
        return self._get(1)

    @binder.setter
    def binder(self, process: int) -> None:
        self._put(1, process)

    @property
    def said(self) -> bool:
        """Whether one process has said for all that it is not to be had."""
        return bool(self._get(2))

    @said.setter
    def said(self, whether: bool) -> None:
        self._put(2, int(whether))

    def _get(self, number: int) -> int:
        return self._ledger._word(self._at + number * _WORD.size)  # noqa: SLF001 - a part of it

    def _put(self, number: int, value: int) -> None:
        self._ledger._put_word(self._at + number * _WORD.size, value)  # noqa: SLF001 - as above


def _place(slot: int) -> int:
    return (slot + 1) * _PLACE


def _buffer(slot: int, record: int, number: int) -> int:
    return _place(slot) + _PAGE + (record * 2 + (number & 1)) * ((LONGEST | _PAGE - 1) + 1 + _PAGE)
