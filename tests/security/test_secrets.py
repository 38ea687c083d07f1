"""What is sent to a collector to be let in is said nowhere: not by a process whose export fails in any way, not by our commands."""

from __future__ import annotations

import socket
import sys
import time
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from platform_instrument.config.otlp import otlp_settings
from platform_instrument.config.read import read
from platform_instrument.telemetry.grpc_exporter import GrpcExporter
from platform_instrument.telemetry.http_exporter import HttpExporter
from platform_instrument.telemetry.outcome import Outcome, fit_to_be_said
from platform_instrument.testing.otlp_server import Answer
from tests.processes import BIN, door, free_port, run
from tests.telemetry import certificates
from tests.telemetry.test_grpc_exporter import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from platform_instrument.testing.collector import Collector

SECRET = "zq7Secret9HeaderValue"
HEADERS = {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{SECRET},api-key={SECRET}"}
USE = (
    "import http.client, logging, sqlite3, sys\n"
    "logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)\n"
    "http.client.HTTPConnection.debuglevel = 1\n"
    "connection = sqlite3.connect(':memory:')\n"
    "for _ in range(5): connection.execute('SELECT 1').fetchall()\n"
    "logging.getLogger('shop').error('said')\n"
)
"""A service that prints whatever can be printed of what goes on in it."""
EXPORTS = {"OTEL_LOGS_EXPORTER": "otlp", "PLATFORM_FLUSH_TIMEOUT": "1", "GRPC_VERBOSITY": "DEBUG"}


def said(env: Mapping[str, str], collector: Collector | None = None) -> str:
    """Return everything that a service printed."""
    argv, variables = door("command", [sys.executable, "-X", "dev", "-c", USE])
    ended = run(argv, env={**variables, **EXPORTS, **env}, collector=collector)
    assert ended.returncode == 0
    return ended.stdout + ended.stderr


FAILURES: dict[str, Callable[[Collector], object]] = {
    "well": lambda _: None,
    "refuses": lambda collector: collector.fail(401),
    "unwell": lambda collector: collector.fail(503),
    "redirects": lambda collector: collector.redirect(f"http://localhost/?key={SECRET}"),
    "garbage": lambda collector: collector.garble(),
    "closed": lambda collector: collector.refuse(),
    "rejects": lambda collector: collector.reject(1, f"no {SECRET} here"),
    "echoes": lambda collector: collector._behave(Answer(status=403, headers={"X-Echo": SECRET}, body=SECRET.encode()), None),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_no_header_is_printed_by_a_service(failure: str, collector: Collector) -> None:
    FAILURES[failure](collector)
    printed = said(HEADERS, collector)
    assert SECRET not in printed
    assert "DEBUG" in printed or "said" in printed
    if failure == "well":
        assert {request.headers["authorization"] for request in collector.requests} == {f"Bearer {SECRET}"}


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("broken", ["key", "certificate", "nothing"])
def test_no_certificate_is_printed_by_a_service(
    protocol: str, broken: str, pem: certificates.Certificates, tmp_path: Path
) -> None:
    key, chain, whole = tmp_path / "client.key", tmp_path / "client.pem", Path(pem.client_key).read_text()
    key.write_text(f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n" if broken == "key" else whole)
    chain.write_text(SECRET if broken == "certificate" else Path(pem.client).read_text())
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://localhost:{free_port()}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_CERTIFICATE": pem.authority,
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(key),
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(chain),
    }
    printed = said(env)
    assert "cannot be delivered" in printed
    assert SECRET not in printed
    assert whole.splitlines()[1][:20] not in printed


WORDS = {
    "config": ["config"],
    "doctor": ["doctor"],
    "json": ["doctor", "--json"],
    "command": ["doctor", "--", sys.executable, "-c", USE],
}
PLACES = {
    "header": HEADERS,
    "header of a signal": {
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": f"api-key={SECRET}",
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS": f"x=y,{SECRET}=1",
    },
    "header that is none": {"OTEL_EXPORTER_OTLP_HEADERS": f"{SECRET}"},
    "password in the endpoint": {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://user:{SECRET}@localhost:9"},
    "query of the endpoint": {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://localhost:9/?key={SECRET}"},
    "endpoint that is none": {"OTEL_EXPORTER_OTLP_ENDPOINT": f"ftp://user:{SECRET}@localhost"},
    "key for masking": {"PLATFORM_MASK_KEY": SECRET},
    "misspelt": {"OTEL_EXPORTER_OTLP_HEADRES": f"api-key={SECRET}"},
}


@pytest.mark.slow
@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("place", PLACES)
def test_our_commands_show_no_secret(words: str, place: str) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:9", **EXPORTS, **PLACES[place]}
    ended = run([BIN / "platform-instrument", *WORDS[words]], env=env, timeout=90)
    assert ended.returncode in {0, 1}
    assert ended.stdout
    assert SECRET not in ended.stdout + ended.stderr


def test_the_configuration_shows_no_secret_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        f"otel:\n  exporter:\n    otlp:\n      headers: {{api-key: {SECRET}}}\n      traces: {{headers: 'x={SECRET}'}}\nplatform: {{mask_key: {SECRET}}}\n"
    )
    ended = run([BIN / "platform-instrument", "config"], env={"PLATFORM_CONFIG_FILE": str(file)})
    assert "***" in ended.stdout
    assert SECRET not in ended.stdout + ended.stderr


# --- what a collector repeats ------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.stop(None).wait(5)


def settings_for(url: str, protocol: str) -> Any:
    settings, _ = read({"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, **HEADERS})
    return otlp_settings(settings, "traces")[0]


ECHO = f"nobody has the key {SECRET}, nor Bearer {SECRET}"


def test_a_reason_does_not_repeat_a_header_over_http(collector: Collector) -> None:
    exporter = HttpExporter(settings_for(collector.url, "http/protobuf"))
    collector.reject(1, ECHO)
    outcome = exporter.send(b"", time.monotonic() + 5, encoding="none")
    exporter.close()
    assert outcome.reason == "nobody has the key ***, nor ***"


def test_a_reason_does_not_repeat_a_header_over_grpc(server: Server) -> None:
    server.answer = lambda _body, context: context.abort(grpc.StatusCode.UNAUTHENTICATED, ECHO)
    exporter = GrpcExporter(settings_for(f"http://localhost:{server.port}", "grpc"))
    outcome = exporter.send(b"", time.monotonic() + 5, encoding="none")
    exporter.close()
    assert outcome.reason == "UNAUTHENTICATED: nobody has the key ***, nor ***"


def test_a_status_line_that_repeats_a_header_is_cut_and_masked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, futures.ThreadPoolExecutor(1) as pool:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(f"HTTP/1.1 403 {SECRET} {'x' * 60_000} {SECRET}\r\nContent-Length: 0\r\n\r\n".encode())

        served = pool.submit(serve)
        exporter = HttpExporter(settings_for(f"http://127.0.0.1:{listener.getsockname()[1]}", "http/protobuf"))
        outcome = exporter.send(b"", time.monotonic() + 5, encoding="none")
        served.result()
        exporter.close()
    assert outcome.reason.startswith("it answers 403 *** xxx")
    assert len(outcome.reason) == 200


@pytest.mark.parametrize("gap", range(170, 205, 5))
def test_half_a_secret_is_not_repeated_either(gap: int) -> None:
    reason = fit_to_be_said(Outcome(delivered=False, reason="x" * gap + SECRET), {"api-key": SECRET}).reason
    assert reason == ("x" * gap + "***")[:200]
