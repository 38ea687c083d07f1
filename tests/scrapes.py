"""Scrapes of a service under test, and what it is loaded with meanwhile."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.processes import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.samples import Sample

    from tests.processes import Service

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
REQUESTS = "http_server_request_duration_seconds_count"


@dataclass(frozen=True)
class Page:
    """One answer, read by the parser of `prometheus_client`."""

    text: str
    seconds: float

    @property
    def samples(self) -> Iterator[Sample]:
        """All samples."""
        for family in text_string_to_metric_families(self.text):  # type: ignore[no-untyped-call] # it has no types
            yield from family.samples

    def values(self, name: str, **labels: str) -> list[float]:
        """Return the values of a sample of this name whose labels are those."""
        return [sample.value for sample in self.samples if sample.name == name and labels.items() <= dict(sample.labels).items()]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of such values."""
        return sum(self.values(name, **labels))

    @property
    def unanswered(self) -> list[int]:
        """The processes that have not answered in time, as the page names them."""
        return [int(part.split(")")[0]) for part in self.text.partition("# TYPE target")[0].split("(process ")[1:]]


@dataclass(frozen=True)
class Target:
    """Where a service is scraped: the variables that make it so, and how it is done."""

    port: int

    @classmethod
    def free(cls) -> Target:
        """Return one with a port that nobody listens on."""
        return cls(free_port())

    def environment(self, exporter: str = "prometheus", **more: str) -> dict[str, str]:
        """Return the variables of a service that is scraped here, and sends no spans."""
        port = {"OTEL_EXPORTER_PROMETHEUS_PORT": str(self.port)}
        return {"OTEL_METRICS_EXPORTER": exporter, "OTEL_TRACES_EXPORTER": "none", **port, **more}

    def ask(self, path: str = "/metrics", method: str = "GET", **headers: str) -> tuple[int, bytes, Mapping[str, str]]:
        """Return status, body and headers (names in lower case) of a request."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, response.read(), {name.lower(): value for name, value in response.getheaders()}
        finally:
            connection.close()

    def scrape(self) -> Page:
        """Return a page."""
        began = time.monotonic()
        status, body, _ = self.ask(accept=OPENMETRICS)
        assert status == 200, body
        return Page(body.decode(), time.monotonic() - began)

    def wait(self, enough: Callable[[Page], Any], seconds: float = 15) -> Page:
        """Return the first page that is as wanted; connections that are refused are tried again."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                page = self.scrape()
                if enough(page):
                    return page
            except OSError:
                page = None
            if time.monotonic() > deadline:
                message = f"no such page within {seconds} s; the last is\n{page.text if page else None}"
                raise AssertionError(message)
            time.sleep(0.05)


@dataclass
class Load:
    """Requests from several threads, each answered once; what was refused is tried again."""

    service: Service
    path: str = "/"
    answered: int = 0
    failed: int = 0
    """Attempts whose answers never came, though some of them may have been served by a worker that was just ending."""

    def run(self, requests: int, threads: int = 4, meanwhile: Callable[[], object] | None = None) -> None:
        """Make so many requests a thread; call `meanwhile()` again and again until they are answered."""
        counting = threading.Lock()

        def ask() -> None:
            for _ in range(requests):
                while not self._asked():
                    with counting:
                        self.failed += 1
                    time.sleep(0.02)
                with counting:
                    self.answered += 1

        workers = [threading.Thread(target=ask) for _ in range(threads)]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            if meanwhile is not None:
                meanwhile()
            time.sleep(0.05)
        for worker in workers:
            worker.join()

    def counted(self, target: Target) -> Page:
        """Return the first page on which all requests are: the last are answered a moment before they are counted."""
        page = target.wait(lambda page: page.total(REQUESTS) >= self.answered)
        assert self.answered <= page.total(REQUESTS) <= self.answered + self.failed
        return page

    def _asked(self) -> bool:
        try:
            return self.service.get(self.path)[0] == 200
        except AssertionError:
            return False  # its worker has just ended
