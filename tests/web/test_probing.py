"""The probes in front of an application, by themselves: what passes, what is answered, and when start-up is over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.config.read import read
from platform_instrument.engine.health import HEALTH
from platform_instrument.web.asgi import observe_asgi
from platform_instrument.web.front import Front
from platform_instrument.web.probes import Probing, install
from platform_instrument.web.wsgi import observe_wsgi
from tests.tracebacks import FRAMES_STAY
from tests.web.test_asgi import scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platform_instrument.telemetry.span import Span

APPLICATION = "the application"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    HEALTH.renew()
    yield
    HEALTH.renew()


def probing(**settings: str) -> Probing:
    return Probing(read({"PLATFORM_PROBES": "true", **settings})[0])


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": APPLICATION.encode()})


def ask(served: Any, **changes: Any) -> tuple[int, str, dict[bytes, bytes]]:
    """Make a request of ASGI; return status, body and headers."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    parts = iter((b"a", b"b", b""))

    async def receive() -> Any:
        part = next(parts)
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    asyncio.run(call(served, scope(**changes), receive, send))
    return sent[0]["status"], sent[1]["body"].decode(), dict(sent[0]["headers"])


async def call(served: Any, *arguments: Any) -> None:
    await served(*arguments)


def ask_wsgi(served: Any, path: str, method: str = "GET", **more: Any) -> tuple[str, str, dict[str, str]]:
    """Make a request of WSGI; return status, body and headers."""
    answered: list[Any] = []
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "SCRIPT_NAME": "", "QUERY_STRING": "", **more}
    body = b"".join(served(environ, lambda *arguments: answered.extend(arguments)))
    return answered[0], body.decode(), dict(answered[1])


def wsgi_app(_environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    return [APPLICATION.encode()]


# --- requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/livez", "/startupz", "/readyz"])
def test_a_probe_is_answered_whole_and_leaves_no_trace(path: str, ended: list[Span]) -> None:
    status, body, headers = ask(probing().asgi(app), path=path)
    assert (status, json.loads(body)["status"]) == (200, {"/livez": "alive", "/startupz": "started", "/readyz": "ready"}[path])
    assert headers == {
        b"content-type": b"application/json",
        b"content-length": str(len(body)).encode(),
        b"cache-control": b"no-store",
    }
    status_line, wsgi_body, wsgi_headers = ask_wsgi(probing().wsgi(wsgi_app), path)
    assert (status_line, wsgi_body) == ("200 OK", body)
    assert {name.lower().encode(): value.encode() for name, value in wsgi_headers.items()} == headers
    assert not ended


def test_head_has_the_head_of_get() -> None:
    served = probing().asgi(app)
    get, head = ask(served, path="/readyz"), ask(served, path="/readyz", method="HEAD")
    assert (head[0], head[1], head[2]) == (get[0], "", get[2])
    wsgi = probing().wsgi(wsgi_app)
    wsgi_get, wsgi_head = ask_wsgi(wsgi, "/readyz"), ask_wsgi(wsgi, "/readyz", "HEAD")
    assert wsgi_head == (wsgi_get[0], "", wsgi_get[2])


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "/livez", "method": "POST"},
        {"path": "/livez", "method": "OPTIONS"},
        {"path": "/livez/"},
        {"path": "//livez"},
        {"path": "/livez2"},
        {"path": "/LIVEZ"},
        {"path": "/api/livez"},
        {"path": "/other/livez", "root_path": "/api"},
    ],
)
def test_everything_else_is_for_the_application(changes: dict[str, Any], ended: list[Span]) -> None:
    assert ask(probing().asgi(app), **changes)[1] == APPLICATION
    if "root_path" not in changes:
        assert ask_wsgi(probing().wsgi(wsgi_app), **changes)[1] == APPLICATION
    assert ended


@pytest.mark.parametrize("path", ["/api/livez", "/livez"])
@pytest.mark.parametrize("root", ["/api", "/api/"])
def test_the_path_is_that_below_the_root_whether_the_server_puts_it_before_or_not(path: str, root: str) -> None:
    assert ask(probing().asgi(app), path=path, root_path=root)[1] != APPLICATION


def test_a_mounted_wsgi_application_is_probed_below_its_mount() -> None:
    assert ask_wsgi(probing().wsgi(wsgi_app), "/livez", SCRIPT_NAME="/api")[1] != APPLICATION


def test_a_websocket_at_the_path_of_a_probe_is_the_applications() -> None:
    scopes: list[Any] = []

    async def sockets(scope: Any, _receive: Any, _send: Any) -> None:
        scopes.append(scope)

    asyncio.run(call(probing().asgi(sockets), {"type": "websocket", "path": "/livez", "headers": []}, None, None))
    assert scopes[0]["path"] == "/livez"


def test_messages_are_for_who_asks() -> None:
    from platform_instrument.engine.health import Check

    HEALTH.report(Check("redis", "down", message="ConnectionError"))
    served = probing().asgi(app)
    assert "ConnectionError" not in ask(served, path="/readyz")[1]
    assert "ConnectionError" in ask(served, path="/readyz", query_string=b"verbose")[1]
    assert "ConnectionError" in ask_wsgi(probing().wsgi(wsgi_app), "/readyz", QUERY_STRING="verbose")[1]


def test_without_probes_on_this_port_start_up_is_followed_and_nothing_answered() -> None:
    alone = Probing(read({"PLATFORM_ADMIN_PORT": "8081"})[0])
    assert ask(alone.asgi(app), path="/livez")[1] == APPLICATION
    assert ask_wsgi(alone.wsgi(wsgi_app), "/livez")[1] == APPLICATION
    assert HEALTH.started


# --- the application's own ----------------------------------------------------------------------------------------------


@pytest.fixture
def routed() -> Any:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    return Starlette(routes=[Route("/readyz", lambda _request: PlainTextResponse(APPLICATION))])


def test_a_route_of_the_application_wins(routed: Any) -> None:
    served = probing().asgi(routed)
    assert [ask(served, path=path)[1] == APPLICATION for path in ("/readyz", "/readyz", "/livez")] == [True, True, False]


def test_a_route_of_the_application_loses_where_the_settings_say_so(routed: Any) -> None:
    assert ask(probing(PLATFORM_PROBES_OVERRIDE="true").asgi(routed), path="/readyz")[1] != APPLICATION


def test_the_table_is_read_once(routed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from platform_instrument.web import probes

    asked: list[str] = []
    monkeypatch.setattr(probes, "has_route", lambda _application, path: asked.append(path))
    watched = probing()
    for _ in range(3):
        ask(watched.asgi(routed.__call__), path="/livez")
        ask(watched.asgi(routed), path="/readyz")
    assert asked == ["/livez", "/readyz"]


@pytest.mark.faults
def test_a_table_that_cannot_be_read_leaves_the_path_to_the_probe() -> None:
    class Broken:
        @property
        def __dict__(self) -> Any:  # type: ignore[override]
            raise LookupError

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)

    assert ask(probing().asgi(Broken()), path="/livez")[1] != APPLICATION


# --- start-up ---------------------------------------------------------------------------------------------------------


def lifespan(served: Any, seen: Callable[[], bool]) -> list[bool]:
    """Run a lifespan; return what `seen` says before it, when it has begun, and when its messages have been sent."""
    found = [seen()]

    async def receive() -> Any:
        found.append(seen())
        return {"type": "lifespan.startup"}

    async def send(_message: Any) -> None:
        found.append(seen())

    asyncio.run(call(served, {"type": "lifespan"}, receive, send))
    return found


def is_started() -> bool:
    return HEALTH.started


def test_start_up_is_over_when_the_lifespan_says_so() -> None:
    async def living(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    assert lifespan(probing().asgi(living), is_started) == [False, False, True, True]


def test_start_up_that_failed_is_never_over() -> None:
    async def failing(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed"})

    assert lifespan(probing().asgi(failing), is_started) == [False, False, False]
    assert not HEALTH.started


def test_an_application_without_a_lifespan_is_loaded_as_it_refuses_one() -> None:
    async def refusing(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        raise NotImplementedError

    with pytest.raises(NotImplementedError) as raised:
        lifespan(probing().asgi(refusing), is_started)
    assert HEALTH.started
    assert FRAMES_STAY or "platform_instrument" not in "".join(traceback.format_tb(raised.tb)[2:])


def test_a_server_without_lifespan_is_started_with_its_first_probe_and_one_with_it_is_not() -> None:
    without = probing().asgi(app)
    assert json.loads(ask(without, path="/startupz")[1])["status"] == "started"
    HEALTH.renew()
    found: list[int] = []
    served = probing().asgi(app)

    async def receive() -> Any:
        return {"type": "http.request"}

    async def waiting(_scope: Any, _receive: Any, _send: Any) -> None:
        async def send(message: Any) -> None:
            found.append(message.get("status"))

        await call(probed.asgi(app), scope(path="/startupz"), receive, send)

    probed = probing()
    asyncio.run(call(probed.asgi(waiting), {"type": "lifespan"}, None, None))
    assert found[0] == 503
    assert ask(served, path="/startupz")[0] == 200


def test_a_wsgi_application_is_loaded_when_it_is_served() -> None:
    served = probing().wsgi(wsgi_app)
    assert HEALTH.started
    assert ask_wsgi(served, "/startupz")[0] == "200 OK"


# --- on and off -------------------------------------------------------------------------------------------------------


def test_off_is_the_adapter_alone_and_on_is_put_in_front_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Front.asgi, Front.wsgi) == (observe_asgi, observe_wsgi)
    for name in ("asgi", "wsgi", "loaded"):
        monkeypatch.setattr(Front, name, getattr(Front, name))
    install(read({"PLATFORM_PROBES": "true"})[0])
    assert ask(Front.asgi(app), path="/livez")[1] != APPLICATION
    assert not HEALTH.snapshot().draining


def test_what_the_application_raises_is_as_without_probes(ended: list[Span]) -> None:
    def failing(environ: Any, _start_response: Any) -> Any:
        raise LookupError(environ["PATH_INFO"])

    async def failing_async(scope: Any, _receive: Any, _send: Any) -> None:
        raise LookupError(scope["path"])

    with pytest.raises(LookupError) as raised:
        ask_wsgi(probing().wsgi(failing), "/")
    assert FRAMES_STAY or [frame.name for frame in raised.traceback][1:] == ["ask_wsgi", "failing"]
    with pytest.raises(LookupError) as raised:
        ask(probing().asgi(failing_async), path="/")
    assert FRAMES_STAY or [frame.name for frame in raised.traceback][-2:] == ["call", "failing_async"]
    assert len(ended) == 2


@pytest.mark.faults
def test_a_fault_of_ours_leaves_the_request_to_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probing, "_answer", lambda *_arguments: 1 / 0)
    assert ask(probing().asgi(app), path="/livez")[1] == APPLICATION
    assert ask_wsgi(probing().wsgi(wsgi_app), "/livez")[1] == APPLICATION


# --- cost -------------------------------------------------------------------------------------------------------------


def cost(call: Callable[[], object], count: int = 500) -> float:
    """Return the microseconds of the processor that a call takes, in the best of many runs."""
    best = float("inf")
    for _ in range(30):
        began = time.process_time_ns()
        for _ in range(count):
            call()
        best = min(best, (time.process_time_ns() - began) / count / 1_000)
    return best


def test_a_request_pays_for_a_look_and_a_probe_for_less_than_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand probes a second are to take less than a hundredth of a processor: 10 microseconds each."""
    monkeypatch.setattr("platform_instrument.web.probes.observe_wsgi", lambda application: application)
    monkeypatch.setattr("platform_instrument.web.probes.observe_asgi", lambda application: application)
    environ = {"PATH_INFO": "/items/3", "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "QUERY_STRING": ""}
    request = scope(path="/items/3", root_path="")

    def nothing(_environ: Any, _start_response: Any) -> Any:
        return []

    async def nothing_async(_scope: Any, _receive: Any, _send: Any) -> None:
        pass

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(_message: Any) -> None:
        pass

    def drive(served: Any, asked: Any) -> None:
        with contextlib.suppress(StopIteration):
            served(asked, receive, send).send(None)

    wsgi, asgi = probing().wsgi(nothing), probing().asgi(nothing_async)
    assert cost(lambda: wsgi(environ, None)) - cost(lambda: nothing(environ, None)) < 2
    assert cost(lambda: drive(asgi, request)) - cost(lambda: drive(nothing_async, request)) < 2
    assert cost(lambda: wsgi({**environ, "PATH_INFO": "/readyz"}, lambda *_: None)) < 10
    assert cost(lambda: drive(asgi, {**request, "path": "/readyz"})) < 10
