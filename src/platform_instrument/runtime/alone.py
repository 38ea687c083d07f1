"""A child that a thread has forked is over with that thread: it ends when it has no thread left, ours included.

No `atexit` is run there, and no `threading._shutdown`: the main program is not on that thread's stack. That it ends is
known by its own values, which are let go.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable


class _Held:
    """Calls a function when it is let go, in the process that it was made in: a fork lets go of the values of other threads."""

    __slots__ = ("_leave", "_process")

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave
        self._process = os.getpid()

    def __del__(self) -> None:
        if self._process == os.getpid():
            guard("the end of the thread that forked", self._leave)


class _Followed:
    """The values of threads."""

    of_threads: Any = None


def follow(threading: Any, leave: Callable[[], None]) -> None:  # noqa: ANN401 - the module
    """Call `leave` when the current thread ends, in this process."""
    if _Followed.of_threads is None:
        _Followed.of_threads = threading.local()
    _Followed.of_threads.held = _Held(leave)
