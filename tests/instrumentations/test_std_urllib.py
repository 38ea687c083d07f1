"""urllib.request: openers, redirects, credentials, proxies, bodies."""

from __future__ import annotations

import gc
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.instrumentations.outbound import OutboundPromises, server
from tests.instrumentations.recording import recording
from tests.instrumentations.transfers import BODIES, DROPS, LEAVES, WHOLE, TransferPromises

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.recorder import Recorder
    from tests.instrumentations.http_server import Server
    from tests.instrumentations.transfers import Transfer

__all__ = ["server"]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording("std_urllib", "std_http_client") as recorder:
        yield recorder


class TestUrlopen(OutboundPromises):
    modules = ("std_urllib", "std_http_client")
    scope = "platform_instrument.urllib"
    setting = "URLLIB"
    refused = "ConnectionRefusedError"
    dropped = "http.client.RemoteDisconnected"
    timed_out = "TimeoutError"

    def send(self, url: str, method: str = "GET", headers: Any = None, timeout: float = 5) -> int:
        scheme, _, rest = url.partition("://")
        request = urllib.request.Request(f"{scheme}://{rest.rpartition('@')[2]}", headers=headers or {}, method=method)  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310 - our own server
                response.read()
                status: int = response.status
                return status
        except urllib.error.HTTPError as error:
            error.read()
            return error.code


class TestTransfers(TransferPromises):
    modules = ("std_urllib",)
    sends = frozenset(BODIES) - {"text"}

    def exchange(self, url: str, transfer: Transfer, body: Any) -> None:
        request = urllib.request.Request(url, data=body, method=transfer.method)  # noqa: S310 - our own server
        try:
            response = urllib.request.urlopen(request, timeout=5)  # noqa: S310 - our own server
        except urllib.error.HTTPError as error:
            response = error
        if transfer.reads == WHOLE:
            response.read()
        else:
            response.read(100)
            if transfer.reads == LEAVES:
                response.close()
            elif transfer.reads != DROPS:
                while response.read(100):
                    pass
        response.close()
        del response
        gc.collect()


def test_the_application_s_request_stays_as_it_is_and_a_new_poll_is_no_resend(recorder: Recorder, server: Server) -> None:
    request = urllib.request.Request(f"{server.url}/redirect/1", headers={"X-Own": "1"})  # noqa: S310 - our own server
    for _ in range(2):
        urllib.request.urlopen(request).read()  # noqa: S310 - our own server
    assert sorted(name for name, _ in request.header_items()) == ["Host", "User-agent", "X-own"]
    assert [span.attributes.get("http.request.resend_count") for span in recorder.spans] == [None, 1, None, 1]


def test_an_answer_to_a_demand_for_credentials_is_sent_again(recorder: Recorder, server: Server) -> None:
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, server.url, "ann", "s3cret")
    opener = urllib.request.build_opener(urllib.request.HTTPDigestAuthHandler(passwords))
    assert opener.open(f"{server.url}/protected").read() == b"ok"
    assert [span.attributes["http.response.status_code"] for span in recorder.spans] == [401, 200]
    assert [span.attributes.get("http.request.resend_count") for span in recorder.spans] == [None, 1]
    assert "s3cret" not in str(recorder.spans)


def test_a_request_through_a_proxy_names_the_host_it_is_for(recorder: Recorder, server: Server) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": server.url}))
    opener.open("http://shop.example:8080/ok").read()
    (span,) = recorder.spans
    assert (span.attributes["server.address"], span.attributes["server.port"]) == ("shop.example", 8080)
    assert span.attributes["url.full"] == "http://shop.example:8080/ok"
    assert span.attributes["network.peer.port"] == server.port


def test_what_is_no_request_over_http_is_none_of_ours(recorder: Recorder) -> None:
    with urllib.request.urlopen("data:text/plain,ok") as response:  # noqa: S310 - our own server
        assert response.read() == b"ok"
    assert recorder.spans == ()
