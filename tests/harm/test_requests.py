"""Running: hostile requests from outside. Each server answers the very bytes that it answers without us, and series stay bounded."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.harm.situations import PROGRAMS, Outcome, Side, Sides, Situation, cases
from tests.processes import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.testing.collector import Collector

ASGI = {
    "uvicorn": ["uvicorn", "--app-dir", str(PROGRAMS), "hostile_app:asgi", "--port", "{port}"],
    "hypercorn": ["hypercorn", "hostile_app:asgi", "--bind", "127.0.0.1:{port}"],
    "daphne": ["daphne", "-p", "{port}", "hostile_app:asgi"],
    "granian": ["granian", "--interface", "asgi", "--port", "{port}", "hostile_app:asgi"],
}
WSGI = {
    "gunicorn": ["gunicorn", "-b", "127.0.0.1:{port}", "hostile_app:wsgi"],
    "gunicorn, threads": ["gunicorn", "-k", "gthread", "--threads", "4", "-b", "127.0.0.1:{port}", "hostile_app:wsgi"],
    "gunicorn, gevent": ["gunicorn", "-k", "gevent", "-b", "127.0.0.1:{port}", "hostile_app:wsgi"],
    "waitress": ["waitress", "--listen", "127.0.0.1:{port}", "hostile_app:wsgi"],
}
MODULES = {"gunicorn": "gunicorn.app.wsgiapp"}

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENTS = (
    "", "00", "garbage", f"00-{TRACE}-b7ad6b7169203331-01", f"ff-{TRACE}-b7ad6b7169203331-01", f"00-{TRACE.upper()}-B7AD6B7169203331-01",
    f"00-{'0' * 32}-b7ad6b7169203331-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE}-b7ad6b7169203331-zz", "\x80\xff" * 20, "0" * 5000,
    f"cc-{TRACE}-b7ad6b7169203331-01-more",
)  # fmt: skip
LINES = (
    *[f"traceparent: {each}" for each in PARENTS],
    f"traceparent: {PARENTS[3]}\r\ntraceparent: {PARENTS[3]}",
    f"traceparent: {PARENTS[3]}\r\ntracestate: a=1,a=2\r\ntracestate: b=3",
    f"traceparent: {PARENTS[3]}\r\ntracestate: {'k=' + 'v' * 10_000}",
    f"traceparent: {PARENTS[3]}\r\ntracestate: {','.join(f'k{number}=v' for number in range(1000))}",
    f"traceparent: {PARENTS[3]}\r\ntracestate: UPPER=1,=,@=,a@b@c=1,{'a' * 300}=1",
    f"baggage: {','.join(f'k{number}=v' for number in range(3000))}",
    f"baggage: {'%00%0d%0a' * 900}",
    "baggage: a=\x01\x02;;;=;,,,=\xff",
    f"x-request-id: {'x' * 5000}",
    "x-request-id: \x1b[31m",
    "content-type: \xff\xfe; charset=\x80",
    "x-forwarded-for: " + ", ".join(["1.2.3.4"] * 500) + ", ::1, garbage, \xff",
    'forwarded: for="[::1]:x";;;proto=\xff',
    "user-agent: " + "M" * 6000,
    "cookie: " + "a=b; " * 1000,
    "authorization: Bearer " + "e" * 6000,
    "transfer-encoding: chunked\r\ncontent-length: 5",
    "content-length: -1",
    "content-length: 99999999999999999999",
    "x-nul: a\0b",
    "x-folded: a\r\n b",
    " x-space: a",
    "x-no-colon",
    ": empty",
    "\r\n".join(f"x-{number}: {number}" for number in range(90)),
    "expect: 100-continue",
    "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x",
)  # fmt: skip
PATHS = (
    "/", "*", "//x//y", "/%", "/%zz%00%ff%fe", "/\xff\xfe", "/" + "a" * 4000, "/?" + "q=1&" * 900, "/?%ff=%fe&password=secret;x", "/../../etc",
    "http://elsewhere:99999/x", "http://[::1/x", "/a b", "/#x", "/\x01", "?", "", "/%F0%9F%92%A9/é", "/;jsessionid=1",
)  # fmt: skip
METHODS = ("GET", "get", "BREW", "X" * 300, "GE\x00T", "PRI", "CONNECT", "G(T", "")
HOSTS = ("", "a:b:c", "[::1", "x" * 3000, "\xff", "a\r\nhost: b", "127.0.0.1:99999999", "%00", "user:pass@host")


def raw_requests() -> list[bytes]:
    """Return requests as bytes, each for a connection of its own."""
    said = [f"GET / HTTP/1.1\r\nhost: h\r\n{line}\r\nconnection: close\r\n\r\n" for line in LINES]
    said += [f"GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n" for path in PATHS]
    said += [f"{method} /m HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n" for method in METHODS]
    said += [f"GET /h HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n" for host in HOSTS]
    said += [
        "GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /\r\n\r\n",
        "\r\n",
        "\0" * 50,
    ]
    said += [
        "POST /b HTTP/1.1\r\nhost: h\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n" + body
        for body in ("0\r\n\r\n", "zz\r\n", "5\r\nhello\r\n0\r\nx-trailer: 1\r\n\r\n")
    ]
    said += ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    return [each.encode("latin-1") for each in said]


def answered(port: int, request: bytes) -> str:
    """Return what a server answers, without what differs from one second to the next.

    Who waits for more is told that there is none.
    """
    parts: list[bytes] = []
    with socket.create_connection((HOST, port), 5) as connection, contextlib.suppress(OSError):
        connection.sendall(request)
        for seconds in (2, 4):
            connection.settimeout(seconds)
            with contextlib.suppress(TimeoutError):
                while part := connection.recv(65_536):
                    parts.append(part)
                break
            connection.shutdown(socket.SHUT_WR)
    return re.sub(r"(?im)^(date|x-request-id): .*\r\n", "", b"".join(parts).decode("latin-1"))


def many(port: int, count: int) -> list[str]:
    """Return the heads of answers to requests each of which has a path, a host and a method of its own, on one connection."""
    found = []
    with socket.create_connection((HOST, port), 10) as connection:
        file = connection.makefile("rb")
        for number in range(count):
            method = f"M{number}" if number % 2 else "GET"
            connection.sendall(f"{method} /{number}/{number} HTTP/1.1\r\nhost: h{number}.example:{number}\r\n\r\n".encode())
            head = file.readline().decode()
            length = 0
            while line := file.readline().strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            file.read(length)
            found.append(head)
            if not length:
                break
    return found


def words_of(words: list[str], port: int) -> list[str]:
    module = MODULES.get(words[0], words[0])
    return [sys.executable, "-m", module, *[word.format(port=port) for word in words[1:]]]


def served(words: list[str], talk: Callable[[int], object]) -> Callable[[Side], Outcome]:
    """Return what starts a server, talks to it, and ends it by SIGTERM."""

    def run(side: Side) -> Outcome:
        port = free_port()
        with side.service(words_of(words, port), port, env={"PYTHONPATH": str(PROGRAMS)}, way="command") as service:
            while not answered(port, b"GET / HTTP/1.0\r\nhost: h\r\n\r\n"):
                time.sleep(0.1)  # it listens before it has a worker
            began = time.monotonic()
            answers = talk(port)
            seconds = time.monotonic() - began
            status = service.terminate(signal.SIGTERM)
            return Outcome(status, "", "", seconds, answers)

    return run


def hostile(port: int) -> object:
    return [(request[:120], answered(port, request)) for request in raw_requests()]


def streams(port: int) -> object:
    """Read bodies to their end, and leave others in their midst; say how often the application's body was closed."""
    whole = [answered(port, b"GET /stream HTTP/1.0\r\nhost: h\r\n\r\n").count("part") for _ in range(3)]
    for _ in range(3):
        with socket.create_connection((HOST, port), 5) as connection:
            connection.sendall(b"GET /stream/long HTTP/1.0\r\nhost: h\r\n\r\n")
            connection.recv(10)
    deadline, closed = time.monotonic() + 40, ""
    while not closed.endswith("\n6") and time.monotonic() < deadline:
        time.sleep(0.1)
        closed = answered(port, b"GET /closed HTTP/1.0\r\nhost: h\r\n\r\n")
    return whole, closed.rpartition("\n")[2]


def bounded(collector: Collector, _ours: Outcome) -> None:
    """Assert that paths, hosts and methods that nobody knows open no series, and make no name of a span."""
    points = collector.latest("http.server.request.duration")
    assert points
    assert len(points) <= 40, sorted(str(point.attributes) for point in points)
    assert len({span.name for span in collector.spans}) < 20, sorted({span.name for span in collector.spans})


def observed(collector: Collector, _ours: Outcome) -> None:
    """Assert that requests were observed at all, and that what a caller wrote into a name or a value is bounded."""
    collector.wait_for(20)
    assert {span.trace_id for span in collector.spans} > {TRACE}
    assert max(len(str(value)) for span in collector.spans for value in span.attributes.values()) < 40_000


SITUATIONS = (
    *(
        Situation(f"{name}: {len(raw_requests())} hostile requests", "Running", served(words, hostile), observed, longer=20)
        for name, words in {**ASGI, **WSGI}.items()
    ),
    *(
        Situation(
            f"{name}: 2,000 requests, each with a path, a host and a method of its own",
            "Running",
            served(words, lambda port: many(port, 2000)),
            bounded,
            longer=60,
        )
        for name, words in {"uvicorn": ASGI["uvicorn"], "gunicorn, threads": WSGI["gunicorn, threads"]}.items()
    ),
    *(
        Situation(f"{name}: streamed bodies, read and left, are closed once", "Running", served(words, streams), longer=40)
        for name, words in WSGI.items()
    ),
)


@pytest.mark.parametrize("situation", cases(*SITUATIONS))
def test_no_harm(situation: Situation, sides: Sides) -> None:
    situation.judge(sides)
