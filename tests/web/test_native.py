"""Servers with requests of their own kind, aiohttp's, Tornado's and Sanic's, and the same promises of all of them."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import socket
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.testing.contract import InstrumentationContract
from tests.processes import BIN, HOST, Service, free_port
from tests.tracebacks import without_our_frames
from tests.web.serving import PROGRAMS, Observed, observed, servers, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Words = Callable[[int], Sequence[Any]]

SERVERS: dict[str, Words] = {
    "aiohttp": lambda port: [sys.executable, "served_aiohttp.py", str(port)],
    "tornado": lambda port: [sys.executable, "served_tornado.py", str(port)],
    "sanic": lambda port: [sys.executable, "served_sanic.py", str(port)],
}
WORKERS: dict[str, Words] = {
    "aiohttp": lambda port: [
        *(BIN / "gunicorn", "-k", "aiohttp.GunicornWebWorker", "-w", "2", "-b", f"{HOST}:{port}", "served_aiohttp:made()"),
    ],
    "tornado": lambda port: [*SERVERS["tornado"](port), "2"],
    "sanic": lambda port: [*SERVERS["sanic"](port), "2"],
}
ROUTES = {
    "aiohttp": {
        "/plain": "/plain",
        "/items/7": "/items/{item}",
        "/inner/things/3": "/inner/things/{thing}",
        "/files/bare.py": "/files",
        "/nowhere": None,
    },
    "tornado": {
        "/plain": "/plain",
        "/items/7": r"/items/(?P<item>\w+)",
        "/inner/things/3": r"/inner/things/(\d+)",
        "/files/bare.py": "/files/(.*)",
        "/nowhere": None,
        "/old/items/3": None,
    },
    "sanic": {
        "/plain": "/plain",
        "/items/7": "/items/<item:str>",
        "/inner/things/3": "/inner/things/<thing:int>",
        "/files": "/files",
        "/nowhere": None,
    },
}
HERE = [name for name in SERVERS if find_spec(name) is not None]
"""The matrix has the others."""
SLOW_EXPORT = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRIC_EXPORT_INTERVAL": "60000"}
REQUESTS = 20


@pytest.mark.skipif("sanic" not in HERE, reason="not in this environment: the matrix has it")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestContractOfSanic(InstrumentationContract):
    declared_in = "platform_instrument.web.sanic"

    test_what_it_records_is_conventional = None  # type: ignore[assignment] # below, against a literal


@pytest.fixture(scope="module", params=HERE)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, Observed]]:
    """Run each server once."""
    name: str = request.param
    with observed(SERVERS[name]) as running:
        yield name, running


def exceptions(span: Any) -> list[str]:
    """Return the messages of the exceptions that were recorded."""
    return [event.attributes["exception.message"] for event in span.events if event.name == "exception"]


def asked(running: Observed, request: bytes) -> Any:
    """Send a request on a bare socket; return its one server span."""
    before = len(running.spans())
    running.raw(request)
    running.collector.wait_for(lambda spans: len(servers(spans)) > before)
    (span,) = running.spans()[before:]
    return span


def test_a_request_is_described_whole(server: tuple[str, Observed]) -> None:
    name, running = server
    status, span = running.get("/plain?q=1", {"Host": "shop.example", "User-Agent": "tests/1.0"})
    assert (status, span.name, span.status, span.events) == (200, "GET /plain", "UNSET", ())
    assert without(span, "network.peer.port") == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/plain",
        "url.scheme": "http",
        "url.path": "/plain",
        "url.query": "q=1",
        "server.address": "shop.example",
        "server.port": 80,
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "tests/1.0",
    }, name


def test_the_path_is_read_as_text(server: tuple[str, Observed]) -> None:
    _, running = server
    assert running.get("/caf%C3%A9")[1].attributes["url.path"] == "/café"


def test_the_route_is_that_of_the_application(server: tuple[str, Observed]) -> None:
    name, running = server
    found = {path: running.get(path)[1] for path in ROUTES[name]}
    assert {path: span.attributes.get("http.route") for path, span in found.items()} == ROUTES[name]
    assert found["/items/7"].name == f"GET {ROUTES[name]['/items/7']}"
    assert (found["/nowhere"].name, found["/nowhere"].attributes["http.response.status_code"]) == ("GET", 404)


def test_an_exception_is_an_error_of_500_and_recorded_once(server: tuple[str, Observed]) -> None:
    _, running = server
    status, span = running.get("/fails")
    assert (status, span.name, span.status) == (500, "GET /fails", "ERROR")
    assert (span.attributes["http.response.status_code"], span.attributes["error.type"]) == (500, "LookupError")
    assert exceptions(span) == ["/fails"]
    output = running.server.wait_for_output("LookupError: /fails")
    assert "platform_instrument" not in without_our_frames(output)
    assert span.trace_id in output


def test_an_exception_in_the_middle_of_an_answer_is_an_error_of_the_status_that_was_sent(server: tuple[str, Observed]) -> None:
    name, running = server
    span = asked(running, b"GET /late HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
    assert span.attributes["http.response.status_code"] == 200
    assert exceptions(span) == ["/late"]
    if name != "sanic":  # which tells nobody: it is known by the line that it logs
        assert (span.status, span.attributes["error.type"]) == ("ERROR", "LookupError")


def test_an_answer_of_5xx_without_an_exception_is_an_error_by_its_status(server: tuple[str, Observed]) -> None:
    name, running = server
    status, span = running.get("/refused")
    assert (status, span.status, span.attributes["error.type"]) == (503, "ERROR", "503")
    assert exceptions(span) == ([] if name != "tornado" else ["HTTP 503: Service Unavailable"])  # it logs that as an error


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


def test_a_request_that_is_cancelled_as_its_client_leaves_ends(server: tuple[str, Observed]) -> None:
    _, running = server
    before = len(running.spans())
    with socket.create_connection((HOST, running.server.port), 5) as connection:
        connection.sendall(b"GET /waits HTTP/1.1\r\nHost: shop\r\n\r\n")
        time.sleep(0.3)
    running.collector.wait_for(lambda spans: len(servers(spans)) > before)
    (span,) = running.spans()[before:]
    assert (span.name, span.attributes["error.type"]) == ("GET /waits", "asyncio.exceptions.CancelledError")
    running.collector.wait_for(
        lambda _: {point.value for point in running.collector.latest("http.server.active_requests")} == {0}
    )


def test_a_websocket_is_a_request_until_its_handshake_is_answered(server: tuple[str, Observed]) -> None:
    from websockets.asyncio.client import connect

    _, running = server
    before = len(running.collector.spans)

    async def talk() -> str:
        async with connect(f"ws://{HOST}:{running.server.port}/talks") as connection:
            await connection.send("hello")
            answer = str(await connection.recv())
            await asyncio.to_thread(running.collector.wait_for, before + 2)  # while it is open
            return answer

    assert asyncio.run(talk()) == "hello"
    handshake, query = sorted(running.collector.spans[before:], key=lambda span: span.start_ns)
    assert (handshake.name, handshake.kind, handshake.status) == ("GET /talks", "SERVER", "UNSET")
    assert handshake.attributes["http.response.status_code"] == 101
    assert (query.kind, query.parent_id) == ("CLIENT", "")


def status_of(words: Words) -> int:
    """Return the exit status that a plain server leaves with."""
    port = free_port()
    with Service([str(word) for word in words(port)], port, cwd=PROGRAMS) as plain:
        assert plain.get("/plain")[0] == 200
        time.sleep(1)  # Sanic's worker is not ready when it answers
        return plain.terminate(signal.SIGTERM)


@pytest.mark.parametrize("name", HERE)
def test_twenty_requests_and_a_kill_leave_twenty_spans_and_the_plain_exit_status(name: str) -> None:
    with observed(SERVERS[name], SLOW_EXPORT) as running:
        running.ask_until_the_worker_rests("/items/0")
        for number in range(1, REQUESTS):
            assert running.server.get(f"/items/{number}")[0] == 200
        time.sleep(0.2)  # the last answer is out before its request is over
        status = running.server.terminate()
        spans = servers(running.collector.wait_for(REQUESTS))
    assert sorted(span.attributes["url.path"] for span in spans) == sorted(f"/items/{number}" for number in range(REQUESTS))
    assert status == status_of(SERVERS[name])


@pytest.mark.parametrize("name", HERE)
def test_two_workers_leave_each_span_once_with_an_instance_id_of_their_own(name: str) -> None:
    if name == "aiohttp" and find_spec("gunicorn") is None:
        pytest.skip("gunicorn is not here")
    with observed(WORKERS[name]) as running:
        asked, deadline = 0, time.monotonic() + 15
        while len({span.resource["process.pid"] for span in running.spans()}) < 2:
            assert time.monotonic() < deadline
            assert running.server.get(f"/items/{asked}")[0] == 200
            asked += 1
        for number in range(asked, asked + REQUESTS):
            assert running.server.get(f"/items/{number}")[0] == 200
        running.server.terminate()
        asked += REQUESTS
        spans = servers(running.collector.wait_for(lambda spans: len(servers(spans)) >= asked))
    assert sorted(span.attributes["url.path"] for span in spans) == sorted(f"/items/{number}" for number in range(asked))
    instances = {(span.resource["process.pid"], span.resource["service.instance.id"]) for span in spans}
    assert len(instances) == len({instance for _, instance in instances}) == 2


WANTED = {
    "PLATFORM_PROBES": "true",
    "PLATFORM_REQUEST_ID": "true",
    "PLATFORM_SPAN_ATTRIBUTES_FROM_HEADERS": "X-Tenant-ID",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "X-Plan",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "X-Answer",
    "OTEL_PYTHON_EXCLUDED_URLS": "^/quiet$",
}


@pytest.mark.parametrize("name", HERE)
def test_what_the_settings_want_to_be_known_of_a_request_is_known_and_probes_are_answered(name: str) -> None:
    with observed(SERVERS[name], WANTED) as running:
        for path, word in {"/livez": "alive", "/startupz": "started", "/readyz": "ready"}.items():
            status, body, headers = running.server.get(path)
            assert (status, json.loads(body)["status"], headers["content-type"]) == (200, word, "application/json")
            assert running.server.request("HEAD", path)[:2] == (200, "")
        assert running.server.request("POST", "/livez", b"abc")[0] == 404
        assert running.server.get("/quiet")[:2] == (200, "plain")
        status, body, answered = running.server.get("/id", {"X-Tenant-ID": "acme", "X-Plan": "gold"})
        span = running.collector.wait_for(lambda spans: len(servers(spans)) == 2)[-1]
        given = running.server.get("/id", {"X-Request-ID": "mine"})
    made = span.attributes["platform.request.id"]
    assert (status, body, answered["x-request-id"]) == (200, made, made)
    assert (given[1], given[2]["x-request-id"]) == ("mine", "mine")
    assert (span.attributes["url.path"], span.attributes["tenant.id"]) == ("/id", "acme")
    assert span.attributes["http.request.header.x-plan"] == ("gold",)
    assert span.attributes["http.response.header.x-answer"] == ("yes",)


@pytest.mark.parametrize("name", [name for name in HERE if name != "aiohttp"])
def test_the_client_is_the_one_that_a_trusted_proxy_names(name: str) -> None:
    with observed(SERVERS[name], {"SANIC_PROXIES_COUNT": "1"}) as running:
        _, span = running.get("/plain", {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https", "Host": "shop.example"})
    assert (span.attributes["client.address"], span.attributes["url.scheme"]) == ("198.51.100.7", "https")
    assert (span.attributes["network.peer.address"], span.attributes["server.port"]) == (HOST, 443)


def test_an_application_in_tornado_s_container_is_observed_as_one_of_wsgi() -> None:
    pytest.importorskip("tornado")
    with observed(SERVERS["tornado"]) as running:
        spans = [running.get(path)[1] for path in ("/old/items/3", "/plain")]
        assert len(running.spans()) == 2
    assert [span.name for span in spans] == ["GET", "GET /plain"]
