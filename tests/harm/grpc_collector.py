"""A collector of OTLP over gRPC for situations: well, or failing in one of the ways in which collectors do."""

from __future__ import annotations

import time
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc

from platform_instrument.testing import received
from tests.processes import free_port

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

SERVICES = {"traces": "trace.v1.TraceService", "metrics": "metrics.v1.MetricsService", "logs": "logs.v1.LogsService"}


class GrpcCollector:
    """Listens while it is entered, and between `start` and `stop`; `code` is what it answers, `seconds` how late."""

    def __init__(self) -> None:
        self.port = free_port()
        self.code: grpc.StatusCode | None = None
        self.seconds = 0.0
        self.calls = dict.fromkeys(SERVICES, 0)
        self.spans: list[received.Span] = []
        self._server: grpc.Server | None = None

    def environment(self) -> dict[str, str]:
        """Return the variables that make a process export to it."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://localhost:{self.port}", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}

    def start(self) -> None:
        """Listen."""
        server = grpc.server(futures.ThreadPoolExecutor(8), options=(("grpc.so_reuseport", 0),))
        for signal, service in SERVICES.items():
            handler = grpc.unary_unary_rpc_method_handler(self._export(signal))
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(f"opentelemetry.proto.collector.{service}", {"Export": handler}),)
            )
        assert server.add_insecure_port(f"localhost:{self.port}")
        server.start()
        self._server = server

    def stop(self) -> None:
        """Listen no more, and end the connections."""
        server, self._server = self._server, None
        if server is not None:
            server.stop(None).wait(5)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _export(self, signal: str) -> Any:
        def export(body: bytes, context: grpc.ServicerContext) -> bytes:
            self.calls[signal] += 1
            until = time.monotonic() + self.seconds
            while time.monotonic() < until and context.is_active():
                time.sleep(0.05)
            if self.code is not None:
                context.abort(self.code, "no")
            if signal == "traces":
                self.spans += received.spans(body)
            return b""

        return export
