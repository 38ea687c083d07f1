"""The memory that the processes of one service share: made by the first of them, reached by all that descend from it.

It has no name in any file system, so it works where nothing can be written, and it is gone with the last process that has it
open, however that ends. Forked children inherit its descriptor; others are told by a variable of the environment where it is.
Start path: imports only what a bare interpreter already has.
Source: memfd_create(2).
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import MutableMapping

    Identity = tuple[int, int]

PLACE = "_PLATFORM_INSTRUMENT_LEDGER"
"""Process, descriptor, device and inode of the memory, for the children of whoever has made it."""

MAGIC = b"pi-led01"
HEAD = 8 + 16 + 8
"""Bytes of the magic, the random id of the tree, and the id of the process that has made it, which the memory begins with."""

_HIGH = 520
_ROOM = 80
"""Descriptors from here on are not given to an application that closes all it has and opens its own."""
_NO_PROGRAM = 8
"""MFD_NOEXEC_SEAL: without it newer kernels complain, or refuse. Source: Linux 6.3, memfd_create(2)."""


class Founded:
    """The memory of this process's tree: its descriptor, negative where there is none, and by what it is known again."""

    descriptor = -1
    identity: Identity = (0, 0)
    environ: MutableMapping[str, str]
    """The environment that the children inherit, and the word in it; empty in a process that was not started by us."""


Founded.environ = {}


def found(environ: MutableMapping[str, str]) -> None:
    """Make the memory, unless the parent has left word of one."""
    Founded.environ = environ
    if not _told(_word()):
        make(tell=True)


def make(*, tell: bool) -> bool:
    """Make a memory of this process's own, and maybe leave word of it for its children; say whether there is one now."""
    forget()
    descriptor = _memory()
    if descriptor < 0:
        return False
    number = os.getpid()
    try:
        os.pwrite(descriptor, MAGIC + os.urandom(16) + number.to_bytes(8, "little"), 0)
    except OSError:
        os.close(descriptor)  # no file of this process may grow
        return False
    _keep(descriptor)
    if tell:
        device, inode = Founded.identity
        Founded.environ[PLACE] = f"{number}:{descriptor}:{device}:{inode}"
    return True


def reach() -> bool:
    """Open the memory that the parent has left word of; say whether it is there."""
    for path in _told(_word()):
        try:
            opened = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        _keep(_out_of_the_way(opened, int(path.rpartition("/")[2])))
        return True
    return False


def intact() -> bool:
    """Say whether the descriptor still is what it was: an application may have closed it among all that it had."""
    try:
        return Founded.descriptor >= 0 and _identity(os.fstat(Founded.descriptor)) == Founded.identity
    except OSError:
        return False


def forget() -> None:
    """Close the descriptor, where it still is ours. Its locks go with it."""
    if intact():
        os.close(Founded.descriptor)
    Founded.descriptor = -1


def own() -> bool:
    """Say whether the word that is left is of this very process: another interpreter in it has the memory."""
    return _word().partition(":")[0] == str(os.getpid())


def _keep(descriptor: int) -> None:
    Founded.descriptor, Founded.identity = descriptor, _identity(os.fstat(descriptor))


def _word() -> str:
    return Founded.environ.get(PLACE, "")


def _told(word: str) -> list[str]:
    """Return the paths by which the memory is reached, checked before anything is opened.

    Who has made it may be gone; a parent that was forked from it has it under the same number.
    """
    try:
        maker, number, device, inode = map(int, word.split(":"))
    except ValueError:
        return []
    paths = [f"/proc/{process}/fd/{number}" for process in (maker, os.getppid())]
    return [path for path in paths if _is(path, (device, inode))]


def _is(path: str, identity: Identity) -> bool:
    try:
        return _identity(os.stat(path)) == identity  # noqa: PTH116 - pathlib costs 8 ms
    except OSError:
        return False


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino


def _memory() -> int:
    """Return the descriptor of a new memory, negative where the system has no such thing or refuses it."""
    make = getattr(os, "memfd_create", None)
    if make is None or sys.platform != "linux":
        return -1
    for flags in (_NO_PROGRAM, 0):
        try:
            made: int = make("platform-instrument", os.MFD_CLOEXEC | flags)
        except OSError:
            continue
        return _out_of_the_way(made, _HIGH)
    return -1


def _out_of_the_way(descriptor: int, wanted: int) -> int:
    """Return the descriptor under the number that is wanted, or a high one that nobody has, where there is one."""
    for number in (wanted, *range(_HIGH, _HIGH + _ROOM)):
        try:
            os.fstat(number)
        except OSError:
            try:
                moved = os.dup2(descriptor, number, inheritable=False)
            except OSError:
                return descriptor  # beyond the limit of this process
            os.close(descriptor)
            return moved
    return descriptor
