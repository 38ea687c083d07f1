"""Ids of requests: which of a caller's are kept, what new ones are, and who is told."""

from __future__ import annotations

import time
import uuid
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.request import Request

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from requests.structures import CaseInsensitiveDict

from platform_instrument.core.values import CLIENT, SERVER
from platform_instrument.engine.heads import Head, RequestHead
from platform_instrument.telemetry import tracer
from platform_instrument.telemetry.facts import attach
from platform_instrument.telemetry.request_ids import HandsOnRequestIds, new_request_id, well_formed
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from platform_instrument.telemetry.span import Span

SCOPE = own_scope("test")
CARRIERS: dict[str, Callable[[dict[str, str]], MutableMapping[str, str]]] = {
    "httpx": httpx.Headers,
    "requests": CaseInsensitiveDict,
    "aiohttp": CIMultiDict,
    "urllib3": dict,
    "urllib": lambda given: RequestHead(Request("http://shop", headers=given)),
}


def _http_client(given: dict[str, str]) -> Head:
    connection = HTTPConnection("shop")
    connection.putrequest("GET", "/", skip_host=True, skip_accept_encoding=True)
    for name, value in given.items():
        connection.putheader(name, value)
    return Head(connection)


CARRIERS["http.client"] = _http_client


@pytest.mark.parametrize("text", ["a", "A-1._~:/=", "x" * 128, "01932b2e-7e0a-7cc2-8f3e-2f6ad5a1b1cd"])
def test_an_id_of_safe_signs_is_kept(text: str) -> None:
    assert well_formed(text)


@given(st.text(max_size=200))
def test_no_other_is(text: str) -> None:
    safe = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/=")
    assert well_formed(text) == (0 < len(text) <= 128 and set(text) <= safe)


@pytest.mark.parametrize("text", ["", "a\n", "a\r\nSet-Cookie: x", "x" * 129, "a b", "é", "a\x00", "٣"])
def test_a_hostile_one_is_not(text: str) -> None:
    assert not well_formed(text)


def test_new_ones_are_uuids_of_version_7_that_sort_by_time() -> None:
    now = time.time_ns()
    times = [now + 300 * number for number in range(1_000)]
    made = [uuid.UUID(new_request_id(each)) for each in times]
    assert {each.version for each in made} == {7}
    assert {each.variant for each in made} == {uuid.RFC_4122}
    assert len({each.int & (1 << 62) - 1 for each in made}) == 1_000
    assert made == sorted(made)
    assert [each.int >> 80 for each in made] == [each // 1_000_000 for each in times]


def calling(request_id: str = "r-1", resent: int = 0) -> Span:
    """Return the span of a call below a request that has an id."""
    request = tracer.start("request", SERVER, None, None, SCOPE, None, 0)
    attach(request).request_id = request_id
    attributes: dict[str, Any] = {"http.request.resend_count": resent} if resent else {}
    return tracer.start("call", CLIENT, None, attributes, SCOPE, request, 0)


@pytest.fixture
def hands_on() -> HandsOnRequestIds:
    """Return propagation of ids in the usual header."""
    return HandsOnRequestIds.by("X-Request-ID")(("none",), internal_hosts=(".partner.example",))


@pytest.mark.parametrize("library", CARRIERS)
@pytest.mark.parametrize(
    ("host", "sent"),
    [("stock", "r-1"), ("10.0.0.7", "r-1"), ("a.partner.example", "r-1"), ("api.example.com", None), ("8.8.8.8", None)],
)
def test_an_id_goes_to_internal_hosts_alone(hands_on: HandsOnRequestIds, library: str, host: str, sent: str | None) -> None:
    headers = CARRIERS[library]({"Accept": "*/*"})
    hands_on.inject(calling(), host, headers)
    assert headers.get("X-Request-ID") == sent


@pytest.mark.parametrize("library", CARRIERS)
@pytest.mark.parametrize("own", ["its own", "r-1"])
@pytest.mark.parametrize("host", ["stock", "api.example.com"])
def test_what_the_application_sends_itself_stays(hands_on: HandsOnRequestIds, library: str, own: str, host: str) -> None:
    headers = CARRIERS[library]({"x-Request-id": own})
    hands_on.inject(calling(), host, headers)
    assert [(name.lower(), value) for name, value in headers.items()] == [("x-request-id", own)]


@pytest.mark.parametrize("library", CARRIERS)
def test_a_redirect_to_somebody_else_takes_it_away_again(hands_on: HandsOnRequestIds, library: str) -> None:
    headers = CARRIERS[library]({})
    hands_on.inject(calling(), "stock", headers)
    hands_on.inject(calling(resent=1), "stock", headers)
    assert headers.get("X-Request-ID") == "r-1"
    hands_on.inject(calling(resent=2), "api.example.com", headers)
    assert dict(headers) == {}


def test_without_a_request_nothing_is_sent(hands_on: HandsOnRequestIds) -> None:
    headers: dict[str, str] = {}
    hands_on.inject(tracer.start("call", CLIENT, None, None, SCOPE, None, 0), "stock", headers)
    hands_on.inject(calling(""), "stock", headers)
    assert headers == {}


class Theirs:
    """A propagator of an application's."""

    def inject(self, carrier: MutableMapping[str, str], **_options: Any) -> None:
        carrier["theirs"] = "1"


def test_a_propagator_of_the_application_s_changes_nothing(hands_on: HandsOnRequestIds) -> None:
    headers: dict[str, str] = {}
    hands_on.instead(Theirs()).inject(calling(), "stock", headers)
    assert headers == {"theirs": "1", "X-Request-ID": "r-1"}
