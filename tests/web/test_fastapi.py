"""FastAPI and Starlette on uvicorn: one span a request, named after the template that routed it."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN, HOST
from tests.tracebacks import without_our_frames
from tests.web.serving import Observed, observed, without

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def fastapi() -> Iterator[Observed]:
    with observed(lambda port: [BIN / "uvicorn", "asgi_apps:app", "--port", str(port)]) as running:
        yield running


def test_a_request_is_described_whole(fastapi: Observed) -> None:
    status, span = fastapi.get("/items/7?q=1&token=abc", {"User-Agent": "tests/1.0", "Host": "shop.example:8443"})
    assert (status, span.name, span.kind, span.status) == (200, "GET /items/{item}", "SERVER", "UNSET")
    assert without(span, "network.peer.port") == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/items/{item}",
        "url.scheme": "http",
        "url.path": "/items/7",
        "url.query": "q=1&token=REDACTED",
        "server.address": "shop.example",
        "server.port": 8443,
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "tests/1.0",
    }
    assert (span.events, span.links, span.parent_id) == ((), (), "")


def test_a_request_counts_in_the_histogram_under_its_route(fastapi: Observed) -> None:
    fastapi.get("/items/1")
    attributes = {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/items/{item}",
        "network.protocol.version": "1.1",
        "url.scheme": "http",
    }
    point = fastapi.collector.wait_for_histogram("http.server.request.duration", attributes=attributes)
    assert point.attributes == attributes
    assert point.unit == "s"


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/plain", 200, "/plain"),
        ("/sync", 200, "/sync"),
        ("/files/a/b/c", 200, "/files/{path}"),
        ("/v1/orders/1/lines/2", 200, "/v1/orders/{order}/lines/{line}"),
        ("/v1/orders/nested/x", 200, "/v1/orders/nested/{deep}"),
        ("/inner/things/x", 200, "/inner/things/{thing}"),
        ("/tenants/acme/deep/x", 200, "/tenants/{tenant}/deep/{name}"),
        ("/legacy/pages/3", 200, "/legacy/pages/<int:page>"),
        ("/static/wsgi_apps.py", 200, "/static"),
        ("/nowhere", 404, None),
        ("/plain/", 307, None),
    ],
)
def test_the_route_is_the_template(path: str, status: int, route: str | None, fastapi: Observed) -> None:
    answered, span = fastapi.get(path)
    assert (answered, span.attributes.get("http.route")) == (status, route)
    assert span.name == (f"GET {route}" if route else "GET")
    assert span.status == "UNSET"


def test_a_method_that_a_route_does_not_take_keeps_the_route(fastapi: Observed) -> None:
    status, span = fastapi.get("/plain", method="DELETE")
    assert (status, span.name) == (405, "DELETE /plain")


def test_head_is_answered_and_observed(fastapi: Observed) -> None:
    status, span = fastapi.get("/static/wsgi_apps.py", method="HEAD")
    assert (status, span.attributes["http.request.method"]) == (200, "HEAD")


def test_an_exception_is_recorded_once_with_the_applications_frames_first(fastapi: Observed) -> None:
    status, span = fastapi.get("/fails")
    assert (status, span.status, span.attributes["error.type"]) == (500, "ERROR", "ValueError")
    assert span.attributes["http.response.status_code"] == 500
    (event,) = span.events
    assert (event.name, event.attributes["exception.type"]) == ("exception", "ValueError")
    assert event.attributes["exception.message"] == "nobody handles this"
    assert (
        "platform_instrument"
        not in event.attributes["exception.stacktrace"].partition("asgi_apps.py")[0].partition("File")[2][:200]
    )
    time.sleep(0.2)
    assert "Traceback" in fastapi.server.stderr
    assert "platform_instrument" not in without_our_frames(fastapi.server.stderr)


def test_an_answer_of_5xx_without_an_exception_is_an_error_by_its_status(fastapi: Observed) -> None:
    status, span = fastapi.get("/refused")
    assert (status, span.status, span.attributes["error.type"], span.events) == (503, "ERROR", "503", ())


def test_a_background_task_is_not_part_of_the_request(fastapi: Observed) -> None:
    _, span = fastapi.get("/background")
    assert span.end_ns - span.start_ns < 300_000_000


def test_a_streamed_answer_is_part_of_the_request(fastapi: Observed) -> None:
    _, span = fastapi.get("/stream")
    assert span.end_ns - span.start_ns > 250_000_000


def test_a_client_that_goes_away_ends_the_span_once(fastapi: Observed) -> None:
    before = len(fastapi.spans())
    connection = http.client.HTTPConnection(HOST, fastapi.server.port, timeout=5)
    connection.request("GET", "/endless")
    assert connection.getresponse().read(20)
    assert len(fastapi.spans()) == before
    connection.sock.close()
    connection.close()
    fastapi.collector.wait_for(lambda spans: len([span for span in spans if span.kind == "SERVER"]) > before)
    time.sleep(0.3)
    (span,) = fastapi.spans()[before:]
    assert span.name == "GET /endless"


def test_there_is_no_noise_of_send_and_receive_nor_of_fastapi_itself(fastapi: Observed) -> None:
    fastapi.get("/plain")
    assert {span.kind for span in fastapi.collector.spans} == {"SERVER"}
    assert {span.scope.name for span in fastapi.collector.spans} == {"platform_instrument.http"}


def test_fastapis_own_telemetry_does_not_double_ours_where_the_application_uses_the_api() -> None:
    env = {"PYTHONPATH": "", "PLATFORM_TEST": "1"}
    del env["PYTHONPATH"]
    with observed(lambda port: [BIN / "uvicorn", "with_api:app", "--port", str(port)], env) as running:
        status, span = running.get("/items/7")
        assert (status, span.name) == (200, "GET /items/{item}")
        running.collector.wait_for(lambda spans: len(spans) >= 2)
        assert [(each.name, each.kind) for each in running.collector.spans] == [
            ("own work", "INTERNAL"),
            ("GET /items/{item}", "SERVER"),
        ]
        assert running.collector.spans[0].parent_id == span.span_id


def test_a_middleware_that_copies_the_scope_does_not_hide_the_route() -> None:
    with observed(lambda port: [BIN / "uvicorn", "asgi_apps:copied", "--port", str(port)]) as running:
        assert running.get("/v1/orders/1/lines/2")[1].name == "GET /v1/orders/{order}/lines/{line}"
        assert running.get("/inner/things/x")[1].name == "GET /inner/things/{thing}"
