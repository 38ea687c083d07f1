"""The desk at which a service is scraped: every worker is asked for its state, and one page is made of all.

While a scrape waits for other workers, theirs are answered.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.config.schema import INSTANCE_ID
from platform_instrument.core.guard import guard
from platform_instrument.telemetry.ports.neighbours import ASK_STATE, STATE_WRITTEN
from platform_instrument.telemetry.prometheus.scrape import Scrape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.config.schema import Settings
    from platform_instrument.telemetry.ports.exchange import Exchange, Request
    from platform_instrument.telemetry.ports.neighbours import Message, Neighbours
    from platform_instrument.telemetry.prometheus.states import States
    from platform_instrument.telemetry.workers.ledger import Ledger

_OWN_ALONE = ("process.pid", "process.parent_pid", INSTANCE_ID)
"""What is true of one worker only, and changes from page to page with whoever answers."""
_NOBODY = bytes(8)
"""The token of a scrape where there is nobody to ask."""


class ScrapeDesk:
    """Answers scrapes."""

    open = True

    def __init__(
        self,
        settings: Settings,
        states: States,
        resource: Mapping[str, Any],
        neighbours: Neighbours | None,
        ledger: Ledger | None,
    ) -> None:
        self._settings = settings
        self._states = states
        self._resource = {key: value for key, value in resource.items() if key not in _OWN_ALONE}
        self._neighbours = neighbours
        self._ledger = ledger
        self._scrapes: list[Scrape] = []

    def answer(self, exchange: Exchange, request: Request) -> None:
        """Have all workers write their states, this one too, for a page; answer anything else."""
        if request.path == "/metrics":
            token = self._neighbours.token() if self._neighbours is not None else _NOBODY
            asked = self._neighbours.ask(ASK_STATE, token) if self._neighbours is not None else {}
            self._scrapes.append(Scrape(exchange, request, token, asked))
            self._states.write()
        elif request.path == "/":
            name = str(self._resource.get("service.name", ""))
            text = f"platform-instrument: the metrics of {name} are at /metrics\n"
            exchange.answer(200, text.encode("utf-8", "replace"))
        else:
            exchange.answer(404, b"the metrics are at /metrics\n")

    def take(self, message: Message) -> None:
        """Write the state that another worker asks for, or note that it has written its own."""
        if message.kind == ASK_STATE and self._neighbours is not None:
            self._states.write()
            self._neighbours.tell(message.sender, STATE_WRITTEN, message.token)
        elif message.kind == STATE_WRITTEN:
            for scrape in self._scrapes:
                if scrape.token == message.token:
                    scrape.answered(message.slot)

    def due(self) -> Iterator[float]:
        """Return when a state is to be written unasked, and when scrapes are answered with what there is."""
        yield monotonic() + self._states.keep_up()
        for scrape in self._scrapes:
            yield scrape.deadline

    def finish(self) -> None:
        """Answer the scrapes that nobody is missing for any more, or that have no time."""
        options = {
            "by_instance": self._settings.prometheus_instance_label,
            "client_registry": self._settings.prometheus_client_registry,
        }
        for scrape in [scrape for scrape in self._scrapes if scrape.due]:
            self._scrapes.remove(scrape)
            if not scrape.exchange.closed:
                guard("page of metrics", scrape.finish, self._states, self._ledger, self._resource, **options)
                if not scrape.exchange.sending and not scrape.exchange.answered:
                    scrape.exchange.answer(500, b"a fault of ours, which was said on standard error\n")
