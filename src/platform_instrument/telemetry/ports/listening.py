"""A socket on which a service listens: bound by one of its workers, shared by all, taken up again when it is free.

It is bound without SO_REUSEPORT: two services would share the port and answer in turn. Where somebody else has it, one worker
says so for all, once, and the service runs on.
"""

from __future__ import annotations

import _socket
import errno
import os
from time import monotonic
from typing import TYPE_CHECKING

from platform_instrument.core.report import say
from platform_instrument.telemetry.ports.sockets import OwnSocket, own
from platform_instrument.telemetry.workers.locks import SETTLING, lock, unlock

if TYPE_CHECKING:
    from platform_instrument.telemetry.ports.place import Place
    from platform_instrument.telemetry.workers.ledger import Ledger, Port

_BACKLOG = 128
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_TOLD_AFTER = 1.5
"""Seconds before it is said that the port is taken: a service that was just ended may have it still."""

WAITING, LISTENING, TAKEN, REFUSED = "waiting", "listening", "the port is taken", "the address cannot be listened on"


class Listening:
    """This worker's hold of the socket, None while there is none; `state` is for doctor."""

    def __init__(self, place: Place, ledger: Ledger | None) -> None:
        self._place = place
        self._ledger = ledger
        self._known = ledger.port(place.number) if ledger is not None else None
        self.socket: OwnSocket | None = None
        self.state = WAITING
        self._since = 0.0
        """When the port was first found taken."""
        self._pause = _FIRST_PAUSE
        self.next_try = 0.0

    @property
    def port(self) -> int:
        """The port that is listened on, 0 while none is."""
        return int(self.socket.getsockname()[1]) if self.socket is not None else 0

    def adopt(self, descriptor: int) -> None:
        """Share the socket that another worker has bound."""
        try:
            socket = own(descriptor)
        except OSError:
            return
        if self.socket is not None or not _accepts(socket):
            socket.close()
            return
        self._listens(socket)

    def bind(self) -> None:
        """Bind the port, or put off the next attempt."""
        try:
            socket = self._bound()
        except OSError as error:
            self._failed(error)
            return
        if socket is not None:
            self._listens(socket)
            if self._known is not None:
                self._known.bound, self._known.binder, self._known.said = self.port, os.getpid(), False
        self.next_try = monotonic() + _FIRST_PAUSE

    def detach(self) -> int:
        """Give the socket away as a descriptor, negative where there is none."""
        socket, self.socket = self.socket, None
        return socket.detach() if socket is not None else -1

    def close(self) -> None:
        """Let go of the socket, which the other workers keep."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        self.state = WAITING

    def _listens(self, socket: OwnSocket) -> None:
        self.socket, self.state = socket, LISTENING
        self._since, self._pause = 0.0, _FIRST_PAUSE

    def _bound(self) -> OwnSocket | None:
        """Return a socket that is bound; None where another worker is about to choose a free port for all."""
        if self._place.port or self._ledger is None or self._known is None:
            return bound(self._place.host, self._place.port)
        if not lock(self._ledger.descriptor, SETTLING):
            return None
        try:
            return self._chosen(self._known)
        finally:
            unlock(self._ledger.descriptor, SETTLING)

    def _chosen(self, known: Port) -> OwnSocket:
        """Bind the free port that a worker has chosen before, or one that the system chooses."""
        if known.bound:
            try:
                return bound(self._place.host, known.bound)
            except OSError:
                if known.binder != os.getpid() and _lives(known.binder):
                    raise
        socket = bound(self._place.host, 0)
        known.bound = socket.getsockname()[1]
        return socket

    def _failed(self, error: OSError) -> None:
        """Try again later; say once for the service what is in the way."""
        now = monotonic()
        self._since = self._since or now
        taken = error.errno == errno.EADDRINUSE
        self.state = TAKEN if taken else REFUSED
        self.next_try = now + self._pause
        if (not taken or now - self._since >= _TOLD_AFTER) and not (self._known is not None and self._known.said):
            if self._known is not None:
                self._known.said = True
            say(self._complaint(error, taken=taken), place=self._place.settings[1])
        if now - self._since >= _TOLD_AFTER:
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def _complaint(self, error: OSError, *, taken: bool) -> str:
        host, port = self._place.settings
        setting, loss = f"{host}={self._place.host} {port}={self._place.port}", self._place.loss
        if taken:
            remedy = "set another port, or end what has it; it is taken over when it is free"
            return f"{setting}: another program listens there, so {loss}; {remedy}"
        return f"{setting}: {error.strerror or error}, so {loss}; set a host and port of this machine"


def bound(host: str, port: int) -> OwnSocket:
    """Return a listening socket; of a name with addresses of both kinds, the one of version 4. Raises `OSError`."""
    name = host.removeprefix("[").removesuffix("]")  # as an address of version 6 is written in a URL
    try:
        found = _socket.getaddrinfo(name, port, 0, _socket.SOCK_STREAM, 0, _socket.AI_PASSIVE)
    except UnicodeError as error:
        raise OSError(errno.EINVAL, "no host has such a name") from error
    family, kind, protocol, _, address = min(found, key=lambda each: each[0] != _socket.AF_INET)
    socket = _socket.socket(family, kind, protocol)
    try:
        socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        if family == _socket.AF_INET6:
            socket.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 0)
        socket.bind(address)
        socket.listen(_BACKLOG)
    except OSError:
        socket.close()
        raise
    return own(socket.detach())


def _accepts(socket: OwnSocket) -> bool:
    try:
        return bool(socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ACCEPTCONN))
    except OSError:
        return False  # it is no socket: the application has closed what it had


def _lives(process: int) -> bool:
    return os.path.exists(f"/proc/{process}")  # noqa: PTH110 - pathlib costs 8 ms
