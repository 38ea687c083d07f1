"""Django as a WSGI and as an ASGI application: routes by pattern, exceptions recorded once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN
from tests.web.serving import Observed, observed

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNSERVER = """
import sys, django_app
from django.core.management import call_command
call_command("runserver", "127.0.0.1:" + sys.argv[1], use_reloader=False)
"""
WAYS = {
    "wsgi": lambda port: [BIN / "gunicorn", "-b", f"127.0.0.1:{port}", "django_app:wsgi"],
    "asgi": lambda port: [BIN / "uvicorn", "django_app:asgi", "--port", str(port)],
    "runserver": lambda port: [sys.executable, "-c", RUNSERVER, str(port)],
}


@pytest.fixture(scope="module", params=WAYS)
def django(request: pytest.FixtureRequest) -> Iterator[Observed]:
    with observed(WAYS[request.param]) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/plain/", 200, "/plain/"),
        ("/items/7/", 200, "/items/<int:item>/"),
        ("/years/2026/", 200, "/years/(?P<year>[0-9]{4})/$"),
        ("/api/v1/things/a-b/", 200, "/api/v1/things/<slug:thing>/"),
        ("/api/raw/x", 200, r"/api/raw/(?P<name>\w+)$"),
        ("/nowhere/", 404, None),
    ],
)
def test_the_route_is_the_pattern(path: str, status: int, route: str | None, django: Observed) -> None:
    answered, span = django.get(path)
    assert (answered, span.attributes.get("http.route")) == (status, route)
    assert span.name == (f"GET {route}" if route else "GET")


def test_an_exception_that_django_answers_is_recorded_once(django: Observed) -> None:
    status, span = django.get("/fails/")
    assert (status, span.name, span.status, span.attributes["error.type"]) == (500, "GET /fails/", "ERROR", "ValueError")
    assert [event.attributes["exception.message"] for event in span.events] == ["nobody handles this"]
    assert "platform_instrument" not in django.server.stderr
