"""The OpenTelemetry context and ours are one, in whatever thread, task or generator."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from platform_instrument.core.families import HTTP_CLIENT, HTTP_SERVER, SUPPRESSED
from platform_instrument.core.values import CLIENT
from platform_instrument.telemetry.bridge import context_of, current_of
from platform_instrument.telemetry.context import CURRENT, Ambient, Local
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.tracer import start
from tests.telemetry import sides

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from platform_instrument.telemetry.span import Span


@pytest.fixture(autouse=True)
def _ours() -> Iterator[None]:
    with sides.ours():
        yield


@pytest.fixture
def tracer() -> Any:
    return trace.get_tracer("shop")


def engine_span(name: str = "SELECT", families: int = 0) -> Span:
    current = CURRENT.get()
    return start(name, CLIENT, None, None, own_scope("test"), current, families | (current.families if current else 0))


def test_a_span_of_the_application_is_the_parent_of_ours(tracer: Any) -> None:
    with tracer.start_as_current_span("app") as app:
        ours = engine_span()
    assert (ours.trace_id, ours.parent_id) == (app.trace_id, app.span_id)


def held_now() -> dict[str, Any]:
    """What is current, one question a key."""
    keys = ["mine", "other", *context.get_current(), context._SUPPRESS_INSTRUMENTATION_KEY]
    return {key: context.get_value(key) for key in keys}


@pytest.mark.parametrize("attached", ["nothing", "a span", "a value", "baggage", "suppression", "no span"])
def test_one_value_is_what_the_whole_context_has_of_it(attached: str, tracer: Any) -> None:
    tokens = []
    if attached != "nothing":
        tokens.append(CURRENT.set(engine_span()))
    if attached == "a span":
        tokens.append(context.attach(trace.set_span_in_context(tracer.start_span("app"))))
    elif attached == "a value":
        tokens.append(context.attach(context.set_value("mine", 1)))
    elif attached == "baggage":
        tokens.append(context.attach(baggage.set_baggage("tenant", "eu")))
    elif attached == "suppression":
        tokens.append(context.attach(context.set_value(context._SUPPRESS_INSTRUMENTATION_KEY, True)))  # noqa: FBT003 - of the API
    elif attached == "no span":
        tokens.append(context.attach(Context({"mine": None})))
    whole = context.get_current()
    assert held_now() == {key: whole.get(key) for key in held_now()}
    assert (attached == "nothing") is not bool(whole)
    for token in reversed(tokens):
        context.detach(token)


def test_one_value_is_asked_of_the_runtime_context_that_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fixed:
        def get_current(self) -> Context:
            return Context({"mine": "theirs"})

    monkeypatch.setattr(context, "_RUNTIME_CONTEXT", Fixed())
    assert context.get_value("mine") == "theirs"


def test_a_key_that_is_none_is_refused_as_ever() -> None:
    token = CURRENT.set(engine_span())
    with pytest.raises(TypeError):
        context.get_value([])  # type: ignore[arg-type]
    CURRENT.reset(token)


def test_a_span_of_ours_is_the_parent_of_the_application_s(tracer: Any) -> None:
    ours = engine_span()
    token = CURRENT.set(ours)
    assert trace.get_current_span() is ours
    app = tracer.start_span("app")
    CURRENT.reset(token)
    assert (app.trace_id, app.parent_id) == (ours.trace_id, ours.span_id)
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_span_that_somebody_else_made_stays_the_current_one_and_is_our_parent() -> None:
    theirs = TracerProvider(shutdown_on_exit=False).get_tracer("sdk").start_span("theirs")
    with trace.use_span(theirs):
        assert trace.get_current_span() is theirs
        ours = engine_span()
        token = context.attach(baggage.set_baggage("a", "1"))
        assert trace.get_current_span() is theirs
        context.detach(token)
    assert (ours.trace_id, ours.parent_id) == (theirs.get_span_context().trace_id, theirs.get_span_context().span_id)


def test_a_span_of_ours_is_the_parent_of_one_that_somebody_else_makes(tracer: Any) -> None:
    with tracer.start_as_current_span("app") as app:
        theirs: Any = TracerProvider(shutdown_on_exit=False).get_tracer("sdk").start_span("theirs")
    assert theirs.parent == app.get_span_context()


def test_what_is_attached_is_current_and_what_is_detached_is_not() -> None:
    key = context.create_key("mine")
    value = object()
    token = context.attach(context.set_value(key, value))
    assert context.get_value(key) is value
    assert engine_span().local.values == {key: value}  # type: ignore[union-attr]
    context.detach(token)
    assert context.get_value(key) is None
    assert context.get_current() == {}


def test_values_and_baggage_travel_through_spans_of_ours() -> None:
    key = context.create_key("mine")
    token = context.attach(context.set_value(key, "value", baggage.set_baggage("tenant", "eu")))
    inner = CURRENT.set(engine_span())
    assert (context.get_value(key), baggage.get_all()) == ("value", {"tenant": "eu"})
    CURRENT.reset(inner)
    context.detach(token)


def test_the_same_context_attached_again_is_the_same_thing(tracer: Any) -> None:
    with tracer.start_as_current_span("app") as app:
        held = context.get_current()
    token = context.attach(held)
    assert CURRENT.get() is app
    context.detach(token)
    ambient = Ambient(families=HTTP_CLIENT)
    again = current_of(context_of(ambient), None)
    assert again is ambient


def test_a_span_put_into_a_context_is_that_span_and_nothing_around_it(tracer: Any) -> None:
    span = tracer.start_span("app")
    token = context.attach(trace.set_span_in_context(span))
    assert CURRENT.get() is span
    context.detach(token)


@pytest.mark.parametrize("key", ["_SUPPRESS_INSTRUMENTATION_KEY", "plain"])
def test_instrumentation_that_the_application_suppresses_is_suppressed(key: str) -> None:
    name = "suppress_instrumentation" if key == "plain" else getattr(context, key)
    token = context.attach(context.set_value(name, "yes"))
    assert CURRENT.get().families == SUPPRESSED  # type: ignore[union-attr]
    context.detach(token)
    assert CURRENT.get() is None


def test_suppressed_http_clients_are_only_those() -> None:
    token = context.attach(context.set_value(context._SUPPRESS_HTTP_INSTRUMENTATION_KEY, "yes"))
    assert CURRENT.get().families == HTTP_CLIENT  # type: ignore[union-attr]
    context.detach(token)


def test_a_call_of_ours_in_flight_suppresses_instrumentors_of_other_people() -> None:
    token = CURRENT.set(engine_span(families=HTTP_CLIENT))
    assert context.get_value(context._SUPPRESS_HTTP_INSTRUMENTATION_KEY) is True
    assert context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY) is None
    inner = context.attach(baggage.set_baggage("a", "1"))
    assert CURRENT.get().families & HTTP_CLIENT  # type: ignore[union-attr]
    context.detach(inner)
    CURRENT.reset(token)
    token = CURRENT.set(Ambient(families=SUPPRESSED))
    assert context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY) is True
    CURRENT.reset(token)


def test_the_request_being_served_is_not_lost_when_a_context_is_attached() -> None:
    request = object()
    server = engine_span("GET", HTTP_SERVER)
    server.local = Local(request=request)
    token = CURRENT.set(server)
    remote = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 2, is_remote=True)), Context())
    inner = context.attach(remote)
    assert CURRENT.get().local.request is request  # type: ignore[union-attr]
    assert trace.get_current_span().get_span_context().span_id == 2
    context.detach(inner)
    CURRENT.reset(token)


def test_below_a_request_that_is_left_out_nothing_is_sampled_whatever_the_sampler(tracer: Any) -> None:
    with sides.ours({"OTEL_TRACES_SAMPLER": "always_on"}):
        probe = engine_span("GET /health", SUPPRESSED)
        probe.recording, probe.flags = False, 0
        token = CURRENT.set(probe)
        with tracer.start_as_current_span("app") as app:
            assert not app.is_recording()
            assert not tracer.start_span("below").is_recording()
        CURRENT.reset(token)
        assert tracer.start_span("elsewhere").is_recording()


def test_a_remote_parent_of_ours_is_a_remote_span_of_the_api() -> None:
    token = CURRENT.set(Ambient(0xABC, 0xDEF, 1, local=Local(trace_state="v=1", baggage={"a": "1"}), remote=True))
    given = trace.get_current_span().get_span_context()
    assert (given.trace_id, given.span_id, given.is_remote, given.trace_flags) == (0xABC, 0xDEF, True, TraceFlags(1))
    assert (given.trace_state.to_header(), dict(baggage.get_all())) == ("v=1", {"a": "1"})
    inner = context.attach(baggage.set_baggage("b", "2"))
    below = engine_span()
    assert (below.parent_id, below.parent_remote, below.local.trace_state) == (0xDEF, True, "v=1")  # type: ignore[union-attr]
    context.detach(inner)
    CURRENT.reset(token)


# --- threads, tasks, generators ---------------------------------------------------------------------------------------


def test_tasks_take_the_context_they_were_started_in(tracer: Any) -> None:
    async def worker(name: str) -> tuple[int, int]:
        with tracer.start_as_current_span(name) as span:
            await asyncio.sleep(0.001)
            assert trace.get_current_span() is span
            return span.parent_id, engine_span().parent_id - span.span_id

    async def main() -> None:
        with tracer.start_as_current_span("outer") as outer:
            found = await asyncio.gather(*(worker(f"worker {n}") for n in range(20)))
            assert found == [(outer.span_id, 0)] * 20
            assert trace.get_current_span() is outer

    asyncio.run(main())
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_threads_start_with_nothing_and_copied_contexts_carry_everything(tracer: Any) -> None:
    with tracer.start_as_current_span("outer") as outer, ThreadPoolExecutor(2) as executor:
        held = baggage.set_baggage("a", "1")
        token = context.attach(held)
        copied = contextvars.copy_context()
        assert executor.submit(trace.get_current_span).result() is trace.INVALID_SPAN
        assert executor.submit(copied.run, trace.get_current_span).result() is outer
        assert dict(executor.submit(copied.run, baggage.get_all).result()) == {"a": "1"}
        context.detach(token)

        def attached() -> tuple[Any, Any]:
            inner = context.attach(held)
            try:
                return trace.get_current_span(), baggage.get_baggage("a")
            finally:
                context.detach(inner)

        assert executor.submit(attached).result() == (outer, "1")


def test_a_token_of_another_thread_is_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    tokens: list[Any] = []
    thread = threading.Thread(target=lambda: tokens.append(context.attach(baggage.set_baggage("a", "1"))))
    thread.start()
    thread.join()
    context.detach(tokens[0])
    token = context.attach(Context())
    context.detach(token)
    context.detach(token)
    context.detach(None)  # type: ignore[arg-type]
    assert not caplog.records


def test_a_generator_left_unfinished_ends_its_span_once_and_makes_no_noise(tracer: Any, caplog: pytest.LogCaptureFixture) -> None:
    ended: list[Span] = []

    async def stream() -> AsyncIterator[int]:
        with tracer.start_as_current_span("stream") as span:
            ended.append(span)
            for n in range(10):
                yield n

    async def main() -> None:
        generator = stream()
        async for n in generator:
            if n == 2:
                break
        await asyncio.create_task(_closed(generator))  # in another context than the one that opened the span
        with tracer.start_as_current_span("after"):
            pass

    asyncio.run(main())
    assert [span.end_ns > 0 for span in ended] == [True]
    assert not caplog.records


async def _closed(generator: Any) -> None:
    await generator.aclose()


def test_a_sync_generator_closed_in_another_thread_makes_no_noise(tracer: Any, caplog: pytest.LogCaptureFixture) -> None:
    def stream() -> Iterator[int]:
        with tracer.start_as_current_span("stream"):
            yield from range(10)

    generator = contextvars.copy_context().run(lambda: _started(stream()))
    thread = threading.Thread(target=generator.close)
    thread.start()
    thread.join()
    assert not caplog.records
    assert trace.get_current_span() is trace.INVALID_SPAN


def _started(generator: Any) -> Any:
    next(generator)
    return generator


def test_what_was_attached_before_us_is_taken_over() -> None:
    from platform_instrument.engine import apply

    apply.uninstall("opentelemetry")
    token = context.attach(baggage.set_baggage("early", "1"))
    with sides.ours():
        assert baggage.get_baggage("early") == "1"
    context.detach(token)


def test_undone_the_api_is_its_own_again() -> None:
    from platform_instrument.engine import apply

    apply.uninstall("opentelemetry")
    assert type(context._RUNTIME_CONTEXT).__module__.startswith("opentelemetry.")
    assert type(trace.get_tracer_provider()) is trace.ProxyTracerProvider
    assert type(propagate.get_global_textmap()).__module__.startswith("opentelemetry.")
