from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from urllib3._collections import HTTPHeaderDict

from tests.instrumentations.outbound import OutboundPromises, server
from tests.instrumentations.recording import recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.recorder import Recorder
    from tests.instrumentations.http_server import Server

__all__ = ["server"]


class TestPoolManager(OutboundPromises):
    modules = ("urllib3",)
    scope = "platform_instrument.urllib3"
    setting = "URLLIB3"
    refused = "urllib3.exceptions.NewConnectionError"
    dropped = "http.client.RemoteDisconnected"
    timed_out = "urllib3.exceptions.ReadTimeoutError"

    def send(self, url: str, method: str = "GET", headers: Any = None, timeout: float = 5) -> int:
        with urllib3.PoolManager() as pool:
            retries = urllib3.Retry(connect=0, read=0, redirect=5)
            return pool.request(method, url, headers=headers, timeout=timeout, retries=retries).status


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording("urllib3") as recorder:
        yield recorder


def test_each_retry_is_an_attempt_of_its_own(recorder: Recorder, server: Server) -> None:
    with urllib3.PoolManager() as pool:
        retries = urllib3.Retry(total=3, backoff_factor=0, status_forcelist=[503])
        assert pool.request("GET", f"{server.url}/flaky/1", retries=retries).status == 200
    assert [span.attributes["http.response.status_code"] for span in recorder.spans] == [503, 200]
    assert [span.attributes.get("http.request.resend_count") for span in recorder.spans] == [None, 1]


def test_a_request_of_a_single_pool_is_seen_and_its_headers_stay_the_application_s(recorder: Recorder, server: Server) -> None:
    headers = HTTPHeaderDict({"X-Many": "1"})
    headers.add("X-Many", "2")
    with urllib3.HTTPConnectionPool("127.0.0.1", server.port, headers={"X-Pool": "1"}) as pool:
        pool.request("GET", "/ok", headers=headers)
        assert server.last["x-many"] in {"1, 2", "2"}
        pool.urlopen("GET", "/ok?q=1")
        assert server.last["x-pool"] == "1"
        assert pool.headers == {"X-Pool": "1"}
    assert "traceparent" not in headers
    assert [span.attributes["url.full"] for span in recorder.spans] == [f"{server.url}/ok", f"{server.url}/ok?q=1"]


def test_a_request_through_a_proxy_names_the_host_it_is_for(recorder: Recorder, server: Server) -> None:
    with urllib3.ProxyManager(server.url) as proxy:
        proxy.request("GET", "http://shop.example:8080/ok")
    (span,) = recorder.spans
    assert (span.attributes["server.address"], span.attributes["server.port"]) == ("shop.example", 8080)
    assert span.attributes["url.full"] == "http://shop.example:8080/ok"
    assert span.attributes["network.peer.port"] == server.port


def test_the_span_of_a_streamed_answer_ends_with_its_headers(recorder: Recorder, server: Server) -> None:
    with urllib3.PoolManager() as pool:
        response = pool.request("GET", f"{server.url}/stream", preload_content=False)
        (span,) = recorder.spans
        assert b"".join(response.stream(3)) == b"oneoneone"
    assert (span.end_ns - span.start_ns) / 1e9 < 0.1
