"""Django Channels under uvicorn: routes by the patterns of its routers, exceptions of consumers recorded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platform_instrument.testing.contract import InstrumentationContract
from tests.processes import BIN
from tests.web.serving import Observed, observed

if TYPE_CHECKING:
    from collections.abc import Iterator

channels_module = pytest.importorskip("channels")


class TestContract(InstrumentationContract):
    declared_in = "platform_instrument.web.channels"

    test_what_it_records_is_conventional = None  # type: ignore[assignment] # no span of its own


@pytest.fixture(scope="module")
def channels() -> Iterator[Observed]:
    with observed(lambda port: [BIN / "uvicorn", "channels_app:app", "--port", str(port)]) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/polls/7/", 200, "/polls/<int:poll>/"),
        ("/items/7/", 200, "/items/<int:item>/"),
        ("/nowhere/", 404, "/"),
    ],
)
def test_the_route_is_the_pattern_of_the_last_router(path: str, status: int, route: str, channels: Observed) -> None:
    answered, span = channels.get(path)
    assert (answered, span.name, span.attributes["http.route"]) == (status, f"GET {route}", route)


@pytest.mark.skipif(channels_module.__version__.startswith("3."), reason="Channels 3 drops what a consumer of HTTP raises")
def test_an_exception_of_a_consumer_is_recorded_once(channels: Observed) -> None:
    status, span = channels.get("/fails/")
    assert (status, span.name, span.status, span.attributes["error.type"]) == (500, "GET /fails/", "ERROR", "ValueError")
    assert [event.attributes["exception.message"] for event in span.events] == ["nobody handles this"]


def test_a_websocket_is_one_span_by_the_patterns_of_its_routers() -> None:
    pytest.importorskip("websockets")
    from websockets.sync.client import connect

    with observed(
        lambda port: [BIN / "uvicorn", "channels_app:app", "--port", str(port)], {"PLATFORM_WEBSOCKETS": "true"}
    ) as running:
        with connect(f"ws://127.0.0.1:{running.server.port}/chat/rooms/blue/") as connection:
            connection.send("hello")
            assert connection.recv() == "blue hello"
        spans = running.collector.wait_for(2)
    by_name = {span.name: span for span in spans}
    assert set(by_name) == {"own work", r"GET /chat/rooms/(?P<room>\w+)/$"}
    served = by_name[r"GET /chat/rooms/(?P<room>\w+)/$"]
    assert by_name["own work"].parent_id == served.span_id
    assert (served.attributes["platform.websocket.received"], served.attributes["platform.websocket.sent"]) == (1, 1)
