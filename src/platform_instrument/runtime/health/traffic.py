"""Whether what is asked of a server succeeds, by the sums of the durations that are counted: nothing is added to a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from platform_instrument.semantics.database import DURATION, databases
from platform_instrument.telemetry.metrics.registry import METRICS

if TYPE_CHECKING:
    from platform_instrument.core.values import Instrument
    from platform_instrument.semantics.database import Database

_ERROR = DURATION.varying.index("error.type")


class Place(NamedTuple):
    """A server that is no database, as its clients name it; an absent port is 0, an absent name empty."""

    system: str
    address: str
    port: int
    namespace: str
    """What is told apart on it, such as a virtual host."""
    instrument: Instrument
    """The histogram that its calls are counted in, by `server.address` and `server.port`."""

    @property
    def name(self) -> str:
        """What it is called beside its system."""
        server = f"{self.address}:{self.port}" if self.port else self.address
        return f"{server}/{self.namespace}" if self.namespace else server


class Traffic:
    """What was counted of one server when it was last looked at."""

    __slots__ = ("_failures", "_successes", "_where")

    def __init__(self, where: Database | Place | None) -> None:
        self._where = where
        self._successes, self._failures = self._counted()

    def flows(self) -> bool:
        """Say whether something has succeeded since it was last asked, and nothing has failed."""
        successes, failures = self._counted()
        flows = successes > self._successes and failures == self._failures
        self._successes, self._failures = successes, failures
        return flows

    def _counted(self) -> tuple[int, int]:
        """Return how long all was that has succeeded, and that has failed, in nanoseconds."""
        where = self._where
        if where is None or not where.address:
            return 0, 0
        return _of_place(where) if isinstance(where, Place) else _of_database(where)


def _of_place(where: Place) -> tuple[int, int]:
    metric = METRICS.by_name.get(where.instrument.name)
    successes = failures = 0
    for cell in metric.cells.copy().values() if metric is not None else ():
        pairs = dict(cell.attributes)
        if pairs.get("server.address") != where.address or pairs.get("server.port", 0) != where.port:
            continue
        if "error.type" in pairs:
            failures += int(cell.sum * 1e9)
        else:
            successes += int(cell.sum * 1e9)
    return successes, failures


def _of_database(where: Database) -> tuple[int, int]:
    place = where.system, where.address, where.port, where.namespace
    successes = failures = 0
    for known in databases():
        if (known.system, known.address, known.port, known.namespace) != place:
            continue
        for operation in set(known.operations.copy().values()):
            for key, cell in (operation.cells or {}).copy().items():
                if key and key[_ERROR] is not None:
                    failures += int(cell.sum * 1e9)
                else:
                    successes += int(cell.sum * 1e9)
    return successes, failures
