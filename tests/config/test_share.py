"""A share is written as a percentage; anything else would have to be guessed, and is said instead."""

from __future__ import annotations

import pytest

from platform_instrument.config.problem import in_force
from platform_instrument.config.read import read
from platform_instrument.config.schema import Settings


@pytest.mark.parametrize(("text", "value"), [("3%", 0.03), ("3 %", 0.03), ("0.5%", 0.005), ("100%", 1.0), (" 12.50% ", 0.125)])
def test_a_percentage_is_taken(text: str, value: float) -> None:
    settings, problems = read({"PLATFORM_MAX_OVERHEAD": text})
    assert not problems
    assert settings.max_overhead == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["3", "0.03", "%", "-3%", "+3%", "3%%", "0%", "0.01%", "101%", "1e1%", "1.2.3%", ".%", "٣%", "nan%", "3_0%"]
)
def test_anything_else_leaves_it_off_and_is_said(text: str) -> None:
    settings, problems = read({"PLATFORM_MAX_OVERHEAD": text})
    assert settings.max_overhead is None
    assert str(problems[0]) == (
        f"PLATFORM_MAX_OVERHEAD={text!a} is not a share from 0.1% to 100%; none is used; write a number and %, 3% for instance"
    )


def test_it_is_shown_as_it_is_written() -> None:
    settings, _ = read({"PLATFORM_MAX_OVERHEAD": "2.5%"})
    assert in_force(settings, Settings.declared["max_overhead"]) == "2.5%"
