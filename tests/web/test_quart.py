"""Quart under uvicorn: routes by rule, exceptions recorded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN
from tests.tracebacks import without_our_frames
from tests.web.serving import Observed, observed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def quart() -> Iterator[Observed]:
    with observed(lambda port: [BIN / "uvicorn", "quart_app:app", "--port", str(port)]) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/plain", 200, "/plain"),
        ("/sync/a", 200, "/sync/<name>"),
        ("/items/7", 200, "/items/<int:item>"),
        ("/orders/1/lines/2", 200, "/orders/<int:order>/lines/<int:line>"),
        ("/nowhere", 404, None),
    ],
)
def test_the_route_is_the_rule(path: str, status: int, route: str | None, quart: Observed) -> None:
    answered, span = quart.get(path)
    assert (answered, span.attributes.get("http.route")) == (status, route)
    assert span.name == (f"GET {route}" if route else "GET")


def test_an_exception_that_quart_answers_is_recorded_once(quart: Observed) -> None:
    status, span = quart.get("/fails")
    assert (status, span.name, span.status, span.attributes["error.type"]) == (500, "GET /fails", "ERROR", "ValueError")
    assert [event.attributes["exception.message"] for event in span.events] == ["nobody handles this"]
    assert "platform_instrument" not in without_our_frames(quart.server.stderr)


def test_an_exception_that_the_application_answers_is_none(quart: Observed) -> None:
    status, span = quart.get("/missing")
    assert (status, span.name, span.status, span.events) == (404, "GET /missing", "UNSET", ())
    status, span = quart.get("/refused")
    assert (status, span.name, span.attributes["error.type"], span.events) == (503, "GET /refused", "503", ())
