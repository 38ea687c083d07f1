"""The id of a request on its way through three services: one id in every header, every line and every service's span."""

from __future__ import annotations

import re
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from platform_instrument.testing.collector import Collector
from tests.processes import BIN, Service, door, free_port
from tests.web.serving import PROGRAMS, servers

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE = re.compile(r"(\w+) (?:serves|has served) <(.*?)> trace_id=(\w+) span_id=\w+ request_id=(\S+)")
SETTINGS = {"PLATFORM_REQUEST_ID": "true", "OTEL_METRICS_EXPORTER": "none"}


@dataclass
class Chain:
    """Three services, the first of which is asked."""

    services: dict[str, Service]
    collector: Collector

    def lines(self, trace: str) -> list[tuple[str, str, str]]:
        """Return who said what of a request, and the id at the end of the line."""
        printed = "".join(service.stdout for service in self.services.values())
        return [(name, seen, told) for name, seen, traced, told in LINE.findall(printed) if traced == trace]


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    """Run an ASGI service that asks a WSGI service that asks an ASGI service."""
    ports = {name: free_port() for name in ("shop", "stock", "store")}
    uvicorn, gunicorn = [BIN / "uvicorn", "chained:asgi", "--port"], [BIN / "gunicorn", "-k", "gthread", "chained:wsgi", "-b"]
    commands = {
        "store": ([*uvicorn, str(ports["store"])], ""),
        "stock": ([*gunicorn, f"127.0.0.1:{ports['stock']}"], f"http://127.0.0.1:{ports['store']}"),
        "shop": ([*uvicorn, str(ports["shop"])], f"http://127.0.0.1:{ports['stock']}"),
    }
    with ExitStack() as stack:
        collector = stack.enter_context(Collector())
        services = {}
        for name, (words, following) in commands.items():
            argv, variables = door("command", words)
            env = {**variables, **SETTINGS, "NAME": name, "NEXT": following, "OTEL_SERVICE_NAME": name}
            service = Service(argv, ports[name], env=env, collector=collector, cwd=PROGRAMS)
            services[name] = stack.enter_context(service)
        yield Chain(services, collector)


@pytest.mark.parametrize("path", ["/", "/other"])
@pytest.mark.parametrize("given", ["order-7.a:1", "", "bob@example.com", "a b", "x" * 10_000])
def test_three_services_and_their_lines_agree_on_one_id(chain: Chain, given: str, path: str) -> None:
    before = len(servers(chain.collector.spans))
    status, body, headers = chain.services["shop"].get(path, {"X-Request-ID": given} if given else {})
    used = headers["x-request-id"]
    assert (status, body) == (200, f"shop {used} stock {used} store ")
    if given == "order-7.a:1":
        assert used == given
    else:
        assert uuid.UUID(used).version == 7
    spans = servers(chain.collector.wait_for(lambda spans: len(servers(spans)) >= before + 3, 30))[before:]
    assert {span.resource["service.name"]: span.attributes["platform.request.id"] for span in spans} == {
        "shop": used, "stock": used, "store": used,
    }  # fmt: skip
    (trace,) = {span.trace_id for span in spans}
    for service in chain.services.values():
        service.wait_for_output(used, 20)
    lines = chain.lines(trace)
    assert sorted({name for name, _, _ in lines}) == ["shop", "stock", "store"]
    assert len(lines) == 6
    assert {(seen, told) for _, seen, told in lines} == {(used, used)}
    access = [line for line in chain.services["shop"].stdout.splitlines() if '"GET ' in line and trace in line]
    assert all(line.endswith(f" request_id={used}") for line in access)
    assert access
