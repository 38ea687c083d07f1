"""An OTLP collector inside a test: a real HTTP server on a loopback port that keeps what it is sent.

    with Collector() as collector:
        run([...], env=collector.environment())
        (span,) = collector.wait_for(1)
        assert span.attributes["http.route"] == "/orders/{id}"

It can be told to fail in the ways collectors do: `fail`, `slow`, `hang`, `drip`, `garble`, `flood`, `hang_up`, `reject`,
`redirect`, `refuse`; it is well again after `recover`.
"""

from __future__ import annotations

import gzip
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platform_instrument.testing import received, received_logs
from platform_instrument.testing.otlp_server import Answer, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

_SIGNALS = {"/v1/traces": "traces", "/v1/metrics": "metrics", "/v1/logs": "logs"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: header names in lower case, `body` decompressed, `size` in bytes on the wire."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    size: int
    compressed: bool
    accepted: bool
    """False where it was answered with a fault; its records are not counted as received then."""
    at: float
    """When it came, in seconds on the clock of `time.monotonic`."""


class Collector:
    """Receives OTLP over HTTP; a context manager. `certificate` and `key` (PEM files) make it speak TLS.

    `client_authority` is a PEM file of the authority whose client certificates it demands.
    """

    def __init__(
        self, *, port: int = 0, certificate: str | None = None, key: str | None = None, client_authority: str | None = None
    ) -> None:
        self._changed = threading.Condition()
        self._spans: list[received.Span] = []
        self._points: list[received.Point] = []
        self._logs: list[received_logs.Log] = []
        self._requests: list[Request] = []
        self._answer = Answer()
        self._left: int | None = None
        self.problems: list[str] = []
        """What could not be parsed; `wait_for` fails as soon as there is one."""
        self._context = _tls(certificate, key, client_authority) if certificate else None
        self._server = Server(self._receive, self._context, port)

    # --- where it is ----------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port it listens on, of the loopback interface."""
        return self._server.port

    @property
    def url(self) -> str:
        """Its base URL, what `OTEL_EXPORTER_OTLP_ENDPOINT` takes."""
        return f"{'https' if self._context else 'http'}://localhost:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return the variables that make a process export to it, quickly."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_BLRP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        }

    # --- what it got ----------------------------------------------------------------------------------------------

    @property
    def spans(self) -> tuple[received.Span, ...]:
        """All spans so far, in the order they came."""
        with self._changed:
            return tuple(self._spans)

    @property
    def metrics(self) -> tuple[received.Point, ...]:
        """All data points so far, in the order they came: a cumulative series comes again with each export."""
        with self._changed:
            return tuple(self._points)

    @property
    def logs(self) -> tuple[received_logs.Log, ...]:
        """All records of logs so far, in the order they came."""
        with self._changed:
            return tuple(self._logs)

    @property
    def resources(self) -> tuple[Mapping[str, Any], ...]:
        """Each resource that sent something, once, in the order they came: one a process."""
        seen: list[Mapping[str, Any]] = []
        for resource in [each.resource for each in self.spans + self.metrics + self.logs]:
            if resource not in seen:
                seen.append(resource)
        return tuple(seen)

    @property
    def requests(self) -> tuple[Request, ...]:
        """All requests so far, those it answered with a fault too."""
        with self._changed:
            return tuple(self._requests)

    @property
    def connections(self) -> int:
        """How many connections were opened to it."""
        return self._server.connections

    def latest(self, name: str, attributes: Mapping[str, Any] | None = None) -> tuple[received.Point, ...]:
        """Return the last point of each series of an instrument, one a process and attribute set, that carry `attributes`."""
        last: dict[tuple[Any, ...], received.Point] = {}
        for point in self.metrics:
            if point.name == name and (attributes or {}).items() <= point.attributes.items():
                process = (point.resource.get("service.instance.id"), point.resource.get("process.pid"))
                last[process, tuple(sorted(point.attributes.items()))] = point
        return tuple(last.values())

    def wait_for(
        self, wanted: int | Callable[[tuple[received.Span, ...]], Any], seconds: float = 10
    ) -> tuple[received.Span, ...]:
        """Return all spans once there are `wanted`, or once `wanted(spans)` is true; `AssertionError` after `seconds`."""
        enough = (lambda spans: len(spans) >= wanted) if isinstance(wanted, int) else wanted
        self._wait(lambda: enough(tuple(self._spans)), seconds, "the spans wanted did not come")
        return self.spans

    def wait_for_logs(self, count: int, seconds: float = 10) -> tuple[received_logs.Log, ...]:
        """Return all records of logs once there are `count`."""
        self._wait(lambda: len(self._logs) >= count, seconds, f"fewer than {count} records of logs")
        return self.logs

    def wait_for_histogram(
        self, name: str, *, attributes: Mapping[str, Any] | None = None, count: int = 1, seconds: float = 10
    ) -> received.Point:
        """Return the latest point of a histogram series that carries `attributes`, once all such series count `count`."""

        def counted() -> bool:
            return sum(point.count for point in self.latest(name, attributes)) >= count

        self._wait(counted, seconds, f"no histogram {name} with {dict(attributes or {})} that counts {count}")
        return max(self.latest(name, attributes), key=lambda point: point.count)

    def wait_for_metric(self, name: str, *, attributes: Mapping[str, Any] | None = None, seconds: float = 10) -> received.Point:
        """Return the latest point of any instrument of this name that carries `attributes`."""
        self._wait(lambda: bool(self.latest(name, attributes)), seconds, f"no metric {name} with {dict(attributes or {})}")
        return self.latest(name, attributes)[-1]

    def wait_for_requests(self, count: int, seconds: float = 10) -> tuple[Request, ...]:
        """Return all requests once there are `count`, those answered with a fault too."""
        self._wait(lambda: len(self._requests) >= count, seconds, f"fewer than {count} requests")
        return self.requests

    def clear(self) -> None:
        """Forget what was received so far."""
        with self._changed:
            self._spans.clear()
            self._points.clear()
            self._logs.clear()
            self._requests.clear()

    # --- how it behaves -------------------------------------------------------------------------------------------

    def fail(self, status: int = 503, *, retry_after: str | None = None, times: int | None = None) -> None:
        """Answer with a status; like all of these, for so many requests, or until `recover`."""
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        self._behave(Answer(status=status, headers=headers), times)

    def redirect(self, location: str, *, status: int = 302, times: int | None = None) -> None:
        """Point elsewhere."""
        self._behave(Answer(status=status, headers={"Location": location}), times)

    def slow(self, seconds: float, times: int | None = None) -> None:
        """Take the records and answer well, but late."""
        self._behave(Answer(pause=seconds), times)

    def hang(self, times: int | None = None) -> None:
        """Take the request and never answer."""
        self._behave(Answer(manner="hang"), times)

    def drip(self, *, seconds: float = 0.2, times: int | None = None) -> None:
        """Answer one byte at a time, without an end."""
        self._behave(Answer(manner="drip", pause=seconds), times)

    def garble(self, times: int | None = None) -> None:
        """Answer with bytes that are not HTTP."""
        self._behave(Answer(manner="garble"), times)

    def flood(self, times: int | None = None) -> None:
        """Answer 200 with a body that does not end."""
        self._behave(Answer(manner="flood"), times)

    def hang_up(self, times: int | None = None) -> None:
        """Close the connection without an answer."""
        self._behave(Answer(manner="hang up"), times)

    def reject(self, count: int, message: str = "", *, times: int | None = None) -> None:
        """Answer that so many records of each request were not accepted (OTLP partial success)."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

        answer = ExportTraceServiceResponse()
        answer.partial_success.rejected_spans = count
        answer.partial_success.error_message = message
        self._behave(Answer(body=answer.SerializeToString(), fault=False), times)

    def refuse(self) -> None:
        """Listen no more: connections are refused, open ones are closed."""
        self._server.close()

    def recover(self) -> None:
        """Be well again: listen on the same port and answer as a collector should."""
        self._behave(Answer(), None)
        if not self._server.listening:
            self._server = Server(self._receive, self._context, self.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()

    def _behave(self, answer: Answer, times: int | None) -> None:
        with self._changed:
            self._answer, self._left = answer, times

    def _receive(self, path: str, headers: Mapping[str, str], wire: bytes) -> Answer:
        """Keep a request; return how it is to be answered."""
        compressed = headers.get("content-encoding") == "gzip"
        with self._changed:
            answer = self._answer
            if self._left is not None:
                self._left -= 1
                if self._left <= 0:
                    self._answer, self._left = Answer(), None
            try:
                body = gzip.decompress(wire) if compressed else wire
                self._requests.append(Request(path, headers, body, len(wire), compressed, not answer.fault, time.monotonic()))
                if not answer.fault:
                    self._keep(_SIGNALS.get(path, ""), body)
            except (ValueError, OSError, EOFError) as error:
                self.problems.append(f"{path}: {error}")
                answer = Answer(status=400)
            except Exception as error:  # noqa: BLE001 - protobuf's DecodeError, whose module differs by version
                self.problems.append(f"{path}: {error!r}")
                answer = Answer(status=400)
            self._changed.notify_all()
        return answer

    def _keep(self, signal: str, body: bytes) -> None:
        if signal == "traces":
            self._spans += received.spans(body)
        elif signal == "metrics":
            self._points += received.points(body)
        elif signal == "logs":
            self._logs += received_logs.logs(body)

    def _wait(self, enough: Callable[[], Any], seconds: float, failure: str) -> None:
        deadline = time.monotonic() + seconds
        with self._changed:
            while not enough():
                if self.problems:
                    message = f"malformed OTLP: {self.problems}"
                    raise AssertionError(message)
                left = deadline - time.monotonic()
                if left <= 0:
                    names = [span.name for span in self._spans]
                    series = sorted({point.name for point in self._points})
                    message = f"{failure} within {seconds} s; spans: {names}; metrics: {series}; requests: {len(self._requests)}"
                    raise AssertionError(message)
                self._changed.wait(left)


def _tls(certificate: str, key: str | None, client_authority: str | None) -> ssl.SSLContext:
    """Return the server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if client_authority:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_authority)
    return context
