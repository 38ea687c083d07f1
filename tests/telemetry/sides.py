"""The OpenTelemetry API on the real SDK and on ours, in this process: what each of them exports, read from OTLP."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from platform_instrument.config.read import read
from platform_instrument.engine import apply, imports
from platform_instrument.instrumentations.opentelemetry import INSTRUMENTATION
from platform_instrument.telemetry import choices, ids, limits, pipeline, processors, propagation, tracer
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.otlp import SpanEncoder
from platform_instrument.testing import received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

QUIET = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}


@contextlib.contextmanager
def ours(environ: Mapping[str, str] | None = None) -> Iterator[pipeline.Pipeline]:
    """Make the API ours as in an instrumented process; ended spans stay in the queue. All of it is undone."""
    settings, problems = read({**QUIET, **(environ or {})})
    assert not problems
    before = (pipeline.PIPELINE, limits.ENDED, tracer.STARTED, processors.PROCESSORS)
    running = pipeline.Pipeline(settings)
    running.worker.awaited = False
    pipeline.PIPELINE, limits.ENDED = running, running.ended
    choices.put_in_force(settings)
    imports.install()
    token = CURRENT.set(None)
    apply.install(INSTRUMENTATION)
    assert type(trace.get_tracer_provider()).__module__ == "platform_instrument.telemetry.api"
    try:
        yield running
    finally:
        apply.uninstall(INSTRUMENTATION.name)
        CURRENT.reset(token)
        pipeline.PIPELINE, limits.ENDED, tracer.STARTED, _ = before
        processors.PROCESSORS._span_processors = ()
        processors.PROCESSORS._owned = ()
        processors.PROCESSORS.resource = None
        ids._put(*ids._OWN, ids.RANDOM)
        propagation.use(propagation.Propagation())
        choices.put_in_force(read(QUIET)[0])


def sent(running: pipeline.Pipeline) -> list[received.Span]:
    """Return what our encoder makes of the spans that wait."""
    return received.spans(SpanEncoder({}).encode(running.queue))


def by_ours(script: Callable[[Any], None], environ: Mapping[str, str] | None = None) -> list[received.Span]:
    """Run a script of the API against our provider, and return what it exports."""
    with ours(environ) as running:
        script(trace.get_tracer_provider())
        return sent(running)


def by_sdk(script: Callable[[Any], None], **bounds: int) -> list[received.Span]:
    """Run a script of the API against the SDK's provider, and return what it exports."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(span_limits=SpanLimits(**bounds), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    script(provider)
    return received.spans(encode_spans(exporter.get_finished_spans()).SerializeToString())


def told(spans: list[received.Span]) -> list[dict[str, Any]]:
    """Return the fields that do not change from run to run, in the order of the names; parents and traces by name."""
    names = {span.span_id: span.name for span in spans}
    roots: dict[str, str] = {}
    for span in sorted(spans, key=lambda each: each.name):
        roots.setdefault(span.trace_id, span.name)
    return [
        {
            "name": span.name,
            "kind": span.kind,
            "trace": roots[span.trace_id],
            "parent": names.get(span.parent_id, span.parent_id),
            "status": (span.status, span.status_description),
            "attributes": {key: _plain(value) for key, value in span.attributes.items()},
            "events": [(event.name, _told(event.attributes), event.dropped_attributes) for event in span.events],
            "links": [(link.trace_id, link.span_id, dict(link.attributes), link.flags & 0x300) for link in span.links],
            "state": span.trace_state,
            "remote": span.flags & 0x300,
            "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
            "scope": (span.scope.name, span.scope.version, span.scope.schema_url, dict(span.scope.attributes)),
        }
        for span in sorted(spans, key=lambda each: each.name)
    ]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


def _told(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the stack, whose frames differ, and the attribute that the conventions have deprecated."""
    return {key: value for key, value in attributes.items() if key not in {"exception.stacktrace", "exception.escaped"}}
