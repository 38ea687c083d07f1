from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.instrumentations.http2_server import serving_http2
from tests.instrumentations.outbound import DURATION, OutboundPromises, server
from tests.instrumentations.recording import inside, recording
from tests.processes import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.recorder import Recorder
    from tests.instrumentations.http_server import Server

__all__ = ["server"]


class TestSync(OutboundPromises):
    modules = ("httpx",)
    scope = "platform_instrument.httpx"
    setting = "HTTPX"
    refused = "httpx.ConnectError"
    dropped = "httpx.RemoteProtocolError"
    timed_out = "httpx.ReadTimeout"

    def send(self, url: str, method: str = "GET", headers: Any = None, timeout: float = 5) -> int:
        with httpx.Client(follow_redirects=True, timeout=timeout) as client:
            return client.request(method, url, headers=headers).status_code


class TestAsync(TestSync):
    def send(self, url: str, method: str = "GET", headers: Any = None, timeout: float = 5) -> int:
        async def main() -> int:
            async with httpx.AsyncClient(follow_redirects=True, timeout=timeout) as client:
                response = await client.request(method, url, headers=headers)
                return response.status_code

        return asyncio.run(main())


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording("httpx") as recorder:
        yield recorder


def test_a_demand_for_credentials_is_answered_by_a_second_attempt(recorder: Recorder, server: Server) -> None:
    assert httpx.get(f"{server.url}/protected", auth=httpx.DigestAuth("ann", "s3cret")).status_code == 200
    assert [span.attributes["http.response.status_code"] for span in recorder.spans] == [401, 200]
    assert [span.attributes.get("http.request.resend_count") for span in recorder.spans] == [None, 1]


def test_options_of_the_application_do_not_count_as_an_earlier_attempt(recorder: Recorder, server: Server) -> None:
    options: dict[str, Any] = {"timeout": {"read": 5.0}}
    with httpx.Client() as client:
        for _ in range(2):
            client.get(f"{server.url}/ok", extensions=options)
    assert options == {"timeout": {"read": 5.0}}
    assert ["http.request.resend_count" in span.attributes for span in recorder.spans] == [False, False]


def test_http2_is_told_and_each_stream_is_a_span(recorder: Recorder) -> None:
    async def main(url: str, context: Any) -> None:
        async with httpx.AsyncClient(http2=True, verify=context) as client:
            responses = await asyncio.gather(*[client.get(f"{url}/{number}") for number in range(5)])
            assert {response.http_version for response in responses} == {"HTTP/2"}

    with serving_http2() as running:
        asyncio.run(main(running.url, running.context))
    spans = recorder.spans
    assert [span.attributes["network.protocol.version"] for span in spans] == ["2"] * 5
    assert {span.attributes["server.port"] for span in spans} == {running.port}
    assert {span.attributes["url.full"] for span in spans} == {f"{running.url}/{number}" for number in range(5)}
    sent = {headers["traceparent"].split("-")[2] for headers in running.received}
    assert sent == {span.span_id for span in spans}


def test_the_span_of_a_streamed_answer_ends_with_its_headers(recorder: Recorder, server: Server) -> None:
    with httpx.stream("GET", f"{server.url}/stream") as response:
        (span,) = recorder.spans
        assert b"".join(response.iter_bytes()) == b"oneoneone"
    assert recorder.spans == (span,)
    assert (span.end_ns - span.start_ns) / 1e9 < 0.1


def test_a_cancelled_request_ends_its_span_once(recorder: Recorder, server: Server) -> None:
    async def main() -> None:
        async with httpx.AsyncClient() as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.get(f"{server.url}/slow"), 0.1)
            assert (await client.get(f"{server.url}/ok")).status_code == 200

    asyncio.run(main())
    assert [span.attributes.get("error.type") for span in recorder.spans] == ["asyncio.exceptions.CancelledError", None]


def test_baggage_goes_to_internal_hosts_only_and_does_not_follow_a_redirect_outside(recorder: Recorder) -> None:
    received: dict[str, Any] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        received[request.url.host] = request.headers
        return (
            httpx.Response(302, headers={"location": "https://example.com/"})
            if request.url.host == "shop.svc"
            else httpx.Response(200)
        )

    with httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=True) as client:
        for given in ({}, {"baggage": "own=1"}):
            with inside({"tenant": "blue"}):
                client.get("http://shop.svc/", headers=given)
            ours = "own=1,tenant=blue" if given else "tenant=blue"
            assert received["shop.svc"]["baggage"] == ours
            assert received["example.com"].get("baggage") == given.get("baggage")
            assert received["example.com"]["traceparent"] != received["shop.svc"]["traceparent"]
    assert [span.attributes["server.port"] for span in recorder.spans] == [80, 443] * 2
    assert "network.peer.address" not in recorder.spans[0].attributes


def test_a_client_of_the_application_keeps_its_classes_and_its_request(recorder: Recorder, server: Server) -> None:
    with httpx.Client() as client:
        request = client.build_request("GET", f"{server.url}/ok")
        response = client.send(request)
    assert response.request is request
    assert type(response) is httpx.Response
    assert sum(recorder.durations(DURATION).values()) == 1


_UPSTREAM = """
import json, sys
import httpx
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

memory, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(memory))
HTTPXClientInstrumentor().instrument(tracer_provider=provider)
httpx.get(sys.argv[1], follow_redirects=True)
print(json.dumps([[span.name, span.kind.name, span.status.status_code.name, dict(span.attributes)] for span in memory.get_finished_spans()]))
"""


def test_every_attribute_that_upstream_records_is_recorded_with_the_same_value(recorder: Recorder, server: Server) -> None:
    url = f"{server.url}/redirect/1?page=2"
    httpx.get(url, follow_redirects=True)
    done = run([sys.executable, "-c", _UPSTREAM, url], env={"OTEL_SEMCONV_STABILITY_OPT_IN": "http"})
    upstream = json.loads(done.stdout)
    ours = recorder.spans
    assert len(ours) == len(upstream) == 2
    for span, (name, kind, status, attributes) in zip(ours, upstream, strict=True):
        assert (span.name, span.kind, span.status) == (name, kind, status)
        assert attributes.items() <= span.attributes.items()
