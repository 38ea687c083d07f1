"""Who comes to this worker: clients over HTTP, other workers of the service over sockets of their own; never blocks.

One turn waits for whatever comes first and does what is due. While a client waits for other workers, theirs are answered: two
workers that are asked at the same moment do not wait for each other.
"""

from __future__ import annotations

import select
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.ports.connections import IN, OUT, Connections
from platform_instrument.telemetry.ports.listening import Listening
from platform_instrument.telemetry.ports.neighbours import ASK_LISTENER, LISTENER, PATIENCE, Message, Neighbours
from platform_instrument.telemetry.workers import membership

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.telemetry.ports.desk import NewDesk
    from platform_instrument.telemetry.ports.exchange import Exchange
    from platform_instrument.telemetry.ports.place import Place
    from platform_instrument.telemetry.workers.membership import Slot

    Wait = Callable[[dict[int, int], float], list[int]]

_IDLE = 60.0
_NEW = 1.0
"""Seconds that a process is new."""
_MUTE = 1.0
"""Seconds that a worker that is about to end accepts nothing; one that does not end goes on."""


class Reception:
    """The sockets of this worker and what is going on at them."""

    def __init__(self, place: Place, new_desk: NewDesk, listener: int) -> None:
        """Take over the listening socket of the process that has forked this one, negative where it had none."""
        slot = membership.slot()
        ledger = slot.ledger if slot is not None else None
        self._neighbours = _neighbours(slot, place.number)
        self.listening = Listening(place, ledger)
        if listener >= 0:
            self.listening.adopt(listener)
        self._desk = new_desk(self._neighbours, ledger)
        self._connections = Connections()
        self._asked: tuple[bytes, int, float] | None = None
        """The question for the listening socket that is under way: its token, how many have not answered, until when."""
        self._born = monotonic()
        self._muted_until = 0.0
        self._shut = False
        """Whether the thread has taken note that it is muted."""

    @property
    def intact(self) -> bool:
        """Whether the application has left our sockets alone."""
        mine = [exchange.socket for exchange in self._connections]
        mine += [self.listening.socket] if self.listening.socket is not None else []
        mine += [self._neighbours.socket] if self._neighbours is not None else []
        return all(socket.intact for socket in mine)

    @property
    def resting(self) -> bool:
        """Whether no client waits for its answer, and none is let in."""
        return self._shut and all(exchange.answered for exchange in self._connections)

    def turn(self, wait: Wait, wake: int) -> bool:
        """Wait for something to do, and do it."""
        if self.listening.socket is None and monotonic() >= self.listening.next_try:
            self._seek()
        self._unmute()
        self._shut = bool(self._muted_until)
        ready = wait({wake: IN, **self._interest()}, self._seconds())
        for descriptor in ready:
            exchange = self._connections.at(descriptor)
            if exchange is not None:
                self._serve(exchange)
        if self._neighbours is not None:
            for message in self._neighbours.messages():
                self._take(message)
        listener = self.listening.socket
        if listener is not None and listener.fileno() in ready and not self._shut:
            accepted = self._connections.accept(listener)
            if accepted is not None:
                self._serve(accepted)
        self._desk.finish()
        self._connections.forget()
        return True

    def mute(self) -> None:
        """Accept nothing for a moment: this process is about to end, and other workers are not."""
        self._muted_until = monotonic() + _MUTE
        if self._neighbours is not None:
            self._neighbours.shut()

    def close(self) -> None:
        """Close everything that this process has here; other workers keep theirs."""
        if self._neighbours is not None:
            self._neighbours.close()
        self.abandon()

    def abandon(self) -> None:
        """Close the copies that a fork child has of its parent's sockets, which stay open there."""
        if self._neighbours is not None:
            self._neighbours.socket.close()
        self.listening.close()
        self._connections.abandon()

    def _unmute(self) -> None:
        """Go on, since the process has."""
        if self._muted_until and monotonic() >= self._muted_until:
            self._muted_until, self._shut = 0.0, False
            if self._neighbours is not None:
                self._neighbours.open()

    # --- what is waited for ---------------------------------------------------------------------------------------

    def _interest(self) -> dict[int, int]:
        found: dict[int, int] = {}
        if self._neighbours is not None:
            found[self._neighbours.socket.fileno()] = IN
        listener = self.listening.socket
        if listener is not None and self._connections.opening() <= monotonic() and not self._shut and self._desk.open:
            found[listener.fileno()] = IN
        return found | self._connections.interest()

    def _seconds(self) -> float:
        """Return until when nothing is due."""
        now = monotonic()
        due = [now + _IDLE, *self._desk.due(), *self._connections.due()]
        if self.listening.socket is None:
            due.append(self._asked[2] if self._asked is not None else self.listening.next_try)
        elif self._connections.opening() > now:
            due.append(self._connections.opening())
        if self._muted_until:
            due.append(self._muted_until)
        return max(min(due) - now, 0.0)

    # --- clients --------------------------------------------------------------------------------------------------

    def _serve(self, exchange: Exchange) -> None:
        """Read and write as far as it goes."""
        if exchange.sending:
            exchange.write()
        if not exchange.closed:
            request = exchange.read()
            if request is not None:
                exchange.head_only = request.method == "HEAD"
                if request.method in {"GET", "HEAD"}:
                    self._desk.answer(exchange, request)
                else:
                    exchange.answer(405, b"the method is not allowed here\n", more="Allow: GET, HEAD\r\n")

    # --- other workers --------------------------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        """Do what another worker asks, or take what it answers."""
        if message.kind == ASK_LISTENER and self._neighbours is not None:
            listener = self.listening.socket
            descriptor = listener.fileno() if listener is not None else -1
            self._neighbours.tell(message.sender, LISTENER, message.token, descriptor)
        elif message.kind == LISTENER:
            self._take_listener(message)
        else:
            self._desk.take(message)

    def _take_listener(self, message: Message) -> None:
        if message.descriptor >= 0:
            self.listening.adopt(message.descriptor)
        if self._asked is not None and self._asked[0] == message.token:
            token, left, until = self._asked
            self._asked = None if self.listening.socket is not None else (token, left - 1, until)

    def _seek(self) -> None:
        """Get the socket on which the service listens: another worker's, or where none has it, a new one.

        A process that is new leaves that to the others, where there are some: it may be gone before it has answered.
        """
        settled = self._born + _NEW
        if monotonic() < settled and self._neighbours is not None and self._neighbours.others():
            self.listening.next_try = settled
            return
        if self._asked is None and self._neighbours is not None:
            token = self._neighbours.token()
            asked = sum(self._neighbours.ask(ASK_LISTENER, token).values())
            self._asked = (token, asked, monotonic() + PATIENCE)
        if self._asked is None or self._asked[1] <= 0 or monotonic() >= self._asked[2]:
            self._asked = None
            self.listening.bind()


def _neighbours(slot: Slot | None, port: int) -> Neighbours | None:
    """Return the way to the other workers, None where the system has none: then each knows of the others what they wrote last."""
    if slot is None:
        return None
    try:
        return Neighbours(slot, port)
    except OSError:
        return None


def waiter() -> Wait:
    """Return how to wait for descriptors: as this thread does from now on, also when gevent comes between threads later."""
    make = getattr(select, "poll", None)
    if make is None:  # eventlet takes it away
        return _select
    return lambda interest, seconds: _poll(make(), interest, seconds)


def _poll(poll: Any, interest: dict[int, int], seconds: float) -> list[int]:  # noqa: ANN401 - gevent's or the system's
    for descriptor, events in interest.items():
        poll.register(descriptor, events)
    return [descriptor for descriptor, _ in poll.poll(int(seconds * 1000) + 1)]


def _select(interest: dict[int, int], seconds: float) -> list[int]:
    readable = [descriptor for descriptor, events in interest.items() if events & IN]
    writable = [descriptor for descriptor, events in interest.items() if events & OUT]
    return [*{descriptor for ready in select.select(readable, writable, (), seconds) for descriptor in ready}]
