"""The slot of this process among the workers of its service: taken when it is first asked for, free again when it ends.

A worker that takes the place of one that has ended takes over its slot, and with it the `service.instance.id`; no two that live
have the same. So a service that recycles workers writes as many series as it has workers, however long it runs.
"""

from __future__ import annotations

import os
import sys
from threading import RLock
from time import perf_counter_ns, sleep, time_ns
from typing import TYPE_CHECKING

from platform_instrument.config.schema import INSTANCE_ID
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.telemetry.program import UNKNOWN, running_program
from platform_instrument.telemetry.workers import founding
from platform_instrument.telemetry.workers.ledger import Ledger

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings

MOST = 1_024
"""Slots that a service has; a process beyond them has an id of its own and no place on the common page."""

_LONGEST_GIVEN = 4_000
_LONGEST_NAME = 255
_CHILDREN = "from multiprocessing."
"""What the program of a child of multiprocessing begins with, which has the service of its parent."""
_PATIENCE = 20
"""Milliseconds that one process waits for another to say what the service is."""


class Slot:
    """A place in the ledger that is this process's; `generation` counts who has had it."""

    __slots__ = ("generation", "ledger", "number", "process")

    def __init__(self, ledger: Ledger, number: int, process: int) -> None:
        self.ledger = ledger
        self.number = number
        self.process = process
        self.generation = ledger.take(number, process, perf_counter_ns())


class _Here:
    """What this process has."""

    ledger: Ledger | None = None
    slot: Slot | None = None
    settled = False
    taking = RLock()
    born = perf_counter_ns()
    """When this process began: who has lived beside the one that had a slot does not take it over."""


def settle(settings: Settings) -> None:
    """Find out which service this process belongs to, before it has children: its parent's, or one of its own."""
    with _Here.taking:
        if not _Here.settled:
            _Here.settled = True
            _Here.ledger = _joined(settings)


def slot() -> Slot | None:
    """Return the slot of this process, which takes one if it has none; None where there is none to be had."""
    with _Here.taking:
        mine = held()
        if mine is not None:
            return mine
        before, _Here.slot = _Here.slot, None
        if not founding.intact():  # closed by the application, among all descriptors that it had
            _Here.ledger = _ledger() if founding.reach() else _new_ledger()
            if before is not None and before.process == os.getpid() and _Here.ledger is not None:
                return _resumed(before, _Here.ledger)
        if _Here.ledger is not None:
            _Here.slot = _taken(_Here.ledger)
        return _Here.slot


def ledger() -> Ledger | None:
    """Return the ledger of this process's service."""
    return _Here.ledger if founding.intact() else None


def held() -> Slot | None:
    """Return the slot of this process where it has taken one."""
    mine = _Here.slot
    return mine if mine is not None and mine.process == os.getpid() and founding.intact() else None


def alive(mine: Slot, number: int, generation: int) -> bool:
    """Say whether the process lives that has a slot in this generation, as one of the others sees it."""
    if number == mine.number:
        return generation == mine.generation
    from platform_instrument.telemetry.workers.locks import holder

    return generation == mine.ledger.generation(number) and bool(holder(mine.ledger.descriptor, number))


def renew() -> None:
    """Be nobody yet: in a fork child, which has none of its parent's locks."""
    _Here.taking = RLock()
    _Here.slot = None
    _Here.born = perf_counter_ns()


def instance_id(settings: Settings) -> str:
    """Return the `service.instance.id` of this process: a random one where it has no slot, or with its own number."""
    mine = slot()
    if mine is not None:
        return instance_of(settings, mine.ledger, mine.number)
    given = settings.resource_attributes.get(INSTANCE_ID, "")
    if not given:
        return _uuid(os.urandom(16), 0)
    return given if settings.instance in {"", str(os.getpid())} else f"{given[:_LONGEST_GIVEN]}.{os.getpid()}"


def instance_of(settings: Settings, ledger: Ledger, number: int) -> str:
    """Return the `service.instance.id` of whoever has a slot.

    One that the environment gives is that of the first slot; others add the number of theirs, and where the process belongs
    to another service than the one that it was given to, that of the service's first process.
    """
    given = settings.resource_attributes.get(INSTANCE_ID, "")
    if not given:
        return _uuid(ledger.tree, number)
    founder = str(ledger.founder)
    more = [*([founder] if settings.instance not in {"", founder} else ()), *([str(number)] if number else ())]
    return ".".join([given[:_LONGEST_GIVEN], *more]) if more else given


def _uuid(random: bytes, number: int) -> str:
    """Return a UUID (version 4) of random bytes and a number, which `uuid` would make from the same bytes."""
    digits = bytearray(random)
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    digits[12:] = (int.from_bytes(digits[12:], "big") ^ number).to_bytes(4, "big")
    text = digits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


# --- which service ----------------------------------------------------------------------------------------------------


def _joined(settings: Settings) -> Ledger | None:
    """Return the ledger of the service: the one that was inherited or left word of, or a new one where that is of another."""
    inherited = founding.intact()
    if not inherited and (founding.own() or not founding.reach()):
        return _new_ledger(settings)
    ledger = _ledger()
    if ledger is None or not _agrees(ledger, settings):
        return _new_ledger(settings)
    return ledger


def _new_ledger(settings: Settings | None = None) -> Ledger | None:
    """Return a ledger of this process's own; with the settings, its children are told where it is.

    Another interpreter in the same process has left word of its own, which stays.
    """
    tell = settings is not None and not (founding.own() and not founding.intact())
    if not founding.make(tell=tell):
        return None
    ledger = _ledger()
    if ledger is not None and settings is not None:
        ledger.key = _key(settings, _name(settings) or UNKNOWN)
    return ledger


def _ledger() -> Ledger | None:
    try:
        return Ledger(founding.Founded.descriptor)
    except (OSError, ValueError):
        return None


def _agrees(ledger: Ledger, settings: Settings) -> bool:
    """Say whether a ledger is that of our service, which it is of the first that has instrumented something."""
    from platform_instrument.telemetry.workers.locks import SETTLING, lock, unlock

    for _ in range(_PATIENCE):
        if lock(ledger.descriptor, SETTLING):
            try:
                name = _name(settings)
                if not ledger.key and name:
                    ledger.key = _key(settings, name)
                key = ledger.key
            finally:
                unlock(ledger.descriptor, SETTLING)
            return not key or key == _key(settings, name or key.partition("\0")[0])
        sleep(0.001)
    return True


def _name(settings: Settings) -> str:
    """Return the name of the service, empty for a child of multiprocessing that was given none."""
    given = settings.service_name or settings.resource_attributes.get("service.name", "")
    if given:
        return given
    command = getattr(sys, "orig_argv", sys.argv)
    return "" if any(word.startswith(_CHILDREN) for word in command[1:]) else running_program()


def _key(settings: Settings, name: str) -> str:
    """Return what tells services apart: the same one on other ports is another."""
    scraped = "prometheus" in settings.metrics_exporter
    place = [settings.exporter_prometheus_host, str(settings.exporter_prometheus_port)] if scraped else ["", ""]
    if settings.admin_port is not None:
        place += [settings.admin_host, str(settings.admin_port)]
    return "\0".join([part.encode("ascii", "backslashreplace").decode()[:_LONGEST_NAME] for part in (name, *place)])


# --- which slot -------------------------------------------------------------------------------------------------------


def _taken(ledger: Ledger) -> Slot | None:
    """Return the lowest slot that nobody has, nor had after this process began: a parent does not go on as its child.

    One whose last process has our own number is another interpreter's in this process, which no lock would tell from us.
    """
    from platform_instrument.telemetry.workers.locks import lock

    process = os.getpid()
    for number in range(MOST):
        try:
            if ledger.owner(number) != process and ledger.since(number) <= _Here.born and lock(ledger.descriptor, number):
                taken = Slot(ledger, number, process)
                if taken.generation > 1:
                    METRICS.start_ns = time_ns()  # its series begin where those of the one before have ended
                return taken
        except OSError:
            return None  # the system has no memory left, or allows no file of this length
    return None


def _resumed(before: Slot, ledger: Ledger) -> Slot | None:
    """Return the slot that this process had until its descriptors were closed, as it was: what it has counted is in there.

    Where somebody has taken it over meanwhile, and what was counted with it, this process is alone: it would count that again.
    """
    from platform_instrument.telemetry.workers.locks import lock

    if ledger.tree == before.ledger.tree:
        number = before.number
        if lock(ledger.descriptor, number) and ledger.generation(number) == before.generation:
            before.ledger, _Here.slot = ledger, before
            return before
        _Here.ledger = _new_ledger()
    _Here.slot = _taken(_Here.ledger) if _Here.ledger is not None else None
    return _Here.slot
