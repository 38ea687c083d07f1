"""The health of all workers of a service: each tells its own in a byte of the common memory, and whoever is asked reads them.

The service is ready if at least one worker is, and none that serves is unready. A worker that starts, or that drains while
others serve, as recycled ones do, does not count. Where the process that ends them all drains, so does the service.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from platform_instrument.engine.health import HEALTH
from platform_instrument.engine.probes import DRAINING, READY, STARTING, UNREADY, standing
from platform_instrument.telemetry.workers import membership

if TYPE_CHECKING:
    from collections.abc import Mapping

STANDINGS = (STARTING, READY, UNREADY, DRAINING)
"""By the byte that tells them; a further byte is that of a process that only looks after others, and does not count."""


class _Here:
    """What this process is."""

    supervises = False


def supervise(*, supervises: bool) -> None:
    """Take this process for one that only looks after others, until it serves, or not."""
    if _Here.supervises is not supervises:
        _Here.supervises = supervises
        tell()


def own() -> str:
    """Return how this process stands, empty where it does not count."""
    snapshot = HEALTH.snapshot()
    return "" if _Here.supervises and not snapshot.started else standing(snapshot)


def tell() -> None:
    """Tell the others how this process stands, once it has a slot; it takes none for that."""
    slot = membership.held()
    if slot is not None:
        here = own()
        slot.ledger.put_health(slot.number, slot.generation, STANDINGS.index(here) if here else len(STANDINGS))


def others() -> Counter[str]:
    """Return how many of the other workers that live stand how."""
    found: Counter[str] = Counter()
    mine = membership.held()
    if mine is None:
        return found
    ledger = mine.ledger
    for number in ledger.slots():
        generation = ledger.generation(number)
        if number != mine.number and membership.alive(mine, number, generation):
            told_in, told = ledger.health(number)
            if told_in != generation:
                found[STARTING] += 1
            elif told < len(STANDINGS):
                found[STANDINGS[told]] += 1
    return found


def workers() -> Mapping[str, int]:
    """Return how many workers stand how, this one among them."""
    found = others()
    found[own()] += 1
    return {name: found[name] for name in STANDINGS}


def of_all(found: Mapping[str, int]) -> str:
    """Return how the service stands, whose workers do so."""
    elsewhere = HEALTH.elsewhere
    if elsewhere is not None and elsewhere():
        return DRAINING
    if found[READY] or found[UNREADY]:
        return UNREADY if found[UNREADY] else READY
    return DRAINING if found[DRAINING] else STARTING
