"""Lines longer than what is masked at once: whole and masked, wherever their values stand; valid JSON, or withheld."""

from __future__ import annotations

import json

import pytest

from platform_instrument.privacy.clean_lines import LONGEST
from platform_instrument.telemetry.long_lines import MOST, mask_long

KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7M6Fv5hGk2a3L\n" * 50
    + "-----END RSA PRIVATE KEY-----\n"
)


def test_a_line_without_values_stays_as_it_is() -> None:
    line = "plain words of nothing; " * 40_000
    assert mask_long(line) == line


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("password = hunter2X9 ", "hunter2X9"),
        ("for bob@example.com ", "bob@"),
        ("card 4539 1488 0343 6467 ", "1488"),
        (KEY, "MIIE"),
    ],
)
def test_a_value_is_masked_wherever_it_stands(value: str, told: str) -> None:
    for before in range(LONGEST - len(value) - 20, LONGEST + 20, max(len(value) // 20, 1)):
        line = "x " * (before // 2) + value + "y " * 70_000
        masked = mask_long(line)
        assert masked is not None
        assert told not in masked, before
        assert masked.endswith("y y ")


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_json_object_stays_one(separators: tuple[str, str]) -> None:
    given = {
        "text": "word " * 30_000,
        "numbers": list(range(40_000)),
        "rows": [{"card": 4539148803436467, "mail": "bob@example.com"}] * 2_000,
    }
    masked = mask_long(json.dumps(given, separators=separators))
    assert masked is not None
    assert json.loads(masked) == {**given, "rows": [{"card": "[card]", "mail": "[email]"}] * 2_000}


def test_what_cannot_be_parted_or_is_longer_than_anybody_reads_is_cut_and_says_so() -> None:
    for line in ("x" * (LONGEST * 2), "word " * MOST):
        masked = mask_long(line)
        assert masked is not None
        assert masked.endswith(" […]")
        assert LONGEST <= len(masked) <= MOST + 8
    assert mask_long('{"a": "' + "x" * (LONGEST * 2) + '"}') is None
