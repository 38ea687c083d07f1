"""Servers that are handed an application, and the same promises of all of them: however they are started, in one process or two."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.processes import BIN, HOST, Service, free_port
from tests.tracebacks import without_our_frames
from tests.web.serving import PROGRAMS, Observed, observed, servers, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Words = Callable[[int], Sequence[Any]]

GRANIAN = (BIN / "granian", "--port")
SERVERS: dict[str, Words] = {
    "hypercorn": lambda port: [BIN / "hypercorn", "bare:asgi", "-b", f"{HOST}:{port}"],
    "hypercorn wsgi": lambda port: [BIN / "hypercorn", "wsgi:bare:wsgi", "-b", f"{HOST}:{port}"],
    "granian": lambda port: [*GRANIAN, str(port), "--interface", "asgi", "bare:asgi"],
    "granian without lifespan": lambda port: [*GRANIAN, str(port), "--interface", "asginl", "bare:asgi"],
    "granian wsgi": lambda port: [*GRANIAN, str(port), "--interface", "wsgi", "bare:wsgi"],
    "granian threads": lambda port: [sys.executable, "run_granian.py", "asgi", str(port)],
    "granian threads wsgi": lambda port: [sys.executable, "run_granian.py", "wsgi", str(port)],
    "granian embedded": lambda port: [sys.executable, "run_granian.py", "embedded", str(port)],
    "daphne": lambda port: [BIN / "daphne", "-p", str(port), "bare:asgi"],
    "daphne runserver": lambda port: [sys.executable, "run_daphne.py", str(port)],
    "waitress": lambda port: [BIN / "waitress-serve", "--listen", f"{HOST}:{port}", "bare:wsgi"],
}
WSGI = ("hypercorn wsgi", "granian wsgi", "granian threads wsgi", "waitress")
PORTLESS = ("hypercorn wsgi", "granian wsgi", "granian threads wsgi")
"""Servers that do not say from which port a client comes."""
WORKERS: dict[str, Words] = {
    "hypercorn": lambda port: [*SERVERS["hypercorn"](port), "--workers", "2"],
    "hypercorn wsgi": lambda port: [*SERVERS["hypercorn wsgi"](port), "--workers", "2"],
    "granian": lambda port: [*SERVERS["granian"](port), "--workers", "2"],
    "granian wsgi": lambda port: [*SERVERS["granian wsgi"](port), "--workers", "2"],
}
SLOW_EXPORT = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRIC_EXPORT_INTERVAL": "60000"}
REQUESTS = 20


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, Observed]]:
    """Run each server once."""
    name: str = request.param
    with observed(SERVERS[name]) as running:
        yield name, running


def test_a_request_is_described_whole(server: tuple[str, Observed]) -> None:
    name, running = server
    status, span = running.get("/caf%C3%A9?q=1", {"Host": "shop.example", "User-Agent": "tests/1.0"})
    assert (status, span.name, span.status, span.events) == (200, "GET", "UNSET", ())
    peer = {} if name in PORTLESS else {"network.peer.address": "127.0.0.1"}
    assert without(span, *(() if name in PORTLESS else ("network.peer.port",))) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": "/café",
        "url.query": "q=1",
        "server.address": "shop.example",
        "server.port": 80,
        "client.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "tests/1.0",
        **peer,
    }
    assert name in PORTLESS or isinstance(span.attributes["network.peer.port"], int)


def test_an_application_that_fails_is_an_error_of_500_with_one_exception(server: tuple[str, Observed]) -> None:
    _, running = server
    status, span = running.get("/fails")
    assert (status, span.attributes["http.response.status_code"], span.attributes["error.type"]) == (500, 500, "LookupError")
    assert [event.attributes["exception.message"] for event in span.events] == ["/fails"]
    assert "platform_instrument" not in without_our_frames(running.server.wait_for_output("LookupError"))


def test_requests_on_one_connection_are_one_span_each(server: tuple[str, Observed]) -> None:
    _, running = server
    before = len(running.spans())
    connection = http.client.HTTPConnection(HOST, running.server.port, timeout=10)
    for path in ("/one", "/two", "/three"):
        connection.request("GET", path)
        connection.getresponse().read()
    connection.close()
    running.collector.wait_for(lambda spans: len(servers(spans)) >= before + 3)
    spans = running.spans()[before:]
    assert [span.attributes["url.path"] for span in spans] == ["/one", "/two", "/three"]
    assert len({span.trace_id for span in spans}) == 3


def test_a_client_that_leaves_ends_the_request(server: tuple[str, Observed]) -> None:
    name, running = server
    if name in WSGI:
        pytest.skip("an application is not told")
    before = len(running.spans())
    with socket.create_connection((HOST, running.server.port), 5) as connection:
        connection.sendall(b"GET /waits HTTP/1.1\r\nHost: shop\r\n\r\n")
        time.sleep(0.3)
    running.collector.wait_for(lambda spans: len(servers(spans)) > before)
    (span,) = running.spans()[before:]
    assert "http.response.status_code" not in span.attributes
    running.collector.wait_for(
        lambda _: {point.value for point in running.collector.latest("http.server.active_requests")} == {0}
    )


def status_of(words: Words) -> int:
    """Return the exit status that a plain server leaves with."""
    port = free_port()
    with Service([str(word) for word in words(port)], port, cwd=PROGRAMS) as plain:
        assert plain.get("/plain")[0] == 200
        time.sleep(1 if "--workers" in map(str, words(port)) else 0)  # one that has not begun yet never hears of it
        return plain.terminate(signal.SIGTERM)


@pytest.mark.parametrize("name", SERVERS)
def test_twenty_requests_and_a_kill_leave_twenty_spans_and_the_plain_exit_status(name: str) -> None:
    with observed(SERVERS[name], SLOW_EXPORT) as running:
        running.ask_until_the_worker_rests("/items/0")
        for number in range(1, REQUESTS):
            assert running.server.get(f"/items/{number}")[0] == 200
        status = running.server.terminate()
        spans = servers(running.collector.wait_for(REQUESTS))
    assert sorted(span.attributes["url.path"] for span in spans) == sorted(f"/items/{number}" for number in range(REQUESTS))
    assert status == status_of(SERVERS[name])


@pytest.mark.parametrize("name", WORKERS)
def test_two_workers_leave_each_span_once_with_an_instance_id_of_their_own(name: str) -> None:
    with observed(WORKERS[name]) as running:
        asked, deadline = 0, time.monotonic() + 15
        while len({span.resource["process.pid"] for span in running.spans()}) < 2:
            assert time.monotonic() < deadline
            assert running.server.get(f"/items/{asked}")[0] == 200
            asked += 1
        for number in range(asked, asked + REQUESTS):
            assert running.server.get(f"/items/{number}")[0] == 200
        status = running.server.terminate()
        asked += REQUESTS
        spans = servers(running.collector.wait_for(lambda spans: len(servers(spans)) >= asked))
    assert sorted(span.attributes["url.path"] for span in spans) == sorted(f"/items/{number}" for number in range(asked))
    instances = {(span.resource["process.pid"], span.resource["service.instance.id"]) for span in spans}
    assert len(instances) == len({instance for _, instance in instances}) == 2
    assert status == status_of(WORKERS[name])


@pytest.mark.parametrize("name", ["hypercorn", "hypercorn wsgi", "granian", "granian wsgi"])
def test_http_2_is_observed_with_the_bodies_that_no_header_announces(name: str) -> None:
    def parts() -> Iterator[bytes]:
        yield b"part"
        yield b"other"

    with observed(SERVERS[name]) as running, httpx.Client(http1=False, http2=True) as client:
        answers = [client.post(f"{running.server.url}/reads?{number}", content=parts()) for number in range(3)]
        spans = servers(running.collector.wait_for(lambda spans: len(servers(spans)) >= 3))
        received = running.collector.wait_for_histogram("http.server.request.body.size", count=3)
        sent = running.collector.wait_for_histogram("http.server.response.body.size", count=3)
    assert [(answer.http_version, answer.status_code) for answer in answers] == [("HTTP/2", 200)] * 3
    assert [span.attributes["url.query"] for span in spans] == ["0", "1", "2"]
    assert {span.attributes["network.protocol.version"] for span in spans} == {"2"}
    assert received.sum == 3 * len(b"partother")
    assert (sent.sum, sent.attributes["network.protocol.version"]) == (sum(len(answer.content) for answer in answers), "2")


WANTED = {
    "PLATFORM_PROBES": "true",
    "PLATFORM_REQUEST_ID": "true",
    "PLATFORM_SPAN_ATTRIBUTES_FROM_HEADERS": "X-Tenant-ID",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "X-Plan",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "X-Answer",
    "OTEL_PYTHON_EXCLUDED_URLS": "^/quiet$",
}


@pytest.mark.parametrize("name", SERVERS)
def test_what_the_settings_want_to_be_known_of_a_request_is_known_and_probes_are_answered(name: str) -> None:
    with observed(SERVERS[name], WANTED) as running:
        assert json.loads(running.server.get("/readyz")[1])["status"] == "ready"
        assert running.server.get("/quiet")[:2] == (200, "bare")
        status, body, answered = running.server.get("/id", {"X-Tenant-ID": "acme", "X-Plan": "gold"})
        (span,) = servers(running.collector.wait_for(lambda spans: bool(servers(spans))))
        given = running.server.get("/id", {"X-Request-ID": "mine"})
    made = span.attributes["platform.request.id"]
    assert (status, body, answered["x-request-id"]) == (200, made, made)
    assert (given[1], given[2]["x-request-id"]) == ("mine", "mine")
    assert (span.attributes["url.path"], span.attributes["tenant.id"]) == ("/id", "acme")
    assert span.attributes["http.request.header.x-plan"] == ("gold",)
    assert span.attributes["http.response.header.x-answer"] == ("yes",)


PROXIED: dict[str, Words] = {
    "hypercorn": lambda port: [BIN / "hypercorn", "behind_proxies:fixed", "-b", f"{HOST}:{port}"],
    "granian": lambda port: [*GRANIAN, str(port), "--interface", "asgi", "behind_proxies:fixed"],
    "daphne": lambda port: [*SERVERS["daphne"](port), "--proxy-headers"],
    "waitress": lambda port: [
        *(BIN / "waitress-serve", "--listen", f"{HOST}:{port}", "--trusted-proxy", "127.0.0.1"),
        *("--trusted-proxy-headers", "x-forwarded-for x-forwarded-proto x-forwarded-host", "bare:wsgi"),
    ],
}


@pytest.mark.parametrize("name", PROXIED)
def test_the_client_is_the_one_that_a_trusted_proxy_names(name: str) -> None:
    with observed(PROXIED[name]) as running:
        forwarded = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https", "Host": "shop.example"}
        _, span = running.get("/", forwarded)
    assert (span.attributes["client.address"], span.attributes["url.scheme"]) == ("198.51.100.7", "https")
    assert span.attributes.get("network.peer.address", HOST) == HOST
