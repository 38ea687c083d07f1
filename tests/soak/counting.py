"""A collector that keeps the sums of what it is sent, for as long as it takes, and nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Any

from platform_instrument.testing import received
from platform_instrument.testing.collector import Collector

DURATION = "http.server.request.duration"
LOSSES = ("otel.sdk.processor.span.processed", "otel.sdk.exporter.span.exported")
"""Which count what was lost under an `error.type`."""


class Sums(Collector):
    """Counts server spans by service, and the requests and losses that each process says it had."""

    def __init__(self) -> None:
        super().__init__()
        self.served: Counter[str] = Counter()
        """SERVER spans by service."""
        self.all = 0
        """Spans of all kinds."""
        self._latest: dict[tuple[Any, ...], float] = {}

    def _keep(self, signal: str, body: bytes) -> None:
        self._requests.clear()
        if signal == "traces":
            for span in received.spans(body):
                self.all += 1
                self.served[str(span.resource["service.name"])] += span.kind == "SERVER"
        elif signal == "metrics":
            for point in received.points(body):
                if point.name == DURATION or (point.name in LOSSES and "error.type" in point.attributes):
                    resource = point.resource
                    key = (
                        point.name,
                        resource["service.name"],
                        (resource["service.instance.id"], point.start_ns),
                        *sorted(point.attributes.items()),
                    )
                    self._latest[key] = point.count if point.name == DURATION else point.value

    def counted(self, service: str) -> int:
        """Return how many requests the processes of a service have counted."""
        with self._changed:
            return int(sum(value for key, value in self._latest.items() if key[:2] == (DURATION, service)))

    def lost(self) -> int:
        """Return how many spans the processes say they have lost."""
        with self._changed:
            items = list(self._latest.items())
        return int(sum(value for key, value in items if key[0] in LOSSES))

    def processes(self) -> int:
        """Return how many processes have told of requests."""
        with self._changed:
            return len({key[2] for key in self._latest if key[0] == DURATION})
