"""Modes: a label, a pseudonym that is equal for equal values, or nothing at all; patterns of the setting."""

from __future__ import annotations

import re
import sys
import time

import pytest

from platform_instrument.privacy.custom import custom, unsafe
from platform_instrument.privacy.labels import LABEL, Labels
from platform_instrument.privacy.pii import mask

TEXT = "bob@example.com, card 4539 1488 0343 6467, call +49 30 1234567"


def test_a_kind_can_be_let_through() -> None:
    assert mask(TEXT, Labels({"email": "off", "phone": "off"})) == "bob@example.com, card [card], call +49 30 1234567"


def test_equal_values_have_equal_pseudonyms_and_other_keys_others() -> None:
    labels = Labels({"email": "hash", "card": "hash"}, "a key")
    first = mask("bob@example.com and card 4539148803436467", labels)
    assert re.fullmatch(r"\[email:[0-9a-f]{12}\] and card \[card:[0-9a-f]{12}\]", first)
    assert mask("BOB@example.com and card 4539 1488 0343 6467", labels) == first
    assert mask("bob@example.com and card 4539148803436467", Labels({"email": "hash", "card": "hash"}, "another")) != first
    assert mask(first, labels) == first
    assert re.fullmatch(LABEL, first[: first.index(" ")])


def test_a_pseudonym_does_not_echo_the_value() -> None:
    masked = mask("bob@example.com", Labels({"email": "hash"}, "a key"))
    assert not {"bob", "example"} & set(re.findall(r"\w+", masked))


@pytest.mark.parametrize(
    "pattern", [r"EMP-\d{4,8}", r"\bcustomer [A-Z]{2}\d{6}\b", r"(?:a|b)c", r"x{0,3}y?", r"(?i)ticket#\d{1,10}"]
)
def test_a_bounded_pattern_is_let_in(pattern: str) -> None:
    assert unsafe(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(a+)+b", "without a bound"),
        (r"\w+@corp", "without a bound"),
        (r"(?:ab|c){1,5}", "within a repeat"),
        (r"(?:a{1,5}){1,5}", "within a repeat"),
        (r"(a)\1", "refers back"),
        (r"a{1,200}b{1,200}c{1,200}", "ways to try"),
    ],
)
def test_a_pattern_that_may_take_long_is_refused_and_the_reason_says_how_to_write_it(pattern: str, reason: str) -> None:
    assert reason in unsafe(pattern)
    assert "{1,64}" in unsafe(pattern)


@pytest.fixture
def _without_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)


@pytest.mark.usefixtures("_without_re2")
def test_patterns_find_their_values_and_refused_ones_are_told() -> None:
    detectors, refused = custom((r"EMP-\d{4,8}", r"(a+)+b"))
    assert [pattern for pattern, _ in refused] == [r"(a+)+b"]
    assert list(detectors[0].values("badge EMP-12345 and EMP-1")) == [(6, 15)]


@pytest.mark.usefixtures("_without_re2")
def test_a_safe_pattern_is_fast_on_what_it_hardly_matches() -> None:
    (detector,), _ = custom((r"a{1,20}b{1,20}c",))
    start = time.thread_time()
    assert list(detector.values("ab" * 60_000)) == []
    assert time.thread_time() - start < 1


def test_where_google_re2_is_installed_it_runs_every_pattern_in_linear_time(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("re2", reason="google-re2 is not installed")
    (nested,), refused = custom((r"(\w+)+@corp", r"(a)\1"))
    assert list(nested.values("é bob@corp")) == [(2, 10)]
    start = time.thread_time()
    assert list(nested.values("a" * 60_000)) == []
    assert time.thread_time() - start < 1
    assert [pattern for pattern, _ in refused] == [r"(a)\1"]
    assert "google-re2" in refused[0][1]
    assert capfd.readouterr() == ("", "")


def test_no_value_stays_in_memory() -> None:
    labels = Labels({"email": "hash"}, "a key")
    mask("mail to bob@example.com", labels)
    assert labels._known
    assert not any("bob" in repr(item) for item in labels._known.items())
