"""OTLP over gRPC: the same bytes, sent on a channel of `grpc`, which the extra `[grpc]` brings; loaded in the worker only.

No protobuf message is built: the serializers pass our bytes through.
Source: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
"""

from __future__ import annotations

from threading import main_thread
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from platform_instrument import __version__
from platform_instrument.telemetry.outcome import Outcome, accepted, fields, fit_to_be_said, readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.config.otlp import OtlpSettings

_METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_RETRYABLE = frozenset(("CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"))
_LOOK_UP = 0.02
"""Seconds between two looks at whether somebody is in a hurry."""
_ONLY_WHEN_TOLD = "RESOURCE_EXHAUSTED"


class ExporterUnavailable(Exception):  # noqa: N818 - a state of the installation, not a fault
    """What gRPC needs is not installed; the message says what to do."""


class GrpcExporter:
    """Calls `Export` of one collector."""

    __slots__ = ("_asked", "_call", "_channel", "_future", "_grpc", "_hurried", "_metadata", "_otlp", "encoding")

    survives_fork = False
    protocol = "otlp_grpc"

    def __init__(self, otlp: OtlpSettings, hurried: Callable[[], bool] = bool) -> None:
        try:
            import grpc
        except ImportError as error:
            message = (
                "OTLP over gRPC needs the extra [grpc]: pip install 'platform-instrument[grpc]', or set "
                "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf with the endpoint's port 4318"
            )
            raise ExporterUnavailable(message) from error
        self._grpc: Any = grpc
        self._otlp = otlp
        self._hurried = hurried
        self._metadata = tuple(otlp.headers.items())
        self._channel: Any = None
        self._call: Any = None
        self._asked: bytes | None = None
        """The body that was sent and whose answer was not waited for."""
        self._future: Any = None
        self.encoding = "none"
        """Bodies come unpacked: gRPC packs its messages itself."""

    def send(self, body: bytes, deadline: float, *, encoding: str) -> Outcome:  # noqa: ARG002 - the exporter's protocol
        """Make one attempt."""
        grpc = self._grpc
        try:
            if self._call is None:
                self._open()
            if self._asked is not body:
                left = max(min(deadline - monotonic(), self._otlp.timeout), 0.001)
                if not main_thread().is_alive():  # the interpreter ends: gRPC cannot start the thread behind a future
                    return self._accepted(self._call(body, timeout=left, metadata=self._metadata))
                self._future = self._call.future(body, timeout=left, metadata=self._metadata)
                self._asked = body
            return self._answer(deadline)
        except grpc.RpcError as error:
            return fit_to_be_said(self._failure(error), self._otlp.headers)
        except OSError as error:  # a certificate that cannot be read
            return Outcome(delivered=False, retryable=True, reason=error.strerror or type(error).__name__)
        except ValueError as error:  # metadata that gRPC does not take; its value is not said
            return Outcome(delivered=False, reason=f"the request cannot be written ({type(error).__name__})")

    def close(self) -> None:
        """Close the channel and the threads under it."""
        channel, self._channel, self._call = self._channel, None, None
        self._asked = self._future = None
        if channel is not None:
            channel.close()

    def abandon(self) -> None:
        """Let go of an inherited channel: its threads did not come along, and closing it could wait for them."""
        self._channel = self._call = self._asked = self._future = None

    def _open(self) -> None:
        grpc, otlp = self._grpc, self._otlp
        compression = grpc.Compression.Gzip if otlp.compression == "gzip" else grpc.Compression.NoCompression
        options = (("grpc.primary_user_agent", f"platform-instrument/{__version__}"),)
        target = urlsplit(otlp.endpoint).netloc
        if otlp.insecure:
            self._channel = grpc.insecure_channel(target, options=options, compression=compression)
        else:
            authorities, key, chain = _pem(otlp.certificate), _pem(otlp.client_key), _pem(otlp.client_certificate)
            if chain and not key:
                key = chain  # one file may hold both
            credentials = grpc.ssl_channel_credentials(authorities, key, chain)
            self._channel = grpc.secure_channel(target, credentials, options=options, compression=compression)
        self._call = self._channel.unary_unary(_METHODS[otlp.signal])  # without serializers bytes go through as they are

    def _answer(self, deadline: float) -> Outcome:
        """Wait for the answer, or until somebody is in a hurry."""
        while True:
            try:
                answer = self._future.result(timeout=_LOOK_UP)
            except self._grpc.FutureTimeoutError:
                if self._hurried() or monotonic() > deadline:
                    return Outcome(delivered=False, retryable=True, interrupted=True)
            except self._grpc.FutureCancelledError:
                self._asked = None
                return Outcome(delivered=False, retryable=True, reason="the call was cancelled")
            except self._grpc.RpcError:
                self._asked = None
                raise
            else:
                self._asked = None
                return self._accepted(answer)

    def _accepted(self, answer: bytes) -> Outcome:
        return fit_to_be_said(accepted(answer), self._otlp.headers)

    @staticmethod
    def _failure(error: Any) -> Outcome:  # noqa: ANN401 - grpc's error is a call too
        code, details = error.code().name, readable((error.details() or "").encode("utf-8", "replace"))
        retry_after = _retry_delay(error)
        retryable = code in _RETRYABLE or (code == _ONLY_WHEN_TOLD and retry_after is not None)
        return Outcome(delivered=False, retryable=retryable, reason=f"{code}: {details}".rstrip(": "), retry_after=retry_after)


def _pem(path: str | None) -> bytes | None:
    """Return the content of a PEM file."""
    if path is None:
        return None
    with open(path, "rb") as file:  # noqa: PTH123 - the settings hold paths as text
        return file.read()


def _retry_delay(error: Any) -> float | None:  # noqa: ANN401 - as above
    """Return the seconds of a `RetryInfo` in the status details, None where there is none. Source: google/rpc/status.proto."""
    details = next((value for key, value in error.trailing_metadata() or () if key == "grpc-status-details-bin"), b"")
    try:
        for number, detail in fields(details):
            if number != 3 or not isinstance(detail, bytes):  # noqa: PLR2004 - `details`
                continue
            packed = dict(fields(detail))
            kind, value = packed.get(1), packed.get(2, b"")
            if isinstance(kind, bytes) and kind.endswith(b"google.rpc.RetryInfo") and isinstance(value, bytes):
                delay = dict(fields(value)).get(1, b"")
                parts = dict(fields(delay)) if isinstance(delay, bytes) else {}
                seconds, nanos = parts.get(1, 0), parts.get(2, 0)
                return (seconds if isinstance(seconds, int) else 0) + (nanos if isinstance(nanos, int) else 0) / 1e9
    except (ValueError, IndexError):
        return None
    return None
