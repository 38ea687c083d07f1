"""Run a program where `sched_setscheduler` is filtered, as a hardened unit of systemd is: `filtered.py kill|refuse ARGUMENT…`."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

NUMBERS = {"x86_64": 144, "aarch64": 119}
"""The system call's number."""

_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ACTIONS = {"kill": 0x8000_0000, "refuse": 0x0005_0001}
_ALLOW = 0x7FFF_0000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def main() -> None:
    number = NUMBERS[platform.machine()]
    steps = [
        _instruction(_LOAD, 0),
        _instruction(_EQUAL, number, 0, 1),
        _instruction(_RETURN, _ACTIONS[sys.argv[1]]),
        _instruction(_RETURN, _ALLOW),
    ]
    library = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(steps), b"".join(steps))
    for arguments in ((_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)):
        if library.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "the filter is not taken")
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main()
