"""What is promised of every HTTP client library: a class of tests that each library's test file subclasses."""

from __future__ import annotations

import socket
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from platform_instrument.engine import apply
from platform_instrument.telemetry.context import CURRENT
from tests.instrumentations.http_server import Server, serving
from tests.instrumentations.recording import TRACE_ID, inside, recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.testing.recorder import Recorder

DURATION = "http.client.request.duration"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


class OutboundPromises:
    """Every promise, for a library whose `send` returns the status of the answer and reads its body."""

    modules: tuple[str, ...]
    """Our modules that are applied."""
    scope: str
    setting: str
    """The library in `OTEL_PYTHON_<LIBRARY>_EXCLUDED_URLS`."""
    refused: str
    """The class of the library's exception where nobody listens."""
    dropped: str
    timed_out: str
    sends_other_methods = True

    def send(self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None, timeout: float = 5) -> int:
        raise NotImplementedError

    @pytest.fixture
    def recorder(self) -> Iterator[Recorder]:
        with recording(*self.modules) as recorder:
            yield recorder
        assert CURRENT.get() is None

    def test_every_attribute_of_the_conventions_and_no_other(self, recorder: Recorder, server: Server) -> None:
        assert self.send(f"{server.url}/ok/1?page=2") == 200
        (span,) = recorder.spans
        assert span.attributes == {
            "http.request.method": "GET",
            "server.address": "127.0.0.1",
            "server.port": server.port,
            "url.full": f"{server.url}/ok/1?page=2",
            "http.response.status_code": 200,
            "network.protocol.version": "1.1",
            "network.peer.address": "127.0.0.1",
            "network.peer.port": server.port,
        }
        assert (span.name, span.kind, span.status, span.scope.name) == ("GET", "CLIENT", "UNSET", self.scope)
        assert recorder.durations(DURATION) == {
            (
                ("http.request.method", "GET"),
                ("http.response.status_code", 200),
                ("network.protocol.version", "1.1"),
                ("server.address", "127.0.0.1"),
                ("server.port", server.port),
            ): 1
        }

    def test_credentials_in_the_url_never_reach_the_span(self, recorder: Recorder, server: Server) -> None:
        self.send(f"http://ann:s3cret@127.0.0.1:{server.port}/ok?token=s3cret")
        (span,) = recorder.spans
        assert "s3cret" not in str(span)
        assert span.attributes["server.address"] == "127.0.0.1"

    @pytest.mark.parametrize("status", [404, 503])
    def test_an_answer_from_400_on_is_an_error(self, recorder: Recorder, server: Server, status: int) -> None:
        assert self.send(f"{server.url}/status/{status}") == status
        (span,) = recorder.spans
        assert (span.status, span.status_description, span.attributes["error.type"]) == ("ERROR", "", str(status))
        ((attributes, count),) = recorder.durations(DURATION).items()
        assert (("error.type", str(status)) in attributes, count) == (True, 1)

    def test_a_server_that_cannot_be_reached_is_an_error_of_its_kind(self, recorder: Recorder) -> None:
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            port = reserved.getsockname()[1]
            with pytest.raises(Exception) as raised:  # noqa: PT011 - compared below
                self.send(f"http://127.0.0.1:{port}/ok")
        (span,) = recorder.spans
        assert (span.status, span.attributes["error.type"]) == ("ERROR", self.refused)
        assert (span.attributes["server.port"], "http.response.status_code" in span.attributes) == (port, False)
        assert raised.value is not None

    def test_a_connection_that_breaks_is_an_error_of_its_kind(self, recorder: Recorder, server: Server) -> None:
        with pytest.raises(Exception):  # noqa: B017, PT011 - the library's own
            self.send(f"{server.url}/drop", method="POST")
        assert [span.attributes["error.type"] for span in recorder.spans] == [self.dropped]

    def test_an_answer_that_takes_too_long_is_an_error_of_its_kind(self, recorder: Recorder, server: Server) -> None:
        with pytest.raises(Exception):  # noqa: B017, PT011 - the library's own
            self.send(f"{server.url}/slow", timeout=0.1)
        (span,) = recorder.spans
        assert span.attributes["error.type"] == self.timed_out

    def test_each_redirect_is_an_attempt_of_its_own(self, recorder: Recorder, server: Server) -> None:
        with inside() as parent:
            assert self.send(f"{server.url}/redirect/2") == 200
        spans = recorder.spans
        assert [span.attributes["http.response.status_code"] for span in spans] == [302, 302, 200]
        assert [span.attributes.get("http.request.resend_count") for span in spans] == [None, 1, 2]
        assert [span.attributes["url.full"].removeprefix(server.url) for span in spans] == ["/redirect/2", "/redirect/1", "/ok"]
        assert {span.parent_id for span in spans} == {f"{parent.span_id:016x}"}
        sent = [headers["traceparent"] for _, headers in server.received]
        assert sent == [f"00-{span.trace_id}-{span.span_id}-{parent.flags:02x}" for span in spans]

    def test_a_method_nobody_heard_of_opens_no_series(self, recorder: Recorder, server: Server) -> None:
        self.send(f"{server.url}/ok", method="BREW")
        (span,) = recorder.spans
        assert span.name == "HTTP"
        assert span.attributes["http.request.method"] == "_OTHER"
        assert span.attributes["http.request.method_original"] == "BREW"

    # --- propagation ---------------------------------------------------------------------------------------------

    def test_trace_context_and_baggage_are_sent(self, recorder: Recorder, server: Server) -> None:
        with inside({"tenant": "blue"}, "vendor=1"):
            self.send(f"{server.url}/ok")
        (span,) = recorder.spans
        assert span.trace_id == f"{TRACE_ID:032x}"
        assert server.last["traceparent"] == f"00-{span.trace_id}-{span.span_id}-01"
        assert server.last["tracestate"] == "vendor=1"
        assert server.last["baggage"] == "tenant=blue"

    def test_ours_takes_the_place_of_a_traceparent_of_the_application_and_joins_its_baggage(
        self, recorder: Recorder, server: Server
    ) -> None:
        given = {"traceparent": "00-11111111111111111111111111111111-2222222222222222-01", "baggage": "own=1"}
        with inside({"tenant": "blue"}):
            self.send(f"{server.url}/redirect/1", headers=given)
        (_, span) = recorder.spans
        assert given == {"traceparent": "00-11111111111111111111111111111111-2222222222222222-01", "baggage": "own=1"}
        assert server.last["traceparent"] == f"00-{span.trace_id}-{span.span_id}-01"
        assert server.last["baggage"] == "own=1,tenant=blue"

    def test_no_propagators_means_no_headers(self, server: Server) -> None:
        with recording(*self.modules, environ={"OTEL_PROPAGATORS": "none"}) as recorder, inside({"tenant": "blue"}):
            self.send(f"{server.url}/ok")
            assert len(recorder.spans) == 1
        assert not {"traceparent", "baggage"} & set(server.last)

    # --- settings ------------------------------------------------------------------------------------------------

    def test_a_request_to_an_excluded_url_is_counted_and_leaves_no_span_and_no_header(self, server: Server) -> None:
        own = {"OTEL_PYTHON_EXCLUDED_URLS": "nowhere", f"OTEL_PYTHON_{self.setting}_EXCLUDED_URLS": "/ok,other"}
        for environ in ({"OTEL_PYTHON_EXCLUDED_URLS": "/ok"}, own):
            with recording(*self.modules, environ=environ) as recorder, inside({"tenant": "blue"}):
                self.send(f"{server.url}/ok/1")
                assert recorder.spans == ()
                assert not {"traceparent", "baggage"} & set(server.last)
                assert sum(recorder.durations(DURATION).values()) == 1
                self.send(f"{server.url}/status/200")
                assert len(recorder.spans) == 1

    def test_captured_headers_become_attributes_and_sanitized_ones_do_not_show(self, server: Server) -> None:
        environ = {
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": "X-Tenant,x-shopper",
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE": "x-k.*,Set-Cookie",
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": "x-shop.*,.*cookie",
        }
        with recording(*self.modules, environ=environ) as recorder:
            self.send(f"{server.url}/ok", headers={"X-Tenant": "blue", "X-Shopper": "s3cret", "X-Other": "no"})
            (span,) = recorder.spans
        captured = {name: value for name, value in span.attributes.items() if ".header." in name}
        assert captured == {
            "http.request.header.x-tenant": ("blue",),
            "http.request.header.x-shopper": ("[secret]",),
            "http.response.header.x-kind": ("tea",),
            "http.response.header.set-cookie": captured["http.response.header.set-cookie"],
        }
        assert "s3cret" not in str(span)

    def test_undone_means_nothing_is_seen(self, server: Server) -> None:
        with recording(*self.modules) as recorder:
            for name in self.modules:
                apply.uninstall(import_module(f"platform_instrument.instrumentations.{name}").INSTRUMENTATION.name)
            self.send(f"{server.url}/ok")
            assert recorder.spans == ()
        assert "traceparent" not in server.last
