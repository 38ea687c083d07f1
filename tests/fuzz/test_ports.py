"""What comes to the ports of ours: requests in any pieces, headers in any form, datagrams of strangers. Answered once, or closed."""

from __future__ import annotations

import contextlib
import re
import socket

from hypothesis import strategies as st

from platform_instrument.telemetry.ports.exchange import LONGEST_REQUEST, Exchange, parsed
from platform_instrument.telemetry.ports.neighbours import _number, _read
from platform_instrument.telemetry.ports.sockets import own
from platform_instrument.telemetry.prometheus.negotiation import negotiated, wanted_names
from tests.fuzz.fuzzing import fuzzed, headers

PIECES = st.sampled_from(
    [b"GET ", b"HEAD ", b"POST ", b"/metrics", b"/", b"?name[]=a", b" HTTP/1.1", b" HTTP/9", b"\r\n", b"\r\n\r\n", b"\n\n", b"\r", b": ",
     b"Host: x\r\n", b"Accept: */*\r\n", b"Content-Length: 99999999999\r\n", b"Transfer-Encoding: chunked\r\n", b"http://", b"\0", b"\xff",
     b" ", b"\x16\x03\x01", b"x" * 5_000, b"A: b\r\n" * 500]
)  # fmt: skip
SENT = st.lists(st.lists(PIECES | st.binary(max_size=20), max_size=12).map(b"".join), min_size=1, max_size=4)
ANSWER = re.compile(rb"HTTP/1\.1 \d{3} [A-Za-z ]+\r\n(?:[A-Za-z-]+: [\x20-\x7e]+\r\n)+\r\n", re.ASCII)


@fuzzed(SENT, [b"GET /metrics HTTP/1.1\r\n\r\n"], [b"x" * LONGEST_REQUEST])
def test_a_client_is_answered_once_or_is_waited_for(sent: list[bytes]) -> None:
    client, server = socket.socketpair()
    exchange = Exchange(own(server.detach()))
    with client, contextlib.closing(exchange):
        client.settimeout(5)
        asked = 0
        for piece in sent:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(piece)
            for _ in range(3):
                if not exchange.closed and (request := exchange.read()) is not None:
                    asked += 1
                    assert request.path.startswith("/")
                    exchange.answer(200, b"page\n")
        assert asked <= 1
        if not exchange.asked:
            assert sum(map(len, sent)) < LONGEST_REQUEST
            assert exchange.read() is None
            exchange.close()
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while part := client.recv(65_536):
                answer += part
        assert not answer or ANSWER.match(answer)
        assert len(answer) < 512


@fuzzed(st.lists(PIECES | st.binary(max_size=30), max_size=20).map(b"".join))
def test_a_head_is_a_request_or_none(head: bytes) -> None:
    request = parsed(head)
    if request is not None:
        assert request.path.startswith("/")
        assert len(request.path) + len(request.query) <= len(head) + 1


ACCEPTS = headers(
    "application/openmetrics-text",
    "text/plain",
    "*/*",
    ";q=",
    "0.5",
    "nan",
    "inf",
    "1e999",
    ";version=",
    "1.0.0",
    ",",
    '"',
    "gzip",
)


@fuzzed(st.tuples(ACCEPTS, ACCEPTS, headers("name[]=", "a", "&", "%", "=")))
def test_a_scraper_gets_a_format_that_exists(case: tuple[str, str, str]) -> None:
    accept, encoding, query = case
    wanted = negotiated(accept, encoding)
    assert wanted.content_type.startswith(("text/plain; version=0.0.4", "application/openmetrics-text; version="))
    assert wanted.openmetrics == wanted.content_type.startswith("application")
    assert len(wanted_names(query)) <= 1_000


ALONG = st.lists(st.tuples(st.sampled_from([socket.SOL_SOCKET, 0, 99]), st.integers(0, 4), st.binary(max_size=40)), max_size=5)


@fuzzed(st.tuples(ALONG, st.binary(max_size=108) | st.binary(max_size=60).map(lambda end: b"\0platform-instrument." + end)))
def test_a_datagram_of_a_stranger_is_read(case: tuple[list[tuple[int, int, bytes]], bytes]) -> None:
    along, address = case
    process, user, descriptors = _read(along)
    assert process >= -(1 << 31)
    assert user >= -1
    assert len(descriptors) <= 50
    assert _number(address) >= -1
    assert _number("named") == _number(None) == -1
