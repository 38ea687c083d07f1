"""Trace context and baggage in headers: W3C's rules, the SDK's results, and the application's own inject and extract."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.b3 import B3MultiFormat
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import SpanContext, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from platform_instrument.core.values import CLIENT
from platform_instrument.telemetry import propagation
from platform_instrument.telemetry.baggage import MOST_BYTES, MOST_MEMBERS, format_baggage, parse_baggage
from platform_instrument.telemetry.context import CURRENT, Ambient, Local
from platform_instrument.telemetry.propagation import Propagation
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.tracecontext import format_traceparent, parse_traceparent, parse_tracestate
from platform_instrument.telemetry.tracer import start
from tests.telemetry import sides

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARENT = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
IDS = (0x0AF7651916CD43DD8448EB211C80319C, 0x00F067AA0BA902B7, 1)


def sdk_parent(header: str) -> SpanContext:
    found = TraceContextTextMapPropagator().extract({"traceparent": header}, context.Context())
    return trace.get_current_span(found).get_span_context()


# --- traceparent ------------------------------------------------------------------------------------------------------


def hexes(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=length, max_size=length)


WELL_FORMED = st.builds(
    "{}-{}-{}-{}{}".format, hexes(2), hexes(32), hexes(16), hexes(2), st.sampled_from(["", "", "-", "-x", "x"])
)
BROKEN = st.tuples(WELL_FORMED, st.integers(0, 60), st.sampled_from("-0gAF \t\n\x00é")).map(
    lambda made: made[0][: made[1]] + made[2] + made[0][made[1] + 1 :]
)


@given(st.one_of(WELL_FORMED, BROKEN, st.text(max_size=80)))
@example(PARENT)
@example(f" {PARENT}\t")
@example("ff" + PARENT[2:])
@example("01" + PARENT[2:] + "-more")
@example(PARENT + "-more")
@example(PARENT.upper())
@example("00-" + "0" * 32 + "-00f067aa0ba902b7-01")
@example("00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01")
def test_a_traceparent_is_read_as_the_sdk_reads_it(header: str) -> None:
    theirs = sdk_parent(header)
    mine = parse_traceparent(header)
    if "\n" in header:  # the SDK lets a line end stand at the end, which is no header
        return
    assert (mine is not None) == theirs.is_valid, header
    if mine is not None:
        assert mine == (theirs.trace_id, theirs.span_id, int(theirs.trace_flags) & 0x03)


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.integers(0, 255))
def test_a_traceparent_that_is_written_is_read_again(trace_id: int, span_id: int, flags: int) -> None:
    header = format_traceparent(trace_id, span_id, flags)
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]", header)
    assert parse_traceparent(header) == (trace_id, span_id, flags & 3)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\x00"])
def test_a_traceparent_with_a_control_character_is_none(ending: str) -> None:
    assert parse_traceparent(PARENT + ending) is None


# --- tracestate -------------------------------------------------------------------------------------------------------

KEYS = st.one_of(
    st.from_regex(r"[a-z][a-z0-9_\-*/]{0,12}", fullmatch=True),
    st.from_regex(r"[a-z0-9][a-z0-9_\-*/]{0,6}@[a-z][a-z0-9_\-*/]{0,6}", fullmatch=True),
    st.sampled_from(["Upper", "a b", "0digit", "@v", "t@", "t@@v", "t@v@w", "é", "a" * 256, "a" * 257, "t" * 241 + "@v", "t" * 242 + "@v", "t@" + "v" * 14, "t@" + "v" * 15]),
)  # fmt: skip
MEMBERS = st.tuples(
    KEYS, st.sampled_from(["=", "==", ""]), st.text(st.characters(min_codepoint=0x1F, max_codepoint=0x7F), max_size=6)
).map("".join)
STATES = st.lists(st.one_of(MEMBERS, st.sampled_from(["", " ", "\t"])), max_size=40).map(",".join)


SECOND_LEVEL = re.compile(r"[0-9]|[a-z0-9_\-*/]*@").match
"""Keys that the second level of the recommendation allows, and the SDK may not yet."""


@given(STATES)
@example("foo=1,bar=2")
@example("foo=1 , bar=2,,\t")
@example("foo=" + "x" * 257)
@example(",".join(f"k{n}=v" for n in range(32)))
@example(",".join(f"k{n}=v" for n in range(33)))
@example("foo= 1")
@example("foo=1\x7f")
def test_a_tracestate_is_read_as_the_sdk_reads_it(header: str) -> None:
    keys = [member.strip(" \t").partition("=")[0] for member in header.split(",") if member.strip(" \t")]
    assume(len(set(keys)) == len(keys) and not any(map(SECOND_LEVEL, keys)))
    expected = TraceState.from_header([header]).to_header()
    found = parse_tracestate(header)
    if len(expected) <= 512:
        assert found == expected
    else:
        assert len(found) <= 512
        assert set(found.split(",")) <= {*expected.split(","), ""}


def test_a_long_tracestate_loses_whole_members_the_longest_first() -> None:
    long, short = "long=" + "x" * 200, [f"k{n}=" + "v" * 40 for n in range(10)]
    found = parse_tracestate(",".join([long, *short, long.replace("long", "second")]))
    assert found == ",".join(short)


def test_a_tracestate_of_ten_kilobytes_is_bounded() -> None:
    assert len(parse_tracestate(",".join(f"k{n}=" + "v" * 250 for n in range(32)))) <= 512
    assert parse_tracestate("a=" + "v" * 100_000) == ""


# --- baggage ----------------------------------------------------------------------------------------------------------

NAMES = st.from_regex(r"[a-zA-Z0-9._\-]{1,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def sdk_baggage(header: str) -> dict[str, Any]:
    return dict(baggage.get_all(W3CBaggagePropagator().extract({"baggage": header}, context.Context())))


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_baggage_that_is_written_is_read_again_by_us_and_by_the_sdk(members: dict[str, str]) -> None:
    header = format_baggage(members)
    assert header.isascii()
    assert header.isprintable()
    assert parse_baggage(header) == members
    assert sdk_baggage(header) == {key: value.strip() for key, value in members.items()}


@given(st.lists(st.tuples(NAMES, st.text('abc%20é ;",=\\', max_size=8)).map("=".join), max_size=6).map(",".join))
def test_baggage_is_read_as_the_sdk_reads_it(header: str) -> None:
    theirs = sdk_baggage(header)
    mine = parse_baggage(header)
    for key, value in theirs.items():
        if ";" not in value and "%" not in header and "=" not in value and header.count(f"{key}=") == 1:
            assert mine[key] == value.strip()


@given(st.text(max_size=200))
def test_any_text_is_bounded_baggage(header: str) -> None:
    members = parse_baggage(header)
    assert len(members) <= MOST_MEMBERS
    assert parse_baggage(format_baggage(members)) == members


@pytest.mark.parametrize(
    ("header", "members"),
    [
        ("a=1,b=2", {"a": "1", "b": "2"}),
        (" a = 1 ;property=x; y , b=2", {"a": "1", "b": "2"}),
        ("a=%20x%2Cy", {"a": " x,y"}),
        ("a=%ff", {"a": "�"}),
        ("a=1,,=2,b", {"a": "1"}),
        ('a="quoted"', {}),
        ("a=with space", {}),
        ("a\r\nb=1", {}),
        ("a=1\r\nX-Evil: 1", {}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
    ],
)
def test_baggage_follows_the_rules_of_w3c(header: str, members: dict[str, str]) -> None:
    assert parse_baggage(header) == members


def test_a_baggage_bomb_is_bounded_both_ways() -> None:
    bomb = ",".join(f"k{n}=" + "v" * 100 for n in range(100_000))
    members = parse_baggage(bomb)
    assert len(members) == MOST_MEMBERS
    assert len(format_baggage({f"k{n}": "v" * 300 for n in range(500)})) <= MOST_BYTES
    assert format_baggage({"a": "v" * 1_000_000}) == ""
    assert format_baggage({f"k{n}": 1 for n in range(500)}).count(",") == MOST_MEMBERS - 1


@pytest.mark.faults
def test_a_baggage_value_that_is_no_text_is_written_and_one_that_has_none_left_out() -> None:
    class Mute:
        def __str__(self) -> str:
            raise ValueError("never")

    assert format_baggage({"n": 7, "mute": Mute(), "not a token": "x", "ü": "x", "b": "a+b c"}) == "n=7,b=a%2Bb%20c"


# --- together ---------------------------------------------------------------------------------------------------------


def headers_of(**headers: str) -> Callable[[str], str | None]:
    return {name.replace("_", "-"): value for name, value in headers.items()}.get


def test_a_caller_s_context_is_a_remote_parent() -> None:
    parent, link = Propagation().extract(headers_of(traceparent=PARENT, tracestate="v=1", baggage="a=1"))
    assert parent is not None
    assert (parent.trace_id, parent.span_id, parent.flags, parent.remote) == (*IDS, True)
    assert parent.local is not None
    assert (parent.local.trace_state, parent.local.baggage) == ("v=1", {"a": "1"})
    assert link is None


def test_a_caller_s_context_is_a_link_where_it_is_not_trusted() -> None:
    untrusting = Propagation(trust_inbound=False)
    assert untrusting.extract(headers_of(traceparent=PARENT, tracestate="v=1", baggage="a=1")) == (None, IDS)
    assert untrusting.extract(headers_of(baggage="a=1")) == (None, None)


def test_no_header_no_context_and_a_state_alone_is_none() -> None:
    assert Propagation().extract(headers_of()) == (None, None)
    assert Propagation().extract(headers_of(tracestate="v=1")) == (None, None)


def injected(active: Propagation, current: Any, host: str | None = None) -> dict[str, str]:
    headers: dict[str, str] = {}
    active.inject(current, host, headers)
    return headers


CURRENTLY = Ambient(*IDS, local=Local(trace_state="v=1", baggage={"a": "1"}))


def test_baggage_goes_to_internal_hosts_alone() -> None:
    everything = {"traceparent": PARENT, "tracestate": "v=1", "baggage": "a=1"}
    for host in (None, "stock", "stock.shop.svc", "10.0.0.7", "127.0.0.1", "[::1]", "printer.local", "db.internal"):
        assert injected(Propagation(), CURRENTLY, host) == everything, host
    for host in ("example.com", "8.8.8.8", "svc.example.com"):
        assert "baggage" not in injected(Propagation(), CURRENTLY, host), host
    for pattern in ("*.example.com", ".example.com", "api.example.com", "*"):
        assert injected(Propagation(internal_hosts=(pattern,)), CURRENTLY, "api.example.com") == everything, pattern
    for pattern in ("*.com.example", "example.com", "*example.com", "."):
        assert "baggage" not in injected(Propagation(internal_hosts=(pattern,)), CURRENTLY, "api.example.com"), pattern


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (("tracecontext",), {"traceparent", "tracestate"}),
        (("baggage",), {"baggage"}),
        (("none",), set()),
        (("tracecontext", "none"), set()),
        (("b3",), {"b3"}),
        (("b3multi",), {"x-b3-traceid", "x-b3-spanid", "x-b3-sampled"}),
        (("tracecontext", "baggage", "b3"), {"traceparent", "tracestate", "baggage", "b3"}),
    ],
)
def test_the_propagators_of_the_settings_are_in_force(names: tuple[str, ...], written: set[str]) -> None:
    active = Propagation(names)
    headers = {name.lower(): value for name, value in injected(active, CURRENTLY).items()}
    assert set(headers) == written
    parent, _ = active.extract(headers.get)
    if written - {"baggage"}:
        assert parent is not None
        assert (parent.trace_id, parent.span_id, parent.flags & 1) == IDS
    assert set(headers) <= set(active.fields)


def test_the_later_propagator_wins_where_two_find_a_parent() -> None:
    headers = headers_of(traceparent=PARENT, b3="0000000000000000000000000000000a-000000000000000b-1")
    found = {names: Propagation(names).extract(headers)[0] for names in (("tracecontext", "b3"), ("b3", "tracecontext"))}
    assert [parent.trace_id for parent in found.values() if parent] == [0xA, IDS[0]]


def test_a_propagator_that_nobody_provides_is_said_and_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    active = Propagation(("tracecontext", "unheard-of"))
    assert injected(active, CURRENTLY)["traceparent"] == PARENT
    assert active.extract(headers_of(traceparent=PARENT))[0] is not None
    assert capfd.readouterr().err.count("there is no propagator 'unheard-of'") == 1


@pytest.mark.faults
def test_a_propagator_that_raises_does_not_keep_the_others_from_their_work() -> None:
    active = Propagation().instead(object())
    assert injected(active, CURRENTLY) == {}
    assert active.extract(headers_of(traceparent=PARENT)) == (None, None)


# --- the application's own --------------------------------------------------------------------------------------------


@pytest.fixture
def _ours() -> Iterator[None]:
    with sides.ours():
        yield


@pytest.mark.usefixtures("_ours")
def test_the_application_injects_what_we_inject() -> None:
    span = start("GET", CLIENT, None, None, own_scope("test"), CURRENTLY, 0)
    token = CURRENT.set(span)
    theirs: dict[str, str] = {}
    propagate.inject(theirs)
    CURRENT.reset(token)
    assert theirs == injected(propagation.ACTIVE, span)
    assert theirs["traceparent"] == f"00-{span.trace_id:032x}-{span.span_id:016x}-01"
    explicit: dict[str, str] = {}
    propagate.inject(explicit, context=trace.set_span_in_context(span, baggage.set_baggage("b", "2", context.Context())))  # type: ignore[arg-type]
    assert explicit == {**theirs, "baggage": "b=2"}


@pytest.mark.usefixtures("_ours")
@pytest.mark.parametrize(
    ("attributes", "handed"),
    [
        ({"url.full": "https://plants.example.com/a"}, False),
        ({"http.url": "http://plants.example.com/a", "net.peer.name": "127.0.0.1"}, False),
        ({"server.address": "plants.example.com"}, False),
        ({"url.full": "http://stock.internal/a"}, True),
        ({"net.peer.name": "stock"}, True),
        ({"url.full": "http://[broken"}, True),
        ({"n": 1}, True),
    ],
)
@pytest.mark.faults
def test_an_instrumentor_hands_baggage_to_our_own_hosts_only(attributes: dict[str, Any], handed: bool) -> None:  # noqa: FBT001 - a parameter
    span = start("GET", CLIENT, None, attributes, own_scope("test"), CURRENTLY, 0)
    headers: dict[str, str] = {}
    propagate.inject(headers, context=trace.set_span_in_context(span, baggage.set_baggage("b", "2", context.Context())))  # type: ignore[arg-type]
    assert ("baggage" in headers) is handed
    assert "traceparent" in headers


HEADERS = {"traceparent": PARENT, "tracestate": "v=1", "baggage": "a=1,b=x%20y"}


@pytest.mark.parametrize(
    "headers",
    [HEADERS, {"traceparent": PARENT}, {"baggage": "a=1"}, {}, {"traceparent": "broken", "baggage": "=,"}, {"tracestate": "v=1"}],
    ids=str,
)
def test_the_application_extracts_what_the_sdk_would(headers: dict[str, str]) -> None:
    plain = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
    held = context.set_value("kept", 1, context.Context())

    def told(found: Any) -> list[Any]:
        given = trace.get_current_span(found).get_span_context()
        return [tuple(given), dict(baggage.get_all(found)), context.get_value("kept", found)]

    expected = [told(plain.extract(headers)), told(plain.extract(headers, held))]
    with sides.ours():
        assert [told(propagate.extract(headers)), told(propagate.extract(headers, held))] == expected
        assert propagate.get_global_textmap().fields == plain.fields


@pytest.mark.usefixtures("_ours")
def test_a_propagator_that_the_application_sets_is_ours_too() -> None:
    propagate.set_global_textmap(B3MultiFormat())
    assert set(injected(propagation.ACTIVE, CURRENTLY)) == {"x-b3-traceid", "x-b3-spanid", "x-b3-sampled"}
    theirs: dict[str, str] = {}
    propagate.inject(theirs, context=trace.set_span_in_context(trace.NonRecordingSpan(SpanContext(1, 2, is_remote=False))))
    assert theirs["x-b3-traceid"] == f"{1:032x}"
    parent, _ = propagation.ACTIVE.extract(theirs.get)
    assert parent is not None
    assert (parent.trace_id, parent.span_id) == (1, 2)


def test_trust_in_callers_does_not_decide_what_the_application_extracts_itself() -> None:
    with sides.ours({"PLATFORM_TRUST_INBOUND": "false"}):
        assert trace.get_current_span(propagate.extract(HEADERS)).get_span_context().trace_id == IDS[0]
        assert propagation.ACTIVE.extract(HEADERS.get) == (None, IDS)
