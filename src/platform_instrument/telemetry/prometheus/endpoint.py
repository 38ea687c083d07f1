"""Where a service is scraped: a port of ours that knows what all workers have counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.report import say
from platform_instrument.telemetry.ports.endpoint import Endpoint
from platform_instrument.telemetry.ports.place import METRICS, Place
from platform_instrument.telemetry.workers import membership

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.config.schema import Settings
    from platform_instrument.telemetry.ports.neighbours import Neighbours
    from platform_instrument.telemetry.prometheus.desk import ScrapeDesk
    from platform_instrument.telemetry.prometheus.states import States
    from platform_instrument.telemetry.workers.ledger import Ledger

_VARIABLES = ("OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT")


class Scrapes(Endpoint):
    """Answers scrapes in a thread of its own while the process lives."""

    def __init__(self, settings: Settings, resource: Callable[[], Mapping[str, Any]]) -> None:
        """Take the settings and what says who is scraped, asked for in the thread."""
        place = Place(
            METRICS,
            "scraped",
            settings.exporter_prometheus_host,
            settings.exporter_prometheus_port,
            _VARIABLES,
            "this service cannot be scraped",
        )
        super().__init__(place, "platform-instrument-scrapes", self._desk)
        self._settings = settings
        self._resource = resource

    def renew(self) -> None:
        """Forget the states too, in a fork child."""
        super().renew()
        self._states: States | None = None

    def keep(self, *, last: bool) -> None:
        """Write the state of this process for the others; with `last` it ends, and answers what it was asked before."""
        self.states().write()  # first: who scrapes from now on does not ask this process any more
        if last:
            self.finish()
            self.states().write()

    def hold(self, seconds: float) -> None:
        """Have no thread from now on; a fork child finds what it needs imported."""
        super().hold(seconds)
        import platform_instrument.telemetry.outlets
        import platform_instrument.telemetry.prometheus.desk  # noqa: F401 - for the children

        if membership.ledger() is None:
            say(
                "processes share no memory here (memfd_create), so a scrape knows the metrics of one worker alone", place="ledger"
            )

    def states(self) -> States:
        """Return the states of all workers, made on first use."""
        if self._states is None:
            from platform_instrument.telemetry.prometheus.states import States

            self._states = States(self._settings)
        return self._states

    def _desk(self, neighbours: Neighbours | None, ledger: Ledger | None) -> ScrapeDesk:
        from platform_instrument.telemetry.prometheus.desk import ScrapeDesk  # with the first scrape, not at start

        return ScrapeDesk(self._settings, self.states(), self._resource(), neighbours, ledger)
