"""The steps of a budget, by numbers alone: in order, one a window, back where there is room, and no to and fro."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.runtime.overhead.budget import LOGS, SPANS, TRACES, Budget, Step

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 0.03
ORDER = ((LOGS, ""), (SPANS, "redis"), (SPANS, "httpx"), (TRACES, 2), (TRACES, 4))


def offering(budget: Budget, order: tuple[tuple[str, str | int], ...] = ORDER) -> Callable[[], Step | None]:
    """Return what offers the steps of an order one after another."""

    def offer() -> Step | None:
        made = {(step.kind, step.what) for step in budget.steps}
        return next((Step(*wanted) for wanted in order if wanted not in made), None)

    return offer


def made(budget: Budget) -> list[tuple[str, str | int]]:
    return [(step.kind, step.what) for step in budget.steps]


def windows_until_restored(budget: Budget, cost: float) -> int:
    """Return how many windows of a steady cost it takes until nothing is left out, 1000 where it is never."""
    return next((number for number in range(1_000) if budget.judge(cost, offering(budget)) and not made(budget)), 1_000)


def test_one_window_over_the_budget_is_no_reason() -> None:
    budget = Budget(MOST)
    for cost in (0.05, 0.02, 0.05, 0.02):
        assert not budget.judge(cost, offering(budget))
    assert not made(budget)


def test_steps_are_made_in_order_one_a_window_until_the_cost_is_within_the_budget() -> None:
    budget = Budget(MOST)
    seen = []
    for cost in (0.10, 0.09, 0.08, 0.06, 0.04, 0.029):
        budget.judge(cost, offering(budget))
        seen.append(len(budget.steps))
    assert seen == [0, 1, 2, 3, 4, 4]
    assert made(budget) == list(ORDER[:4])


def test_a_steady_load_that_fits_because_of_a_step_keeps_it() -> None:
    budget = Budget(MOST)
    for _ in range(2):
        budget.judge(0.06, offering(budget))
    for _ in range(20):
        assert not budget.judge(0.025, offering(budget))
    assert made(budget) == [(LOGS, "")]


def test_steps_are_taken_back_last_first_when_there_is_room_with_them() -> None:
    budget = Budget(MOST)
    for cost in (0.10, 0.08, 0.06, 0.05, 0.028):
        budget.judge(cost, offering(budget))
    assert made(budget) == list(ORDER[:3])
    seen = []
    for _ in range(7):
        budget.judge(0.001, offering(budget))
        seen.append(made(budget))
    assert seen == [list(ORDER[:kept]) for kept in (3, 2, 2, 1, 1, 0, 0)]


def test_what_a_step_saved_is_forgotten_so_that_it_is_tried_again() -> None:
    budget = Budget(MOST)
    for _ in range(2):
        budget.judge(0.06, offering(budget))
    assert 30 < windows_until_restored(budget, 0.02) < 200


def test_a_load_that_stopped_while_a_step_was_made_does_not_hold_it_for_ever() -> None:
    budget = Budget(MOST)
    for _ in range(2):
        budget.judge(0.9, offering(budget))
    assert windows_until_restored(budget, 0.01) < 400


def test_what_cannot_be_left_out_is_the_excess_as_long_as_it_lasts() -> None:
    budget = Budget(MOST)
    only = ((SPANS, "redis"),)
    for cost in (0.10, 0.10, 0.08):
        budget.judge(cost, offering(budget, only))
    assert made(budget) == list(only)
    assert round(budget.excess, 6) == 0.05
    budget.judge(0.02, offering(budget, only))
    assert budget.excess == 0.0


def test_thinner_traces_that_do_not_help_are_taken_back_and_left_alone_until_there_is_room() -> None:
    budget = Budget(MOST)
    only = ((TRACES, 2), (TRACES, 4))
    for cost in (0.10, 0.10):
        budget.judge(cost, offering(budget, only))
    assert made(budget) == [(TRACES, 2)]
    assert budget.judge(0.10, offering(budget, only))
    assert made(budget) == []
    for _ in range(5):
        budget.judge(0.10, offering(budget, only))
    assert made(budget) == []
    assert round(budget.excess, 6) == 0.07
    budget.judge(0.01, offering(budget, only))
    for _ in range(2):
        budget.judge(0.10, offering(budget, only))
    assert made(budget) == [(TRACES, 2)]


def test_a_fork_child_begins_with_everything() -> None:
    budget = Budget(MOST)
    for _ in range(4):
        budget.judge(0.10, offering(budget))
    budget.renew()
    assert not budget.steps
    assert not budget.judge(0.10, offering(budget))
