"""From results to a state: down at the first failure, a gate after some, up again after some successes."""

from __future__ import annotations

import time

import pytest

from platform_instrument.engine.health import DOWN, UNKNOWN, UP
from platform_instrument.runtime.health.judgement import Judgement


def after(results: str, *, failures: int = 3, successes: int = 2, gates: bool = False) -> tuple[str, bool]:
    """Return state and whether it gates after results, `+` a success, `-` a failure, `?` that it could not be asked."""
    held = Judgement(failures, successes, gates=gates)
    for result in results:
        {"+": held.success, "-": held.failure, "?": held.unasked}[result]()
    return held.state, held.gates


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("", (UNKNOWN, False)),
        ("+", (UP, False)),
        ("+-", (DOWN, False)),
        ("+--", (DOWN, False)),
        ("+---", (DOWN, True)),
        ("+--+--", (DOWN, False)),
        ("+--+", (UP, False)),
        ("---+", (DOWN, True)),
        ("---++", (UP, False)),
        ("---+-+", (DOWN, True)),
        ("---+-++", (UP, False)),
        ("---++-", (DOWN, False)),
        ("-", (DOWN, False)),
        ("+?", (UP, False)),
        ("---?", (DOWN, True)),
    ],
)
def test_one_that_was_found_while_serving_counts_after_failures(results: str, expected: tuple[str, bool]) -> None:
    assert after(results) == expected


@pytest.mark.parametrize(
    ("results", "expected"),
    [("", (UNKNOWN, True)), ("+", (UP, False)), ("-", (DOWN, True)), ("-+", (DOWN, True)), ("-++", (UP, False)), ("?", (UNKNOWN, False))],
)  # fmt: skip
def test_one_that_start_up_knows_counts_until_it_was_up(results: str, expected: tuple[str, bool]) -> None:
    assert after(results, gates=True) == expected


def test_a_state_holds_since_it_came() -> None:
    held = Judgement(1, 1, gates=False)
    held.success()
    since = held.since
    time.sleep(0.002)
    held.success()
    assert held.since == since
    held.failure()
    assert held.since > since
