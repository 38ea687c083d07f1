"""What a client may send: carried context, hostile headers, requests that are left out; the same on ASGI and WSGI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN
from tests.web.serving import Observed, observed, servers

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS = {
    "asgi": lambda port: [BIN / "uvicorn", "asking:asgi", "--port", str(port)],
    "wsgi": lambda port: [BIN / "gunicorn", "-b", f"127.0.0.1:{port}", "asking:wsgi"],
}
SETTINGS = {
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": "X-Tenant,Accept.*,Authorization,X-Api-Key,X-Mine",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE": "X-Answer,Set-Cookie",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": "x-mine",
    "OTEL_PYTHON_EXCLUDED_URLS": "^/healthz$,shop.example/internal/",
}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture(scope="module", params=WAYS)
def server(request: pytest.FixtureRequest) -> Iterator[Observed]:
    with observed(WAYS[request.param], SETTINGS) as running:
        yield running


def test_a_callers_context_is_continued(server: Observed) -> None:
    _, span = server.get("/", {"traceparent": TRACEPARENT, "tracestate": "vendor=1"})
    assert (span.trace_id, span.parent_id, span.trace_state) == (TRACE, PARENT, "vendor=1")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"00-{TRACE}-{PARENT}",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"ff-{TRACE}-{PARENT}-01",
        "x" * 5_000,
    ],
)
def test_a_malformed_context_begins_a_trace(header: str, server: Observed) -> None:
    status, span = server.get("/", {"traceparent": header, "tracestate": "vendor=1"})
    assert (status, span.parent_id, span.trace_state) == (200, "", "")
    assert span.trace_id != TRACE


def test_two_contexts_are_none(server: Observed) -> None:
    before = len(server.spans())
    line = f"traceparent: {TRACEPARENT}\r\n".encode()
    server.raw(b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n" + line + line + b"\r\n")
    server.collector.wait_for(lambda spans: len(servers(spans)) > before)
    assert server.spans()[before].parent_id == ""


def test_a_caller_that_did_not_sample_is_followed_and_counted(server: Observed) -> None:
    assert server.server.request("QUERY", "/", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})[0] == 200
    server.get("/")
    server.collector.wait_for_histogram("http.server.request.duration", attributes={"http.request.method": "QUERY"})
    assert "QUERY" not in {span.attributes.get("http.request.method") for span in server.collector.spans}
    assert (TRACE, "SELECT") not in {(span.trace_id, span.name) for span in server.collector.spans if span.parent_id == PARENT}


def test_baggage_reaches_the_application_and_goes_on(server: Observed) -> None:
    _, body, _ = server.exchange("/baggage", {"baggage": "tenant=acme,plan=gold%20plus"})
    assert body == "acme,gold plus"


def test_wanted_headers_become_attributes_and_secret_ones_are_redacted(server: Observed) -> None:
    _, span = server.get(
        "/headers",
        {"X-Tenant": "acme", "Authorization": "Bearer abc", "X-Api-Key": "k", "X-Mine": "m", "X-Other": "o", "Accept": "a/b"},
    )
    captured = {name: value for name, value in span.attributes.items() if ".header." in name}
    assert captured == {
        "http.request.header.x-tenant": ("acme",),
        "http.request.header.authorization": ("[secret]",),
        "http.request.header.x-api-key": ("[secret]",),
        "http.request.header.x-mine": ("[secret]",),
        "http.request.header.accept": ("a/b",),
        "http.request.header.accept-encoding": ("identity",),
        "http.response.header.x-answer": ("yes",),
        "http.response.header.set-cookie": ("[secret]", "[secret]"),
    }


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("PUT", "/healthz", {}),
        ("PATCH", "/internal/metrics", {"Host": "shop.example"}),
        ("DELETE", "/", {"User-Agent": "kube-probe/1.30"}),
        ("OPTIONS", "/", {"User-Agent": "Prometheus/2.53.0"}),
        ("TRACE", "/", {"User-Agent": "ELB-HealthChecker/2.0"}),
    ],
)
def test_what_is_left_out_leaves_no_trace_of_itself_or_below_but_counts(
    method: str, path: str, headers: dict[str, str], server: Observed
) -> None:
    before = len(server.collector.spans)
    assert server.server.request(method, path, headers=headers)[0] == 200
    server.get("/seen")
    server.collector.wait_for_histogram("http.server.request.duration", attributes={"http.request.method": method})
    server.collector.wait_for(before + 2)
    assert sorted(span.name for span in server.collector.spans[before:]) == ["GET", "SELECT"]


def test_an_unknown_method_is_other_and_keeps_its_name_aside(server: Observed) -> None:
    status, span = server.get("/", method="BREW")
    assert (status, span.name, span.attributes["http.request.method"]) == (200, "HTTP", "_OTHER")
    assert span.attributes["http.request.method_original"] == "BREW"


def test_hosts_methods_and_paths_that_clients_make_up_make_no_series(server: Observed) -> None:
    server.get("/")
    server.get("/", method="BREW")
    for method in ("GET", "_OTHER"):
        server.collector.wait_for_histogram("http.server.request.duration", attributes={"http.request.method": method})
    known = len(server.collector.latest("http.server.request.duration"))
    for number in range(10):
        server.get(f"/{number}", {"Host": f"host{number}.example"}, method=f"BREW{number}")
        server.get(f"/{number}")
    server.collector.wait_for_histogram("http.server.request.duration", attributes={"http.request.method": "_OTHER"}, count=11)
    assert len(server.collector.latest("http.server.request.duration")) == known


@pytest.mark.parametrize(
    ("host", "address", "port"),
    [
        ("shop.example", "shop.example", 80),
        ("shop.example:", "shop.example", 80),
        ("shop.example:8080", "shop.example", 8080),
        ("[::1]:8080", "::1", 8080),
        ("[::1]", "::1", 80),
        ("shop.example:99999", "shop.example:99999", 80),
        ("shop.example:x", "shop.example:x", 80),
        ("ada:sesame@shop.example:8080", "shop.example", 8080),
    ],
)
def test_the_address_is_what_the_client_asked_for(host: str, address: str, port: int, server: Observed) -> None:
    _, span = server.get("/", {"Host": host})
    assert (span.attributes["server.address"], span.attributes["server.port"]) == (address, port)


def test_long_values_are_cut(server: Observed) -> None:
    _, span = server.get("/" + "a" * 3_000 + "?q=" + "b" * 500, {"User-Agent": "c" * 7_000})
    assert len(span.attributes["user_agent.original"]) == 7_000
    assert len(span.attributes["url.path"]) == 3_001
