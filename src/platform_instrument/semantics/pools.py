"""What a pool of connections is called, and what is measured of it.

Where a library does not limit the number of connections there is no maximum; where it keeps none in reserve the minimum is 0.
Source: https://opentelemetry.io/docs/specs/semconv/database/database-metrics/#connection-pools (version 1.37.0); the
conventions leave the bounds of the buckets open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import COUNTER, HISTOGRAM, UP_DOWN_COUNTER, Instrument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from platform_instrument.semantics.database import Database

POOL_NAME = "db.client.connection.pool.name"
STATE = "db.client.connection.state"

_BOUNDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)


def _instrument(name: str, description: str, unit: str, kind: int, keys: tuple[str, ...] = (POOL_NAME,)) -> Instrument:
    bounds = _BOUNDS if kind == HISTOGRAM else ()
    observable = kind == UP_DOWN_COUNTER
    name = f"db.client.connection.{name}"
    return Instrument(name, description, unit=unit, kind=kind, constant=keys, bounds=bounds, observable=observable)


_COUNT = _instrument(
    "count", "Connections in the state that the attribute names.", "{connection}", UP_DOWN_COUNTER, (POOL_NAME, STATE)
)
_IDLE_MAX = _instrument("idle.max", "Most idle open connections that are allowed.", "{connection}", UP_DOWN_COUNTER)
_IDLE_MIN = _instrument("idle.min", "Fewest idle open connections that are allowed.", "{connection}", UP_DOWN_COUNTER)
_MAX = _instrument("max", "Most open connections that are allowed.", "{connection}", UP_DOWN_COUNTER)
_PENDING = _instrument("pending_requests", "Requests that wait for an open connection.", "{request}", UP_DOWN_COUNTER)
TIMEOUTS = _instrument("timeouts", "Requests that waited for a connection in vain.", "{timeout}", COUNTER)
CREATE_TIME = _instrument("create_time", "Time it took to open a new connection.", "s", HISTOGRAM)
WAIT_TIME = _instrument("wait_time", "Time it took to get an open connection from the pool.", "s", HISTOGRAM)
USE_TIME = _instrument("use_time", "Time between borrowing a connection and giving it back.", "s", HISTOGRAM)


class State:
    """How a pool is: open connections, requests that wait for one, and its limits, None where there is none."""

    __slots__ = ("idle", "least_idle", "most", "most_idle", "pending", "used")

    def __init__(  # noqa: PLR0913 - what the conventions ask for
        self, used: int, idle: int, pending: int, most: int | None, most_idle: int | None, least_idle: int = 0
    ) -> None:
        self.used = used
        self.idle = idle
        self.pending = pending
        self.most = most
        self.most_idle = most_idle
        self.least_idle = least_idle

    def series(self, name: str) -> Iterator[tuple[Instrument, tuple[tuple[str, Any], ...], int]]:
        """Return the instruments that tell of it, with the attributes and the number of each."""
        pool = ((POOL_NAME, name),)
        yield _COUNT, (*pool, (STATE, "used")), self.used
        yield _COUNT, (*pool, (STATE, "idle")), self.idle
        yield _PENDING, pool, self.pending
        for instrument, number in ((_MAX, self.most), (_IDLE_MAX, self.most_idle), (_IDLE_MIN, self.least_idle)):
            if number is not None:
                yield instrument, pool, number


def pool_name(where: Database) -> str:
    """Return what the pool of a database is called: `server.address:server.port/db.namespace`, as far as it is known."""
    server = f"{where.address}:{where.port}" if where.port else where.address
    return "/".join([part for part in (server, where.namespace) if part]) or where.system


def waiting(waiters: Iterable[Any] | None) -> int:
    """Return how many wait in a queue of the standard library: locks, or futures, of which those that are done wait no more."""
    return sum([not (hasattr(waiter, "done") and waiter.done()) for waiter in tuple(waiters or ())])
