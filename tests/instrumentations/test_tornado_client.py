"""Tornado's AsyncHTTPClient: the simple one, and the one over curl where it can be imported."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from tests.instrumentations.http_server import serving
from tests.instrumentations.outbound import DURATION, OutboundPromises, server
from tests.instrumentations.recording import inside, recording
from tests.instrumentations.transfers import DROPS, LEAVES, RESPONSE, WHOLE, TransferPromises, points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.recorder import Recorder
    from tests.instrumentations.http_server import Server
    from tests.instrumentations.transfers import Transfer

__all__ = ["server"]

SIMPLE, CURL = "tornado.simple_httpclient.SimpleAsyncHTTPClient", "tornado.curl_httpclient.CurlAsyncHTTPClient"


def fetch(url: str, client: str = SIMPLE, **options: Any) -> Any:
    async def main() -> Any:
        AsyncHTTPClient.configure(client)
        made = AsyncHTTPClient(force_instance=True)
        try:
            request = HTTPRequest(url, allow_nonstandard_methods=True, **options)
            return await made.fetch(request, raise_error=False)
        finally:
            made.close()
            AsyncHTTPClient.configure(None)

    return asyncio.run(main())


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording("tornado_client") as recorder:
        yield recorder


class TestSimple(OutboundPromises):
    modules = ("tornado_client",)
    scope = "platform_instrument.tornado_client"
    setting = "TORNADO_CLIENT"
    refused = "ConnectionRefusedError"
    dropped = "tornado.simple_httpclient.HTTPStreamClosedError"
    timed_out = "tornado.simple_httpclient.HTTPTimeoutError"

    def send(self, url: str, method: str = "GET", headers: Any = None, timeout: float = 5) -> int:
        status: int = fetch(url, method=method, headers=headers, request_timeout=timeout).code
        return status


class TestTransfers(TransferPromises):
    modules = ("tornado_client",)
    sends = frozenset(("", "bytes", "text", "large"))

    def exchange(self, url: str, transfer: Transfer, body: Any) -> None:
        if transfer.reads in {LEAVES, DROPS}:
            pytest.skip("tornado reads an answer to its end")
        if transfer.path.endswith("chunks"):
            pytest.skip("tornado takes no extension of a chunk")
        streaming = {} if transfer.reads == WHOLE else {"streaming_callback": lambda _part: None}
        response = fetch(url, method=transfer.method, body=body, **streaming)
        assert (response.error is not None) is (transfer.fails or response.code not in {200, 204})

    def test_the_framing_of_chunks_does_not_count(self, recorder: Recorder) -> None:
        with serving() as chunked:
            assert fetch(f"{chunked.url}/stream").body == b"oneoneone"
        assert [point.sum for point in points(RESPONSE)] == [9]
        assert (recorder.spans[0].end_ns - recorder.spans[0].start_ns) / 1e9 < 0.1

    def test_a_body_that_nobody_decompresses_counts_as_it_came(self, recorder: Recorder, server: Any) -> None:
        response = fetch(f"{server.url}/compressed", decompress_response=False)
        assert gzip.decompress(response.body)
        assert [point.sum for point in points(RESPONSE)] == [server.sent]
        assert len(recorder.spans) == 1


def test_requests_at_the_same_time_have_each_their_own_parent_and_the_loop_none(recorder: Recorder, server: Server) -> None:
    async def one(client: Any, number: int) -> tuple[str, str]:
        with inside() as parent:
            await client.fetch(f"{server.url}/redirect/{number}")
        return f"{parent.span_id:016x}", f"/redirect/{number}"

    async def main() -> list[tuple[str, str]]:
        client = SimpleAsyncHTTPClient(force_instance=True, max_clients=2)
        try:
            return await asyncio.gather(*(one(client, number) for number in range(1, 5)))
        finally:
            client.close()

    parents = dict(asyncio.run(main()))
    assert len(parents) == 4
    for parent, path in parents.items():
        below = [span for span in recorder.spans if span.parent_id == parent]
        assert len(below) == int(path.rpartition("/")[2]) + 1
        assert below[0].attributes["url.full"] == server.url + path


def test_a_request_that_waits_too_long_for_a_slot_is_an_error(recorder: Recorder, server: Server) -> None:
    async def main() -> None:
        client = SimpleAsyncHTTPClient(force_instance=True, max_clients=1)
        first = client.fetch(f"{server.url}/slow")
        with pytest.raises(HTTPClientError):
            await client.fetch(f"{server.url}/ok", connect_timeout=0.1)
        await first
        client.close()

    asyncio.run(main())
    assert [span.attributes.get("error.type") for span in recorder.spans] == [TestSimple.timed_out, None]


def test_a_request_that_cannot_be_made_is_an_error_and_raises_as_ever(recorder: Recorder) -> None:
    with pytest.raises(ValueError, match="Unsupported url scheme"):
        fetch("gopher://127.0.0.1/")
    assert [span.attributes["error.type"] for span in recorder.spans] == ["ValueError"]


def test_an_application_s_request_may_be_sent_again_without_being_a_resend(recorder: Recorder, server: Server) -> None:
    async def main() -> None:
        client = SimpleAsyncHTTPClient(force_instance=True)
        request = HTTPRequest(f"{server.url}/redirect/1")
        for _ in range(2):
            await client.fetch(request)
        client.close()

    asyncio.run(main())
    assert [span.attributes.get("http.request.resend_count") for span in recorder.spans] == [None, 1, None, 1]


class TestCurl:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("pycurl")

    def test_an_exchange_is_one_span_with_its_redirects(self, recorder: Recorder, server: Server) -> None:
        with inside() as parent:
            assert fetch(f"{server.url}/redirect/1", CURL).code == 200
        (span,) = recorder.spans
        assert span.attributes == {
            "http.request.method": "GET",
            "server.address": "127.0.0.1",
            "server.port": server.port,
            "url.full": f"{server.url}/redirect/1",
            "http.response.status_code": 200,
        }
        assert span.parent_id == f"{parent.span_id:016x}"
        assert server.last["traceparent"] == f"00-{span.trace_id}-{span.span_id}-01"
        assert sum(recorder.durations(DURATION).values()) == 1
        assert [point.sum for point in points(RESPONSE)] == [2]

    def test_an_error_is_that_of_tornado(self, recorder: Recorder, server: Server) -> None:
        assert fetch(f"{server.url}/status/404", CURL).code == 404
        with pytest.raises(HTTPClientError):
            fetch(f"{server.url}/drop", CURL)
        kinds = [span.attributes["error.type"] for span in recorder.spans]
        assert kinds == ["404", "tornado.curl_httpclient.CurlError"]
