"""Lines that are known to hold nothing are let through by their shape: what they say but for the digits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_instrument.privacy import clean_lines, pii
from platform_instrument.privacy.pii import mask

PIECES = st.sampled_from(
    [
        *"0123456789:=.,-_/@%&?#'\"()[] \n",
        *("order ", "took ", "4111 1111 1111 1111", "%40", "%41", "bob", "example.com", "token", "pin", "pin7", "p4ss", "password=", "key "),
        *("AKIA", "xoxb-1", "ya29.", "eyJ", "+49 30 ", "tel ", "ssn 078-05-1120", "GB82WEST", "RSSMRA85T10A562S", "127.0.0.1", "near '", "LINE 1: "),
    ]
)  # fmt: skip
LINES = st.lists(PIECES, max_size=30).map("".join)


def fresh(text: str) -> str:
    clean_lines.KNOWN.clear()
    return mask(text)


@settings(max_examples=500, deadline=None)
@given(LINES, st.lists(st.sampled_from("0123456789"), min_size=1, max_size=7))
def test_a_line_is_read_alike_whatever_was_read_before(text: str, digits: list[str]) -> None:
    others = iter(digits * len(text))
    other = "".join(next(others) if one.isdigit() else one for one in text)
    expected = fresh(text)
    fresh(other)
    assert mask(text) == expected


def test_a_known_shape_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fresh("order 17 accepted, took 35.7 ms") == "order 17 accepted, took 35.7 ms"
    monkeypatch.setattr(pii, "_finding", None)
    monkeypatch.setattr(clean_lines, "told_at", None)
    assert mask("order 42 accepted, took 99.1 ms") == "order 42 accepted, took 99.1 ms"


@pytest.mark.parametrize("text", ["card 4111111111111111", "mail bob@example.com", "password=hunter2X", "user%40example.com"])
def test_what_holds_something_has_no_known_shape(text: str) -> None:
    fresh(text)
    assert not clean_lines.KNOWN


def test_shapes_are_bounded_and_no_text() -> None:
    clean_lines.KNOWN.clear()
    for number in range(clean_lines._MOST_KNOWN + 100):
        mask("a line " + "ab"[number % 2] * (number % 97) + "c" * (number // 97))
    assert 0 < len(clean_lines.KNOWN) <= clean_lines._MOST_KNOWN
    assert {type(shape) for shape in clean_lines.KNOWN} == {int}
