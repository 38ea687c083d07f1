"""Who decides about the end of this process: itself, or the one that has forked or spawned it and that tells it to go.

A server's master is told to end, and ends its workers when the delay is over. That they are to be unready meanwhile they read
in the memory that the processes of the service share: who drains, since when and until when its workers go on. Without such
memory they hear of it when they are told to go.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from platform_instrument.telemetry.threads import pause
from platform_instrument.telemetry.workers import membership
from platform_instrument.telemetry.workers.founding import Founded

if TYPE_CHECKING:
    from platform_instrument.telemetry.workers.ledger import Drain

_LOOK = 0.05
_ROUNDS = 3


class _Here:
    """The process that has forked this one; 0 where none of ours has."""

    forked_from = 0


def forked() -> None:
    """Note, in a fork child, whose child it is."""
    _Here.forked_from = os.getppid()


def parent() -> int:
    """Return the process that decides about this one's end, 0 where it does so itself: a program of its own, or an orphan."""
    spawned = getattr(sys.modules.get("multiprocessing.process"), "parent_process", lambda: None)()
    if spawned is not None and spawned.pid is not None:  # forkserver's children have another parent
        return int(spawned.pid) if _alive(spawned.pid) else 0
    return _Here.forked_from if _Here.forked_from == os.getppid() else 0


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def mark(since: float, until: float, *, hurried: bool = False) -> None:
    """Let the children know that this process drains: since when, until when they go on, and whether they are to hurry."""
    ledger = membership.ledger()
    if ledger is not None:
        ledger.put_drain(os.getpid(), since, until, hurried=hurried)


def marked(process: int) -> Drain | None:
    """Return how a process drains, None where it does not."""
    ledger = membership.ledger()
    return ledger.drain(process) if ledger is not None and process else None


def draining() -> bool:
    """Say whether the process that decides about this one drains."""
    return marked(parent()) is not None


def followers() -> list[int]:
    """Return the children of this process that have its service's memory open: those whose end it decides about.

    Asked twice: while one ends the system may pass over another. Source: proc(5).
    """
    return sorted({*_followers(), *_followers()})


def _followers() -> list[int]:
    found = []
    for children in Path("/proc/self/task").glob("*/children"):
        try:
            found += [int(child) for child in children.read_text().split() if _shares(child)]
        except OSError:
            continue  # the thread is gone
    return found


def _shares(process: str) -> bool:
    try:
        status = os.stat(f"/proc/{process}/fd/{Founded.descriptor}")  # noqa: PTH116 - like its neighbours
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == Founded.identity


def tell(processes: list[int], number: int) -> None:
    """Send a signal to those that are there."""
    for process in processes:
        try:
            os.kill(process, number)
        except OSError:
            continue


def kill(deadline: float) -> None:
    """Kill those children that do not end by themselves before the deadline."""
    while followers() and monotonic() < deadline:
        pause(_LOOK)
    for _ in range(_ROUNDS):
        tell(followers(), signal.SIGKILL)
        pause(_LOOK / _ROUNDS)
