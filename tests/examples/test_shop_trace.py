"""One order is one trace: a server span a service, joined by the wire, with SQL, Redis and HTTP client spans as children."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.testing.collector import Collector
from tests.examples.running_shop import RunningShop, running_shop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.timeout(90)
ORDER = {"product_id": 2, "quantity": 3, "email": "ada@example.org"}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """Return a collector that all tests here share."""
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, redis_url: str, collector: Collector) -> Iterator[RunningShop]:
    """Return both services behind the command, after one order, one look at the health and one invoice."""
    with running_shop(tmp_path_factory.mktemp("shop"), redis_url, through="command", collector=collector) as services:
        status, answer = services.order(**ORDER)
        assert status == 201
        assert services.shop.get("/health")[0] == 200
        assert services.shop.get(f"/orders/{answer['id']}/invoice")[0] == 500
        yield services


def complete(spans: Sequence[Any], route: str) -> list[Any]:
    """Return the trace of the request to a route once both of its server spans are there."""
    for root in spans:
        if root.attributes.get("http.route") == route and not root.parent_id:
            trace = [span for span in spans if span.trace_id == root.trace_id]
            ids = {span.span_id for span in trace}
            if all(span.parent_id in ids for span in trace if span is not root) and any(
                s.resource["service.name"] == "stock" for s in trace
            ):
                return trace
    return []


def trace_of(collector: Collector, route: str, kinds: int) -> list[Any]:
    """Return the whole trace of a request to a route."""
    collector.wait_for(lambda spans: len(complete(spans, route)) >= kinds)
    return complete(collector.spans, route)


def test_an_order_is_one_trace_across_both_services(shop: RunningShop, collector: Collector) -> None:
    trace = trace_of(collector, "/orders", 7)
    told = sorted((span.resource["service.name"], span.kind, span.name) for span in trace)
    assert told == [
        ("shop", "CLIENT", "GET"),
        ("shop", "CLIENT", "GET"),
        ("shop", "CLIENT", "INSERT orders"),
        ("shop", "CLIENT", "SELECT products"),
        ("shop", "CLIENT", "SET"),
        ("shop", "SERVER", "POST /orders"),
        ("stock", "SERVER", "GET /stock/<int:product>"),
    ]
    (root,) = (span for span in trace if not span.parent_id)
    (stock,) = (span for span in trace if span.resource["service.name"] == "stock")
    (call,) = (span for span in trace if "url.full" in span.attributes)
    assert {span.parent_id for span in trace if span is not root and span is not stock} == {root.span_id}
    assert stock.parent_id == call.span_id
    assert {span.status for span in trace} == {"UNSET"}
    for service in (shop.shop, shop.stock):
        printed = service.wait_for_output(root.trace_id)
        (line,) = (
            line for line in printed.splitlines() if root.trace_id in line and ("placed by" in line or "pieces of" in line)
        )
        assert re.search(rf" trace_id={root.trace_id} span_id=[0-9a-f]{{16}}$", line)


def test_every_span_of_an_order_carries_what_the_conventions_name(
    shop: RunningShop, collector: Collector, redis_url: str
) -> None:
    """Every attribute that is required, required on a condition that holds here, or recommended, with its type; no other.

    Source: https://opentelemetry.io/docs/specs/semconv/ (version 1.37.0). Of statements in SQL, operation and collection are not
    to be taken from the text, the summary stands for them; SQLite has no server.
    """
    trace = trace_of(collector, "/orders", 7)
    by_name: dict[str, dict[str, Any]] = {
        f"{span.name} {span.attributes.get('db.system.name', span.kind)}": dict(span.attributes) for span in trace
    }
    for name in ("POST /orders SERVER", "GET /stock/<int:product> SERVER"):
        assert type(by_name[name].pop("network.peer.port")) is int
    assert by_name["GET /stock/<int:product> SERVER"].pop("user_agent.original").startswith("python-httpx/")
    assert re.fullmatch(r"SET \w+:product:2 \? \? \?", by_name["SET redis"].pop("db.query.text"))
    assert re.fullmatch(r"GET \w+:product:2", by_name["GET redis"].pop("db.query.text"))
    redis_port = int(redis_url.rpartition(":")[2].partition("/")[0])
    served = {
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1",
    }
    queried = {"db.system.name": "sqlite", "db.namespace": "shop.db"}
    cached = {
        "db.system.name": "redis",
        "db.namespace": "0",
        "server.address": "127.0.0.1",
        "server.port": redis_port,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": redis_port,
        "network.transport": "tcp",
    }
    assert by_name == {
        "POST /orders SERVER": {
            **served,
            "http.request.method": "POST",
            "http.response.status_code": 201,
            "http.route": "/orders",
            "url.path": "/orders",
            "server.port": shop.shop.port,
            "user_agent.original": "tests/1.0",
        },
        "GET redis": {**cached, "db.operation.name": "GET"},
        "SELECT products sqlite": {
            **queried,
            "db.query.summary": "SELECT products",
            "db.query.text": "SELECT products.id, products.name, products.price FROM products WHERE products.id = ?",
        },
        "SET redis": {**cached, "db.operation.name": "SET"},
        "GET CLIENT": {
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "url.full": f"{shop.stock.url}/stock/2",
            "server.address": "127.0.0.1",
            "server.port": shop.stock.port,
            "network.peer.address": "127.0.0.1",
            "network.peer.port": shop.stock.port,
            "network.protocol.version": "1.1",
        },
        "GET /stock/<int:product> SERVER": {
            **served,
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "http.route": "/stock/<int:product>",
            "url.path": "/stock/2",
            "server.port": shop.stock.port,
        },
        "INSERT orders sqlite": {
            **queried,
            "db.query.summary": "INSERT orders",
            "db.query.text": "INSERT INTO orders (product_id, quantity, email) VALUES (?, ?, ?)",
        },
    }


@pytest.mark.usefixtures("shop")
def test_nothing_of_the_customer_leaves_and_no_noise_is_made(collector: Collector) -> None:
    trace_of(collector, "/orders", 7)
    collector.wait_for(lambda spans: any(span.name == "GET /health" for span in spans))
    assert "ada@example.org" not in repr(collector.spans)
    assert b"ada@example.org" not in b"".join(request.body for request in collector.requests)
    assert not [span.name for span in collector.spans if re.search(r"send|receive|connect", span.name, re.IGNORECASE)]
    assert not [key for span in collector.spans for key in span.attributes if key.startswith("db.query.parameter")]


def test_a_failed_request_is_an_error_with_its_exception_once(shop: RunningShop, collector: Collector) -> None:
    route = "/orders/{number}/invoice"
    spans = collector.wait_for(lambda spans: any(span.attributes.get("http.route") == route for span in spans))
    (server,) = (span for span in spans if span.attributes.get("http.route") == route)
    assert (server.status, server.attributes["http.response.status_code"]) == ("ERROR", 500)
    assert server.attributes["error.type"] == "NotImplementedError"
    (event,) = server.events
    assert event.attributes["exception.type"] == "NotImplementedError"
    assert event.attributes["exception.message"] == "invoices are not written yet"
    assert "show_invoice" in event.attributes["exception.stacktrace"]
    printed = shop.shop.wait_for_output("has no invoice")
    assert f"has no invoice trace_id={server.trace_id}" in printed


def test_durations_of_all_three_families_are_counted(shop: RunningShop, collector: Collector) -> None:
    server = collector.wait_for_histogram("http.server.request.duration", attributes={"http.route": "/orders"})
    assert server.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 201,
        "http.route": "/orders",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
    }
    client = collector.wait_for_histogram("http.client.request.duration")
    assert client.attributes["server.port"] == shop.stock.port
    select = collector.wait_for_histogram("db.client.operation.duration", attributes={"db.query.summary": "SELECT products"})
    assert select.unit == server.unit == "s"
    assert {exemplar.trace_id for exemplar in server.exemplars} <= {span.trace_id for span in collector.spans}
    assert server.exemplars
