"""Bottle under gunicorn and under its own default server: routes by rule, exceptions recorded once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN
from tests.tracebacks import without_our_frames
from tests.web.serving import Observed, observed

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS = {
    "gunicorn": lambda port: [BIN / "gunicorn", "-b", f"127.0.0.1:{port}", "bottle_app:app"],
    "own": lambda port: [sys.executable, "bottle_app.py", str(port)],
}


@pytest.fixture(scope="module", params=WAYS)
def bottle(request: pytest.FixtureRequest) -> Iterator[Observed]:
    with observed(WAYS[request.param]) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/plain", 200, "/plain"),
        ("/items/7", 200, "/items/<item:int>"),
        ("/inner/things/x", 200, "/inner/things/<thing>"),
        ("/legacy/pages/3", 200, "/legacy/pages/<int:page>"),
        ("/returned", 404, "/returned"),
        ("/nowhere", 404, None),
    ],
)
def test_the_route_is_the_rule(path: str, status: int, route: str | None, bottle: Observed) -> None:
    answered, span = bottle.get(path)
    assert (answered, span.attributes.get("http.route")) == (status, route)
    assert span.name == (f"GET {route}" if route else "GET")
    assert span.events == ()


@pytest.mark.parametrize("path", ["/fails", "/breaks"])
def test_an_exception_that_bottle_answers_is_recorded_once(path: str, bottle: Observed) -> None:
    status, span = bottle.get(path)
    assert (status, span.name, span.status, span.attributes["error.type"]) == (500, f"GET {path}", "ERROR", "ValueError")
    assert [event.attributes["exception.message"] for event in span.events] == ["nobody handles this"]
    assert "platform_instrument" not in without_our_frames(bottle.server.stderr)


def test_an_answer_of_5xx_without_an_exception_is_an_error_by_its_status(bottle: Observed) -> None:
    status, span = bottle.get("/refused")
    assert (status, span.status, span.attributes["error.type"], span.events) == (503, "ERROR", "503", ())
