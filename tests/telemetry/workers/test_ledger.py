"""The common memory: what is in force is whole, whoever is killed when."""

from __future__ import annotations

import os
import resource

import pytest

from platform_instrument.telemetry.workers import founding
from platform_instrument.telemetry.workers.ledger import LEFT, LONGEST, STATE, Ledger


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Return a new ledger."""
    monkeypatch.setattr(founding.Founded, "descriptor", -1)
    monkeypatch.setattr(founding.Founded, "identity", (0, 0))
    assert founding.make(tell=False)
    return Ledger(founding.Founded.descriptor)


def test_a_record_is_what_was_put_last_and_places_do_not_meet(memory: Ledger) -> None:
    assert memory.get(3, STATE) == (0, b"")
    for slot in (0, 3):
        for record in (STATE, LEFT):
            for number in range(1, 5):
                memory.put(slot, record, b"%d %d %d" % (slot, record, number), number)
    for slot in (0, 3):
        for record in (STATE, LEFT):
            assert memory.get(slot, record) == (4, b"%d %d 4" % (slot, record))
    assert list(memory.slots()) == [0, 1, 2, 3]


def test_a_record_that_is_not_written_to_its_end_leaves_the_one_before(memory: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.put(0, STATE, b"before", 1)

    write = os.pwrite

    def killed(descriptor: int, content: memoryview, offset: int) -> int:
        write(descriptor, content[: len(content) // 2], offset)
        raise InterruptedError

    monkeypatch.setattr(os, "pwrite", killed)
    with pytest.raises(InterruptedError):
        memory.put(0, STATE, b"after" * 1_000, 2)
    assert memory.get(0, STATE) == (1, b"before")


def test_a_record_that_is_too_long_is_refused(memory: Ledger) -> None:
    with pytest.raises(OSError, match="bytes are more than"):
        memory.put(0, STATE, bytes(LONGEST + 1), 1)
    assert memory.get(0, STATE) == (0, b"")


def test_a_descriptor_that_the_application_has_closed_is_told_from_ours(memory: Ledger) -> None:
    assert founding.intact()
    os.close(memory.descriptor)
    assert not founding.intact()
    other = os.open(os.devnull, os.O_RDONLY)
    os.dup2(other, memory.descriptor)
    os.close(other)
    assert not founding.intact()
    founding.forget()
    os.close(memory.descriptor)  # which `forget` has left alone


def test_memory_that_is_none_of_ours_is_no_ledger() -> None:
    with pytest.raises(ValueError, match="not a ledger"):
        Ledger(os.memfd_create("other"))


def test_where_no_file_may_grow_there_is_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(founding.Founded, "descriptor", -1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        assert not founding.make(tell=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not founding.intact()


def test_each_port_of_a_service_has_words_of_its_own(memory: Ledger) -> None:
    metrics, admin = memory.port(0), memory.port(1)
    metrics.bound, metrics.binder, metrics.said = 9464, 17, True
    assert (admin.bound, admin.binder, admin.said) == (0, 0, False)
    admin.bound, admin.binder = 8081, 18
    assert (metrics.bound, metrics.binder, metrics.said) == (9464, 17, True)
    assert (admin.bound, admin.binder, admin.said, memory.key) == (8081, 18, False, "")


def test_the_health_of_a_process_is_told_with_its_generation_beside_its_doors(memory: Ledger) -> None:
    assert memory.health(3) == (0, 0)
    generation = memory.take(3, 17, 0)
    memory.put_door(3, 0, generation)
    memory.put_door(3, 1, generation)
    memory.put_health(3, generation, 2)
    memory.put(3, STATE, b"state", generation)
    assert (memory.health(3), memory.door(3, 0), memory.door(3, 1)) == ((1, 2), 1, 1)
    assert memory.take(3, 18, 5) == 2
    assert (memory.health(3), memory.door(3, 0), memory.owner(3), memory.since(3)) == ((1, 2), 0, 18, 5)
    assert memory.get(3, STATE) == (1, b"state")
