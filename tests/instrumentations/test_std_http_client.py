"""http.client by itself, in one call and in many, and below what sends through it."""

from __future__ import annotations

import gc
import http.client
import xmlrpc.client
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

import pytest

from tests.instrumentations.outbound import DURATION, OutboundPromises, server
from tests.instrumentations.recording import recording
from tests.instrumentations.transfers import DROPS, LEAVES, REQUEST, WHOLE, TransferPromises, points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.recorder import Recorder
    from tests.instrumentations.byte_server import Counted
    from tests.instrumentations.http_server import Server
    from tests.instrumentations.transfers import Transfer

__all__ = ["server"]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording("std_http_client") as recorder:
        yield recorder


class TestConnection(OutboundPromises):
    modules = ("std_http_client",)
    scope = "platform_instrument.http_client"
    setting = "HTTP_CLIENT"
    refused = "ConnectionRefusedError"
    dropped = "http.client.RemoteDisconnected"
    timed_out = "TimeoutError"

    def send(self, url: str, method: str = "GET", headers: Any = None, timeout: float = 5) -> int:
        while True:
            parts = urlsplit(url)
            connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
            try:
                connection.request(method, url[url.index(parts.netloc) + len(parts.netloc) :], headers=headers or {})
                response = connection.getresponse()
                response.read()
            finally:
                connection.close()
            if response.status != 302:
                return response.status
            url = f"{parts.scheme}://{parts.netloc}{response.headers['Location']}"

    test_each_redirect_is_an_attempt_of_its_own = None  # type: ignore[assignment] # http.client follows none


class TestTransfers(TransferPromises):
    modules = ("std_http_client",)

    def exchange(self, url: str, transfer: Transfer, body: Any) -> None:
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
        connection.request(transfer.method, parts.path, body.encode() if isinstance(body, str) else body)
        response = connection.getresponse()
        if transfer.reads == WHOLE:
            response.read()
        else:
            response.read(100)
            if transfer.reads == LEAVES:
                response.close()
            elif transfer.reads != DROPS:
                while response.read(100):
                    pass
        del response
        connection.close()
        gc.collect()

    def test_a_body_that_is_sent_by_itself_counts_by_its_length(self, recorder: Recorder, server: Counted) -> None:
        connection = HTTPConnection("127.0.0.1", urlsplit(server.url).port)
        connection.putrequest("POST", "/ok")
        connection.putheader("Content-Length", "6")
        connection.endheaders()
        connection.send(b"abc")
        connection.send(b"def")
        connection.getresponse().read()
        connection.close()
        assert [point.sum for point in points(REQUEST)] == [server.received] == [6]
        assert len(recorder.spans) == 1


def test_a_connection_that_is_kept_makes_a_span_a_request(recorder: Recorder, server: Server) -> None:
    connection = HTTPConnection("127.0.0.1", server.port)
    for path in ("/ok", "/status/404"):
        connection.request("GET", path)
        connection.getresponse().read()
    connection.close()
    assert [span.attributes["http.response.status_code"] for span in recorder.spans] == [200, 404]
    assert len({headers["traceparent"] for _, headers in server.received}) == 2


def test_a_connection_that_is_closed_before_its_answer_ends_the_span(recorder: Recorder, server: Server) -> None:
    connection = HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/slow")
    assert recorder.spans == ()
    connection.close()
    (span,) = recorder.spans
    assert ("http.response.status_code" in span.attributes, span.status) == (False, "UNSET")
    assert sum(recorder.durations(DURATION).values()) == 1


def test_the_host_behind_a_proxy_is_named(recorder: Recorder, server: Server) -> None:
    connection = HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "http://shop.example:8080/ok")
    connection.getresponse().read()
    connection.close()
    tunnel = HTTPConnection("127.0.0.1", server.port)
    tunnel.set_tunnel("shop.example", 8443)
    with pytest.raises(OSError, match="Tunnel connection failed"):
        tunnel.request("GET", "/ok")
    spans = recorder.spans
    assert [span.attributes["server.address"] for span in spans] == ["shop.example"] * 2
    assert [span.attributes["url.full"] for span in spans] == ["http://shop.example:8080/ok", "http://shop.example:8443/ok"]
    assert (spans[0].attributes["network.peer.port"], spans[1].attributes["error.type"]) == (server.port, "OSError")


def test_calls_in_the_wrong_order_fail_as_ever(recorder: Recorder) -> None:
    connection = HTTPConnection("127.0.0.1", 1)
    with pytest.raises(http.client.CannotSendHeader):
        connection.endheaders()
    with pytest.raises(http.client.ResponseNotReady):
        connection.getresponse()
    assert recorder.spans == ()


def test_what_the_standard_library_sends_through_it_is_seen(recorder: Recorder, server: Server) -> None:
    with xmlrpc.client.ServerProxy(server.url) as proxy, pytest.raises(ExpatError):
        proxy.sell("tea")
    assert [(span.name, span.attributes["url.full"]) for span in recorder.spans] == [("POST", f"{server.url}/RPC2")]


@pytest.mark.parametrize("library", ["requests", "urllib3", "urllib"])
def test_what_others_send_through_it_is_one_span_of_theirs(library: str, server: Server) -> None:
    ours = "std_urllib" if library == "urllib" else library
    with recording("std_http_client", ours) as recorder:
        SENDING[library](f"{server.url}/ok")
        assert [span.scope.name for span in recorder.spans] == [f"platform_instrument.{library}"]


def _requests(url: str) -> None:
    import requests

    requests.get(url, timeout=5)


def _urllib3(url: str) -> None:
    import urllib3

    with urllib3.PoolManager() as pool:
        pool.request("GET", url)


def _urllib(url: str) -> None:
    import urllib.request

    with urllib.request.urlopen(url) as response:  # noqa: S310 - our own server
        response.read()


SENDING = {"requests": _requests, "urllib3": _urllib3, "urllib": _urllib}
