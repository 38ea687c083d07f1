"""A server under telemetry and what it reported: shared by the tests of all servers."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_instrument.testing.collector import Collector
from tests.processes import HOST, Service, door, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from platform_instrument.testing.received import Span

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Observed:
    """A running server and the collector it reports to."""

    server: Service
    collector: Collector

    def get(self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> tuple[int, Span]:
        """Make a request; return its status and its one server span."""
        status, _, span = self.exchange(path, headers, method=method)
        return status, span

    def exchange(self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> tuple[int, str, Span]:
        """Make a request; return its status, the body of its answer and its one server span."""
        before = len(self.spans())
        status, body, _ = self.server.request(method, path, headers=headers)
        self.collector.wait_for(lambda spans: len(servers(spans)) > before)
        (span,) = self.spans()[before:]
        return status, body, span

    def ask_until_the_worker_rests(self, path: str) -> None:
        """Make requests until a span has come: what ends afterwards waits for the next turn, a minute away where a test says so."""
        before = len(self.collector.spans)
        assert self.server.get(path)[0] == 200
        self.collector.wait_for(before + 1)

    def spans(self) -> list[Span]:
        """Return the server spans so far, in the order they came."""
        return servers(self.collector.spans)

    def raw(self, request: bytes) -> bytes:
        """Return what the server sends to these bytes until it closes the connection."""
        with socket.create_connection((HOST, self.server.port), 5) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65_536), b""))


def servers(spans: Sequence[Span]) -> list[Span]:
    """Return those of kind SERVER."""
    return [span for span in spans if span.kind == "SERVER"]


@contextlib.contextmanager
def observed(argv: Callable[[int], Sequence[str | Path]], env: Mapping[str, str] | None = None) -> Iterator[Observed]:
    """Run a server, whose command line is made from a port, under telemetry."""
    port = free_port()
    words, variables = door("command", argv(port))
    with (
        Collector() as collector,
        Service(words, port, env={**variables, **(env or {})}, collector=collector, cwd=PROGRAMS) as server,
    ):
        yield Observed(server, collector)


def without(span: Span, *names: str) -> dict[str, Any]:
    """Return a span's attributes but for those that no test can foresee; their presence is checked."""
    attributes = dict(span.attributes)
    for name in names:
        assert attributes.pop(name)
    return attributes
