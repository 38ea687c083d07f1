"""What a port of the service is for: whoever comes to it is answered by a desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from platform_instrument.telemetry.ports.exchange import Exchange, Request
    from platform_instrument.telemetry.ports.neighbours import Message, Neighbours
    from platform_instrument.telemetry.workers.ledger import Ledger


class Desk(Protocol):
    """Answers requests, at once or later; never waits, for others come to the same thread."""

    @property
    def open(self) -> bool:
        """Whether this process lets anybody in; others may."""

    def answer(self, exchange: Exchange, request: Request) -> None:
        """Answer a request, or keep it until it can be."""

    def take(self, message: Message) -> None:
        """Do what another worker asks, or take what it answers."""

    def due(self) -> Iterable[float]:
        """Return when there is something to do, on the clock of `time.monotonic`."""

    def finish(self) -> None:
        """Do what is due."""


if TYPE_CHECKING:
    NewDesk = Callable[[Neighbours | None, Ledger | None], Desk]
    """Makes the desk of a process, from its way to the other workers and what it shares with them, where there is that."""
