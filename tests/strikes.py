"""A time limit of the application: a signal handler that raises, wherever the main thread is just then."""

from __future__ import annotations

import contextlib
import gc
import signal
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class StruckError(Exception):
    """What the handler raises."""


def _named(_number: int, _frame: Any) -> None:
    raise StruckError


def _packed(*_: Any) -> None:
    raise StruckError


HANDLERS = {"named": _named, "packed": _packed}
"""By how they take their arguments."""


@contextlib.contextmanager
def handled(arguments: str = "named") -> Iterator[None]:
    """Have the handler in place; what it raises in a callback of the garbage collector, Python drops."""
    before = signal.signal(signal.SIGALRM, HANDLERS[arguments])
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        signal.signal(signal.SIGALRM, before)


def until_struck(use: Callable[[], object]) -> None:
    """Use something again and again until the time limit strikes, at any point of it."""
    signal.setitimer(signal.ITIMER_REAL, 0.0005)
    end = time.monotonic() + 0.1
    while time.monotonic() < end:
        use()
