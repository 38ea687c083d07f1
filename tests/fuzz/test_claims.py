"""Claims of tokens that a service has verified: whatever JSON they hold, facts are few, short and plain."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st

from platform_instrument.config.read import read
from platform_instrument.core.values import SERVER
from platform_instrument.telemetry import facts, facts_claimed
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.facts_claimed import in_time, put_in_force, signed, take, verifies
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.tracer import start
from tests.fuzz.fuzzing import ANY, fuzzed, texts

SETTINGS = {"PLATFORM_SPAN_ATTRIBUTES_FROM_CLAIMS": "sub,tenant.id,scope=scopes,groups,https://shop/plan=plan"}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY | texts("u1")
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=20) | st.dictionaries(ANY, inner, max_size=4), max_leaves=20)
NAMES = st.sampled_from(["sub", "tenant", "tenant.id", "id", "scope", "groups", "https://shop/plan", "nbf", "exp"])
CLAIMS = st.dictionaries(NAMES | ANY, JSON | st.dictionaries(NAMES, JSON, max_size=3), max_size=8)


@pytest.fixture(autouse=True)
def _wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts_claimed._Wanted, "claims", ())
    monkeypatch.setattr(facts_claimed._Wanted, "callers", frozenset())
    monkeypatch.setattr(facts, "say", lambda *_, **__: None)
    put_in_force(read(SETTINGS)[0])


@fuzzed(CLAIMS)
def test_claims_become_few_short_facts(claims: dict[str, Any]) -> None:
    span = start("GET", SERVER, None, {}, own_scope("http"), None, 0)
    known = facts.attach(span)
    token = CURRENT.set(span)
    try:
        take(claims)
        in_time(claims)
    finally:
        CURRENT.reset(token)
    assert len(known.attributes) <= facts.MOST
    assert known.attributes.keys() <= {"sub", "tenant.id", "scopes", "groups", "plan"}
    for value in known.attributes.values():
        texts_of = value if isinstance(value, tuple) else (value,)
        assert len(texts_of) <= facts_claimed.MOST_ITEMS
        assert all(type(each) in {str, int, float, bool} for each in texts_of)
        assert sum(len(each) for each in texts_of if isinstance(each, str)) <= facts.LONGEST + 8


@fuzzed(
    st.none() | JSON | st.fixed_dictionaries({}, optional={"alg": JSON | st.sampled_from(["none", "None", "HS256"]), "enc": JSON})
)
def test_a_header_that_is_not_signed_is_not_believed(header: Any) -> None:
    if signed(header):
        assert isinstance(header, dict)
        assert "enc" not in header
        assert str(header["alg"]).lower() != "none"


@fuzzed(st.none() | st.dictionaries(st.just("verify_signature") | ANY, SCALARS, max_size=3))
def test_options_say_whether_a_signature_is_verified(options: dict[str, Any] | None) -> None:
    assert verifies(options) is (options is None or bool(options.get("verify_signature", True)))
