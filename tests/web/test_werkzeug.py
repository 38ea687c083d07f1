"""werkzeug's development server: `flask run` and `run_simple`."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN, Service, free_port
from tests.tracebacks import without_our_frames
from tests.web.serving import PROGRAMS, Observed, observed

if TYPE_CHECKING:
    from collections.abc import Iterator

FLASK = {"FLASK_APP": "wsgi_apps:app"}
"""Named as every version of Flask knows it."""
SLOW_EXPORT = {**FLASK, "OTEL_BSP_SCHEDULE_DELAY": "60000"}


def flask_run(port: int) -> list[str]:
    return [str(BIN / "flask"), "run", "--port", str(port)]


@pytest.fixture(scope="module")
def flask() -> Iterator[Observed]:
    with observed(flask_run, FLASK) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/plain", 200, "/plain"),
        ("/items/7", 200, "/items/<int:item>"),
        ("/orders/7/lines", 200, "/orders/<order>/lines"),
        ("/nowhere", 404, None),
        ("/items/seven", 404, None),
    ],
)
def test_the_route_is_the_rule(path: str, status: int, route: str | None, flask: Observed) -> None:
    answered, span = flask.get(path)
    assert (answered, span.attributes.get("http.route")) == (status, route)
    assert span.name == (f"GET {route}" if route else "GET")


def test_head_and_options_keep_the_route(flask: Observed) -> None:
    assert flask.get("/plain", method="HEAD")[1].name == "HEAD /plain"
    assert flask.get("/plain", method="OPTIONS")[1].name == "OPTIONS /plain"
    assert flask.get("/plain", method="DELETE")[1].attributes["http.response.status_code"] == 405


def test_an_exception_that_flask_answers_is_recorded_once(flask: Observed) -> None:
    status, span = flask.get("/fails")
    assert (status, span.name, span.status, span.attributes["error.type"]) == (500, "GET /fails", "ERROR", "ValueError")
    assert [event.attributes["exception.message"] for event in span.events] == ["nobody handles this"]
    assert "platform_instrument" not in without_our_frames(flask.server.wait_for_output("ValueError"))


def test_an_answer_of_5xx_without_an_exception_is_an_error_by_its_status(flask: Observed) -> None:
    _, span = flask.get("/refused")
    assert (span.status, span.attributes["error.type"], span.events) == ("ERROR", "503", ())


def test_a_streamed_body_is_part_of_the_request(flask: Observed) -> None:
    _, span = flask.get("/stream")
    assert span.end_ns - span.start_ns > 250_000_000


def test_a_version_that_a_client_makes_up_makes_no_series(flask: Observed) -> None:
    before = len(flask.spans())
    flask.raw(b"GET /plain HTTP/1.77\r\nHost: shop\r\nConnection: close\r\n\r\n")
    flask.collector.wait_for(lambda spans: len(spans) > before)
    assert "network.protocol.version" not in flask.spans()[before].attributes


def test_a_mounted_application_has_the_mount_in_its_route() -> None:
    script = "from werkzeug.serving import run_simple; import wsgi_apps, sys; run_simple('127.0.0.1', int(sys.argv[1]), wsgi_apps.mounted)"
    with observed(lambda port: [sys.executable, "-c", script, str(port)]) as running:
        assert running.get("/mounted/items/3")[1].attributes["http.route"] == "/mounted/items/<int:item>"
        assert running.get("/items/3")[1].attributes["http.route"] == "/items/<int:item>"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_every_span_and_the_plain_exit_status(number: int) -> None:
    with observed(flask_run, SLOW_EXPORT) as running:
        for each in range(20):
            assert running.server.get(f"/items/{each}")[0] == 200
        time.sleep(0.2)
        status = running.server.terminate(number)
        assert len(running.collector.wait_for(20)) == 20
    port = free_port()
    with Service(flask_run(port), port, env=FLASK, cwd=PROGRAMS) as server:
        server.get("/plain")
        assert server.terminate(number) == status
