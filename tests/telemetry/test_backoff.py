"""How long the way out waits."""

from __future__ import annotations

import random

import pytest

from platform_instrument.telemetry.backoff import Backoff


def test_delays_double_up_to_a_bound_and_begin_anew_after_a_success() -> None:
    backoff = Backoff()
    for expected in (1, 2, 4, 8, 16, 30, 30):
        assert backoff.delay() == pytest.approx(expected, rel=0.2)
    backoff.reset()
    assert backoff.delay() == pytest.approx(1, rel=0.2)


def test_no_two_processes_wait_in_step() -> None:
    assert len({Backoff().delay() for _ in range(50)}) > 40


def test_the_collectors_wish_is_the_least_and_is_bounded() -> None:
    assert Backoff().delay(7.0) == 7.0
    assert Backoff().delay(0.0) == pytest.approx(1, rel=0.2)
    assert Backoff().delay(1e9) == 300.0


def test_the_applications_random_numbers_are_left_alone() -> None:
    random.seed(1)
    expected = random.random()  # noqa: S311 - what an application does
    random.seed(1)
    backoff = Backoff()
    backoff.delay()
    backoff.reset()
    assert random.random() == expected  # noqa: S311 - as above
