"""OTLP over HTTP against a real collector: what is delivered, what is tried again, and that no attempt outlives its time."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from platform_instrument.config.otlp import OtlpSettings, otlp_settings
from platform_instrument.config.read import read
from platform_instrument.telemetry import connection
from platform_instrument.telemetry.http_exporter import HttpExporter
from platform_instrument.telemetry.outcome import Outcome, accepted
from platform_instrument.testing.collector import Collector
from tests.telemetry import certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WELL = Outcome(delivered=True)


def settings_for(collector: Collector, **variables: str) -> OtlpSettings:
    settings, problems = read({**collector.environment(), **variables})
    otlp, more = otlp_settings(settings, "traces")
    assert not problems + more
    return otlp


@pytest.fixture
def exporter(collector: Collector) -> Iterator[HttpExporter]:
    made = HttpExporter(settings_for(collector))
    yield made
    made.close()


def send(exporter: HttpExporter, seconds: float = 5, body: bytes = b"") -> Outcome:
    return exporter.send(body, time.monotonic() + seconds, encoding="none")


def test_requests_share_one_connection(collector: Collector, exporter: HttpExporter) -> None:
    assert [send(exporter) for _ in range(3)] == [WELL] * 3
    assert (len(collector.requests), collector.connections) == (3, 1)


def test_a_request_says_what_it_is(collector: Collector) -> None:
    otlp = settings_for(collector, OTEL_EXPORTER_OTLP_HEADERS="api-key=a%20b,x-tenant=7")
    exporter = HttpExporter(otlp)
    assert send(exporter) == WELL
    exporter.close()
    (request,) = collector.requests
    assert request.path == "/v1/traces"
    assert dict(request.headers) == {
        "host": f"localhost:{collector.port}",
        "accept-encoding": "identity",
        "content-length": "0",
        "user-agent": request.headers["user-agent"],
        "api-key": "a b",
        "x-tenant": "7",
        "content-type": "application/x-protobuf",
    }
    assert request.headers["user-agent"].startswith("platform-instrument/")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_status_that_may_pass_is_retryable(collector: Collector, exporter: HttpExporter, status: int) -> None:
    collector.fail(status)
    outcome = send(exporter)
    assert (outcome.delivered, outcome.retryable, outcome.retry_after) == (False, True, None)
    assert str(status) in outcome.reason


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 500, 501])
def test_any_other_status_is_final(collector: Collector, exporter: HttpExporter, status: int) -> None:
    collector.fail(status)
    outcome = send(exporter)
    assert (outcome.delivered, outcome.retryable) == (False, False)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("in 100 s", 95, 101),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(
    collector: Collector, exporter: HttpExporter, header: str, least: float, most: float
) -> None:
    if header == "in 100 s":
        header = formatdate(time.time() + 100, usegmt=True)
    collector.fail(503, retry_after=header)
    retry_after = send(exporter).retry_after
    assert retry_after is not None
    assert least <= retry_after <= most


@pytest.mark.parametrize("header", ["soon", "-5", "1.5", "²", "Wed, 99 Foo 2015"])
def test_a_retry_after_that_is_neither_is_ignored(collector: Collector, exporter: HttpExporter, header: str) -> None:
    collector.fail(503, retry_after=header)
    assert send(exporter).retry_after is None


def test_rejected_records_are_told(collector: Collector, exporter: HttpExporter) -> None:
    collector.reject(3, "too old")
    assert send(exporter) == Outcome(delivered=True, reason="too old", rejected=3)


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff",
        b"\x0a\x05\x08",
        b"\x0b",
        b"\x0a\x00",
        b"<html>",
        b"\x08\x01",
        b"\x0a\x0b\x08" + b"\xff" * 9 + b"\x01",
        b"\x80" * 99,
    ],
)
def test_an_answer_that_makes_no_sense_rejects_nothing(answer: bytes) -> None:
    assert accepted(answer) == WELL


def test_a_redirect_is_not_followed(collector: Collector, exporter: HttpExporter) -> None:
    collector.redirect(f"http://localhost:{collector.port}/elsewhere", status=307)
    outcome = send(exporter)
    assert (outcome.delivered, outcome.retryable) == (False, False)
    assert [request.path for request in collector.requests] == ["/v1/traces"]


@pytest.mark.parametrize("manner", ["hang", "drip"])
def test_an_answer_that_does_not_end_is_left_at_the_deadline(collector: Collector, exporter: HttpExporter, manner: str) -> None:
    getattr(collector, manner)()
    start = time.monotonic()
    outcome = send(exporter, 0.5)
    assert 0.4 < time.monotonic() - start < 1.5
    assert outcome == Outcome(delivered=False, retryable=True, reason="it did not answer in time")
    collector.recover()
    assert send(exporter) == WELL


def test_an_attempt_ends_at_the_settings_timeout(collector: Collector) -> None:
    exporter = HttpExporter(settings_for(collector, OTEL_EXPORTER_OTLP_TIMEOUT="300"))
    collector.hang()
    start = time.monotonic()
    assert send(exporter, 20).retryable
    assert time.monotonic() - start < 1.5


def test_garbage_is_not_believed(collector: Collector, exporter: HttpExporter) -> None:
    collector.garble()
    outcome = send(exporter)
    assert (outcome.delivered, outcome.retryable) == (False, True)
    collector.recover()
    assert send(exporter) == WELL


def test_an_answer_without_an_end_is_not_read_to_its_end(collector: Collector, exporter: HttpExporter) -> None:
    collector.flood()
    start = time.monotonic()
    assert send(exporter).delivered
    collector.recover()
    assert send(exporter) == WELL
    assert time.monotonic() - start < 2


def test_a_connection_that_was_closed_while_idle_is_made_anew(collector: Collector, exporter: HttpExporter) -> None:
    assert send(exporter) == WELL
    collector.refuse()
    collector.recover()
    assert send(exporter) == WELL


def test_a_refused_connection_is_retryable_and_comes_back(collector: Collector, exporter: HttpExporter) -> None:
    collector.refuse()
    assert send(exporter) == Outcome(delivered=False, retryable=True, reason="Connection refused")
    collector.recover()
    assert send(exporter) == WELL


@contextlib.contextmanager
def unanswered() -> Iterator[tuple[str, int]]:
    """Return an address that answers no attempt to connect: nobody takes what waits there."""
    with socket.socket() as listening, contextlib.ExitStack() as waiting:
        listening.bind(("127.0.0.2", 0))
        listening.listen(0)
        for _ in range(3):
            caller = waiting.enter_context(socket.socket())
            caller.settimeout(0)
            caller.connect_ex(listening.getsockname())
        yield listening.getsockname()


def test_an_address_that_never_answers_leaves_time_for_the_next(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    with unanswered() as dead:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in (dead, ("127.0.0.1", collector.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: found)
        exporter = HttpExporter(settings_for(collector))
        assert send(exporter, seconds=2) == WELL
        exporter.close()


@pytest.mark.parametrize("manner", ["hang", "drip"])
def test_signals_of_the_application_do_not_put_the_deadline_off(
    collector: Collector, exporter: HttpExporter, manner: str
) -> None:
    getattr(collector, manner)()
    start = time.monotonic()

    def tick(_number: int, _frame: object) -> None:
        assert time.monotonic() - start < 2

    before = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    try:
        outcome = send(exporter, seconds=0.5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert (outcome.delivered, outcome.reason) == (False, "it did not answer in time")


@pytest.mark.parametrize("left", [1.9999995, 0.9999999, 5.0, 0.0000001])
def test_any_time_that_is_left_can_be_kept(left: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "monotonic", lambda: 0.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        timed = connection.TimedSocket(ours, left)
        timed.sendall(b"request")
        worker = threading.Thread(target=timed.flush)  # the main thread keeps the time by other means
        worker.start()
        worker.join()
        theirs.settimeout(1)
        assert theirs.recv(16) == b"request"


def test_a_name_that_nobody_knows_is_retryable(collector: Collector) -> None:
    otlp = settings_for(collector, OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.invalid:4318")
    outcome = send(HttpExporter(otlp))
    assert (outcome.delivered, outcome.retryable) == (False, True)


def test_a_header_that_cannot_be_sent_is_not_said(collector: Collector) -> None:
    otlp = settings_for(collector)
    otlp.headers["api-key"] = "hunter2\r\nInjected: yes"
    outcome = send(HttpExporter(otlp))
    assert (outcome.delivered, outcome.retryable) == (False, False)
    assert "hunter2" not in outcome.reason
    assert collector.requests == ()


def test_an_answer_that_is_not_waited_for_is_taken_up_again() -> None:
    """A fork interrupts the wait; the request must not be sent twice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hurried = threading.Event()
        settings, _ = read({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{listener.getsockname()[1]}"})
        exporter = HttpExporter(otlp_settings(settings, "traces")[0], hurried.is_set)
        hurried.set()
        body = b"x" * 100
        assert send(exporter, 5, body).interrupted
        accepted_connection, _ = listener.accept()
        with accepted_connection:
            assert accepted_connection.recv(65_536).endswith(body)
            assert send(exporter, 5, body).interrupted
            accepted_connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            assert send(exporter, 5, body) == WELL
            accepted_connection.settimeout(0.1)
            with pytest.raises(TimeoutError):
                accepted_connection.recv(1)
        exporter.close()


def test_an_abandoned_answer_is_never_taken_for_that_of_another_body() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings, _ = read({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{listener.getsockname()[1]}"})
        exporter = HttpExporter(otlp_settings(settings, "traces")[0], lambda: True)
        assert send(exporter, 5, b"first").interrupted
        assert send(exporter, 5, b"second").interrupted
        for body in (b"first", b"second"):
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(65_536).endswith(body)
        exporter.close()


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    return certificates.make(tmp_path_factory.mktemp("certificates"))


def test_a_collector_of_a_trusted_authority_is_believed(pem: certificates.Certificates) -> None:
    with Collector(certificate=pem.server, key=pem.server_key) as collector:
        exporter = HttpExporter(settings_for(collector, OTEL_EXPORTER_OTLP_CERTIFICATE=pem.authority))
        assert [send(exporter), send(exporter)] == [WELL, WELL]
        assert collector.connections == 1
        exporter.close()


def test_a_collector_of_a_stranger_is_sent_nothing(pem: certificates.Certificates) -> None:
    with Collector(certificate=pem.server, key=pem.server_key) as collector:
        exporter = HttpExporter(settings_for(collector))
        outcome = send(exporter)
        assert (outcome.delivered, outcome.retryable) == (False, True)
        assert "CERTIFICATE_VERIFY_FAILED" in outcome.reason
        assert collector.requests == ()


def test_the_certificate_must_be_for_the_host(pem: certificates.Certificates) -> None:
    with Collector(certificate=pem.server, key=pem.server_key) as collector:
        endpoint = f"https://127.0.0.2:{collector.port}"
        otlp = settings_for(collector, OTEL_EXPORTER_OTLP_CERTIFICATE=pem.authority, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
        assert not send(HttpExporter(otlp)).delivered
        assert collector.requests == ()


def test_a_client_certificate_is_shown_where_it_is_demanded(pem: certificates.Certificates) -> None:
    with Collector(certificate=pem.server, key=pem.server_key, client_authority=pem.authority) as collector:
        trusted = {"OTEL_EXPORTER_OTLP_CERTIFICATE": pem.authority}
        stranger = HttpExporter(settings_for(collector, **trusted))
        assert not send(stranger).delivered
        stranger.close()
        variables = {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": pem.client, "OTEL_EXPORTER_OTLP_CLIENT_KEY": pem.client_key}
        known = HttpExporter(settings_for(collector, **trusted, **variables))
        assert send(known) == WELL
        known.close()


def test_a_dripping_collector_is_left_at_the_deadline_over_tls_too(pem: certificates.Certificates) -> None:
    with Collector(certificate=pem.server, key=pem.server_key) as collector:
        exporter = HttpExporter(settings_for(collector, OTEL_EXPORTER_OTLP_CERTIFICATE=pem.authority))
        collector.drip(seconds=0.05)
        start = time.monotonic()
        assert send(exporter, 0.5).retryable
        assert time.monotonic() - start < 1.5


def test_a_file_that_is_no_certificate_is_said_and_tried_again(collector: Collector, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("this is no certificate")
    endpoint = f"https://localhost:{collector.port}"
    otlp = settings_for(collector, OTEL_EXPORTER_OTLP_CERTIFICATE=str(broken), OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    outcome = send(HttpExporter(otlp))
    assert (outcome.delivered, outcome.retryable) == (False, True)


# --- proxies ----------------------------------------------------------------------------------------------------------


class Proxy:
    """An HTTP proxy for one connection: answers a plain request itself, opens a tunnel to `port` for CONNECT."""

    def __init__(self, port: int) -> None:
        self.head = b""
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://user:p%40ss@127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client:
            self.head = client.recv(65_536)
            if not self.head.startswith(b"CONNECT"):
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", self._port)) as onward:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=self._pump, args=(onward, client), daemon=True)
                back.start()
                self._pump(client, onward)
                back.join(5)

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return


def test_a_proxy_is_told_the_whole_url(monkeypatch: pytest.MonkeyPatch, collector: Collector) -> None:
    proxy = Proxy(collector.port)
    monkeypatch.setenv("http_proxy", proxy.url)
    exporter = HttpExporter(settings_for(collector, OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.example:4318"))
    assert send(exporter) == WELL
    exporter.close()
    proxy.close()
    assert proxy.head.startswith(b"POST http://collector.example:4318/v1/traces HTTP/1.1\r\n")


def test_tls_goes_through_a_proxy_by_a_tunnel(monkeypatch: pytest.MonkeyPatch, pem: certificates.Certificates) -> None:
    with Collector(certificate=pem.server, key=pem.server_key) as collector:
        proxy = Proxy(collector.port)
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.setattr("platform_instrument.telemetry.connection._LOOPBACK", frozenset())
        exporter = HttpExporter(settings_for(collector, OTEL_EXPORTER_OTLP_CERTIFICATE=pem.authority))
        assert send(exporter) == WELL
        exporter.close()
        proxy.close()
        host = f"localhost:{collector.port}".encode()
        assert proxy.head == b"CONNECT " + host + b" HTTP/1.1\r\nHost: " + host + (
            b"\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n"
        )


def test_no_proxy_and_loopback_go_straight(monkeypatch: pytest.MonkeyPatch, collector: Collector) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    straight = HttpExporter(settings_for(collector))
    assert send(straight) == WELL
    straight.close()
    monkeypatch.setenv("no_proxy", "collector.invalid")
    outcome = send(HttpExporter(settings_for(collector, OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.invalid:4318")))
    assert "refused" not in outcome.reason
