"""The admin port: a port of the probes' own, which answers while all workers are busy with requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.engine.health import HEALTH
from platform_instrument.runtime import beginning, leaving
from platform_instrument.runtime.health import tree
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.ports.endpoint import Endpoint
from platform_instrument.telemetry.ports.place import ADMIN, Place

if TYPE_CHECKING:
    from platform_instrument.config.schema import Settings
    from platform_instrument.runtime.health.desk import ProbeDesk
    from platform_instrument.telemetry.ports.neighbours import Neighbours
    from platform_instrument.telemetry.workers.ledger import Ledger


class AdminPort(Endpoint):
    """Answers probes in a thread of its own while the process lives."""

    def __init__(self, settings: Settings, port: int) -> None:
        variables = ("PLATFORM_ADMIN_HOST", "PLATFORM_ADMIN_PORT")
        place = Place(ADMIN, "probed", settings.admin_host, port, variables, "probes are not answered there")
        super().__init__(place, "platform-instrument-probes", self._desk)
        self._settings = settings

    def hold(self, seconds: float) -> None:
        """Have no thread from now on; a fork child finds what it needs imported."""
        super().hold(seconds)
        tree.supervise(supervises=True)
        import platform_instrument.runtime.health.desk  # noqa: F401 - for the children

    def changed(self) -> None:
        """Begin where a server says by a lifespan alone that this process serves."""
        if HEALTH.started and not self._serving:
            self.begin()

    def _desk(self, _neighbours: Neighbours | None, _ledger: Ledger | None) -> ProbeDesk:
        from platform_instrument.runtime.health.desk import ProbeDesk  # in the thread, not at start

        return ProbeDesk(self._settings)


class _Opened:
    """What is open in this process."""

    port: AdminPort | None = None


def prepare(settings: Settings) -> None:
    """Answer at the admin port, once a process; fork children inherit it."""
    current = pipeline.PIPELINE
    if _Opened.port is not None or current is None or settings.admin_port is None:
        return
    _Opened.port = AdminPort(settings, settings.admin_port)
    HEALTH.on_change += (_Opened.port.changed, tree.tell)
    beginning.ON_SERVING.append(_Opened.port.begin)
    leaving.AT_THE_END.append(_Opened.port.finish)
    current.endpoints.open(_Opened.port)
