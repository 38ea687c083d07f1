"""Span processors of a third party see our spans as they see the SDK's, masked when they have ended."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from platform_instrument.core.families import DB_CLIENT, SUPPRESSED
from platform_instrument.core.guard import faults
from platform_instrument.core.values import CLIENT, UNSEEN, Operation
from platform_instrument.engine.scope import Plan, enter, leave, settle
from platform_instrument.telemetry import pipeline, processors, tracer
from platform_instrument.telemetry.context import Ambient, Local
from platform_instrument.telemetry.scope import own_scope
from tests.processes import run
from tests.telemetry import sides

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.telemetry.context import Ambient as Parent
    from platform_instrument.telemetry.span import Span
    from platform_instrument.testing.collector import Collector

OPERATION = Operation("SELECT", CLIENT, {"db.system.name": "sqlite"})


@pytest.fixture
def running() -> Iterator[pipeline.Pipeline]:
    with sides.ours() as running:
        yield running


class Recorder(SpanProcessor):
    """Notes what it is handed, sets an attribute at the start."""

    def __init__(self) -> None:
        self.started: list[tuple[str, Any, Any]] = []
        self.ending: list[str] = []
        self.ended: list[ReadableSpan] = []
        self.calls: list[str] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.started.append((span.name, dict(baggage.get_all(parent_context)), trace.get_current_span(parent_context)))
        span.set_attribute("tenant", "eu")

    def _on_ending(self, span: Any) -> None:
        self.ending.append(span.name)

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        self.calls.append(f"flush {timeout_millis > 0}")
        return True

    def shutdown(self) -> None:
        self.calls.append("shutdown")


class Faulty:
    """Raises at every call."""

    def __getattr__(self, name: str) -> Any:
        def broken(*_args: Any, **_options: Any) -> Any:
            raise ValueError(name)

        return broken


def add(processor: Any) -> Any:
    trace.get_tracer_provider().add_span_processor(processor)  # type: ignore[attr-defined]
    return processor


def observed(parent: Span | Parent | None = None, **attributes: Any) -> Span:
    """Make a span as the engine does."""
    span = tracer.start("SELECT", CLIENT, OPERATION, attributes or None, own_scope("sqlite3"), parent, 0)
    span.name = OPERATION.name
    span.end_ns = span.start_ns + 1_000
    settle(span, None)
    return span


def test_a_processor_sees_start_and_end_of_a_span_of_the_api(running: pipeline.Pipeline) -> None:
    recorder = add(Recorder())
    with trace.get_tracer("shop").start_as_current_span("outer", attributes={"a": 1}) as outer:
        token = context.attach(baggage.set_baggage("user", "7"))
        trace.get_tracer("shop").start_span("inner").end()
        context.detach(token)
    assert recorder.started == [("outer", {}, trace.INVALID_SPAN), ("inner", {"user": "7"}, outer)]
    assert recorder.ending == ["inner", "outer"]
    inner, ended = recorder.ended
    assert type(ended) is ReadableSpan
    assert (ended.name, dict(ended.attributes or {})) == ("outer", {"a": 1, "tenant": "eu"})
    assert ended.end_time is not None
    assert inner.parent == ended.context
    assert ended.resource.attributes["telemetry.sdk.language"] == "python"
    assert ended.instrumentation_scope is not None
    assert ended.instrumentation_scope.name == "shop"
    assert [span.name for span in sides.sent(running)] == ["inner", "outer"], "our own export goes on"
    assert sides.sent(running)[1].attributes["tenant"] == "eu"


def test_a_processor_sees_the_spans_of_the_engine_with_the_caller_s_baggage(running: pipeline.Pipeline) -> None:
    recorder = add(Recorder())
    observed(Ambient(1, 2, 1, local=Local(baggage={"user": "7"}), remote=True), rows=3)
    assert recorder.started[0][:2] == ("SELECT", {"user": "7"})
    (span,) = recorder.ended
    assert dict(span.attributes) == {"db.system.name": "sqlite", "rows": 3, "tenant": "eu"}
    assert span.parent.span_id == 2
    assert span.parent.is_remote
    assert len(running.queue) == 1


def test_what_has_ended_is_masked_before_a_processor_sees_it(running: pipeline.Pipeline) -> None:
    recorder = add(Recorder())
    secret = "password=hunter2hunter2"
    state = trace.TraceState([("vendor", "hunter2@example.com")])
    caller = trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(1), trace_state=state))
    span: Any = trace.get_tracer("hunter2@example.com").start_span(
        "work", trace.set_span_in_context(caller), attributes={"a": secret, "of hunter2@example.com": 1}
    )
    span.add_event("event", {"b": secret})
    span.add_link(caller.get_span_context(), {"c": secret})
    span.set_status(trace.StatusCode.ERROR, secret)
    assert span.attributes["a"] == secret
    span.end()
    (ended,) = recorder.ended
    shown = ended.to_json()
    assert "hunter2" not in shown
    assert shown.count("password=") == 4
    assert ended.instrumentation_scope.name == "[email]"
    for shown_context in (ended.context, ended.parent, ended.links[0].context):
        assert dict(shown_context.trace_state) == {"vendor": "[email]"}
    assert span.get_span_context().trace_state == state
    assert len(running.queue) == 1


def test_counts_of_what_was_dropped_are_told(running: pipeline.Pipeline) -> None:
    with sides.ours(
        {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1", "OTEL_SPAN_EVENT_COUNT_LIMIT": "1", "OTEL_SPAN_LINK_COUNT_LIMIT": "1"}
    ):
        recorder = add(Recorder())
        span: Any = trace.get_tracer("shop").start_span("work", attributes={"a": 1, "b": 2})
        for n in range(3):
            span.add_event(f"event {n}", {"x": 1})
            span.add_link(trace.SpanContext(1, 2, is_remote=False))
        span.end()
        (ended,) = recorder.ended
    assert (ended.dropped_attributes, ended.dropped_events, ended.dropped_links) == (2, 2, 2)
    assert running is not None


@pytest.mark.faults
def test_a_faulty_processor_is_contained_and_counted_and_the_others_go_on(running: pipeline.Pipeline) -> None:
    add(Faulty())
    recorder = add(Recorder())
    with trace.get_tracer("shop").start_as_current_span("work"):
        observed()
    assert [span.name for span in recorder.ended] == ["SELECT", "work"]
    (fault,) = (fault for fault in faults() if fault.place == "span processor Faulty")
    assert fault.count == 6
    assert len(running.queue) == 2


def test_spans_that_are_not_recorded_are_not_told(running: pipeline.Pipeline) -> None:
    recorder = add(Recorder())
    observed(Ambient(1, 2, 0, remote=True))
    tracer.start("GET /health", CLIENT, None, None, own_scope("http"), None, SUPPRESSED)
    running.born = time.perf_counter_ns() + 10**12
    observed()
    assert not recorder.ended
    assert len(recorder.started) == 1


def test_a_call_that_leaves_no_span_is_not_told(running: pipeline.Pipeline) -> None:
    recorder = add(Recorder())
    plan = Plan("shop", lambda _: (OPERATION, UNSEEN), None, None, None, DB_CLIENT, own_scope("shop"))
    call = enter(plan, (), {})
    assert call is not None
    trace.get_tracer("shop").start_span("below").end()
    leave(plan, call, None)
    assert (recorder.started, recorder.ended, len(running.queue)) == ([], [], 0)


def test_flush_and_shutdown_reach_the_processors(running: pipeline.Pipeline) -> None:
    recorder = add(Recorder())
    provider: Any = trace.get_tracer_provider()
    assert provider.force_flush(1000) is True
    assert running.flush(1.0, last=True) is True
    provider.shutdown()
    assert recorder.calls == ["flush True"] * 3 + ["shutdown"]
    provider.shutdown()
    assert recorder.calls.count("shutdown") == 1


def test_a_processor_that_hangs_does_not_hold_up_the_flush(running: pipeline.Pipeline) -> None:
    recorder: Any = add(Recorder())
    recorder.force_flush = lambda _milliseconds: time.sleep(0.5)
    before = time.monotonic()
    assert running.flush(0.1, last=True) is False
    assert time.monotonic() - before < 0.4
    time.sleep(0.5)


def test_the_sdk_s_own_processor_and_exporter_work(running: pipeline.Pipeline) -> None:
    exporter = InMemorySpanExporter()
    add(SimpleSpanProcessor(exporter))
    with trace.get_tracer("shop").start_as_current_span("work"):
        observed()
    assert [span.name for span in exporter.get_finished_spans()] == ["SELECT", "work"]
    assert len(running.queue) == 2


def test_code_that_looks_for_the_processors_of_a_provider_finds_them() -> None:
    with sides.ours():
        recorder = add(Recorder())
        provider: Any = trace.get_tracer_provider()
        assert provider._active_span_processor._span_processors == (recorder,)


def test_without_processors_nothing_stands_in_the_way() -> None:
    with sides.ours() as running:
        assert tracer.STARTED is None
        assert "ended" not in vars(running)
        assert "flush" not in vars(running)


def test_an_exporter_to_where_we_deliver_is_not_added(capfd: pytest.CaptureFixture[str]) -> None:
    environ = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317"}
    with sides.ours(environ):
        exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:4317", insecure=True)
        batch = BatchSpanProcessor(exporter)
        add(batch)
        assert not processors.PROCESSORS._span_processors
        batch.shutdown()
        elsewhere = BatchSpanProcessor(OTLPSpanExporter(endpoint="http://127.0.0.1:4319", insecure=True))
        add(elsewhere)
        assert processors.PROCESSORS._span_processors == (elsewhere,)
        elsewhere.shutdown()
    assert capfd.readouterr().err.count("a second exporter to localhost:4317 was not added") == 1


PROGRAM = Path(__file__).parent / "programs" / "with_processor.py"


@pytest.mark.parametrize("end", ["leave", "sigterm"])
def test_a_batch_of_a_processor_leaves_with_the_process(collector: Collector, end: str) -> None:
    completed = run(["platform-instrument", sys.executable, PROGRAM, end], collector=collector)
    assert completed.stdout.split() == ["SELECT", "work"], completed.stderr
    assert completed.returncode == (0 if end == "leave" else -15)
    assert sorted(span.name for span in collector.wait_for(2)) == ["SELECT", "work"]
