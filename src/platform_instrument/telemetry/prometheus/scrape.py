"""One scrape: every worker is asked to write its state, who does not in time counts as it last did, and one page is made."""

from __future__ import annotations

import zlib
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import COUNTER, Instrument
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.telemetry.ports.neighbours import PATIENCE
from platform_instrument.telemetry.prometheus.merge import merge
from platform_instrument.telemetry.prometheus.negotiation import negotiated, wanted_names
from platform_instrument.telemetry.prometheus.page import page
from platform_instrument.telemetry.workers.locks import holder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.ports.exchange import Exchange, Request
    from platform_instrument.telemetry.prometheus.states import States
    from platform_instrument.telemetry.workers.ledger import Ledger

_QUICKLY = 1
"""The level of compression: a page is read once, by somebody near."""
_GZIP = 16 + zlib.MAX_WBITS

UNANSWERED = Instrument(
    name="platform.prometheus.unanswered",
    description="Workers that did not write their state in time when the service was scraped.",
    unit="{worker}",
    kind=COUNTER,
)


class Scrape:
    """A request for the page that waits for other workers; `waiting` are the slots that have not answered."""

    __slots__ = ("_request", "deadline", "exchange", "missing", "token", "waiting")

    def __init__(self, exchange: Exchange, request: Request, token: bytes, asked: Mapping[int, bool]) -> None:
        self.exchange = exchange
        self.token = token
        self._request = request
        self.waiting = {slot for slot, put in asked.items() if put}
        self.missing = {slot for slot, put in asked.items() if not put}
        self.deadline = monotonic() + PATIENCE

    def answered(self, slot: int) -> None:
        """Take note that a worker has written its state."""
        self.waiting.discard(slot)

    @property
    def due(self) -> bool:
        """Whether there is nobody left to wait for, or no time."""
        return not self.waiting or monotonic() >= self.deadline

    def finish(
        self, states: States, ledger: Ledger | None, resource: Mapping[str, Any], *, by_instance: bool, client_registry: bool
    ) -> None:
        """Answer with what all workers have written."""
        notes = self._notes(ledger) if ledger is not None else []
        headers = self._request.headers
        wanted = negotiated(headers.get("accept", ""), headers.get("accept-encoding", ""))
        body = page(
            merge(states.parts(), by_instance=by_instance),
            openmetrics=wanted.openmetrics,
            resource=resource,
            notes=notes,
            names=wanted_names(self._request.query),
            client_registry=client_registry,
        )
        more = "Vary: Accept, Accept-Encoding\r\n"
        if wanted.gzip:
            packer = zlib.compressobj(_QUICKLY, zlib.DEFLATED, _GZIP)
            body = packer.compress(body) + packer.flush()
            more += "Content-Encoding: gzip\r\n"
        self.exchange.answer(200, body, wanted.content_type, more=more)

    def _notes(self, ledger: Ledger) -> list[str]:
        """Name the workers that have not answered and that live still; count them."""
        notes = []
        for slot in sorted(self.waiting | self.missing):
            process = holder(ledger.descriptor, slot)
            if process:
                notes.append(
                    f"worker {slot} (process {ledger.owner(slot)}) did not answer in time, its series are of its last state"
                )
        if notes:
            METRICS.metric(UNANSWERED).cell(()).add(len(notes))
        return notes
