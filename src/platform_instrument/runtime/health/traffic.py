"""Whether the operations on a database succeed, by the sums of their durations: nothing is added to any call for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.semantics.database import DURATION, databases

if TYPE_CHECKING:
    from platform_instrument.semantics.database import Database

_ERROR = DURATION.varying.index("error.type")


class Traffic:
    """What was counted of one database when it was last looked at."""

    __slots__ = ("_failures", "_successes", "_where")

    def __init__(self, where: Database | None) -> None:
        self._where = where
        self._successes, self._failures = self._counted()

    def flows(self) -> bool:
        """Say whether operations have succeeded since it was last asked, and none has failed."""
        successes, failures = self._counted()
        flows = successes > self._successes and failures == self._failures
        self._successes, self._failures = successes, failures
        return flows

    def _counted(self) -> tuple[int, int]:
        """Return how long all operations were that have succeeded, and that have failed, in nanoseconds."""
        where = self._where
        if where is None or not where.address:
            return 0, 0
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
