"""Sockets of ours inside somebody else's process: out of the way, never blocking, and told from what the application has opened.

An application that closes all descriptors it has, as daemons do, is given their numbers again for its own files. What is said
to, read from or closed under such a number would be the application's.
"""

from __future__ import annotations

import _socket
import os

_HIGH = 520
"""Descriptors from here on are not given to an application that closes all it has and opens its own."""


class OwnSocket(_socket.socket):
    """A socket that knows whether its descriptor still is what it was; below what gevent puts in the place of sockets."""

    identity = (0, 0)

    @property
    def intact(self) -> bool:
        """Whether this is the socket that it was made as."""
        try:
            return self.fileno() >= 0 and _identity(self.fileno()) == self.identity
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
    descriptor = _raised(descriptor)
    try:
        made = OwnSocket(fileno=descriptor)
        made.identity = _identity(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    made.setblocking(False)  # noqa: FBT003 - the only way it is called
    return made


def pair() -> tuple[OwnSocket, OwnSocket]:
    """Return two sockets: what is sent to the second wakes who waits for the first."""
    first, second = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    return own(first.detach()), own(second.detach())


def _raised(descriptor: int) -> int:
    """Return the descriptor under a high number, where there is one."""
    import fcntl

    try:
        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except OSError:
        return descriptor
    os.close(descriptor)
    return moved


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
