"""What a collector answers, a broken or a hostile one: an outcome within the time, with a reason that is one short line."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st

from platform_instrument.config.otlp import otlp_settings
from platform_instrument.config.read import read
from platform_instrument.core.report import forget
from platform_instrument.telemetry.delivery import Complaints
from platform_instrument.telemetry.http_exporter import HttpExporter, _seconds
from platform_instrument.telemetry.outcome import accepted
from tests.fuzz.fuzzing import fuzzed, headers, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGES = st.lists(
    st.binary(max_size=20) | st.sampled_from([b"\x0a\x05\x08\x03\x12\x01a", b"\x0a", b"\x08", b"\x12\x7f", b"\xff" * 9, b"\x01", b"\x0b", b"\x80" * 12]),
    max_size=10,
).map(b"".join)  # fmt: skip


@fuzzed(MESSAGES | st.binary(max_size=70_000))
def test_an_answer_says_how_many_were_rejected_or_nothing(answer: bytes) -> None:
    outcome = accepted(answer)
    assert outcome.delivered
    assert 0 <= outcome.rejected < 1 << 63
    assert len(outcome.reason) <= 800


@fuzzed(
    headers(
        "1", "-", ".", "Wed, ", "21 Oct 2015 ", "07:28:00 ", "GMT", "+9999", "99999999999", "10000", "Z", "1" * 5_000, ":", "/"
    ),
    "9" * 400,
    "Fri, 31 Dec 9999 23:59:59 -2359",
)
def test_a_retry_after_is_seconds_or_none(header: str) -> None:
    seconds = _seconds(header)
    assert seconds is None or seconds >= 0


class Answering:
    """A server that answers each request with the bytes that it was told last, and hangs up."""

    def __init__(self) -> None:
        self.answer = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        settings, _ = read({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.listener.getsockname()[1]}"})
        self.exporter = HttpExporter(otlp_settings(settings, "traces")[0])
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection, contextlib.suppress(OSError):
                    while not connection.recv(65_536).endswith(b"body"):
                        pass
                    connection.sendall(self.answer)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65_536):
                        pass


class _Started:
    server: Answering


@pytest.fixture(autouse=True, scope="module")
def _server() -> Iterator[None]:
    _Started.server = Answering()
    yield
    _Started.server.listener.shutdown(socket.SHUT_RDWR)
    _Started.server.listener.close()


HTTP = st.lists(
    st.sampled_from(
        [b"HTTP/1.1 ", b"HTTP/1.0 ", b"HTTP/0.9 ", b"200", b" OK", b"\r\n", b"\r\n\r\n", b"503", b"307", b"100", b"204", b"-1", b"9" * 30, b"999",
         b"Content-Length: ", b"5", b"-7", b"99999999", b"Transfer-Encoding: chunked\r\n", b"f\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"-1\r\n",
         b"Retry-After: ", b"Connection: close\r\n", b"Location: http://elsewhere/\r\n", b": ", b"a" * 70_000, b"a" * 60_000, b"X: y\r\n" * 200, b"\0", b"\n", b" "]
    )
    | st.binary(max_size=20),
    max_size=14,
).map(b"".join)  # fmt: skip
STARTED = st.tuples(
    st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 503 x\r\n", b"HTTP/1.1 400 \x1b[31m\r\n", b""]), HTTP
).map(b"".join)


@fuzzed(STARTED)
def test_whatever_is_answered_comes_to_an_outcome_in_time(answer: bytes) -> None:
    server = _Started.server
    server.answer = answer
    began = time.monotonic()
    outcome = server.exporter.send(b"body", began + 5, encoding="none")
    server.exporter.close()
    assert not outcome.interrupted
    assert outcome.delivered or outcome.reason
    assert len(outcome.reason) <= 200, outcome.reason
    assert outcome.retry_after is None or outcome.retry_after >= 0


@fuzzed(texts("it answers 503", "\x9b31m", "\x07"))
def test_what_a_collector_says_is_one_printable_line(reason: str) -> None:
    kept = io.StringIO()
    with pytest.MonkeyPatch.context() as patched:
        for stream in ("sys.stderr", "sys.__stderr__"):
            patched.setattr(stream, kept)
        forget()
        Complaints().say("spans", "http://collector:4318/v1/traces", reason)
    said = [kept.getvalue()]
    (line,) = said
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert len(line) <= 1_100
