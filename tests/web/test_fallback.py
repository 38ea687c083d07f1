"""An application that no known server serves is observed by its framework, once; below a known server, by that alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN, door, run
from tests.web.serving import PROGRAMS, observed, servers

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector

EXPECTED = {
    "fastapi": [
        ("GET /items/{item}", "/items/3"),
        ("GET /v1/orders/{order}/lines/{line}", "/v1/orders/1/lines/2"),
        ("GET /inner/things/{thing}", "/inner/things/x"),
        ("GET /legacy/pages/<int:page>", "/legacy/pages/3"),
    ],
    "fastapi_with_api": [("GET /items/{item}", "/items/3")],
    "starlette": [("GET /{name}", "/here")],
    "flask": [("GET /items/<int:item>", "/items/3"), ("GET /fails", "/fails")],
    "django_wsgi": [("GET /items/<int:item>/", "/items/3/")],
    "django_asgi": [("GET /items/<int:item>/", "/items/3/")],
    "litestar": [("GET /items/{item}", "/items/3")],
    "quart": [("GET /items/<int:item>", "/items/3")],
    "falcon_wsgi": [("GET /items/{item:int}", "/items/3")],
    "falcon_asgi": [("GET /items/{item:int}", "/items/3")],
    "bottle": [("GET /items/<item:int>", "/items/3"), ("GET /fails", "/fails")],
    "bridged": [("GET /old/items/<int:item>", "/old/items/3")],
}


@pytest.mark.parametrize("framework", EXPECTED)
def test_a_framework_that_nobody_serves_observes_itself_once(framework: str, collector: Collector) -> None:
    argv = [sys.executable, "unclaimed.py", framework]
    plain = run(argv, cwd=PROGRAMS)
    words, env = door("command", argv)
    instrumented = run(words, env={**env, "PLATFORM_LOG_TRACE_ID": "false"}, collector=collector, cwd=PROGRAMS)
    assert (instrumented.returncode, instrumented.stdout) == (plain.returncode, plain.stdout)
    expected = EXPECTED[framework]
    collector.wait_for(lambda spans: len(servers(spans)) >= len(expected))
    assert [(span.name, span.attributes["url.path"]) for span in servers(collector.spans)] == expected
    point = collector.wait_for_histogram("http.server.request.duration", count=len(expected))
    assert point.name == "http.server.request.duration"


@pytest.mark.parametrize(
    ("argv", "path", "name"),
    [
        ([BIN / "uvicorn", "asgi_apps:app", "--port"], "/legacy/pages/3", "GET /legacy/pages/<int:page>"),
        ([BIN / "uvicorn", "bridged:app", "--port"], "/items/3", "GET /items/<int:item>"),
        ([BIN / "uvicorn", "bridged:mounted", "--port"], "/old/items/3", "GET /old/items/<int:item>"),
    ],
)
def test_a_bridge_below_a_known_server_does_not_double(argv: list[str], path: str, name: str) -> None:
    with observed(lambda port: [*argv, str(port)]) as running:
        status, span = running.get(path)
        assert (status, span.name) == (200, name)
        assert len(servers(running.collector.spans)) == 1


def test_a_known_server_takes_the_fallbacks_back() -> None:
    script = (
        "import sys, uvicorn, starlette.applications, flask\n"
        "before = [hasattr(kind.__call__, '__wrapped__') for kind in (starlette.applications.Starlette, flask.Flask)]\n"
        "async def app(scope, receive, send): pass\n"
        "uvicorn.Config(app).load()\n"
        "after = [hasattr(kind.__call__, '__wrapped__') for kind in (starlette.applications.Starlette, flask.Flask)]\n"
        "import django.core.handlers.wsgi as late\n"
        "print(before, after, hasattr(late.WSGIHandler.__call__, '__wrapped__'))\n"
    )
    argv, env = door("command", [sys.executable, "-c", script])
    assert run(argv, env={**env, "OTEL_TRACES_EXPORTER": "none"}).stdout == "[True, True] [False, False] False\n"
