"""Descriptors of ours inside somebody else's process: out of the way, and told from what the application has opened.

An application that closes all descriptors it has, as daemons do, is given their numbers again for its own files. What is said
to, read from or closed under such a number would be the application's.
"""

from __future__ import annotations

import os

_HIGH = 500
"""Descriptors from here on are not given to an application that closes all it has and opens its own."""


def out_of_the_way(descriptor: int) -> int:
    """Return the descriptor under a high number, where there is one."""
    import fcntl

    try:
        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except OSError:
        return descriptor
    os.close(descriptor)
    return moved


def identity_of(descriptor: int) -> tuple[int, int]:
    """Return what tells an open file from any other. Raises `OSError` where none is open under the number."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
