"""Encoders and exporters of this process, made from the settings by the worker.

Made anew in a fork child, whose resource has another `service.instance.id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.config.otlp import otlp_settings
from platform_instrument.config.problem import without_credentials
from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.telemetry import losses
from platform_instrument.telemetry.delivery import Complaints, Delivery, Exporter
from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.otlp import SpanEncoder
from platform_instrument.telemetry.resource import resource_attributes

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.config.otlp import OtlpSettings
    from platform_instrument.config.schema import Settings
    from platform_instrument.telemetry.console import Traces
    from platform_instrument.telemetry.logs.outlet import LogOutlet
    from platform_instrument.telemetry.metrics.registry import Metrics
    from platform_instrument.telemetry.pipeline import Pipeline
    from platform_instrument.telemetry.span import Span


class Outlets:
    """Where spans, metrics and logs of this process go."""

    def __init__(self, settings: Settings, hurried: Callable[[], bool] = bool) -> None:
        self.resource = resource_attributes(settings)
        self._span_encoder = SpanEncoder(self.resource)
        self._metric_encoder = MetricEncoder(self.resource, settings.exporter_otlp_metrics_temporality_preference)
        said = Complaints()
        self.spans = _delivery(settings, "traces", said, hurried) if "otlp" in settings.traces_exporter else None
        self.metrics = _delivery(settings, "metrics", said, hurried) if "otlp" in settings.metrics_exporter else None
        self._console: Traces | None = None
        self._metric_console = "console" in settings.metrics_exporter
        if self._metric_console or "console" in settings.traces_exporter:
            from platform_instrument.telemetry.console import Traces  # now, while a fork waits for our imports

            if "console" in settings.traces_exporter:
                self._console = Traces(str(self.resource.get("service.name", "")))
        self.logs: LogOutlet | None = None
        if settings.logs_exporter != ("none",):
            from platform_instrument.telemetry.logs.outlet import LogOutlet  # as above

            delivery = _delivery(settings, "logs", said, hurried) if "otlp" in settings.logs_exporter else None
            self.logs = LogOutlet(self.resource, delivery, console="console" in settings.logs_exporter)
        self.own_traces = True
        """False where the application's own tracer provider exports the spans."""

    def report(self, pipeline: Pipeline) -> None:
        """Have metrics say what becomes of telemetry itself, where there is a way out to tell of."""
        if self.deliveries():
            from platform_instrument.telemetry.self_metrics import begin

            begin(pipeline)

    def put_spans(self, spans: list[Span]) -> None:
        """Encode a batch, masked, and queue it for delivery."""
        if self.spans is not None and self.own_traces:
            body = guard("encode spans", self._span_encoder.encode, spans)
            if body is not None:
                self.spans.put(body, len(spans))
            else:
                self._put_one_by_one(self.spans, spans)
        if self._console is not None:
            guard("print spans", self._console.put, spans)

    def _put_one_by_one(self, delivery: Delivery, spans: list[Span]) -> None:
        """Queue what can be encoded of a batch with a span in it that cannot, which alone is lost."""
        encode = self._span_encoder.encode
        bodies = [body for span in spans if (body := guard("encode a span", encode, (span,))) is not None]
        if len(bodies) < len(spans):
            delivery.count_loss(len(spans) - len(bodies), losses.NOT_ENCODED, "a fault of ours in encoding them")
        if bodies:
            delivery.put(b"".join(bodies), len(bodies))  # messages of protobuf merge by concatenation

    def put_metrics(self, metrics: Metrics) -> None:
        """Encode the state of every series and queue it for delivery."""
        if self.metrics is not None:
            body = self._metric_encoder.encode(metrics)
            if body:
                self.metrics.put(body, self._metric_encoder.points)
        if self._metric_console:
            from platform_instrument.telemetry.console import print_metrics

            print_metrics(metrics)

    def count_loss(self, count: int, reason: str) -> None:
        """Count spans that were lost before they could be encoded."""
        if self.spans is not None:
            self.spans.count_loss(count, losses.QUEUE_FULL, reason)

    def work(self) -> list[float | None]:
        """Send what is due; return the seconds until the next attempts."""
        if self._console is not None:
            guard("print spans", self._console.work)
        return [delivery.work() for delivery in self.deliveries()]

    def behind(self) -> bool:
        """Say whether more waits than is sent in good time."""
        return any(delivery.behind for delivery in self.deliveries())

    def finish(self, metrics: Metrics, deadline: float, *, last: bool) -> bool:
        """Send what waits, before the deadline; say whether it was delivered. Metrics come last: they tell of the rest."""
        if self._console is not None:
            guard("print spans", self._console.finish)
        others = [delivery for delivery in self.deliveries() if delivery is not self.metrics]
        finished = [delivery.finish(deadline, last=last) for delivery in others]
        guard("encode metrics", self.put_metrics, metrics)
        if self.metrics is not None:
            finished.append(self.metrics.finish(deadline, last=last))
        return all(finished)

    def close(self) -> None:
        """Close all connections; what waits goes over others."""
        for delivery in self.deliveries():
            delivery.close()

    def before_fork(self) -> None:
        """Close connections that a fork would break."""
        for delivery in self.deliveries():
            delivery.before_fork()

    def abandon(self) -> None:
        """Drop connections inherited from the parent process."""
        for delivery in self.deliveries():
            delivery.abandon()

    def deliveries(self) -> tuple[Delivery, ...]:
        """Return the ways out that are in use."""
        logs = self.logs.delivery if self.logs is not None else None
        return tuple(delivery for delivery in (self.spans, logs, self.metrics) if delivery is not None)


def _delivery(settings: Settings, signal: str, said: Complaints, hurried: Callable[[], bool]) -> Delivery | None:
    """Return the OTLP delivery of a signal, None where it cannot be had, which is said."""
    otlp, problems = otlp_settings(settings, signal)
    for problem in problems:
        say(str(problem), place=f"setting {problem.variable}")
    exporter = _exporter(otlp, hurried)
    if exporter is None:
        return None
    shown = without_credentials(otlp.endpoint)
    if signal == "metrics":
        latest_only = settings.exporter_otlp_metrics_temporality_preference == "cumulative"
        return Delivery(exporter, shown, "metrics", said, timeout=settings.metric_export_timeout, latest_only=latest_only)
    if signal == "logs":
        return Delivery(exporter, shown, "logs", said, timeout=settings.blrp_export_timeout)
    return Delivery(exporter, shown, "spans", said, timeout=settings.bsp_export_timeout)


def _exporter(otlp: OtlpSettings, hurried: Callable[[], bool]) -> Exporter | None:
    """Return the exporter for the protocol."""
    if otlp.protocol != "grpc":
        from platform_instrument.telemetry.http_exporter import HttpExporter

        return HttpExporter(otlp, hurried)
    from platform_instrument.telemetry.grpc_exporter import ExporterUnavailable, GrpcExporter

    try:
        return GrpcExporter(otlp, hurried)
    except ExporterUnavailable as reason:
        say(str(reason), place="grpc exporter")
        return None
