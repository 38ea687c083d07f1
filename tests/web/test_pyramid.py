"""Pyramid under gunicorn and where nobody serves it: routes by pattern, exceptions recorded once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from platform_instrument.testing.contract import InstrumentationContract
from tests.processes import BIN, door, run
from tests.web.serving import PROGRAMS, Observed, observed, servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.collector import Collector

pytest.importorskip("pyramid")


@pytest.mark.filterwarnings("ignore:pkg_resources", "ignore::DeprecationWarning")  # of what Pyramid imports
class TestContract(InstrumentationContract):
    declared_in = "platform_instrument.web.pyramid"

    test_what_it_records_is_conventional = None  # type: ignore[assignment] # no span of its own


@pytest.fixture(scope="module")
def pyramid() -> Iterator[Observed]:
    with observed(lambda port: [BIN / "gunicorn", "-b", f"127.0.0.1:{port}", "pyramid_app:app"]) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/plain", 200, "/plain"),
        ("/items/7", 200, r"/items/{item:\d+}"),
        ("/orders/1/lines/2", 200, "/orders/{order}/lines/{line}"),
        ("/refused", 503, "/refused"),
        ("/nowhere", 404, None),
    ],
)
def test_the_route_is_the_pattern(path: str, status: int, route: str | None, pyramid: Observed) -> None:
    answered, span = pyramid.get(path)
    assert (answered, span.attributes.get("http.route"), span.events) == (status, route, ())
    assert span.name == (f"GET {route}" if route else "GET")


def test_an_exception_that_nobody_takes_is_recorded_once(pyramid: Observed) -> None:
    status, span = pyramid.get("/fails")
    assert (status, span.name, span.status, span.attributes["error.type"]) == (500, "GET /fails", "ERROR", "ValueError")
    assert [event.attributes["exception.message"] for event in span.events] == ["nobody handles this"]


def test_an_application_that_nobody_serves_observes_itself_once(collector: Collector) -> None:
    words, env = door("command", [sys.executable, "unclaimed_pyramid.py"])
    assert run(words, env={**env, "PLATFORM_LOG_TRACE_ID": "false"}, collector=collector, cwd=PROGRAMS).returncode == 0
    collector.wait_for(1)
    assert [span.name for span in servers(collector.spans)] == [r"GET /items/{item:\d+}"]
