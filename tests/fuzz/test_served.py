"""Requests that anybody may have sent, through both adapters: served as if we were not there, with bounded attributes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st

from platform_instrument.core.guard import faults
from platform_instrument.testing.recorder import Recorder, recording
from platform_instrument.web import captured
from platform_instrument.web.asgi import observe_asgi
from platform_instrument.web.hosts import server_address
from platform_instrument.web.wsgi import observe_wsgi
from tests.fuzz.fuzzing import LATIN, fuzzed, headers, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = {
    "PLATFORM_REQUEST_ID": "true",
    "PLATFORM_SPAN_ATTRIBUTES_FROM_HEADERS": "x-tenant-id,x-user",
    "PLATFORM_SPAN_ATTRIBUTES_FROM_BAGGAGE": "user_id,plan",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST": ".*",
}
ID = re.compile(r"[A-Za-z0-9._~:/=-]{1,128}")
LONGEST = 8_192
NAMES = st.sampled_from(
    ["traceparent", "tracestate", "baggage", "x-request-id", "x-tenant-id", "x-user", "host", "user-agent", "content-length",
     "transfer-encoding", "forwarded", "x-forwarded-for", "authorization", "cookie", "accept", "x"]
)  # fmt: skip
VALUES = headers(
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "user_id=u", "a=b", ",", ";", "1", "chunked", "shop:80"
)
HEADERS = st.lists(st.tuples(NAMES | LATIN.filter(bool), VALUES), max_size=12)
METHODS = st.sampled_from(["GET", "POST", "HEAD"]) | LATIN.filter(bool)
PATHS = texts("/", "//", "..", "%2e", "?", "#", "orders", "\u0661")
REQUESTS = st.tuples(METHODS, PATHS, headers("a=b", "&", "password=x", "?", "#", "="), HEADERS)
Request = tuple[str, str, str, list[tuple[str, str]]]


@pytest.fixture(autouse=True)
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Observe in this process, with every header wanted."""
    from platform_instrument.telemetry import facts_shown, printed, tracer

    monkeypatch.setattr(tracer, "STARTED", None)
    for name in ("current_ids", "finished", "unsaid"):
        monkeypatch.setattr(printed, name, getattr(printed, name))
    monkeypatch.setattr(facts_shown._Shown, "by", None)
    for name in ("ready", "request", "response"):
        monkeypatch.setattr(captured.Wanted, name, getattr(captured.Wanted, name))
    captured.Wanted.ready = False
    with recording(SETTINGS) as made:
        facts_shown.put_in_force()
        _Observed.recorder = made
        yield made


class _Observed:
    recorder: Recorder


def judge(seen: str) -> None:
    """Assert that the one span is bounded, and has an id that can go on, the one that the application saw."""
    assert not faults()
    (span,) = _Observed.recorder._kept.kept
    _Observed.recorder._kept.kept.clear()
    attributes = span.own_attributes or {}
    assert ID.fullmatch(seen)
    assert attributes["platform.request.id"] == seen
    assert len(attributes) <= 128
    for name, value in attributes.items():
        for text in value if isinstance(value, tuple) else (value,):
            assert len(str(text)) <= LONGEST + 8, name


@fuzzed(REQUESTS)
def test_a_request_over_asgi_is_served_and_bounded(request: Request) -> None:
    method, path, query, pairs = request
    scope = {
        "type": "http", "method": method, "path": path, "query_string": query.encode("latin-1"), "http_version": "1.1", "scheme": "http",
        "headers": [(name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in pairs],
    }  # fmt: skip
    sent: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": dict(scope["headers"])[b"x-request-id"]})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    with pytest.raises(StopIteration):
        observe_asgi(application)(scope, receive, send).send(None)  # type: ignore[attr-defined] # a coroutine that never waits
    (answered,) = [value for name, value in sent[0]["headers"] if name == b"x-request-id"]
    assert answered == sent[1]["body"]
    judge(answered.decode())


@fuzzed(REQUESTS)
def test_a_request_over_wsgi_is_served_and_bounded(request: Request) -> None:
    method, path, query, pairs = request
    environ = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path.encode("utf-8", "replace").decode("latin-1"), "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": "shop", "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http",
        **{"HTTP_" + name.upper().replace("-", "_"): value for name, value in pairs},
    }  # fmt: skip
    sent: list[Any] = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["HTTP_X_REQUEST_ID"].encode()]

    (body,) = observe_wsgi(application)(environ, lambda *answer: sent.append(answer))
    assert dict(sent[0][1])["X-Request-ID"] == body.decode()
    judge(body.decode())


@fuzzed(headers("shop", ":", "80", "[", "]", "::1", "@", "user:password@", "99999999999"))
def test_a_host_is_an_address_and_a_port(host: str) -> None:
    address, port = server_address(host, "http")
    assert len(address) <= 255
    assert 0 < port <= 65_535
    assert "@" not in address
