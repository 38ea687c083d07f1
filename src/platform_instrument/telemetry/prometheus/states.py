"""What each worker keeps of its metrics where the others read it, and what those before it in its slot have left.

A process writes its own state alone. Who takes over a slot first adds the counters of the one before it to what is left there,
with a number that says whose are in it: whoever reads at any moment counts each once, and a process that is killed anywhere in
between is counted as it last was. Gauges end with their process.
"""

from __future__ import annotations

import marshal
from threading import RLock
from time import monotonic, thread_time
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.telemetry.ports.complaints import complain
from platform_instrument.telemetry.prometheus.merge import departed
from platform_instrument.telemetry.prometheus.snapshot import snapshot
from platform_instrument.telemetry.workers import membership
from platform_instrument.telemetry.workers.ledger import LEFT, STATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.config.schema import Settings
    from platform_instrument.telemetry.prometheus.snapshot import Snapshot
    from platform_instrument.telemetry.workers.membership import Slot

    Part = tuple[Snapshot, bool, str]

_FORMAT = 4
"""The version of `marshal`, which all Pythons that we run on read."""

_EVERY = 2.0
"""Seconds between two states at least that nobody has asked for."""
_SHARE = 500
"""How many times the work of writing a state passes before it is written again, unless somebody asks."""
_LONGEST_PAUSE = 10.0
_PATIENCE = 1.0
"""Seconds that one thread waits for another's writing."""


class States:
    """The states of all workers, as one of them sees them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._writing = RLock()
        """A signal handler may have the state written while its thread writes it."""
        self._heir = (-1, 0)
        """For which slot and generation what was left there has been taken over."""
        self._written = b""
        self._next = 0.0

    def write(self, *, observed: bool = True) -> None:
        """Put the state of this process in force; without `observed`, cheaper, what is only known by asking as it was last."""
        slot = membership.slot()
        if slot is None and membership.ledger() is not None:
            complain(
                "slots",
                f"this process has no slot among the workers of its service: there are more than {membership.MOST}, or their "
                "common memory cannot be written (ulimit -f); who is scraped instead of it does not know its metrics",
            )
        if slot is None or not self._writing.acquire(timeout=_PATIENCE):
            return
        try:
            began = thread_time()
            guard("state for the others", self._write, slot, observed=observed)
            self._next = monotonic() + max(_EVERY, min((thread_time() - began) * _SHARE, _LONGEST_PAUSE))
        finally:
            self._writing.release()

    def keep_up(self) -> float:
        """Write the state from time to time, for the case that this process is killed; return the seconds until the next time."""
        if monotonic() >= self._next:
            self.write(observed=False)
        return max(self._next - monotonic(), 0.0)

    def parts(self) -> Iterator[Part]:
        """Yield what every worker has kept last and what is left of others; of a process without a slot, its own."""
        slot = membership.held()
        if slot is None:
            own = snapshot(METRICS)
            if own:
                yield own, True, ""
            return
        for number in slot.ledger.slots():
            parts = guard("state of a worker", self._parts, slot, number)
            if parts:
                yield from parts

    def _parts(self, mine: Slot, number: int) -> list[Part]:
        """Return both records of a slot. The state first: it is replaced only after it was added to what is left."""
        ledger = mine.ledger
        generation, state = ledger.get(number, STATE)
        included, left = ledger.get(number, LEFT)
        instance = membership.instance_of(self._settings, ledger, number)
        parts: list[Part] = []
        if left:
            parts.append((marshal.loads(left), False, instance))  # noqa: S302 - written by ourselves
        if generation > included:
            parts.append((marshal.loads(state), membership.alive(mine, number, generation), instance))  # noqa: S302 - as above
        return parts

    def _write(self, slot: Slot, *, observed: bool) -> None:
        found = snapshot(METRICS, observed=observed)
        if found is None:
            return
        try:
            self._inherit(slot)
            content = marshal.dumps(found, _FORMAT)
            if content != self._written:
                slot.ledger.put(slot.number, STATE, content, slot.generation)
                self._written = content
        except OSError as error:
            complain("ledger", f"other workers cannot see the metrics of this one: {error.strerror or error}")

    def _inherit(self, slot: Slot) -> None:
        """Add what the process before this one had counted to what is left in the slot, once."""
        if self._heir == (slot.number, slot.generation):
            return
        self._written = b""
        ledger = slot.ledger
        generation, state = ledger.get(slot.number, STATE)
        included, left = ledger.get(slot.number, LEFT)
        if included < generation < slot.generation:
            dead: Any = [marshal.loads(record) for record in (left, state) if record]  # noqa: S302 - as above
            ledger.put(slot.number, LEFT, marshal.dumps(departed([(each, False, "") for each in dead]), _FORMAT), generation)
        self._heir = (slot.number, slot.generation)
