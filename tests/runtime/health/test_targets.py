"""Addresses that are checked without code: a port that accepts, a server that answers well, in time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.engine.health import DOWN, HEALTH, UP
from tests.processes import HOST, free_port
from tests.runtime.health.checking import checking, checks, exported, states, until

if TYPE_CHECKING:
    from collections.abc import Iterator


class Answering(BaseHTTPRequestHandler):
    """Answers with the status that the path names, after as many seconds as stand behind it."""

    asked: list[tuple[str, str | None]] = []  # noqa: RUF012 - of all, on purpose

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["User-Agent"]))
        _, status, seconds = self.path.split("/")
        time.sleep(float(seconds))
        with contextlib.suppress(OSError):
            self.send_response(int(status))
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """Return the port of a server that answers as it is asked to."""
    server = ThreadingHTTPServer((HOST, 0), Answering)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    Answering.asked.clear()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "state", "message"),
    [
        ("200/0", UP, ""),
        ("204/0", UP, ""),
        ("301/0", UP, ""),
        ("404/0", DOWN, "http.client.HTTPException: answered 404"),
        ("503/0", DOWN, "http.client.HTTPException: answered 503"),
        ("200/1.5", DOWN, None),
    ],
)
def test_an_http_server_is_up_that_answers_well_in_time(port: int, path: str, state: str, message: str | None) -> None:
    url = f"http://{HOST}:{port}/{path}"
    with checking({"PLATFORM_READINESS_CHECKS": url}):
        check = until(lambda: states() == {url: state} and checks()[url])
        assert check.critical
        assert message is None or check.message == message
        assert HEALTH.ready() is (state == UP)
        assert exported() == {(url, "http"): int(state == UP)}
    assert (f"/{path}", "platform-instrument") in Answering.asked


def test_a_port_is_up_while_it_accepts() -> None:
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        url = f"tcp://{HOST}:{listening.getsockname()[1]}"
        with checking({"PLATFORM_READINESS_CHECKS": url}, serve=False):
            HEALTH.load()
            assert not HEALTH.ready()  # nobody knows yet
            until(lambda: states() == {url: DOWN})
            listening.listen()
            until(lambda: states() == {url: UP} and HEALTH.ready())


def test_a_name_that_nobody_has_is_down() -> None:
    url = "http://nobody.invalid/healthz"
    with checking({"PLATFORM_READINESS_CHECKS": url, "PLATFORM_READINESS_TIMEOUT": "5"}):
        until(lambda: states() == {url: DOWN})


def test_https_is_asked_by_its_certificate(port: int) -> None:
    url = f"https://{HOST}:{port}/200/0"
    with checking({"PLATFORM_READINESS_CHECKS": f"{url},tcp://{HOST}:{free_port()}", "PLATFORM_READINESS_TIMEOUT": "10"}):
        until(lambda: set(states().values()) == {DOWN} and len(states()) == 2)
        assert "SSL" in checks()[url].message
