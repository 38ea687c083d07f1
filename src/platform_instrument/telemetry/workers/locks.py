"""Which slot is whose, said by the kernel: a lock on a byte of the common memory, dropped when the process ends, however it does.

Such a lock is a process's, not a thread's, and a forked child has none. Any of the process's descriptors of the memory that is
closed drops it, so the memory is opened once.
Source: fcntl_locking(2), F_SETLK and F_GETLK.
"""

from __future__ import annotations

import fcntl
import os
from struct import Struct

_FLOCK = Struct("@hhqqi4x")
"""`struct flock` of Linux: type, whence, start, length, process."""

_BYTES = 1 << 40
"""The byte of slot 0: no byte that is locked needs to be there."""

SETTLING = -1
"""What is held as if it were a slot while it is settled what the service is."""


def lock(descriptor: int, slot: int) -> bool:
    """Take a slot's lock; say whether it is this process's now, or was."""
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _BYTES + slot)
    except OSError:
        return False
    return True


def unlock(descriptor: int, slot: int) -> None:
    """Let go of a slot's lock."""
    fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, _BYTES + slot)


def holder(descriptor: int, slot: int) -> int:
    """Return the process that holds a slot, 0 where nobody does, or this process itself.

    In another namespace of processes it has a number that means nothing here, but it is not 0.
    """
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, _BYTES + slot, 1, 0)
    kind, _, _, _, process = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    return 0 if kind == fcntl.F_UNLCK else process or -1
