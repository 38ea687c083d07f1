"""The thread that answers at a port of ours: one in each process that serves, none in masters, none where nobody asks for it.

It starts with the first library that is instrumented, waits a moment for this process to turn out to be a master, or short-lived,
and begins at once with the first record or where a server does. It is stopped around a fork, as the worker is.
"""

from __future__ import annotations

import sys
import threading
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.guard import guard
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.ports.sockets import OwnSocket, pair
from platform_instrument.telemetry.threads import leave_signals_to_the_application, wait_until_gone
from platform_instrument.telemetry.workers import membership

if TYPE_CHECKING:
    from platform_instrument.telemetry.ports.desk import NewDesk
    from platform_instrument.telemetry.ports.listening import Listening
    from platform_instrument.telemetry.ports.place import Place
    from platform_instrument.telemetry.ports.reception import Reception, Wait

_GRACE = 0.5
"""Seconds before a process that has neither recorded anything nor begun to serve is taken for one that will."""
_PREPARATION = 5.0
"""Seconds that a fork waits for our imports, see `telemetry.worker`."""
_AFTER_A_FAULT = 1.0
_LAST_ANSWERS = 0.25
"""Seconds that the end of a process waits for answers that are under way."""


class Endpoint:
    """Answers at a place in a thread of its own while the process lives."""

    def __init__(self, place: Place, name: str, new_desk: NewDesk) -> None:
        """Take the place, what the thread is called, and what makes the desk, called in the thread."""
        self._place = place
        self._name = name
        self._new_desk = new_desk
        self._reception: Reception | None = None
        self._kept: Listening | None = None
        """What a master has: a socket that its workers accept at, so that nobody is refused while all are new."""
        self._inherited = -1
        self._wake: tuple[OwnSocket, OwnSocket] | None = None
        self.renew()

    def renew(self) -> None:
        """Forget the thread and its locks, in a fork child, and let the parent's sockets go, which it keeps."""
        if self._reception is not None:
            guard("sockets of the parent", self._reception.abandon)
        self._close_wake()
        self._inherited = self._kept.detach() if self._kept is not None else -1
        self.held = False
        """True in a process that must have no thread: the master of a pre-forking server."""
        self._reception = self._kept = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._forking: set[int] = set()
        self._stopping = False
        self._serving = False
        """Whether this process is known to serve, so that there is nothing to wait for."""
        self._prepared = False
        self._begun = 0.0
        """When the thread was first wanted in this process, on the clock of `time.monotonic`; 0 before that."""

    def begin(self, *, serving: bool = True) -> None:
        """Start the thread, unless it runs already; with `serving` it has nothing to wait for."""
        if serving and not self._serving:
            self._serving = True
            self._rouse()
        self._begun = self._begun or monotonic()
        if self._thread is not None or self.held or self._forking or sys.is_finalizing():
            return
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                self._start()
        finally:
            self._starting.release()

    def finish(self) -> None:
        """Let nobody in for a moment, and answer who has asked: this process is about to end."""
        reception, thread = self._reception, self._thread
        if reception is None or thread is None or thread is threading.current_thread():
            return
        reception.mute()
        self._rouse()
        deadline = monotonic() + _LAST_ANSWERS
        while thread.is_alive() and not reception.resting and monotonic() < deadline:
            thread.join(0.005)  # which lets it run where it is a greenlet

    def hold(self, seconds: float) -> None:
        """Have no thread from now on, and nothing but the listening socket; a fork child finds what it needs imported."""
        self.held = True
        self.stop(seconds)
        import platform_instrument.telemetry.ports.reception  # noqa: F401 - for the children
        from platform_instrument.telemetry.ports.listening import Listening

        self._kept = Listening(self._place, membership.ledger())
        reception, self._reception = self._reception, None
        if reception is not None and self._thread is None:
            descriptor = reception.listening.detach()
            if descriptor >= 0:
                self._kept.adopt(descriptor)
            reception.close()
        if self._kept.socket is None:
            self._kept.bind()
        if self._thread is None:
            self._close_wake()

    @property
    def use(self) -> str:
        """What is done here."""
        return self._place.use

    def status(self) -> dict[str, Any]:
        """Return what doctor shows."""
        place, reception = self._place, self._reception
        state = reception.listening.state if reception is not None else "held by the workers" if self.held else "not begun"
        port = reception.listening.port if reception is not None else 0
        return {"host": place.host, "port": port or place.port, "state": state}

    # --- fork -----------------------------------------------------------------------------------------------------

    def before_fork(self, seconds: float) -> None:
        """End the thread, so that the child inherits no lock in mid-air; its sockets stay open."""
        self._forking.add(threading.get_ident())
        self.stop(seconds)

    def after_fork_in_parent(self, *, at_once: bool) -> None:
        """Go on answering, or with the next record where Python counts threads after this."""
        self._forking.discard(threading.get_ident())
        self._stopping = bool(self._forking)  # one that was left behind goes on
        if at_once and self._begun and not self._forking:
            self.begin(serving=False)

    def stop(self, seconds: float) -> None:
        """End the thread; one that does not end in time is left behind, see `Worker.stop`."""
        thread = self._thread
        if thread is None or thread is threading.current_thread() or thread.ident is None:
            return
        self._stopping = True
        self._rouse()
        thread.join(seconds if self._prepared else _PREPARATION)
        if not thread.is_alive():
            wait_until_gone(thread)

    # --- the thread -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._stopping = False
        self._renew_wake()
        thread = threading.Thread(target=self._run, args=(threading.get_native_id(),), name=self._name, daemon=True)
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:
            self._thread = None  # as in `Worker`
        except BaseException:  # what a signal handler raised
            if thread.ident is None:
                self._thread = None
            raise

    def _rouse(self) -> None:
        """End the wait of the thread."""
        if self._wake is not None and self._wake[1].intact:
            try:
                self._wake[1].send(b"\0")
            except OSError:
                return  # it is full, so the thread is roused already

    def _close_wake(self) -> None:
        ends, self._wake = self._wake, None
        for end in ends or ():
            end.close()

    def _run(self, starter: int) -> None:
        if threading.get_native_id() != starter:
            guard("signal mask", leave_signals_to_the_application)
        CURRENT.set(Ambient(families=SUPPRESSED))
        try:
            done = guard(self._name, self._answer)
        finally:
            self._thread = None
        if done and not self._stopping:
            self.begin(serving=False)  # it was to stop for a fork that is over

    def _answer(self) -> bool:
        """Answer until the thread is to stop."""
        from platform_instrument.telemetry.ports.connections import IN
        from platform_instrument.telemetry.ports.reception import waiter

        wait = waiter()
        while not self._stopping:
            wake = self._renew_wake()
            if self._reception is None and not self._serving and monotonic() - self._begun < _GRACE:
                wait({wake.fileno(): IN}, _GRACE)
            elif guard(self._name, self._turn, wait, wake.fileno()) is None:
                sleep(_AFTER_A_FAULT)
            if wake.intact:
                _drain(wake)
        return True

    def _turn(self, wait: Wait, wake: int) -> bool:
        """Take a turn; anew where the application has closed what was ours among all that it had."""
        from platform_instrument.telemetry.ports.reception import Reception

        if self._reception is not None and not self._reception.intact:
            reception, self._reception = self._reception, None
            reception.abandon()
        if self._reception is None:
            inherited, self._inherited = self._inherited, -1
            self._reception = Reception(self._place, self._new_desk, inherited)
            self._prepared = True
        return self._reception.turn(wait, wake)

    def _renew_wake(self) -> OwnSocket:
        """Return the socket that ends the wait, another one where the application has closed it."""
        if self._wake is None or not all(end.intact for end in self._wake):
            self._close_wake()
            self._wake = pair()
        return self._wake[0]


def _drain(wake: OwnSocket) -> None:
    try:
        wake.recv(4_096)
    except OSError:
        return  # nobody has roused us
