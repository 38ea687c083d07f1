"""Names, units and labels as the compatibility specification has them, where upstream is not the yardstick (`test_parity`)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_instrument.core.values import COUNTER, GAUGE, HISTOGRAM, UP_DOWN_COUNTER
from platform_instrument.telemetry.prometheus.names import family_name, label_name, unit_words

KINDS = st.sampled_from((COUNTER, UP_DOWN_COUNTER, GAUGE, HISTOGRAM))


@pytest.mark.parametrize(
    ("name", "unit", "kind", "expected"),
    [
        ("a_", "s", HISTOGRAM, ("a_seconds", "seconds")),
        ("9lives", "", GAUGE, ("_lives", "")),
        ("_total", "", COUNTER, ("_total", "")),
        ("used", "1", GAUGE, ("used_ratio", "ratio")),
        ("used", "1", UP_DOWN_COUNTER, ("used", "")),
        ("used", "1", HISTOGRAM, ("used", "")),
        ("sent_bytes_total", "By", COUNTER, ("sent_bytes", "bytes")),
        ("seconds", "s", GAUGE, ("seconds_seconds", "seconds")),
        ("caf\u00e9.visits", "{visit}", COUNTER, ("caf_visits", "")),
        ("", "", GAUGE, ("_", "")),
    ],
)
def test_a_family_is_called(name: str, unit: str, kind: int, expected: tuple[str, str]) -> None:
    assert family_name(name, unit, kind) == expected


@pytest.mark.parametrize(
    ("unit", "words"),
    [("kBy", "kilobytes"), ("By/min", "bytes_per_minute"), ("{a}/{b}", ""), ("{fault}", ""), ("1/s", "per_second")],
)
def test_a_unit_is_said_in_words(unit: str, words: str) -> None:
    assert unit_words(unit) == words


@pytest.mark.parametrize(
    ("key", "name"), [("http.route", "http_route"), ("1st", "_st"), ("a--b", "a_b"), ("a:b", "a_b"), ("", "_")]
)
def test_a_label_is_called(key: str, name: str) -> None:
    assert label_name(key) == name


@settings(deadline=None)
@given(name=st.text(), unit=st.text(), kind=KINDS)
def test_every_name_is_valid_and_ends_in_its_unit(name: str, unit: str, kind: int) -> None:
    called, words = family_name(name, unit, kind)
    assert re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", called)
    assert called.endswith(words)
    assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label_name(name))
    assert not label_name(name).startswith("__")
