"""Which lines are left out: the level decides first, then the trace, then the bucket of the template; counted to the line."""

from __future__ import annotations

import threading
from itertools import count
from typing import Any

import pytest

from platform_instrument.config.schema import Settings
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.logs import sampling
from platform_instrument.telemetry.logs.sampling import MOST_BUCKETS, MOST_OF_A_STATEMENT, NEVER, Bucket, Sampler
from platform_instrument.telemetry.metrics.registry import METRICS

DEBUG, INFO, SUCCESS, WARNING, ERROR, CRITICAL = 10, 20, 25, 30, 40, 50
HOUR = 3_600.0


@pytest.fixture(autouse=True)
def _counted_from_zero() -> None:
    METRICS.reset()


class Clock:
    """The time, which goes on when it is told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(sampling, "monotonic", found)
    return found


def sampler(**chosen: object) -> Sampler:
    """Return a sampler that keeps three lines of a template at once, and then none for an hour, unless it is told otherwise."""
    settings = Settings()
    for name, value in {"rate": 1 / HOUR, "burst": 3, **chosen}.items():
        setattr(settings, f"log_sample_{name}", value)
    return Sampler(settings)


def keep(one: Sampler, template: str = "paid %s", *, level: int = INFO, logger: str = "shop", line: int = 7) -> bool:
    """Say one line; return whether it is kept."""
    if one.keeps(level):
        return True
    bucket = one.bucket(logger, level, str(level), template, "/app/shop.py", line)
    return bucket is None or one.lets_pass(bucket)


def kept(one: Sampler, number: int, template: str = "paid %s", **told: Any) -> int:
    """Say so many lines; return how many are kept."""
    return sum(keep(one, template, **told) for _ in range(number))


def omitted(one: Sampler) -> int:
    return sum(bucket.omitted for bucket in (*one.buckets.values(), *one.forgotten))


TRACES = {"none": None, "not kept": Ambient(1, 1, 0), "kept": Ambient(1, 1, 1)}

PRECEDENCE = [
    # the highest level, whether traces are kept whole, level, trace, whether the bucket is empty: kept?
    ("info", True, ERROR, "none", True, True),
    ("info", True, ERROR, "not kept", True, True),
    ("info", True, CRITICAL, "kept", True, True),
    ("warning", True, ERROR, "not kept", True, True),
    ("warning", False, CRITICAL, "not kept", True, True),
    ("info", True, WARNING, "none", True, True),
    ("info", True, WARNING, "not kept", True, True),
    ("warning", True, WARNING, "none", True, False),
    ("warning", True, WARNING, "not kept", True, False),
    ("warning", True, WARNING, "kept", True, True),
    ("info", True, INFO, "kept", True, True),
    ("info", True, DEBUG, "kept", True, True),
    ("info", False, INFO, "kept", True, False),
    ("info", False, INFO, "kept", False, True),
    ("info", True, INFO, "not kept", True, False),
    ("info", True, INFO, "not kept", False, True),
    ("info", True, INFO, "none", True, False),
    ("info", True, INFO, "none", False, True),
    ("info", True, SUCCESS, "none", True, False),
    ("info", True, DEBUG, "not kept", True, False),
    ("debug", True, INFO, "none", True, True),
    ("debug", True, DEBUG, "none", True, False),
]


@pytest.mark.parametrize("row", PRECEDENCE)
def test_the_level_decides_before_the_trace_and_the_trace_before_the_bucket(row: tuple[str, bool, int, str, bool, bool]) -> None:
    highest, whole, level, trace, empty, expected = row
    one = sampler(level=highest, keep_traces=whole)
    token = CURRENT.set(None)
    try:
        kept(one, 10 if empty else 2, level=level)
        CURRENT.set(TRACES[trace])
        assert keep(one, level=level) is expected
    finally:
        CURRENT.reset(token)


def test_lines_of_a_kept_trace_take_nothing_from_the_bucket() -> None:
    one = sampler()
    token = CURRENT.set(Ambient(1, 1, 1))
    assert kept(one, 1_000) == 1_000
    CURRENT.reset(token)
    assert kept(one, 10) == 3


def test_a_burst_is_kept_and_then_so_many_lines_a_second(clock: Clock) -> None:
    one = sampler(rate=10.0, burst=100)
    assert kept(one, 1_000) == 100
    clock.now += 1.0
    assert kept(one, 1_000) == 10
    clock.now += 0.05
    assert kept(one, 1_000) == 0
    clock.now += 0.05
    assert kept(one, 1_000) == 1
    clock.now += HOUR
    assert kept(one, 1_000) == 100
    assert omitted(one) == 900 + 990 + 1_000 + 999 + 900


def test_a_clock_that_was_frozen_at_another_time_starves_no_template(clock: Clock) -> None:
    one = sampler(rate=10.0, burst=100)
    clock.now = 1e9
    assert kept(one, 1_000) == 100
    clock.now = 1_000.0
    assert kept(one, 1_000) == 100


@pytest.mark.parametrize("burst", [1, 2, 3, 99, 100, 1_000])
@pytest.mark.parametrize("rate", [0.001, 3.0, 7.0, 1_000_000.0])
def test_a_burst_is_kept_to_the_line(clock: Clock, rate: float, burst: int) -> None:
    del clock
    assert kept(sampler(rate=rate, burst=burst), 2_000) == burst


def test_each_template_level_and_logger_has_a_bucket_of_its_own() -> None:
    one = sampler(level="warning")
    assert [kept(one, 5, template) for template in ("a %s", "b %s", "a %s")] == [3, 3, 0]
    assert kept(one, 5, "a %s", level=WARNING) == 3
    assert kept(one, 5, "a %s", logger="shop.orders") == 3
    assert kept(one, 5, "a %s", line=8) == 0


def test_texts_without_end_share_the_bucket_of_their_statement_and_are_counted_to_the_line() -> None:
    one = sampler()
    said = MOST_OF_A_STATEMENT * 10
    passed = sum(keep(one, f"user {number}") for number in range(said))
    assert passed == MOST_OF_A_STATEMENT + 3
    assert omitted(one) == said - passed
    assert len(one.buckets) == 1
    assert [bucket.title for bucket in one.buckets.values()] == ["shop.py:7"]
    assert keep(one, "of another statement", line=8)


def test_what_the_templates_of_a_statement_have_left_out_is_still_to_be_told_when_they_are_merged() -> None:
    one = sampler()
    assert kept(one, 10, "user 0") == 3
    for number in range(1, MOST_OF_A_STATEMENT + 1):
        keep(one, f"user {number}")
    assert len(one.buckets) == 1
    assert omitted(one) == 7


def test_a_text_that_is_too_long_for_a_template_is_told_by_its_statement() -> None:
    one = sampler()
    assert [keep(one, "x" * 300 + str(number)) for number in range(5)] == [True, True, True, False, False]


def test_templates_without_end_take_bounded_room_and_what_was_known_before_is_found() -> None:
    one = sampler()
    kept(one, 10, "known")
    for number in range(300_000):
        keep(one, f"user {number}", line=number % 9_000 + 10)
    assert len(one.buckets) <= 2 * MOST_BUCKETS + 4
    assert len(one.forgotten) <= 2 * MOST_BUCKETS
    assert sum(len(keys) for keys in one._statements.values()) <= MOST_BUCKETS + MOST_OF_A_STATEMENT
    assert kept(one, 10, "known") == 0


def test_where_there_is_no_room_left_lines_share_one_bucket_and_errors_are_kept(clock: Clock) -> None:
    del clock
    one = sampler()
    for number in range(2 * MOST_BUCKETS + 10):
        keep(one, f"many {number}", line=number)
    passed = [keep(one, f"more {number}", line=-number) for number in range(100)]
    assert not any(passed[10:])
    assert all(keep(one, f"more {number}", level=ERROR) for number in range(100))


def test_buckets_that_nobody_asks_are_forgotten_where_room_is_wanted(clock: Clock) -> None:
    one = sampler(rate=10.0)
    for number in range(MOST_BUCKETS):
        kept(one, 5, f"old {number}", line=number)
    clock.now += 120
    assert kept(one, 5, "new %s") == 3
    assert len(one.buckets) == 1
    assert omitted(one) == MOST_BUCKETS * 2 + 2


@pytest.mark.parametrize(("logger", "expected"), [("audit", 100), ("audit.money", 100), ("auditor", 3), ("shop", 3)])
def test_of_some_loggers_and_those_below_them_nothing_is_left_out(logger: str, expected: int) -> None:
    one = sampler(excluded_loggers=("audit",))
    assert kept(one, 100, logger=logger) == expected


def test_what_is_left_out_is_counted_by_level_and_logger() -> None:
    one = sampler(level="warning")
    kept(one, 10, "a")
    kept(one, 10, "b")
    kept(one, 10, level=WARNING)
    kept(one, 10, level=5, logger="shop.orders")
    metric = METRICS.by_name["platform.log.omitted"]
    assert {tuple(value for _, value in cell.attributes): cell.value for cell in metric.series()} == {
        ("info", "shop"): 14,
        ("warning", "shop"): 7,
        ("debug", "shop.orders"): 7,
    }


def test_once_it_is_stopped_every_line_is_kept() -> None:
    one = sampler()
    kept(one, 10)
    one.stop()
    assert kept(one, 10) == 10


def test_a_fork_child_starts_from_zero() -> None:
    one = sampler()
    kept(one, 10)
    one.renew()
    assert omitted(one) == 0
    assert one.round_began is NEVER
    assert kept(one, 10) == 3


def test_the_first_line_that_is_left_out_begins_a_round() -> None:
    one, begun = sampler(), count()
    one.begin = begun.__next__
    kept(one, 3)
    assert one.round_began is NEVER
    kept(one, 100)
    assert one.round_began is not NEVER
    assert next(begun) == 1


def test_eight_threads_lose_no_count() -> None:
    """What is kept and what is left out is all that was said, of a template that all of them say and of texts without end."""
    one, each = sampler(), 20_000
    passed: list[int] = []

    def say() -> None:
        found = 0
        for number in range(each):
            found += keep(one)
            found += keep(one, f"user {number}", line=8)
        passed.append(found)

    threads = [threading.Thread(target=say) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) + omitted(one) == 8 * each * 2
    metric = METRICS.by_name["platform.log.omitted"]
    assert sum(cell.value for cell in metric.series()) == omitted(one)


def test_a_bucket_tells_what_its_lines_are_told_by() -> None:
    one = sampler()
    keep(one, "paid %s\n")
    assert [(bucket.logger, bucket.level, bucket.title) for bucket in one.buckets.values()] == [("shop", INFO, "'paid %s\\n'")]
    assert isinstance(next(iter(one.buckets.values())), Bucket)
