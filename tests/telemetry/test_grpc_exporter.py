"""OTLP over gRPC against a real server."""

from __future__ import annotations

import sys
import time
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from platform_instrument.config.otlp import otlp_settings
from platform_instrument.config.read import read
from platform_instrument.telemetry.grpc_exporter import ExporterUnavailable, GrpcExporter
from platform_instrument.telemetry.outcome import Outcome
from platform_instrument.testing import received
from tests.processes import free_port
from tests.telemetry import certificates
from tests.telemetry.test_otlp import ended
from tests.telemetry.test_pipeline import program

if TYPE_CHECKING:
    from collections.abc import Iterator

from platform_instrument.telemetry.otlp import SpanEncoder

WELL = Outcome(delivered=True)


class Server:
    """The trace service; `answer` is called with each request and its context."""

    def __init__(self, credentials: grpc.ServerCredentials | None = None) -> None:
        self.bodies: list[bytes] = []
        self.metadata: list[dict[str, Any]] = []
        self.answer: Any = lambda body, context: b""  # noqa: ARG005 - as gRPC calls it
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        for service in ("trace.v1.TraceService", "metrics.v1.MetricsService"):
            export = grpc.unary_unary_rpc_method_handler(self._export if "trace" in service else lambda *_: b"")
            name = f"opentelemetry.proto.collector.{service}"
            self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"Export": export}),))
        add = self.server.add_insecure_port if credentials is None else self.server.add_secure_port
        self.port = add("localhost:0", *(() if credentials is None else (credentials,)))
        self.server.start()

    def _export(self, body: bytes, context: grpc.ServicerContext) -> bytes:
        self.metadata.append(dict(context.invocation_metadata()))
        answer: bytes = self.answer(body, context)
        self.bodies.append(body)
        return answer

    @property
    def spans(self) -> list[received.Span]:
        return [span for body in self.bodies for span in received.spans(body)]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.stop(None).wait(5)


def exporter_for(endpoint: str, **variables: str) -> GrpcExporter:
    settings, _ = read({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **variables})
    return GrpcExporter(otlp_settings(settings, "traces")[0])


def send(exporter: GrpcExporter, body: bytes = b"", seconds: float = 5) -> Outcome:
    outcome = exporter.send(body, time.monotonic() + seconds, encoding="none")
    exporter.close()
    return outcome


def test_spans_arrive_with_their_headers(server: Server) -> None:
    exporter = exporter_for(f"http://localhost:{server.port}", OTEL_EXPORTER_OTLP_HEADERS="api-key=a%20b")
    assert send(exporter, SpanEncoder({"service.name": "shop"}).encode([ended("work")])) == WELL
    assert [(span.name, span.resource["service.name"]) for span in server.spans] == [("work", "shop")]
    assert server.metadata[0]["api-key"] == "a b"
    assert server.metadata[0]["user-agent"].startswith("platform-instrument/")


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("UNAVAILABLE", True),
        ("DEADLINE_EXCEEDED", True),
        ("CANCELLED", True),
        ("ABORTED", True),
        ("OUT_OF_RANGE", True),
        ("DATA_LOSS", True),
        ("RESOURCE_EXHAUSTED", False),
        ("INVALID_ARGUMENT", False),
        ("UNAUTHENTICATED", False),
        ("UNIMPLEMENTED", False),
    ],
)
def test_a_code_is_retryable_as_the_specification_says(server: Server, code: str, retryable: bool) -> None:  # noqa: FBT001
    server.answer = lambda _body, context: context.abort(getattr(grpc.StatusCode, code), "no")
    outcome = send(exporter_for(f"http://localhost:{server.port}"))
    assert (outcome.delivered, outcome.retryable) == (False, retryable)
    assert code in outcome.reason


def test_a_retry_delay_is_obeyed_and_makes_an_exhausted_collector_retryable(server: Server) -> None:
    from google.protobuf.any_pb2 import Any as AnyMessage
    from google.protobuf.duration_pb2 import Duration
    from google.rpc.error_details_pb2 import RetryInfo
    from google.rpc.status_pb2 import Status

    detail = AnyMessage()
    detail.Pack(RetryInfo(retry_delay=Duration(seconds=7, nanos=500_000_000)))
    details = Status(code=8, message="later", details=[detail]).SerializeToString()

    def refuse(_body: bytes, context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata((("grpc-status-details-bin", details),))
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "later")

    server.answer = refuse
    outcome = send(exporter_for(f"http://localhost:{server.port}"))
    assert (outcome.retryable, outcome.retry_after) == (True, 7.5)


def test_nobody_listens_is_retryable() -> None:
    outcome = send(exporter_for(f"http://localhost:{free_port()}"), seconds=2)
    assert (outcome.delivered, outcome.retryable) == (False, True)


def test_an_attempt_ends_at_the_settings_timeout(server: Server) -> None:
    server.answer = lambda _body, _context: time.sleep(2) or b""
    start = time.monotonic()
    outcome = send(exporter_for(f"http://localhost:{server.port}", OTEL_EXPORTER_OTLP_TIMEOUT="300"))
    assert time.monotonic() - start < 1.5
    assert (outcome.retryable, outcome.reason.partition(":")[0]) == (True, "DEADLINE_EXCEEDED")


def test_an_answer_that_is_not_waited_for_is_taken_up_again(server: Server) -> None:
    server.answer = lambda _body, _context: time.sleep(0.3) or b""
    settings, _ = read({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://localhost:{server.port}"})
    exporter = GrpcExporter(otlp_settings(settings, "traces")[0], lambda: True)
    body = b""
    outcomes = [exporter.send(body, time.monotonic() + 5, encoding="none")]
    while outcomes[-1].interrupted:
        outcomes.append(exporter.send(body, time.monotonic() + 5, encoding="none"))
    exporter.close()
    assert outcomes[-1] == WELL
    assert len(outcomes) > 2
    assert len(server.bodies) == 1


def test_tls_and_client_certificates(tmp_path_factory: pytest.TempPathFactory) -> None:
    pem = certificates.make(tmp_path_factory.mktemp("certificates"))
    files = [Path(path).read_bytes() for path in (pem.server_key, pem.server, pem.authority)]
    made = Server(grpc.ssl_server_credentials([(files[0], files[1])], files[2], require_client_auth=True))
    trusted = {"OTEL_EXPORTER_OTLP_CERTIFICATE": pem.authority}
    endpoint = f"https://localhost:{made.port}"
    assert not send(exporter_for(endpoint, **trusted), seconds=2).delivered
    variables = {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": pem.client, "OTEL_EXPORTER_OTLP_CLIENT_KEY": pem.client_key}
    assert send(exporter_for(endpoint, **trusted, **variables)) == WELL
    made.server.stop(None).wait(5)


def test_without_the_extra_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(ExporterUnavailable, match=r"needs the extra \[grpc\]: pip install 'platform-instrument\[grpc\]'"):
        exporter_for("http://localhost:4317")


class Endpoint:
    """What makes a process export to a port over gRPC."""

    def __init__(self, port: int) -> None:
        self.port = port

    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://localhost:{self.port}", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_BSP_SCHEDULE_DELAY": "100"}  # fmt: skip


def test_a_process_says_one_line_where_nobody_listens() -> None:
    found, ended = program(Endpoint(free_port()), "spans", "5", "0.5")
    assert found["status"]["dropped"] == {"spans": {"process_ended": 5}}
    assert ended.stderr.count("\n") == 1, ended.stderr


@pytest.mark.parametrize("scenario", ["spans", "fork"])
def test_a_process_and_its_children_deliver_over_grpc(server: Server, scenario: str) -> None:
    program(Endpoint(server.port), scenario, "5", "1")
    names = sorted(span.name for span in server.spans)
    if scenario == "spans":
        assert names == [f"span {number}" for number in range(5)]
    else:
        assert names == sorted(["parent", "parent again", *(f"child {child} 0" for child in range(5))])
