"""Spans on the wire, read back with `opentelemetry-proto`."""

from __future__ import annotations

from typing import Any

import pytest

from platform_instrument.core.values import CLIENT, SERVER, Operation
from platform_instrument.telemetry import tracer
from platform_instrument.telemetry.context import Ambient, Local
from platform_instrument.telemetry.otlp import SpanEncoder
from platform_instrument.telemetry.protobuf import KeyValues, varint
from platform_instrument.telemetry.scope import InstrumentationScope
from platform_instrument.telemetry.span import ERROR, OK, Event, Link, Span
from platform_instrument.testing import received

TRACE = 0x0AF7651916CD43DD8448EB211C80319C
PARENT = 0x00F067AA0BA902B7
REMOTE = Ambient(TRACE, PARENT, 1, remote=True)
SCOPE = InstrumentationScope("library", "1.2", "https://opentelemetry.io/schemas/1.37.0", {"scope.part": "scope value"})
RESOURCE = {"service.name": "shop", "process.pid": 7}


def ended(  # noqa: PLR0913 - the fields of a span
    name: str = "work",
    kind: int = SERVER,
    operation: Operation | None = None,
    attributes: dict[str, Any] | None = None,
    *,
    scope: InstrumentationScope = SCOPE,
    parent: Ambient | None = REMOTE,
) -> Span:
    span = tracer.start(name, kind, operation, attributes, scope, parent, 0)
    span.span_id = 0xB7AD6B7169203331
    span.start_ns, span.end_ns = 1_700_000_000_000_000_001, 1_700_000_000_000_000_002
    return span


def sent(*spans: Span) -> list[received.Span]:
    return received.spans(SpanEncoder(RESOURCE).encode(spans))


def test_every_field_of_a_span_arrives() -> None:
    operation = Operation("SELECT items", CLIENT, {"db.system.name": "sqlite", "server.port": 5432})
    span = ended("SELECT items", CLIENT, operation, {"db.response.returned_rows": 3})
    span.name = operation.name
    span.local = Local(trace_state="vendor=value,other=1")
    span.status_code = ERROR
    extras = span.more()
    extras.status_description = "it broke"
    extras.dropped_attributes, extras.dropped_events, extras.dropped_links = 1, 200, 70_000
    extras.events.append(Event("exception", {"exception.type": "ValueError", "n": 1}, 1_700_000_000_000_000_003, 4))
    extras.links.append(Link(TRACE + 1, PARENT + 1, 1, "link=state", {"why": "batch"}, 5))
    assert sent(span) == [
        received.Span(
            name="SELECT items",
            kind="CLIENT",
            trace_id="0af7651916cd43dd8448eb211c80319c",
            span_id="b7ad6b7169203331",
            parent_id="00f067aa0ba902b7",
            start_ns=1_700_000_000_000_000_001,
            end_ns=1_700_000_000_000_000_002,
            status="ERROR",
            status_description="it broke",
            attributes={"db.system.name": "sqlite", "server.port": 5432, "db.response.returned_rows": 3},
            events=(received.Event("exception", {"exception.type": "ValueError", "n": 1}, 1_700_000_000_000_000_003, 4),),
            links=(
                received.Link("0af7651916cd43dd8448eb211c80319d", "00f067aa0ba902b8", {"why": "batch"}, "link=state", 0x101, 5),
            ),
            trace_state="vendor=value,other=1",
            flags=0x301,
            dropped_attributes=1,
            dropped_events=200,
            dropped_links=70_000,
            scope=received.Scope("library", "1.2", "https://opentelemetry.io/schemas/1.37.0", {"scope.part": "scope value"}),
            resource={"service.name": "shop", "process.pid": 7},
        )
    ]


def test_a_root_has_no_parent_and_says_that_it_knows() -> None:
    span = ended(parent=None)
    span.trace_id, span.flags = 1, 1
    (read,) = sent(span)
    assert (read.trace_id, read.parent_id, read.flags) == ("00000000000000000000000000000001", "", 0x101)
    assert (read.status, read.status_description, read.events, read.links, read.trace_state) == ("UNSET", "", (), (), "")


def test_flags_keep_their_other_bits_and_tell_a_local_parent_from_a_remote_one() -> None:
    local, remote = ended(parent=Ambient(TRACE, PARENT, 1)), ended(parent=Ambient(TRACE, PARENT, 3, remote=True))
    assert [read.flags for read in sent(local, remote)] == [0x101, 0x303]


def test_an_ok_status_arrives_without_a_text() -> None:
    span = ended()
    span.status_code = OK
    (read,) = sent(span)
    assert (read.status, read.status_description) == ("OK", "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""),
        ("grüße 日本 🎉", "grüße 日本 🎉"),
        ("x" * 127, "x" * 127),
        ("x" * 128, "x" * 128),
        ("x" * 20_000, "x" * 20_000),
        ("lone \ud800 surrogate", "lone ? surrogate"),
        ("nul\x00inside", "nul\x00inside"),
        (True, True),
        (False, False),
        (0, 0),
        (-1, -1),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (0.0, 0.0),
        (-1.5, -1.5),
        (float("inf"), float("inf")),
        ((), ()),
        (("a", "", "\ud800"), ("a", "", "?")),
        ((1, -(2**63)), (1, -(2**63))),
        ((True, False), (True, False)),
        ((1.0, -0.5), (1.0, -0.5)),
        (["a", "b"], ("a", "b")),
    ],
)
def test_a_value_arrives_as_what_it_is(value: Any, expected: Any) -> None:
    operation = Operation("constant", SERVER, {"constant": value})
    constant = ended(operation.name, SERVER, operation)
    constant.name = operation.name
    read, shared = sent(ended(attributes={"told": value}), constant)
    assert (read.attributes, shared.attributes) == ({"told": expected}, {"constant": expected})
    assert type(read.attributes["told"]) is type(expected)


def test_equal_values_of_different_types_keep_their_types() -> None:
    encoder = SpanEncoder({})
    values = [1, True, 1.0, "1", 0, False, 0.0, -0.0]
    for _ in range(2):
        body = encoder.encode([ended(attributes={"told": value}) for value in values])
        assert [repr(span.attributes["told"]) for span in received.spans(body)] == [repr(value) for value in values]


def test_an_attribute_without_a_value_is_absent() -> None:
    (read,) = sent(ended(attributes={"gone": None, "here": 1}))
    assert read.attributes == {"here": 1}


def test_the_spans_own_attribute_stands_over_its_operations() -> None:
    operation = Operation("GET", SERVER, {"http.request.method": "GET", "url.scheme": "http"})
    span = ended(operation.name, SERVER, operation, {"url.scheme": "https"})
    span.name = operation.name
    (read,) = sent(span)
    assert (read.name, read.attributes) == ("GET", {"http.request.method": "GET", "url.scheme": "https"})


def test_a_renamed_span_keeps_its_operations_attributes() -> None:
    operation = Operation("GET", SERVER, {"http.request.method": "GET"})
    spans = [ended(f"GET /{number % 3}", SERVER, operation, {"own": number}) for number in range(6)]
    assert [(read.name, read.kind, read.attributes) for read in sent(*spans)] == [
        (f"GET /{number % 3}", "SERVER", {"http.request.method": "GET", "own": number}) for number in range(6)
    ]


def test_spans_are_grouped_by_scope() -> None:
    other = InstrumentationScope("other")
    read = sent(ended("a"), ended("b", scope=other), ended("c"))
    assert [(span.name, span.scope.name, span.scope.version) for span in read] == [
        ("a", "library", "1.2"),
        ("c", "library", "1.2"),
        ("b", "other", ""),
    ]


def test_bodies_that_are_joined_hold_the_spans_of_both() -> None:
    encoder = SpanEncoder(RESOURCE)
    assert [span.name for span in received.spans(encoder.encode([ended("a")]) + encoder.encode([ended("b")]))] == ["a", "b"]


def test_secrets_are_masked_at_every_place_of_a_span() -> None:
    secret = "https://user:hunter2@example.org/"
    operation = Operation(f"GET {secret}", CLIENT, {"constant": secret})
    span = ended(operation.name, CLIENT, operation, {"own": secret, "list": (secret,)})
    span.name = operation.name
    span.status_code = ERROR
    span.more().status_description = secret
    span.more().events.append(Event(f"event {secret}", {"event": secret}, 1))
    span.more().links.append(Link(TRACE, PARENT, 1, "", {"link": secret}))
    renamed = ended(f"renamed {secret}")
    encoder = SpanEncoder({"resource": secret})
    for _ in range(2):
        body = encoder.encode([span, renamed])
        assert b"hunter2" not in body
        assert len(received.spans(body)) == 2


def test_what_is_remembered_is_bounded_and_holds_no_secret() -> None:
    key_values = KeyValues(b"\x4a")
    for number in range(10_000):
        key_values.encode(
            {f"key {number}": f"value {number}", "n": number, "secret": f"password=hunter{number}", "long": "x" * 300}
        )
    assert len(key_values._known) + len(key_values._before) <= 2_048
    assert len(key_values._names) <= 1_024
    remembered = {value for _, value in [*key_values._known, *key_values._before]}
    assert not [value for value in remembered if "hunter" in str(value) or len(str(value)) > 256]


def test_what_is_forgotten_and_comes_again_is_encoded_as_before() -> None:
    key_values = KeyValues(b"\x4a")
    first = [key_values.encode({"key": f"value {number}", "n": number}) for number in range(3_000)]
    assert [key_values.encode({"key": f"value {number}", "n": number}) for number in range(3_000)] == first


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (1_023, b"\xff\x07"),
        (1_024, b"\x80\x08"),
        (2**64 - 1, b"\xff" * 9 + b"\x01"),
    ],
)
def test_a_varint_has_seven_bits_a_byte(number: int, encoded: bytes) -> None:
    assert varint(number) == encoded


def test_trace_states_names_of_scopes_and_of_attributes_and_numbers_are_masked() -> None:
    scope = InstrumentationScope("made for bob@example.com", "1 for bob@example.com", "", {"made by eve@example.com": 1})
    attributes = {"from bob@example.com": 1, "from eve@example.com": 2, "card": 4539148803436467, "pin": 4711, "n": 4711}
    span = ended(attributes=attributes, scope=scope)
    span.local = Local(trace_state="vendor=bob@example.com")
    span.more().links.append(Link(TRACE + 1, PARENT + 1, 1, "vendor=eve@example.com", {}))
    (read,) = sent(span)
    assert read.attributes == {"from [email]": 2, "card": "[card]", "pin": "[secret]", "n": 4711}
    assert (read.trace_state, read.links[0].trace_state) == ("vendor=[email]", "vendor=[email]")
    assert (read.scope.name, read.scope.version) == ("made for [email]", "1 for [email]")
    assert read.scope.attributes == {"made by [email]": 1}
    assert sent(ended(attributes=attributes))[0].attributes == read.attributes
