"""Whether a service listens for connections of others: only then is there somebody who has to see that it is not ready.

Asked of the system, so that it holds for every server, in Python or not. Source: proc(5); Linux, net/unix `__SO_ACCEPTCON`.
"""

from __future__ import annotations

import os
from pathlib import Path

_LISTENS = "0A"
_ACCEPTS = 0x10000
_OURS = 500
"""Descriptors from here on are our own, such as the one at which metrics are scraped."""


def listens(workers: list[int]) -> bool:
    """Say whether this process does, or a worker of it; where the system does not tell, it does."""
    try:
        listening = _listening()
        return any(not _sockets(process).isdisjoint(listening) for process in ("self", *map(str, workers)))
    except (OSError, ValueError, IndexError):
        return True


def _sockets(process: str) -> set[str]:
    """Return the inodes of a process's sockets, none where it is gone."""
    found: set[str] = set()
    folder = Path(f"/proc/{process}/fd")
    for descriptor in os.listdir(folder) if folder.exists() else ():  # noqa: PTH208 - names are all that is wanted
        if int(descriptor) >= _OURS:
            continue
        try:
            kind, _, inode = os.readlink(folder / descriptor).partition(":")  # noqa: PTH115 - it names no path
        except OSError:
            continue  # closed meanwhile
        if kind == "socket":
            found.add(inode.strip("[]"))
    return found


def _listening() -> set[str]:
    """Return the inodes of sockets that listen in this network namespace."""
    found: set[str] = set()
    for table in ("tcp", "tcp6"):
        try:
            rows = Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]
        except FileNotFoundError:
            continue  # a system without IPv6
        found.update(words[9] for words in map(str.split, rows) if words[3] == _LISTENS)
    for words in map(str.split, Path("/proc/self/net/unix").read_text().splitlines()[1:]):
        if int(words[3], 16) & _ACCEPTS and len(words) > 7:  # noqa: PLR2004 - it has a name, so that others can find it
            found.add(words[6])
    return found
