"""Sockets of ours inside somebody else's process: never blocking, and never closed under a number that is another's by now."""

from __future__ import annotations

import _socket
import os

from platform_instrument.telemetry.descriptors import identity_of, out_of_the_way


class OwnSocket(_socket.socket):
    """A socket that knows whether its descriptor still is what it was; below what gevent puts in the place of sockets."""

    identity = (0, 0)

    @property
    def intact(self) -> bool:
        """Whether this is the socket that it was made as."""
        try:
            return self.fileno() >= 0 and identity_of(self.fileno()) == self.identity
        except OSError:
            return False

    def close(self) -> None:
        """Close the socket, unless its descriptor is another's by now."""
        if self.intact:
            super().close()
        else:
            self.detach()


def own(descriptor: int) -> OwnSocket:
    """Return a socket of ours, from a descriptor that is given away. Raises `OSError` where that is none; then it is closed."""
    descriptor = out_of_the_way(descriptor)
    try:
        made = OwnSocket(fileno=descriptor)
        made.identity = identity_of(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    made.setblocking(False)  # noqa: FBT003 - the only way it is called
    return made


def pair() -> tuple[OwnSocket, OwnSocket]:
    """Return two sockets: what is sent to the second wakes who waits for the first."""
    first, second = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    return own(first.detach()), own(second.detach())
