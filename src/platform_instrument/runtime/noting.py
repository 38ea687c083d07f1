"""A SIGTERM noted as it comes, whatever the main thread is doing, by `faulthandler`, whose handler is C code.

It writes into a pipe, which somebody looks into now and then, or a thread of its own waits at.
"""

from __future__ import annotations

import os
import signal
from threading import get_native_id
from typing import TYPE_CHECKING

from platform_instrument.core.guard import guard
from platform_instrument.telemetry.descriptors import identity_of, out_of_the_way
from platform_instrument.telemetry.threads import alone, pause, wait_until_number_gone

if TYPE_CHECKING:
    from collections.abc import Callable

_WRITTEN = 0.02
"""Seconds in which a note is written: it is a traceback, in pieces."""
_MOST = 65_536


class Note:
    """The pipe; `told` is called, in a thread of its own, each time that something is noted, None where nobody waits for it.

    Without `chain` nothing else happens: the action that was there, the system's, is not taken.
    """

    __slots__ = ("_identity", "_read", "_thread", "_told", "_write")

    def __init__(self, told: Callable[[], None] | None, *, chain: bool = True) -> None:
        self._read, self._write = (out_of_the_way(end) for end in os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC))
        self._identity = identity_of(self._read)
        self._told = told
        self._thread = 0
        """The system's number of who waits, 0 where nobody does."""
        import faulthandler  # CPython 3.12 refuses it to sub-interpreters, which never come here

        faulthandler.register(signal.SIGTERM, file=self._write, all_threads=False, chain=chain)
        signal.siginterrupt(signal.SIGTERM, True)  # noqa: FBT003 - else a blocking call goes on, and no handler runs
        if told is not None:
            os.set_blocking(self._read, True)
            alone("SIGTERM", self._listen, told)

    def take_back(self, *, registered: bool) -> None:
        """Note no more; the signal's action is again what Python put there, where it is `registered` with Python at all."""
        if registered:  # else a handler would be put back that Python has none for
            import faulthandler  # as above

            faulthandler.unregister(signal.SIGTERM)
        if self._is_ours():
            os.close(self._write)
            if self._told is None:
                os.close(self._read)  # else who waits for it does so
        if self._thread and self._thread != get_native_id():
            wait_until_number_gone(self._thread)

    def arrived(self) -> bool:
        """Say whether something is noted."""
        if not self._is_ours():
            return False
        try:
            return bool(os.read(self._read, _MOST))
        except OSError:
            return False

    def _is_ours(self) -> bool:
        """Say whether the descriptor still is our pipe."""
        try:
            return identity_of(self._read) == self._identity
        except OSError:
            return False

    def _listen(self, told: Callable[[], None]) -> None:
        """Tell of each SIGTERM until nobody can write into the pipe."""
        self._thread = get_native_id()
        while os.read(self._read, _MOST):
            pause(_WRITTEN)
            os.set_blocking(self._read, False)
            self.arrived()
            os.set_blocking(self._read, True)
            guard("SIGTERM", told)
        if self._is_ours():
            os.close(self._read)
