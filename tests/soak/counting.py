"""What is known at the end: a collector that keeps sums and nothing else, and the page at which a service is scraped."""

from __future__ import annotations

import re
import urllib.request

from platform_instrument.testing import received
from platform_instrument.testing.collector import Collector
from tests.processes import HOST

_LINE = re.compile(r"(\w+)(?:\{(.*)\})? ([\d.e+]+)")


class Sums(Collector):
    """Counts spans."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def _keep(self, signal: str, body: bytes) -> None:
        self._requests.clear()
        if signal == "traces":
            self.count += len(received.spans(body))


class Page:
    """What all workers of a service have counted, those that are gone too."""

    def __init__(self, port: int) -> None:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        self._samples = [found.groups() for line in text.splitlines() if (found := _LINE.match(line))]

    def sum(self, name: str, label: str = "") -> int:
        """Return the sum of the series of a name that have a label."""
        return int(sum(float(value) for found, labels, value in self._samples if found == name and label in (labels or "")))

    @property
    def requests(self) -> int:
        """How many requests were served."""
        return self.sum("http_server_request_duration_seconds_count")

    @property
    def lost(self) -> int:
        """How many spans were lost."""
        lost = [f"otel_sdk_{part}_total" for part in ("exporter_span_exported", "processor_span_processed")]
        return sum(self.sum(name, "error_type=") for name in lost)
