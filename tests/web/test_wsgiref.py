"""wsgiref, the standard library's server."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.tracebacks import without_our_frames
from tests.web.serving import Observed, observed, without

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = """
import sys, wsgiref.simple_server, bare
wsgiref.simple_server.make_server("127.0.0.1", int(sys.argv[1]), bare.wsgi).serve_forever()
"""


@pytest.fixture(scope="module")
def wsgiref() -> Iterator[Observed]:
    with observed(lambda port: [sys.executable, "-c", SCRIPT, str(port)]) as running:
        yield running


def test_a_request_is_described_whole(wsgiref: Observed) -> None:
    status, span = wsgiref.get("/caf%C3%A9?q=1", {"Host": "shop.example", "User-Agent": "tests/1.0"})
    assert (status, span.name, span.status) == (200, "GET", "UNSET")
    assert without(span) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": "/café",
        "url.query": "q=1",
        "server.address": "shop.example",
        "server.port": 80,
        "client.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "tests/1.0",
    }


def test_an_application_that_fails_is_an_error_of_500(wsgiref: Observed) -> None:
    status, span = wsgiref.get("/fails")
    assert (status, span.attributes["http.response.status_code"], span.attributes["error.type"]) == (500, 500, "LookupError")
    assert [event.name for event in span.events] == ["exception"]
    assert "platform_instrument" not in without_our_frames(wsgiref.server.wait_for_output("LookupError: /fails"))


def test_a_body_is_closed_once(wsgiref: Observed) -> None:
    assert wsgiref.exchange("/closing")[1] == "closing"
    assert wsgiref.exchange("/closed")[1] == "1"


def test_a_file_is_handed_over_as_the_servers_own_wrapper(wsgiref: Observed) -> None:
    status, body, span = wsgiref.exchange("/file")
    assert (status, body, span.attributes["url.path"]) == (200, "file", "/file")


def test_a_kill_leaves_the_last_span(wsgiref: Observed) -> None:
    del wsgiref
    with observed(lambda port: [sys.executable, "-c", SCRIPT, str(port)], {"OTEL_BSP_SCHEDULE_DELAY": "60000"}) as running:
        running.server.get("/last")
        assert running.server.terminate() == -signal.SIGTERM
        assert running.collector.wait_for(1)[0].attributes["url.path"] == "/last"
