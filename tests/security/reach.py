"""At which addresses a process can be reached: the sockets that it has open, by what the kernel says of them."""

from __future__ import annotations

import contextlib
import socket
import struct
from pathlib import Path

_LISTENS = "0A"
_ACCEPTS = 0x10000
"""A flag in `/proc/net/unix`. Source: Linux, include/uapi/linux/net.h `__SO_ACCEPTCON`."""


def reachable(pid: int) -> set[str]:
    """Return the addresses, such as `tcp 127.0.0.1:9464`, `udp [::]:5353`, `unix @name`; unbound sockets and pairs are none."""
    process = Path(f"/proc/{pid}")
    open_here = set()
    for link in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            name = str(link.readlink())
            if name.startswith("socket:["):
                open_here.add(name[8:-1])
    found = set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in _rows(process / "net" / kind):
            address, port = line[1].split(":")
            if line[9] in open_here and (line[3] == _LISTENS if kind.startswith("tcp") else int(port, 16)):
                found.add(f"{kind} {_address(address)}:{int(port, 16)}")
    for line in _rows(process / "net" / "unix"):
        if line[6] in open_here and (len(line) > 7 or int(line[3], 16) & _ACCEPTS):
            found.add(f"unix {line[7] if len(line) > 7 else '?'}")
    return found


def _rows(file: Path) -> list[list[str]]:
    return [line.split() for line in file.read_text(encoding="utf-8", errors="replace").splitlines()[1:]]


def _address(text: str) -> str:
    """Return an address of version 4 or 6 as people write it: the kernel has words of 32 bits in the machine's order."""
    raw = b"".join(struct.pack("=I", int(text[at : at + 8], 16)) for at in range(0, len(text), 8))
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)
