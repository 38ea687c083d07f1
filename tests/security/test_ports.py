"""The ports of ours answer their own paths, by two methods; whatever else comes is turned away, in bounded time and memory."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.processes import HOST, accepts, door, environment, free_port
from tests.security.reach import reachable

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "import sqlite3, sys; sqlite3.connect(':memory:').execute('SELECT 1'); sys.stdin.read()"
OTHER_METHODS = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "BREW")
PATHS = {"metrics": {"/": 200, "/metrics": 200}, "admin": {"/livez": 200, "/startupz": 200, "/readyz": 200}}
NOT_OURS = (
    *(
        "/metrics/",
        "/metrics.",
        "//metrics",
        "/./metrics",
        "/x/../metrics",
        "/%6detrics",
        "/METRICS",
        "/metrics%00",
        "/metrics;x",
        "/favicon.ico",
    ),
    *(
        "/livez/",
        "/readyz/x",
        "/debug/pprof",
        "/debug/vars",
        "/config",
        "/env",
        "/../../etc/passwd",
        "/.git/config",
        "/server-status",
        "/healthz",
    ),
)


class Running(NamedTuple):
    """A process with both ports."""

    pid: int
    ports: dict[str, int]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Start a process that is scraped and probed."""
    ports = {"metrics": free_port(), "admin": free_port()}
    env = {
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(ports["metrics"]),
        "PLATFORM_ADMIN_PORT": str(ports["admin"]),
    }
    argv, variables = door("command", [sys.executable, "-c", PROGRAM])
    with subprocess.Popen(argv, env=environment({**variables, **env}), stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 20
        while not all(map(accepts, ports.values())):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Running(process.pid, ports)
        _, said = process.communicate(timeout=20)
    assert (said, process.returncode) == (b"", 0)


def ask(port: int, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    """Return status and body."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def raw(port: int, sent: bytes, seconds: float = 10) -> bytes:
    """Send bytes; return all that comes back."""
    with socket.create_connection((HOST, port), seconds) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(sent)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while part := client.recv(65_536):
                answer += part
    return answer


def resident(pid: int) -> int:
    """Return the bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4_096


@pytest.mark.parametrize("use", PATHS)
def test_its_own_paths_alone_are_answered(use: str, running: Running) -> None:
    port = running.ports[use]
    assert {path: ask(port, path)[0] for path in PATHS[use]} == PATHS[use]
    others = {*NOT_OURS, *(path for paths in PATHS.values() for path in paths)} - PATHS[use].keys()
    assert {path: ask(port, path)[0] for path in others} == dict.fromkeys(others, 404)


@pytest.mark.parametrize("use", PATHS)
def test_nothing_but_reading_is_allowed(use: str, running: Running) -> None:
    port = running.ports[use]
    assert {method: ask(port, next(iter(PATHS[use])), method)[0] for method in OTHER_METHODS} == dict.fromkeys(OTHER_METHODS, 405)
    assert ask(port, next(iter(PATHS[use])), "HEAD") == (200, b"")


@pytest.mark.parametrize("use", PATHS)
def test_what_is_no_request_is_turned_away(use: str, running: Running) -> None:
    port = running.ports[use]
    for sent, status in {
        b"GET /" + b"x" * 1_000_000: 431,
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200_000: 431,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n": 400,
        b"GET / HTTP/1.1\r\nA : b\r\n\r\n": 400,
        b"GET nowhere HTTP/1.1\r\n\r\n": 400,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n": 400,
    }.items():
        answer = raw(port, sent)
        assert answer.startswith(b"HTTP/1.1 %d " % status) or (not answer and status == 431), (sent[:20], answer[:40])
        assert len(answer) < 1_024


@pytest.mark.parametrize("use", PATHS)
def test_a_body_is_not_read_and_a_second_request_is_not_answered(use: str, running: Running) -> None:
    path = next(iter(PATHS[use])).encode()
    before = resident(running.pid)
    assert raw(running.ports[use], b"POST " + path + b" HTTP/1.1\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 20_000_000)[
        :12
    ] in {b"HTTP/1.1 405", b""}
    assert resident(running.pid) - before < 4_000_000
    twice = (b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n") * 2
    assert raw(running.ports[use], twice).count(b"HTTP/1.1 ") <= 1


@pytest.mark.parametrize("use", PATHS)
def test_clients_that_say_nothing_or_little_keep_nobody_out(use: str, running: Running) -> None:
    port, path = running.ports[use], next(iter(PATHS[use]))
    before = resident(running.pid)
    with contextlib.ExitStack() as stack:
        for number in range(100):
            client = stack.enter_context(socket.create_connection((HOST, port), 10))
            client.sendall(b"GET /metrics HTTP/1.1\r\nX: " if number % 2 else b"")
        began = time.monotonic()
        assert ask(port, path)[0] == 200
        assert time.monotonic() - began < 9  # 70 of them give way, each after its moment, some at once
    assert resident(running.pid) - before < 8_000_000
    assert len([place for place in reachable(running.pid) if place.startswith("tcp")]) == 2
