"""Falcon as a WSGI and as an ASGI application: routes by URI template, exceptions recorded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN
from tests.tracebacks import without_our_frames
from tests.web.serving import Observed, observed

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS = {
    "wsgi": lambda port: [BIN / "gunicorn", "-b", f"127.0.0.1:{port}", "falcon_apps:wsgi"],
    "asgi": lambda port: [BIN / "uvicorn", "falcon_apps:asgi", "--port", str(port)],
}


@pytest.fixture(scope="module", params=WAYS)
def falcon(request: pytest.FixtureRequest) -> Iterator[Observed]:
    with observed(WAYS[request.param]) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/plain", 200, "/plain"),
        ("/items/7", 200, "/items/{item:int}"),
        ("/v1/orders/1/lines/2", 200, "/v1/orders/{order}/lines/{line}"),
        ("/sunk/x", 200, None),
        ("/nowhere", 404, None),
    ],
)
def test_the_route_is_the_template(path: str, status: int, route: str | None, falcon: Observed) -> None:
    answered, span = falcon.get(path)
    assert (answered, span.attributes.get("http.route")) == (status, route)
    assert span.name == (f"GET {route}" if route else "GET")


def test_a_method_that_a_route_does_not_take_keeps_the_route(falcon: Observed) -> None:
    status, span = falcon.get("/plain", method="DELETE")
    assert (status, span.name) == (405, "DELETE /plain")


def test_an_exception_that_falcon_answers_is_recorded_once(falcon: Observed) -> None:
    status, span = falcon.get("/fails")
    assert (status, span.name, span.status, span.attributes["error.type"]) == (500, "GET /fails", "ERROR", "ValueError")
    assert [event.attributes["exception.message"] for event in span.events] == ["nobody handles this"]
    assert "platform_instrument" not in without_our_frames(falcon.server.stderr)


def test_an_exception_that_the_application_answers_is_none(falcon: Observed) -> None:
    status, span = falcon.get("/missing")
    assert (status, span.name, span.status, span.events) == (404, "GET /missing", "UNSET", ())
    status, span = falcon.get("/refused")
    assert (status, span.name, span.attributes["error.type"], span.events) == (503, "GET /refused", "503", ())


def test_urls_are_left_out_by_the_framework_s_own_setting() -> None:
    env = {"OTEL_PYTHON_FALCON_EXCLUDED_URLS": "/plain", "OTEL_PYTHON_EXCLUDED_URLS": "/items"}
    with observed(WAYS["wsgi"], env) as running:
        assert running.server.get("/plain")[0] == 200
        assert running.get("/items/7")[1].name == "GET /items/{item:int}"
        assert len(running.spans()) == 1
