"""The desk of the admin port: the probes of the whole service, answered by a thread of whichever worker is reached.

Liveness is that a worker's thread runs. Start-up is over when it is in one of them; readiness is that of all, see
`runtime.health.tree`, shown with the checks of the worker that answers.
"""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.health import HEALTH
from platform_instrument.engine.probes import (
    CONTENT_TYPE,
    OK,
    READY,
    STARTING,
    UNAVAILABLE,
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
        self._probes = {
            settings.probes_liveness_path: _live,
            settings.probes_startup_path: _started,
            settings.probes_readiness_path: _ready,
        }
        self._loading = Loading()
        self.finish()
        tree.tell()

    @property
    def open(self) -> bool:
        """Whether this process answers: one that does not serve leaves that to those that do, whose life is asked for."""
        return HEALTH.started or not any(number for standing, number in tree.others().items() if standing != STARTING)

    def answer(self, exchange: Exchange, request: Request) -> None:
        """Answer at once, by what is known."""
        probe = self._probes.get(request.path)
        if probe is None:
            exchange.answer(404, f"the probes are at {', '.join(self._probes)}\n".encode())
            return
        found = guard("probe", probe, asks_for_messages(request.query))
        status, described = found if found is not None else (500, {"status": "a fault of ours"})
        exchange.answer(status, written(described), CONTENT_TYPE, more=_FRESH)

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


def _live(verbose: bool) -> tuple[int, Mapping[str, Any]]:  # noqa: FBT001 - as of the others
    return liveness(HEALTH.snapshot(), verbose)


def _started(verbose: bool) -> tuple[int, Mapping[str, Any]]:  # noqa: FBT001 - as of the others
    workers = tree.workers()
    over = any(number for standing, number in workers.items() if standing != STARTING)
    _, described = startup(HEALTH.snapshot(), verbose)
    status = {"status": "started" if over else STARTING}
    return OK if over else UNAVAILABLE, {**status, "workers": workers, "process": os.getpid(), **_checks(described)}


def _ready(verbose: bool) -> tuple[int, Mapping[str, Any]]:  # noqa: FBT001 - as of the others
    workers = tree.workers()
    standing = tree.of_all(workers)
    _, described = readiness(HEALTH.snapshot(), verbose)
    status = OK if standing == READY else UNAVAILABLE
    return status, {"status": standing, "workers": workers, "process": os.getpid(), **_checks(described)}


def _checks(described: Mapping[str, Any]) -> dict[str, Any]:
    return {"checks": described["checks"]}
