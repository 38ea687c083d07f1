"""The tracer and the provider of the API: answers, samplers, limits, and nothing that raises."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode

from platform_instrument.telemetry import limits
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.tracer import start
from tests.telemetry import sides

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.telemetry.pipeline import Pipeline


@pytest.fixture
def running() -> Iterator[Pipeline]:
    with sides.ours() as running:
        yield running


def span_of(running: Pipeline, name: str = "work", **given: Any) -> Any:
    assert running is not None
    return trace.get_tracer("shop", "1.0").start_span(name, **given)


def test_our_span_is_the_api_s_and_code_for_the_sdk_s_finds_what_it_looks_for(running: Pipeline) -> None:
    span = span_of(running)
    provider: Any = trace.get_tracer_provider()
    assert isinstance(span, trace.Span)
    assert isinstance(provider, trace.TracerProvider)
    assert isinstance(provider, TracerProvider)
    assert isinstance(provider.resource, Resource)
    assert provider.get_tracer("a", "1") is provider.get_tracer("a", "1")
    assert provider.get_tracer("a", "1") is not provider.get_tracer("a", "2")


def test_what_people_read_off_sdk_spans_is_answered(running: Pipeline) -> None:
    parent = span_of(running, "parent")
    span = span_of(
        running,
        context=trace.set_span_in_context(parent),
        kind=SpanKind.CLIENT,
        attributes={"a": 1},
        links=[trace.Link(parent.get_span_context(), {"why": "x"})],
    )
    span.add_event("happened", {"b": 2}, 5)
    span.set_status(Status(StatusCode.ERROR, "it broke"))
    assert span.name == "work"
    assert span.context == span.get_span_context()
    assert span.get_span_context() is span.get_span_context()
    assert span.parent.span_id == parent.span_id
    assert span.kind is SpanKind.CLIENT
    assert span.attributes == {"a": 1}
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "it broke")
    assert [(event.name, event.attributes, event.timestamp) for event in span.events] == [("happened", {"b": 2}, 5)]
    assert [(link.context.span_id, link.attributes) for link in span.links] == [(parent.span_id, {"why": "x"})]
    assert span.resource.attributes["telemetry.sdk.language"] == "python"
    assert (span.instrumentation_scope.name, span.instrumentation_scope.version) == ("shop", "1.0")
    assert (span.dropped_attributes, span.dropped_events, span.dropped_links) == (0, 0, 0)
    assert span.start_time > 0
    assert span.end_time is None
    span.end()
    assert span.end_time >= span.start_time
    assert '"name": "work"' in span.to_json()
    assert type(span._readable_span()) is ReadableSpan
    assert parent.parent is None
    assert not hasattr(span, "unheard_of")
    with pytest.raises(TypeError):
        span.attributes["a"] = 2


def test_the_constant_attributes_of_a_call_of_ours_are_read_too() -> None:
    from platform_instrument.core.values import CLIENT, Operation

    operation = Operation("SELECT", CLIENT, {"db.system.name": "sqlite"})
    span = start("SELECT", CLIENT, operation, {"rows": 1}, own_scope("test"), None, 0)
    assert span.attributes == {"db.system.name": "sqlite", "rows": 1}
    assert span.kind is SpanKind.CLIENT


def test_a_span_that_the_engine_opened_is_not_ended_by_the_application(running: Pipeline) -> None:
    from platform_instrument.core.values import CLIENT, Operation

    span = start("SELECT", CLIENT, Operation("SELECT", CLIENT, {}), None, own_scope("test"), None, 0)
    with trace.use_span(span, end_on_exit=True):  # type: ignore[arg-type]
        pass
    span.end()
    assert span.is_recording()
    assert not running.queue


class Hostile:
    def __str__(self) -> str:
        raise ValueError("never")

    __repr__ = __str__


class Worded:
    def __str__(self) -> str:
        return "words"


def contains_itself() -> list[Any]:
    items: list[Any] = [1]
    items.append(items)
    return items


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "another text"


VALUES: list[tuple[Any, Any]] = [
    ("text", "text"),
    (Text("text"), "text"),
    (True, True),
    (2**63, str(2**63)),
    (1.5, 1.5),
    (b"bytes \xff", "bytes �"),
    ([1, "a", None], [1, "a"]),
    (range(3), [0, 1, 2]),
    ({"a": [1, {"b": 2}]}, '{"a":[1,{"b":2}]}'),
    ([{"a": 1}, [2]], ['{"a":1}', "[2]"]),
    (Worded(), "words"),
    (SpanKind.CLIENT, "SpanKind.CLIENT"),
    (frozenset({1}), "frozenset({1})"),
    ("x" * 40_000, "x" * limits.LONGEST),
    (10**10_000, hex(10**10_000 >> ((10**10_000).bit_length() - 64)) + "…"),
]


@pytest.mark.parametrize(("given", "kept"), VALUES, ids=lambda value: type(value).__name__)
def test_a_value_becomes_what_an_attribute_may_be(running: Pipeline, given: Any, kept: Any) -> None:
    span = span_of(running, attributes={"at start": given})
    span.set_attribute("later", given)
    span.add_event("event", {"there": given})
    span.end()
    (sent,) = sides.sent(running)
    found = [sent.attributes["at start"], sent.attributes["later"], sent.events[0].attributes["there"]]
    assert [list(value) if isinstance(value, (list, tuple)) else value for value in found] == [kept] * 3


@pytest.mark.parametrize("given", [None, object(), Hostile()], ids=["None", "an address", "one that raises"])
@pytest.mark.faults
def test_a_value_that_says_nothing_is_left_out_and_counted(running: Pipeline, given: Any) -> None:
    span = span_of(running, attributes={"a": given})
    span.set_attribute("b", given)
    span.end()
    (sent,) = sides.sent(running)
    assert (sent.attributes, sent.dropped_attributes) == ({}, 2)


def test_a_value_that_contains_itself_comes_to_an_end(running: Pipeline) -> None:
    span = span_of(running, attributes={"a": contains_itself()})
    mapping: dict[str, Any] = {}
    mapping["again"] = mapping
    span.set_attribute("b", mapping)
    span.end()
    (sent,) = sides.sent(running)
    assert sent.attributes["b"] == '{"again":{"again":{"again":{"again":"…"}}}}'
    assert len(sent.attributes["a"]) == 2


def test_of_a_value_without_end_no_more_is_looked_at_than_is_kept(running: Pipeline) -> None:
    looked: list[int] = []

    class Endless(Sequence[int]):
        def __len__(self) -> int:
            return sys.maxsize

        def __getitem__(self, index: Any) -> Any:
            return [self] if isinstance(index, slice) else looked.append(index) or index

    for value in ([Endless()], {"in": Endless()}):
        span_of(running, attributes={"a": value}).end()
    assert len(looked) < 3 * limits.MOST_ITEMS
    assert all(len(span.attributes["a"]) for span in sides.sent(running))


class Incomparable(Hostile):
    """Raises where it is compared, too."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("compared")

    __hash__ = object.__hash__


class Liar:
    """Says that it is a text."""

    __class__ = property(lambda _: str)  # type: ignore[assignment]


ODD = [None, 7, object(), Hostile(), Incomparable(), Liar(), [1], {"a": 1}]


@pytest.mark.faults
@pytest.mark.parametrize("odd", ODD, ids=lambda value: type(value).__name__)
def test_nothing_that_is_passed_to_the_api_raises(running: Pipeline, odd: Any) -> None:
    tracer: Any = trace.get_tracer(odd, odd, schema_url=odd, attributes=odd)
    with tracer.start_as_current_span(odd, kind=odd, attributes=odd, links=odd, start_time=odd) as span:
        span.set_attribute(odd, odd)
        span.set_attributes(odd)
        span.add_event(odd, odd, odd)
        span.add_link(odd, odd)
        span.set_status(odd, odd)
        span.set_status(StatusCode.ERROR, odd)
        span.update_name(odd)
        span.record_exception(odd, odd, odd)
        span.end(odd)
    with tracer.start_as_current_span("below", context=odd):
        pass
    assert len(sides.sent(running)) == 2


class _HostileError(Exception):
    def __str__(self) -> str:
        raise ValueError("never")


@pytest.mark.faults
def test_an_exception_whose_text_raises_leaves_as_it_came(running: Pipeline) -> None:
    with pytest.raises(_HostileError), trace.get_tracer("shop").start_as_current_span("work"):
        raise _HostileError
    (sent,) = sides.sent(running)
    assert sent.status == "ERROR"
    assert sent.events[0].attributes["exception.type"].endswith("_HostileError")


def test_a_base_exception_is_no_error_of_the_span(running: Pipeline) -> None:
    with pytest.raises(KeyboardInterrupt), trace.get_tracer("shop").start_as_current_span("work"):
        raise KeyboardInterrupt
    (sent,) = sides.sent(running)
    assert (sent.status, sent.events) == ("UNSET", ())


def test_the_stack_of_an_exception_is_on_its_event(running: Pipeline) -> None:
    with pytest.raises(ZeroDivisionError), trace.get_tracer("shop").start_as_current_span("work"):
        _ = 1 / 0
    (sent,) = sides.sent(running)
    assert "test_the_stack_of_an_exception_is_on_its_event" in sent.events[0].attributes["exception.stacktrace"]
    assert sent.events[0].attributes["exception.type"] == "ZeroDivisionError"


def test_tracers_without_end_do_not_fill_the_memory(running: Pipeline) -> None:
    assert running is not None
    provider: Any = trace.get_tracer_provider()
    for n in range(3_000):
        provider.get_tracer(f"tracer {n}")
    assert len(provider._tracers) <= 1_024
    provider._tracers.clear()


@pytest.mark.faults
def test_an_exception_is_recorded_while_nothing_can_be_imported_any_more(
    running: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    span = span_of(running)
    monkeypatch.delitem(sys.modules, "platform_instrument.telemetry.exceptions", raising=False)
    monkeypatch.setattr(sys, "meta_path", None)  # as it is while the interpreter ends
    span.record_exception(ValueError())
    assert [event.name for event in span.events] == ["exception"]
