"""Litestar under uvicorn: routes by template, exceptions recorded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from litestar.types.asgi_types import BaseScope

from tests.processes import BIN
from tests.tracebacks import without_our_frames
from tests.web.serving import Observed, observed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def litestar() -> Iterator[Observed]:
    with observed(lambda port: [BIN / "uvicorn", "litestar_app:app", "--port", str(port)]) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/", 200, "/"),
        ("/items/7", 200, "/items/{item}"),
        ("/sync/a", 200, "/sync/{name}"),
        ("/v1/orders/1/lines/2", 200, "/v1/orders/{order}/lines/{line}"),
        ("/inner/things/x", 200, "/inner/things/{thing}/"),
        ("/items/seven", 404, None),
        ("/nowhere", 404, None),
    ],
)
def test_the_route_is_the_template(path: str, status: int, route: str | None, litestar: Observed) -> None:
    answered, span = litestar.get(path)
    assert (answered, span.attributes.get("http.route")) == (status, route)
    assert span.name == (f"GET {route}" if route else "GET")


def test_an_exception_that_litestar_answers_is_recorded_once(litestar: Observed) -> None:
    status, span = litestar.get("/fails")
    assert (status, span.name, span.status, span.attributes["error.type"]) == (500, "GET /fails", "ERROR", "ValueError")
    assert [event.attributes["exception.message"] for event in span.events] == ["nobody handles this"]
    assert "platform_instrument" not in without_our_frames(litestar.server.stderr)


def test_an_exception_that_the_application_or_litestar_answers_by_its_status_is_none(litestar: Observed) -> None:
    status, span = litestar.get("/missing")
    assert (status, span.name, span.status, span.events) == (404, "GET /missing", "UNSET", ())
    status, span = litestar.get("/refused")
    assert (status, span.name, span.attributes["error.type"], span.events) == (503, "GET /refused", "503", ())


@pytest.mark.skipif("path_template" not in BaseScope.__annotations__, reason="this version of Litestar does not say it")
def test_what_a_middleware_of_the_route_refuses_has_its_route(litestar: Observed) -> None:
    status, span = litestar.get("/secret/x")
    assert (status, span.name, span.events) == (401, "GET /secret/{name}", ())
