"""The connections to a port of ours: few at once, and none keeps others out for long; bounded in descriptors, memory and work.

Where there is no place left, the connection that has kept us waiting longest makes room, once it has had a moment. A process
without descriptors pauses: the connection waits where the system keeps it, and would be looked at again and again.
"""

from __future__ import annotations

import errno
from time import monotonic
from typing import TYPE_CHECKING

from platform_instrument.telemetry.ports.complaints import complain
from platform_instrument.telemetry.ports.exchange import Exchange
from platform_instrument.telemetry.ports.sockets import OwnSocket, own

if TYPE_CHECKING:
    from collections.abc import Iterator

IN, OUT = 1, 4
"""What a descriptor is waited for: `select.POLLIN`, `select.POLLOUT`."""

_MOST = 32
"""Connections at once; further ones wait to be accepted, maybe by another worker."""
_MOMENT = 0.25
"""Seconds that a client has for a step of its own, its request or the reading of its answer, while others wait for its place."""
_PAUSE = 1.0
"""Seconds after a connection that could not be taken."""
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Connections:
    """The exchanges that are under way, by their descriptors."""

    def __init__(self) -> None:
        self._exchanges: dict[int, Exchange] = {}
        self._paused_until = 0.0

    def __iter__(self) -> Iterator[Exchange]:
        """Return all exchanges, which may change meanwhile."""
        return iter(list(self._exchanges.values()))

    def at(self, descriptor: int) -> Exchange | None:
        """Return the exchange at a descriptor."""
        return self._exchanges.get(descriptor)

    def interest(self) -> dict[int, int]:
        """Return what the exchanges wait for."""
        found = {}
        for descriptor, exchange in self._exchanges.items():
            wanted = (0 if exchange.ended else IN) | (OUT if exchange.sending else 0)
            if wanted:
                found[descriptor] = wanted
        return found

    def opening(self) -> float:
        """Return when a further connection can be taken; what is past is now."""
        if len(self._exchanges) < _MOST:
            return self._paused_until
        oldest = self._oldest()
        return max(self._paused_until, monotonic() + _MOMENT if oldest is None else oldest.since + _MOMENT)

    def due(self) -> list[float]:
        """Return until when each exchange has to come on."""
        return [exchange.deadline for exchange in self._exchanges.values()]

    def accept(self, listener: OwnSocket) -> Exchange | None:
        """Take a connection, unless another worker was faster."""
        try:
            descriptor, _ = listener._accept()  # type: ignore[attr-defined] # noqa: SLF001 - what `accept` of the class above it calls
            socket = own(descriptor)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                return None
            self._paused_until = monotonic() + _PAUSE
            remedy = "allow the process more, or find out who holds so many"
            complain("accept", f"a connection to a port of ours waits: {error.strerror or error}; {remedy}")
            return None
        oldest = self._oldest() if len(self._exchanges) >= _MOST else None
        if oldest is not None:
            del self._exchanges[oldest.socket.fileno()]
            oldest.close()
        self._exchanges[socket.fileno()] = exchange = Exchange(socket)
        return exchange

    def forget(self) -> None:
        """End the exchanges that have no time left, and forget those that are over."""
        for descriptor, exchange in list(self._exchanges.items()):
            if not exchange.closed:
                exchange.expire()
            if exchange.closed:
                del self._exchanges[descriptor]

    def abandon(self) -> None:
        """Close everything."""
        for exchange in self._exchanges.values():
            exchange.socket.close()
        self._exchanges.clear()

    def _oldest(self) -> Exchange | None:
        """Return the exchange that waits for its client, and has done so longest."""
        waiting = [exchange for exchange in self._exchanges.values() if not exchange.pending]
        return min(waiting, key=lambda exchange: exchange.since, default=None)
