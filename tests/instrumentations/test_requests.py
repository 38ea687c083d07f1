from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth

from tests.instrumentations.outbound import OutboundPromises, server
from tests.instrumentations.recording import recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.recorder import Recorder
    from tests.instrumentations.http_server import Server

__all__ = ["server"]


class TestWithUrllib3(OutboundPromises):
    modules = ("requests", "urllib3")
    scope = "platform_instrument.requests"
    setting = "REQUESTS"
    refused = "requests.exceptions.ConnectionError"
    dropped = "requests.exceptions.ConnectionError"
    timed_out = "requests.exceptions.ReadTimeout"

    def send(self, url: str, method: str = "GET", headers: Any = None, timeout: float = 5) -> int:
        return requests.request(method, url, headers=headers, timeout=timeout).status_code


class TestAlone(TestWithUrllib3):
    modules = ("requests",)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording("requests", "urllib3") as recorder:
        yield recorder


def test_a_demand_for_credentials_is_answered_by_a_second_attempt(recorder: Recorder, server: Server) -> None:
    response = requests.get(f"{server.url}/protected", auth=HTTPDigestAuth("ann", "s3cret"), timeout=5)
    assert response.status_code == 200
    assert [span.attributes["http.response.status_code"] for span in recorder.spans] == [401, 200]
    assert [span.attributes.get("http.request.resend_count") for span in recorder.spans] == [None, 1]


def test_the_attempts_of_a_retrying_adapter_are_seen_each(recorder: Recorder, server: Server) -> None:
    with requests.Session() as session:
        retry = urllib3.Retry(total=3, backoff_factor=0, status_forcelist=[503])
        session.mount("http://", HTTPAdapter(max_retries=retry))
        assert session.get(f"{server.url}/flaky/2", timeout=5).status_code == 200
    spans = recorder.spans
    assert [span.attributes["http.response.status_code"] for span in spans] == [503, 503, 200]
    assert [span.attributes.get("http.request.resend_count") for span in spans] == [None, 1, 2]
    assert {span.scope.name for span in spans} == {"platform_instrument.urllib3"}
    sent = [headers["traceparent"].split("-")[2] for _, headers in server.received]
    assert sent == [span.span_id for span in spans]


def test_an_excluded_url_is_excluded_under_a_retrying_adapter_too(server: Server) -> None:
    with recording("requests", "urllib3", environ={"OTEL_PYTHON_REQUESTS_EXCLUDED_URLS": "/ok"}) as recorder:
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=2))
            assert session.get(f"{server.url}/ok", timeout=5).status_code == 200
        assert recorder.spans == ()


def test_the_span_of_a_streamed_answer_ends_with_its_headers(recorder: Recorder, server: Server) -> None:
    with requests.get(f"{server.url}/stream", stream=True, timeout=5) as response:
        (span,) = recorder.spans
        assert b"".join(response.iter_content(3)) == b"oneoneone"
    assert (span.end_ns - span.start_ns) / 1e9 < 0.1


def test_an_adapter_of_the_application_is_observed_where_it_builds_on_the_library_s(recorder: Recorder, server: Server) -> None:
    class Mine(HTTPAdapter):
        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            request.headers["X-Mine"] = "1"
            return super().send(request, *args, **kwargs)

    with requests.Session() as session:
        session.mount("http://", Mine())
        session.get(f"{server.url}/ok", timeout=5)
    assert server.last["x-mine"] == "1"
    assert len(recorder.spans) == 1
