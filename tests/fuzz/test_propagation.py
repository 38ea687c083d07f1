"""Trace context, baggage and ids of requests in headers that anybody may have written: bounded, and valid where they go on."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from platform_instrument.core.guard import faults
from platform_instrument.telemetry.baggage import MOST_BYTES, MOST_MEMBERS, format_baggage, parse_baggage
from platform_instrument.telemetry.context import Ambient, Local
from platform_instrument.telemetry.propagation import Propagation
from platform_instrument.telemetry.request_ids import well_formed
from platform_instrument.telemetry.tracecontext import format_traceparent, parse_traceparent, parse_tracestate
from tests.fuzz.fuzzing import ANY, fuzzed, headers, texts

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENTS = headers("00-", "ff-", "cc-", f"{TRACE}-", f"{SPAN}-", f"00-{TRACE}-{SPAN}-01", "-01", "0" * 32, "0" * 16, "-", "g", "A")
STATES = headers("a=1", "tenant@system=1", "a" * 257, "=", ",", "a=" + "b" * 256, "@", "A=1", "*", "_", "/")
MEMBERS = headers("a=1", "a=%41", ";p=1", ";", "=", ",", "k" * 100 + "=" + "v" * 4_000, '"', "a b", "%E2%82%AC", "%2C", "+")
B3 = headers(f"{TRACE}-{SPAN}-1", TRACE, SPAN, "-", "d", "0", "1", "true", "debug")

PARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]")
KEY = r"[a-z0-9][a-z0-9_\-*/@]{0,255}"
VALUE = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
STATE = re.compile(rf"{KEY}={VALUE}(?:,{KEY}={VALUE}){{0,31}}")
FIELD = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
"""The value of a header as RFC 9110 has it, in ASCII."""


@fuzzed(PARENTS, f"00-{TRACE}-{SPAN}-01")
def test_a_parent_is_valid_or_none(header: str) -> None:
    found = parse_traceparent(header)
    if found is not None:
        again = format_traceparent(*found)
        assert PARENT.fullmatch(again)
        assert parse_traceparent(again) == found


@fuzzed(STATES)
def test_a_state_is_valid_and_bounded(header: str) -> None:
    state = parse_tracestate(header)
    assert len(state) <= 512
    assert not state or STATE.fullmatch(state)
    assert parse_tracestate(state) == state


@fuzzed(MEMBERS)
def test_baggage_is_bounded_and_goes_on_as_it_came(header: str) -> None:
    members = parse_baggage(header)
    assert len(members) <= MOST_MEMBERS
    assert sum(map(len, members)) + sum(map(len, members.values())) <= MOST_BYTES
    again = format_baggage(members)
    assert len(again) <= MOST_BYTES
    assert not again or FIELD.fullmatch(again)
    assert parse_baggage(again).items() <= members.items()


@fuzzed(st.dictionaries(ANY | texts("a", "user"), ANY | texts("v", ",", "=", ";") | st.integers() | st.none(), max_size=5))
def test_baggage_of_the_application_is_a_valid_header(members: dict[Any, Any]) -> None:
    header = format_baggage(members)
    assert len(header) <= MOST_BYTES
    assert not header or FIELD.fullmatch(header)
    assert parse_baggage(header).keys() <= members.keys()


CARRIED = st.fixed_dictionaries(
    {},
    optional={
        "traceparent": PARENTS,
        "tracestate": STATES,
        "baggage": MEMBERS,
        "b3": B3,
        **dict.fromkeys(("x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"), B3),
    },
)
NAMES = st.sampled_from(
    [("tracecontext", "baggage"), ("b3", "tracecontext", "baggage"), ("b3multi",), ("baggage", "b3", "b3multi")]
)


@fuzzed(
    st.tuples(NAMES, CARRIED),
    (("b3multi",), {"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "1"}),
    (("b3",), {"b3": f"{TRACE}-{SPAN}-d"}),
)
def test_whatever_is_carried_goes_on_as_valid_headers(case: tuple[tuple[str, ...], dict[str, str]]) -> None:
    names, carried = case
    found, link = Propagation(names).extract(carried.get)
    assert link is None
    sent: dict[str, str] = {}
    Propagation(names).inject(found or Ambient(), "internal", sent)
    assert all(FIELD.fullmatch(value) for value in sent.values()), sent
    assert sum(map(len, sent.values())) < MOST_BYTES + 1_024
    untrusted, _ = Propagation(names, trust_inbound=False).extract(carried.get)
    assert untrusted is None
    assert not faults()


@fuzzed(st.tuples(STATES, st.dictionaries(ANY, ANY, max_size=3), st.none() | texts("shop.internal", "[::1]", "10.0.0.1", "%")))
def test_what_the_application_has_set_goes_out_as_valid_headers(case: tuple[str, dict[str, str], str | None]) -> None:
    state, baggage, host = case
    context = Ambient(int(TRACE, 16), int(SPAN, 16), 1, local=Local(trace_state=parse_tracestate(state), baggage=baggage))
    sent: dict[str, str] = {}
    Propagation().inject(context, host, sent)
    assert all(FIELD.fullmatch(value) for value in sent.values()), sent


@fuzzed(texts("a", "Root=1-67891233-abc", "-", "/", ":"))
def test_an_id_that_is_kept_is_fit_for_headers_and_lines(text: str) -> None:
    if well_formed(text):
        assert FIELD.fullmatch(text)
        assert len(text) <= 128
        assert not {*text} & {*" \"'<>,;\\%"}
