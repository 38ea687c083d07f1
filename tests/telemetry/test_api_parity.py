"""The same program of the OpenTelemetry API exports the same through ours as through the SDK."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from tests.telemetry.sides import by_ours, by_sdk, told

if TYPE_CHECKING:
    from collections.abc import Callable

REMOTE = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0x00F067AA0BA902B7, True, TraceFlags(1), TraceState([("v", "1")]))  # noqa: FBT003
SECOND = 1_000_000_000
PAST = 1_700_000_000 * SECOND


def nesting(provider: Any) -> None:
    tracer = provider.get_tracer("shop", "1.2", "https://opentelemetry.io/schemas/1.37.0")
    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER):
        with tracer.start_as_current_span("inner", attributes={"text": "a", "n": 1, "x": 1.5, "yes": True}):
            tracer.start_span("leaf", kind=SpanKind.CLIENT).end()
        tracer.start_span("sibling", kind=SpanKind.PRODUCER).end()
    tracer.start_span("alone", kind=SpanKind.CONSUMER).end()


def attributes(provider: Any) -> None:
    span = provider.get_tracer("shop").start_span("work", attributes={"given": ["a", "b"], "none": ()})
    span.set_attribute("numbers", [1, 2])
    span.set_attribute("flags", (True, False))
    span.set_attribute("given", "again")
    span.set_attributes({"a": 1, "b": "two", "": "nameless"})
    span.set_attribute("mixed", ["a", 1, True])
    span.end()
    span.set_attribute("late", 1)


def events(provider: Any) -> None:
    span = provider.get_tracer("shop").start_span("work")
    span.add_event("plain")
    span.add_event("with attributes", {"a": 1, "b": ["x"]})
    span.add_event("at a time", timestamp=PAST)
    span.end()
    span.add_event("late")


def links(provider: Any) -> None:
    tracer = provider.get_tracer("shop")
    local = SpanContext(1, 2, False, TraceFlags(1))  # noqa: FBT003
    span = tracer.start_span("work", links=[Link(REMOTE, {"why": "batch"}), Link(local), Link(trace.INVALID_SPAN_CONTEXT)])
    span.add_link(SpanContext(3, 4, True), {"later": True})  # noqa: FBT003
    span.add_link(trace.INVALID_SPAN_CONTEXT)
    span.add_link(trace.INVALID_SPAN_CONTEXT, {"only": "attributes"})
    span.end()


def statuses(provider: Any) -> None:
    tracer = provider.get_tracer("shop")
    sequences: dict[str, list[tuple[Any, ...]]] = {
        "ok": [(StatusCode.OK,)],
        "error": [(StatusCode.ERROR, "it broke")],
        "error as status": [(Status(StatusCode.ERROR, "it broke"),)],
        "ok is final": [(StatusCode.OK,), (StatusCode.ERROR, "late")],
        "error, then ok": [(StatusCode.ERROR, "it broke"), (StatusCode.OK,)],
        "unset changes nothing": [(StatusCode.ERROR, "it broke"), (StatusCode.UNSET,)],
        "the last error counts": [(StatusCode.ERROR, "first"), (StatusCode.ERROR, "second")],
        "an error without a text": [(StatusCode.ERROR, "first"), (StatusCode.ERROR,)],
    }
    for name, calls in sequences.items():
        span = tracer.start_span(name)
        for call in calls:
            span.set_status(*call)
        span.end()


def exceptions(provider: Any) -> None:
    tracer = provider.get_tracer("shop")
    for name, flags in (
        ("both", {}),
        ("status alone", {"record_exception": False}),
        ("event alone", {"set_status_on_exception": False}),
        ("neither", {"record_exception": False, "set_status_on_exception": False}),
    ):
        with contextlib.suppress(ValueError), tracer.start_as_current_span(name, **flags):
            raise ValueError("it broke")
    with contextlib.suppress(KeyError), tracer.start_as_current_span("ok stays"):
        trace.get_current_span().set_status(StatusCode.OK)
        raise KeyError("it broke")
    span = tracer.start_span("recorded")
    span.record_exception(OSError(2, "gone"), {"more": 1, "exception.message": "replaced"}, PAST)
    span.end()


def used_as_a_block(provider: Any) -> None:
    tracer = provider.get_tracer("shop")
    with contextlib.suppress(ValueError), tracer.start_span("plain block"):
        raise ValueError("it broke")
    with contextlib.suppress(ValueError), tracer.start_span("quiet block", record_exception=False, set_status_on_exception=False):
        raise ValueError("it broke")
    span = tracer.start_span("used, not ended")
    with trace.use_span(span):
        tracer.start_span("child").end()
    assert span.is_recording()
    span.end()
    with contextlib.suppress(ValueError), trace.use_span(tracer.start_span("used and ended"), end_on_exit=True):
        raise ValueError("it broke")


def decorated(provider: Any) -> None:
    tracer = provider.get_tracer("shop")

    @tracer.start_as_current_span("called")
    def called(a: int, *, b: int) -> int:
        tracer.start_span("inside called").end()
        return a + b

    @tracer.start_as_current_span("awaited")
    async def awaited() -> str:
        await asyncio.sleep(0)
        tracer.start_span("inside awaited").end()
        return called.__name__

    assert called(1, b=2) == 3
    assert asyncio.run(awaited()) == "called"


def names(provider: Any) -> None:
    span = provider.get_tracer("shop").start_span("before")
    span.update_name("after")
    span.end()
    span.update_name("late")


def parents(provider: Any) -> None:
    tracer = provider.get_tracer("shop")
    remote = trace.set_span_in_context(NonRecordingSpan(REMOTE))
    tracer.start_span("below a remote parent", context=remote).end()
    with tracer.start_as_current_span("current"):
        tracer.start_span("elsewhere", context=remote).end()
        tracer.start_span("root", context=context.Context()).end()
        with tracer.start_as_current_span("current elsewhere", context=remote):
            tracer.start_span("below elsewhere").end()
        tracer.start_span("back").end()
    token = context.attach(remote)
    tracer.start_span("attached").end()
    context.detach(token)
    unsampled = NonRecordingSpan(SpanContext(5, 6, True, TraceFlags(0)))  # noqa: FBT003
    with trace.use_span(unsampled), tracer.start_as_current_span("dropped") as dropped:
        assert not dropped.is_recording()
        assert dropped.get_span_context().trace_id == 5
        dropped.set_attribute("a", 1)
        tracer.start_span("dropped too").end()


def not_ended(provider: Any) -> None:
    tracer = provider.get_tracer("shop")
    with tracer.start_as_current_span("open", end_on_exit=False) as span:
        pass
    assert span.is_recording()
    span.end()
    span.end()


def with_baggage(provider: Any) -> None:
    tracer = provider.get_tracer("shop")
    key = context.create_key("mine")
    with tracer.start_as_current_span("outer") as outer:
        token = context.attach(context.set_value(key, "value", baggage.set_baggage("user", "7")))
        with tracer.start_as_current_span("inner") as inner:
            inner.set_attribute("user", str(baggage.get_baggage("user")))
            inner.set_attribute("mine", str(context.get_value(key)))
            inner.set_attribute("current", trace.get_current_span() is inner)
        outer.set_attribute("still current", trace.get_current_span() is outer)
        explicit = baggage.set_baggage("other", "8", context.Context())
        with tracer.start_as_current_span("explicit", context=explicit) as span:
            span.set_attribute("all", str(dict(baggage.get_all())))
        context.detach(token)
        outer.set_attribute("gone", str(baggage.get_all() == {}))


def left_attached(provider: Any) -> None:
    tracer = provider.get_tracer("shop")
    with tracer.start_as_current_span("first"):
        context.attach(baggage.set_baggage("left", "behind"))
    span = tracer.start_span("second")
    span.set_attribute("baggage", str(dict(baggage.get_all())))
    span.end()


def scopes(provider: Any) -> None:
    provider.get_tracer("plain").start_span("a").end()
    provider.get_tracer("with version", "2.0").start_span("b").end()
    provider.get_tracer("with attributes", "2.0", None, {"region": "eu"}).start_span("c").end()
    provider.get_tracer("plain").start_span("d").end()


SCRIPTS = [
    nesting,
    attributes,
    events,
    links,
    statuses,
    exceptions,
    used_as_a_block,
    decorated,
    names,
    parents,
    not_ended,
    with_baggage,
    left_attached,
    scopes,
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ours_exports_what_the_sdk_exports(script: Callable[[Any], None]) -> None:
    expected = told(by_sdk(script))
    assert told(by_ours(script)) == expected
    assert expected, script


def test_a_link_keeps_the_trace_state_which_the_sdk_s_exporter_leaves_out() -> None:
    (span,) = by_ours(links)
    assert span.links[0].trace_state == "v=1"


def timed(provider: Any) -> None:
    tracer = provider.get_tracer("shop")
    tracer.start_span("both", start_time=PAST).end(PAST + SECOND)
    span = tracer.start_span("an event")
    span.add_event("then", timestamp=PAST)
    span.end(PAST + 4_000_000_000 * SECOND)


def test_explicit_times_are_kept() -> None:
    sides = [{span.name: (span.start_ns, span.end_ns) for span in side(timed)} for side in (by_sdk, by_ours)]
    assert sides[1]["both"] == sides[0]["both"] == (PAST, PAST + SECOND)
    assert sides[1]["an event"][1] == sides[0]["an event"][1]


def backdated(provider: Any) -> None:
    provider.get_tracer("shop").start_span("since long", start_time=PAST).end()


def test_a_start_in_the_past_and_an_end_now_are_both_true() -> None:
    (theirs,), (mine,) = by_sdk(backdated), by_ours(backdated)
    assert mine.start_ns == theirs.start_ns == PAST
    assert abs(mine.end_ns - theirs.end_ns) < 30 * SECOND


def test_an_end_before_the_start_is_no_negative_duration() -> None:
    (span,) = by_ours(lambda provider: provider.get_tracer("shop").start_span("work", start_time=PAST).end(PAST - SECOND))
    assert (span.start_ns, span.end_ns) == (PAST, PAST)


def crowded(provider: Any) -> None:
    tracer = provider.get_tracer("shop")
    given = [Link(REMOTE, {str(n): n for n in range(5)}) for _ in range(5)]
    span = tracer.start_span("work", attributes={str(n): "long" * 5 for n in range(5)}, links=given)
    for n in range(5):
        span.set_attribute(f"later {n}", "longer" * 5)
        span.add_event("event", {str(m): "longest" * 5 for m in range(5)})
        span.add_link(REMOTE)
    span.end()


LIMITS = {
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "4",
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "2",
    "OTEL_SPAN_LINK_COUNT_LIMIT": "3",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "1",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "2",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "9",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "7",
}


@pytest.mark.filterwarnings("ignore")
def test_the_limits_of_the_settings_count_as_the_sdk_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    (mine,) = by_ours(crowded, LIMITS)
    for name, value in LIMITS.items():
        monkeypatch.setenv(name, value)
    (theirs,) = by_sdk(crowded)

    def counts(span: Any) -> dict[str, Any]:
        return {
            "kept": (len(span.attributes), len(span.events), len(span.links)),
            "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
            "of events": {(len(event.attributes), event.dropped_attributes) for event in span.events},
            "of links": {(len(link.attributes), link.dropped_attributes) for link in span.links[:1]},
            "longest": max(len(value) for value in span.attributes.values()),
            "longest of events": max(len(value) for event in span.events for value in event.attributes.values()),
        }

    assert counts(mine) == counts(theirs) | {"of links": {(2, 3)}}  # the SDK keeps the latest links, ours the first
    assert list(mine.attributes) == ["0", "1", "2", "3"]  # the specification: what does not fit is discarded


def test_a_general_limit_holds_where_no_special_one_is_set() -> None:
    (span,) = by_ours(crowded, {"OTEL_ATTRIBUTE_COUNT_LIMIT": "2", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3"})
    assert len(span.attributes) == 2
    assert {len(event.attributes) for event in span.events} == {2}
    assert {len(value) for value in span.attributes.values()} == {3}
