"""What arrives at the next service of the trace context that a service was sent, as W3C asks: level 2 of the recommendation.

Source: https://www.w3.org/TR/trace-context-2/, and the cases of its validation service.
"""

from __future__ import annotations

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import BIN, HOST
from tests.web.serving import observed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.serving import Observed

TRACE, SPAN = "12345678901234567890123456789012", "1234567890123456"
PARENT = f"00-{TRACE}-{SPAN}-01"
SERVICES = {
    "fastapi-httpx": lambda port: [BIN / "uvicorn", "forwarding:fast", "--log-level", "warning", "--port", str(port)],
    "flask-requests": lambda port: [BIN / "gunicorn", "-k", "gthread", "forwarding:flask", "-b", f"{HOST}:{port}"],
}


class Next(BaseHTTPRequestHandler):
    """Answers, and remembers the headers that carry context, each as it came."""

    arrived: dict[str, list[str]]

    def do_GET(self) -> None:
        type(self).arrived = {name: self.headers.get_all(name, []) for name in ("traceparent", "tracestate")}
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest) -> Iterator[Observed]:
    server = ThreadingHTTPServer((HOST, 0), Next)
    Thread(target=server.serve_forever, daemon=True).start()
    with observed(SERVICES[request.param], {"NEXT": f"http://{HOST}:{server.server_port}/"}) as running:
        yield running
    server.shutdown()
    server.server_close()


def arrived(service: Observed, *headers: tuple[str, str]) -> tuple[str, str, str]:
    """Send headers; return the trace id, the flags and the state that the next service was sent."""
    lines = ["GET / HTTP/1.1", f"Host: {HOST}", "Connection: close", *[f"{name}: {value}" for name, value in headers]]
    answer = service.raw("\r\n".join([*lines, "", ""]).encode())
    assert answer.startswith(b"HTTP/1.1 200"), answer
    (parent,) = Next.arrived["traceparent"]
    state = Next.arrived["tracestate"]
    match = re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-(0[0-3])", parent)
    assert match is not None, parent
    assert match[2] not in {SPAN, "0" * 16}
    assert len(state) <= 1
    return match[1], match[3], "".join(state)


@pytest.mark.parametrize(
    "parent",
    [PARENT, f"cc-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", f" {PARENT} ", f"\t{PARENT}\t"],
)
def test_a_trace_goes_on(service: Observed, parent: str) -> None:
    assert arrived(service, ("traceparent", parent))[0] == TRACE


@pytest.mark.parametrize("name", ["traceparent", "TraceParent", "TrAcEpArEnT"])
def test_the_name_of_a_header_has_no_case(service: Observed, name: str) -> None:
    assert arrived(service, (name, PARENT), ("TraceState", "foo=1")) == (TRACE, "01", "foo=1")


@pytest.mark.parametrize(
    "parents",
    [
        (),
        (PARENT, PARENT),
        (PARENT, f"00-{TRACE}-{'2' * 16}-01"),
        ("",),
        (f"ff-{TRACE}-{SPAN}-01",),
        (f".0-{TRACE}-{SPAN}-01",),
        (f"0-{TRACE}-{SPAN}-01",),
        (f"000-{TRACE}-{SPAN}-01",),
        (f"{PARENT}.",),
        (f"{PARENT}-what-the-future-will-be-like",),
        (f"cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like",),
        (f"00-{'0' * 32}-{SPAN}-01",),
        (f"00-.{TRACE[1:]}-{SPAN}-01",),
        (f"00-{TRACE}1-{SPAN}-01",),
        (f"00-{TRACE[1:]}-{SPAN}-01",),
        (f"00-{TRACE}-{'0' * 16}-01",),
        (f"00-{TRACE}-.{SPAN[1:]}-01",),
        (f"00-{TRACE}-{SPAN}1-01",),
        (f"00-{TRACE}-{SPAN[1:]}-01",),
        (f"00-{TRACE}-{SPAN}-.0",),
        (f"00-{TRACE}-{SPAN}-001",),
        (f"00-{TRACE}-{SPAN}-1",),
        (PARENT.upper().replace("1", "A"),),
    ],
)
def test_a_trace_begins_where_the_parent_is_none(service: Observed, parents: tuple[str, ...]) -> None:
    headers = [("traceparent", parent) for parent in parents]
    trace, flags, state = arrived(service, *headers, ("tracestate", "foo=1"))
    assert trace not in {TRACE, "0" * 32}
    assert (flags, state) == ("03", "")  # sampled, and the ids are random


LONG = ",".join(f"bar{number:02}={number:02}" for number in range(1, 33))


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["foo=1,bar=2"], "foo=1,bar=2"),
        (["foo=1", "bar=2"], "foo=1,bar=2"),
        (["foo=1,", "", "bar=2,rojo=1"], "foo=1,bar=2,rojo=1"),
        (["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
        ([" foo=1"], "foo=1"),
        ([""], ""),
        (["foo=1,foo=1"], "foo=1"),
        (["foo=1,bar=3,foo=2"], "foo=1,bar=3"),
        (["foo=1", "foo=2"], "foo=1"),
        (["foo =1"], ""),
        (["FOO=1"], ""),
        (["foo.bar=1"], ""),
        (["foo@=1,bar=2"], "foo@=1,bar=2"),
        (["foo@@bar=1,bar=2"], "foo@@bar=1,bar=2"),
        (["foo@bar@baz=1,bar=2"], "foo@bar@baz=1,bar=2"),
        (["@foo=1,bar=2"], ""),
        (["0foo=1"], "0foo=1"),
        (["foo=1", "z" * 256 + "=1"], "foo=1," + "z" * 256 + "=1"),
        (["foo=1", "z" * 257 + "=1"], ""),
        (["foo=bar=baz"], ""),
        (["foo=,bar=3"], ""),
        ([LONG], LONG),
        ([f"{LONG},bar33=33"], ""),
    ],
)
def test_a_state_is_passed_on_whole_or_not_at_all(service: Observed, states: list[str], expected: str) -> None:
    headers = [("traceparent", PARENT), *[("tracestate", state) for state in states]]
    assert arrived(service, *headers) == (TRACE, "01", expected)


def test_every_character_that_is_allowed_is_passed_on(service: Observed) -> None:
    key = "".join(map(chr, range(ord("a"), ord("z") + 1))) + "0123456789_-*/"
    value = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=")
    state = f"{key}={value}{value}"
    assert arrived(service, ("traceparent", PARENT), ("tracestate", state))[2] == state


def test_each_request_is_a_span_of_its_own(service: Observed) -> None:
    sent = {arrived(service, ("traceparent", PARENT)) and Next.arrived["traceparent"][0] for _ in range(3)}
    assert len(sent) == 3
