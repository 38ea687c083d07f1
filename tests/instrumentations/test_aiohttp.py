from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import aiohttp.web
import pytest

from tests.instrumentations.outbound import OutboundPromises, server
from tests.instrumentations.recording import recording

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from platform_instrument.testing.recorder import Recorder
    from tests.instrumentations.http_server import Server

__all__ = ["server"]

NAMED_APART = hasattr(aiohttp, "SocketTimeoutError")
"""From aiohttp 3.10 on."""


class TestSession(OutboundPromises):
    modules = ("aiohttp",)
    scope = "platform_instrument.aiohttp_client"
    setting = "AIOHTTP_CLIENT"
    refused = "aiohttp.client_exceptions.ClientConnectorError"
    dropped = "aiohttp.client_exceptions.ServerDisconnectedError"
    timed_out = f"aiohttp.client_exceptions.{'SocketTimeoutError' if NAMED_APART else 'ServerTimeoutError'}"

    def send(self, url: str, method: str = "GET", headers: Any = None, timeout: float = 5) -> int:
        async def main() -> int:
            limits = aiohttp.ClientTimeout(sock_read=timeout)
            async with (
                aiohttp.ClientSession(timeout=limits) as session,
                session.request(method, url, headers=headers) as response,
            ):
                await response.read()
                return response.status

        return asyncio.run(main())


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording("aiohttp") as recorder:
        yield recorder


def within_session(work: Callable[[aiohttp.ClientSession], Awaitable[Any]], **options: Any) -> Any:
    async def main() -> Any:
        async with aiohttp.ClientSession(**options) as session:
            return await work(session)

    return asyncio.run(main())


def test_a_request_in_a_session_with_a_base_and_parameters_shows_its_whole_url(recorder: Recorder, server: Server) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        async with session.get("/ok", params={"page": "2"}) as response:
            assert (response.status, type(response)) == (200, aiohttp.ClientResponse)

    within_session(work, base_url=server.url)
    (span,) = recorder.spans
    assert span.attributes["url.full"] == f"{server.url}/ok?page=2"


def test_the_total_time_limit_cancels_the_call_and_ends_the_span(recorder: Recorder, server: Server) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await session.get(f"{server.url}/slow", timeout=aiohttp.ClientTimeout(total=0.1))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(session.get(f"{server.url}/slow"), 0.1)
        async with session.get(f"{server.url}/ok") as response:
            assert response.status == 200

    within_session(work)
    kinds = [span.attributes.get("error.type") for span in recorder.spans]
    assert kinds == [
        "TimeoutError" if TIMEOUT_IS_BUILTIN else "asyncio.exceptions.TimeoutError",
        "asyncio.exceptions.CancelledError",
        None,
    ]
    assert "http.request.resend_count" not in recorder.spans[-1].attributes


TIMEOUT_IS_BUILTIN = asyncio.TimeoutError is TimeoutError


def test_the_span_of_a_streamed_answer_ends_with_its_headers(recorder: Recorder, server: Server) -> None:
    async def work(session: aiohttp.ClientSession) -> bytes:
        async with session.get(f"{server.url}/stream") as response:
            (span,) = recorder.spans
            assert (span.end_ns - span.start_ns) / 1e9 < 0.1
            return await response.read()

    assert within_session(work) == b"oneoneone"
    assert len(recorder.spans) == 1


def test_concurrent_requests_of_one_session_count_their_attempts_apart(recorder: Recorder, server: Server) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        async def get(hops: int) -> None:
            async with session.get(f"{server.url}/redirect/{hops}") as response:
                await response.read()

        await asyncio.gather(get(1), get(2), get(3))

    within_session(work)
    counts = sorted(span.attributes.get("http.request.resend_count", 0) for span in recorder.spans)
    assert counts == [0, 0, 0, 1, 1, 1, 2, 2, 3]


def test_the_handshake_of_a_websocket_is_one_span(recorder: Recorder) -> None:
    async def echo(request: aiohttp.web.Request) -> aiohttp.web.WebSocketResponse:
        socket = aiohttp.web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    async def main() -> None:
        application = aiohttp.web.Application()
        application.router.add_get("/", echo)
        runner = aiohttp.web.AppRunner(application)
        await runner.setup()
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{port}/") as socket:
            await socket.send_str("hello")
            assert (await socket.receive()).data == "hello"
        await runner.cleanup()

    asyncio.run(main())
    (span,) = recorder.spans
    assert (span.name, span.status, span.attributes["http.response.status_code"]) == ("GET", "UNSET", 101)


@pytest.mark.skipif(not hasattr(aiohttp, "DigestAuthMiddleware"), reason="middlewares came with aiohttp 3.12")
def test_each_attempt_of_a_middleware_is_seen_and_its_own_requests_too(recorder: Recorder, server: Server) -> None:
    async def with_token(request: Any, handler: Any) -> Any:
        async with aiohttp.ClientSession() as other, other.get(f"{server.url}/ok") as token:
            assert token.status == 200
        return await handler(request)

    async def work(session: aiohttp.ClientSession) -> None:
        digest = aiohttp.DigestAuthMiddleware("ann", "s3cret")
        async with session.get(f"{server.url}/protected", middlewares=[digest]) as response:
            assert response.status == 200
        async with session.get(f"{server.url}/status/202", middlewares=[with_token]) as response:
            assert response.status == 202

    within_session(work)
    assert [span.attributes["http.response.status_code"] for span in recorder.spans] == [401, 200, 200, 202]
    assert [span.attributes.get("http.request.resend_count") for span in recorder.spans][:2] == [None, 1]


def test_trace_configurations_of_the_application_go_on_working(recorder: Recorder, server: Server) -> None:
    seen: list[str] = []

    async def started(_session: Any, _context: Any, parameters: Any) -> None:
        seen.append(f"{parameters.method} {'traceparent' in parameters.headers}")

    config = aiohttp.TraceConfig()
    config.on_request_start.append(started)

    async def work(session: aiohttp.ClientSession) -> None:
        async with session.get(f"{server.url}/ok") as response:
            await response.read()
        assert [each for each in session.trace_configs] == [config]  # noqa: C416 - a frozen list

    within_session(work, trace_configs=[config])
    assert seen == ["GET False"]
    assert len(recorder.spans) == 1
