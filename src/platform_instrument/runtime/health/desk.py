"""The desk of the admin port: the probes of the whole service, answered by a thread of whichever worker is reached.

Liveness is that a worker's thread runs. Start-up is over when it is in one of them; readiness is that of all, see
`runtime.health.tree`, shown with the checks of the worker that answers.
"""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING

from platform_instrument.core.guard import guard
from platform_instrument.engine.health import HEALTH
from platform_instrument.engine.probes import (
    CONTENT_TYPE,
    OK,
    READY,
    STARTING,
    UNAVAILABLE,
    Answer,
    asks_for_messages,
    liveness,
    readiness,
    startup,
    written,
)
from platform_instrument.runtime.health import tree
from platform_instrument.runtime.health.loading import Loading, supervises

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.config.schema import Settings
    from platform_instrument.telemetry.ports.exchange import Exchange, Request
    from platform_instrument.telemetry.ports.neighbours import Message

_FRESH = "Cache-Control: no-store\r\n"
_LOOK = 1.0
"""Seconds between two looks whether a process that does not serve is needed to answer."""


class ProbeDesk:
    """Answers probes."""

    def __init__(self, settings: Settings) -> None:
        self._liveness = settings.probes_liveness_path
        self._probes = {settings.probes_startup_path: _started, settings.probes_readiness_path: _ready}
        self._known: dict[tuple[str, bool], tuple[object, Answer]] = {}
        """What was answered last, and to what it was true."""
        self._loading = Loading()
        self.finish()
        tree.tell()

    @property
    def open(self) -> bool:
        """Whether this process answers: one that does not serve leaves that to those that do, whose life is asked for."""
        return HEALTH.started or not any(number for standing, number in tree.others().items() if standing != STARTING)

    def answer(self, exchange: Exchange, request: Request) -> None:
        """Answer at once, by what is known."""
        path = request.path
        if path == self._liveness:
            exchange.answer(*_ALIVE, CONTENT_TYPE, more=_FRESH)
        elif path in self._probes:
            answer = guard("probe", self._answered, path, asks_for_messages(request.query)) or _FAULT
            exchange.answer(*answer, CONTENT_TYPE, more=_FRESH)
        else:
            exchange.answer(404, f"the probes are at {', '.join((self._liveness, *self._probes))}\n".encode())

    def _answered(self, path: str, verbose: bool) -> Answer:  # noqa: FBT001 - called under guard
        """Return what is answered to a probe, as it was written last where nothing has changed since."""
        workers = tree.workers()  # first: who looks may learn of a change
        state = (HEALTH.version, tree.of_all(workers), tuple(workers.values()))
        known = self._known.get((path, verbose))
        if known is None or known[0] != state:
            known = self._known[path, verbose] = state, self._probes[path](workers, verbose)
        return known[1]

    def take(self, message: Message) -> None:
        """Take nothing: nobody is asked."""

    def due(self) -> Iterator[float]:
        """Return when there is something to look at: what is loaded by now, or whether others serve."""
        if not HEALTH.started:
            yield min(self._loading.moment, monotonic() + _LOOK)

    def finish(self) -> None:
        """Take the program for loaded where that is to be presumed, or for one that looks after others."""
        if HEALTH.started:
            return
        if self._loading.presumed():
            HEALTH.load()
        tree.supervise(supervises=supervises())


def _started(workers: Mapping[str, int], verbose: bool) -> Answer:  # noqa: FBT001 - as of the other
    over = any(number for standing, number in workers.items() if standing != STARTING)
    checks = startup(HEALTH.snapshot(), verbose)[1]["checks"]
    return _answer(OK if over else UNAVAILABLE, "started" if over else STARTING, workers, checks)


def _ready(workers: Mapping[str, int], verbose: bool) -> Answer:  # noqa: FBT001 - as of the other
    standing = tree.of_all(workers)
    checks = readiness(HEALTH.snapshot(), verbose)[1]["checks"]
    return _answer(OK if standing == READY else UNAVAILABLE, standing, workers, checks)


def _answer(status: int, standing: str, workers: Mapping[str, int], checks: object) -> Answer:
    return Answer(status, written({"status": standing, "workers": workers, "process": os.getpid(), "checks": checks}))


_ALIVE = Answer(OK, written(liveness(HEALTH.snapshot(), False)[1]))  # noqa: FBT003 - it says nothing more
_FAULT = Answer(500, written({"status": "a fault of ours"}))
