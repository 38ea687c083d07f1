"""Websockets as one span each, where the setting asks for it: by frameworks under a real server, and by the adapter itself."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from platform_instrument.telemetry.context import CURRENT
from platform_instrument.web.asgi import observe_asgi
from platform_instrument.web.websockets import observe_websockets
from tests.processes import BIN
from tests.web.serving import Observed, observed, servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platform_instrument.telemetry.span import Span
    from platform_instrument.testing import received

ON = {"PLATFORM_WEBSOCKETS": "true"}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def uvicorn(application: str) -> Callable[[int], list[Any]]:
    return lambda port: [BIN / "uvicorn", f"{application}", "--port", str(port)]


def talk(running: Observed, path: str, *messages: str, headers: Any = None, code: int = 1000) -> list[str]:
    """Say each message, and return what was answered; close with a code where the other side has not."""

    async def main() -> list[str]:
        url = f"ws://127.0.0.1:{running.server.port}{path}"
        async with connect(url, additional_headers=headers, proxy=None) as connection:
            answers = []
            for message in messages:
                await connection.send(message)
                answers.append(str(await connection.recv()))
            await connection.close(code)
            return answers

    return asyncio.run(main())


def next_server(running: Observed, number: int = 1) -> received.Span:
    running.collector.wait_for(lambda spans: len(servers(spans)) >= number)
    return running.spans()[number - 1]


@pytest.fixture(scope="module")
def sockets() -> Iterator[Observed]:
    with observed(uvicorn("sockets:app"), ON) as running:
        yield running


def test_a_websocket_is_one_span_with_its_messages(sockets: Observed) -> None:
    before = len(sockets.spans())
    assert talk(sockets, "/rooms/blue?token=s3cret", "a", "b", "c", headers={"traceparent": PARENT}, code=4001) == ["a", "b", "c"]
    span = next_server(sockets, before + 1)
    attributes = dict(span.attributes)
    assert attributes.pop("network.peer.port")
    assert "s3cret" not in attributes.pop("url.query")
    assert attributes.pop("user_agent.original").startswith("Python/")
    assert attributes == {
        "http.request.method": "GET",
        "http.response.status_code": 101,
        "http.route": "/rooms/{room}",
        "url.scheme": "ws",
        "url.path": "/rooms/blue",
        "server.address": "127.0.0.1",
        "server.port": sockets.server.port,
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "network.protocol.name": "websocket",
        "platform.websocket.received": 3,
        "platform.websocket.sent": 3,
        "platform.websocket.close_code": 4001,
    }
    assert (span.name, span.kind, span.status, span.scope.name) == (
        "GET /rooms/{room}",
        "SERVER",
        "UNSET",
        "platform_instrument.http",
    )
    assert (span.trace_id, span.parent_id) == tuple(PARENT.split("-")[1:3])
    own = [each for each in sockets.collector.spans if each.name == "own work"][-3:]
    assert {each.parent_id for each in own} == {span.span_id}


def test_it_lasts_from_the_handshake_to_the_close_and_no_longer(sockets: Observed) -> None:
    before = len(sockets.spans())
    with pytest.raises(ConnectionClosed) as closed:
        talk(sockets, "/closes", "wait")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4002
    span = next_server(sockets, before + 1)
    assert span.attributes["platform.websocket.close_code"] == 4002
    assert 0.2 < (span.end_ns - span.start_ns) / 1e9 < 0.6


def test_an_application_that_fails_is_an_error_and_is_recorded_once(sockets: Observed) -> None:
    before = len(sockets.spans())
    with pytest.raises(ConnectionClosed):
        talk(sockets, "/fails", "now")
    span = next_server(sockets, before + 1)
    assert (span.name, span.status, span.attributes["error.type"]) == ("GET /fails", "ERROR", "ValueError")
    assert [event.attributes["exception.message"] for event in span.events] == ["nobody handles this"]
    assert (span.attributes["platform.websocket.received"], span.attributes["platform.websocket.sent"]) == (1, 0)
    time.sleep(0.2)
    assert "platform_instrument" not in sockets.server.stderr


@pytest.mark.parametrize(
    ("path", "status", "route"), [("/refuses", 403, "/refuses"), ("/nowhere", 403, None), ("/denies", 418, "/denies")]
)
def test_a_handshake_that_is_refused_is_no_error(path: str, status: int, route: str | None, sockets: Observed) -> None:
    before = len(sockets.spans())
    with pytest.raises(InvalidStatus) as refused:
        talk(sockets, path)
    assert refused.value.response.status_code == status
    span = next_server(sockets, before + 1)
    assert (span.attributes["http.response.status_code"], span.attributes.get("http.route"), span.status) == (
        status,
        route,
        "UNSET",
    )
    assert "platform.websocket.close_code" not in span.attributes


def test_websockets_at_the_same_time_do_not_mix_and_no_request_is_open(sockets: Observed) -> None:
    before = len(sockets.spans())

    async def main() -> None:
        async def one(number: int) -> None:
            async with connect(f"ws://127.0.0.1:{sockets.server.port}/rooms/{number}", proxy=None) as connection:
                for _ in range(number):
                    await connection.send("x")
                    await connection.recv()

        await asyncio.gather(*(one(number) for number in range(1, 9)))

    asyncio.run(main())
    next_server(sockets, before + 8)
    counted = {span.attributes["url.path"]: span.attributes["platform.websocket.sent"] for span in sockets.spans()[before:]}
    assert counted == {f"/rooms/{number}": number for number in range(1, 9)}
    assert json.loads(sockets.server.get("/plain")[1]) == "plain"
    sockets.collector.wait_for_histogram("http.server.request.duration", count=1)
    assert {point.attributes.get("url.scheme") for point in sockets.collector.metrics} <= {None, "http"}


ELSEWHERE = {
    "litestar_app:app": ("/rooms/blue", "GET /rooms/{room}"),
    "quart_app:app": ("/rooms/blue", "GET /rooms/<room>"),
    "falcon_apps:asgi": ("/rooms/blue", "GET /rooms/{room}"),
    "asgi_apps:app": ("/socket", "GET /socket"),
}


@pytest.mark.parametrize("application", ELSEWHERE)
def test_the_route_is_that_of_the_framework(application: str) -> None:
    path, name = ELSEWHERE[application]
    with observed(uvicorn(application), ON) as running:
        talk(running, path, "hello")
        span = next_server(running)
    counts = [span.attributes[f"platform.websocket.{which}"] for which in ("received", "sent", "close_code")]
    assert (span.name, counts) == (name, [1, 1, 1000])


SERVERS: dict[str, Callable[[int], list[Any]]] = {
    "hypercorn": lambda port: [BIN / "hypercorn", "sockets:app", "-b", f"127.0.0.1:{port}"],
    "granian": lambda port: [BIN / "granian", "--interface", "asgi", "--port", str(port), "sockets:app"],
    "daphne": lambda port: [BIN / "daphne", "-b", "127.0.0.1", "-p", str(port), "sockets:app"],
}


@pytest.mark.parametrize("name", SERVERS)
def test_any_server_of_asgi_has_them(name: str) -> None:
    with observed(SERVERS[name], ON) as running:
        talk(running, "/rooms/blue", "a", "b")
        span = next_server(running)
    counts = [span.attributes[f"platform.websocket.{which}"] for which in ("received", "sent", "close_code")]
    code = 1006 if name == "hypercorn" else 1000  # hypercorn says so whatever its client said
    assert (span.name, span.status, counts) == ("GET /rooms/{room}", "UNSET", [2, 2, code])


def test_an_excluded_websocket_leaves_no_span() -> None:
    with observed(uvicorn("sockets:app"), {**ON, "OTEL_PYTHON_EXCLUDED_URLS": "/rooms/secret"}) as running:
        talk(running, "/rooms/secret", "a")
        talk(running, "/rooms/blue", "a")
        assert next_server(running).attributes["url.path"] == "/rooms/blue"
        assert {span.attributes.get("url.path") for span in running.spans()} == {"/rooms/blue"}


def test_it_is_the_same_with_all_that_may_stand_in_front() -> None:
    with observed(uvicorn("sockets:app"), {**ON, "PLATFORM_PROBES": "true", "PLATFORM_REQUEST_ID": "true"}) as running:
        talk(running, "/rooms/blue", "a")
        assert next_server(running).attributes["platform.websocket.sent"] == 1
        assert running.server.get("/livez")[0] == 200
        assert running.get("/plain")[1].name == "GET /plain"


def test_by_default_a_websocket_has_no_span_and_is_handed_on_untouched() -> None:
    with observed(uvicorn("sockets:app")) as running:
        assert talk(running, "/rooms/blue", "a") == ["a"]
        status, span = running.get("/plain")
        assert (status, span.name) == (200, "GET /plain")
        assert len(running.spans()) == 1


# --- the adapter by itself ---------------------------------------------------------------------------------------------


def pass_through(application: Any, messages: list[Any], **changes: Any) -> list[Any]:
    sent: list[Any] = []
    scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b"", "scheme": "ws", **changes}

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(observe_asgi(observe_websockets(application))(scope, receive, send))
    return sent


def test_messages_pass_as_the_objects_they_are_and_the_context_is_given_back(ended: list[Span]) -> None:
    given = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "x"},
        {"type": "websocket.disconnect", "code": 1006},
    ]
    taken: list[Any] = []
    accept, message = {"type": "websocket.accept"}, {"type": "websocket.send", "text": "y"}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        current = CURRENT.get()
        taken.append(await receive())
        await send(accept)
        taken.append(await receive())
        await send(message)
        assert not ended
        taken.append(await receive())
        assert len(ended) == 1
        assert CURRENT.get() is current is ended[0]
        assert scope["type"] == "websocket"

    sent = pass_through(application, list(given))
    assert [one is other for one, other in zip(given, taken, strict=True)] == [True] * 3
    assert sent[0] is accept
    assert sent[1] is message
    assert len(ended) == 1
    assert ended[0].own_attributes is not None
    assert ended[0].own_attributes["platform.websocket.close_code"] == 1006


def test_an_exception_after_the_close_is_none_of_the_span_s_and_goes_on(ended: list[Span]) -> None:
    raised = LookupError("cleaning up")

    async def application(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        raise raised

    with pytest.raises(LookupError) as caught:
        pass_through(application, [{"type": "websocket.disconnect", "code": 1001}])
    assert caught.value is raised
    assert ended[0].own_attributes is not None
    assert "error.type" not in ended[0].own_attributes


def test_1011_is_an_error_though_nothing_was_raised(ended: list[Span]) -> None:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1011})

    pass_through(application, [])
    assert ended[0].own_attributes is not None
    assert ended[0].own_attributes["error.type"] == "1011"


def test_an_application_that_just_ends_ends_the_span(ended: list[Span]) -> None:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    pass_through(application, [])
    assert len(ended) == 1


@pytest.mark.faults
@pytest.mark.parametrize("broken", [{"headers": [(b"host",)]}, {"query_string": 7}, {"path": None}])
def test_a_scope_that_we_cannot_read_is_served_all_the_same(broken: dict[str, Any], ended: list[Span]) -> None:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    assert pass_through(application, [], **broken) == [{"type": "websocket.accept"}]
    assert not ended or broken == {"path": None}


@pytest.mark.faults
def test_a_message_that_we_cannot_read_passes(ended: list[Span]) -> None:
    async def application(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({})

    assert pass_through(application, [{}]) == [{}]
    assert len(ended) == 1
