"""What is kept of a line: its values as they were, its own time, the span it was logged in."""

from __future__ import annotations

import gc
import json
import logging
import logging.handlers
import tracemalloc
import weakref
from pathlib import Path
from typing import Any

import pytest

from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.tracer import start
from tests.instrumentations.recording import ids, recording
from tests.logs.recorder.shop import ON, Shop, failing, recorder, request


def test_a_line_tells_its_own_time_and_the_span_it_was_logged_in(shop: Shop) -> None:
    records: list[logging.LogRecord] = []
    told: list[tuple[str, str]] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    shop.add(Keeping())

    def act() -> None:
        inner = start("inner", 1, None, None, own_scope("test"), CURRENT.get(), 0)
        token = CURRENT.set(inner)
        told.append(ids(inner))
        shop.log.debug("within")
        told.append((str(shop.log.isEnabledFor(10)), ""))
        CURRENT.reset(token)
        inner.end()
        while not records:
            shop.log.warning("later")

    with recorder():
        failing(act)
    later, within = records
    assert (later.getMessage(), within.getMessage()) == ("later", "within")
    assert within.created <= later.created
    assert (within.funcName, within.filename) == ("act", Path(__file__).name)
    assert f"DEBUG within trace_id={told[0][0]} span_id={told[0][1]}" in shop.stream.getvalue()


def test_values_are_rendered_when_they_are_logged_and_never_later(shop: Shop) -> None:
    class Cart:
        asked = 0
        state = "empty"

        def __str__(self) -> str:
            self.asked += 1
            return self.state

    cart, items = Cart(), {"sku": 1}

    def act() -> None:
        shop.log.debug("%s", cart)
        shop.log.debug("%(sku)s", items)
        shop.log.debug("with %s", [items], extra={"items": items})
        cart.state, items["sku"] = "full", 2

    with recorder():
        shop.log.handlers[0].setFormatter(logging.Formatter("%(message)s %(items)s", defaults={"items": ""}))
        failing(act)
    assert shop.printed == ["empty ", "1 ", "with [{'sku': 1}] {'sku': 1}"]
    assert cart.asked == 1


def test_arguments_of_plain_values_stay_what_formatters_may_read(shop: Shop) -> None:
    seen: list[Any] = []

    class Reading(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            seen.append(record.args)
            return super().format(record)

    shop.log.handlers[0].setFormatter(Reading())
    with recorder():
        failing(lambda: shop.log.debug("%s - %d", "GET", 200))
    assert seen == [("GET", 200)]


def test_an_exception_is_kept_as_text_and_lets_go_of_its_frames(shop: Shop) -> None:
    class Large:
        pass

    def look_up(held: Large) -> None:
        {}["order"]
        del held

    def act() -> None:
        large = Large()
        gone = weakref.ref(large)
        try:
            look_up(large)
        except KeyError:
            shop.log.debug("caught", exc_info=True, stack_info=True)
        del large
        gc.collect()
        assert gone() is None

    with recorder():
        failing(act)
    assert shop.printed[0] == "DEBUG caught"
    assert shop.printed[1] == "Traceback (most recent call last):"
    end = shop.printed.index("KeyError: 'order'")
    assert shop.printed[end + 1] == "Stack (most recent call last):"


def test_what_is_printed_late_is_masked_like_any_line(shop: Shop) -> None:
    with recorder():
        failing(lambda: shop.log.debug("mail to %s", "bob@example.com", extra={"password": "x"}))
    assert shop.printed == ["DEBUG mail to [email]"]


def test_a_line_that_is_too_long_is_cut(shop: Shop) -> None:
    with recorder():
        failing(lambda: [shop.log.debug("x" * 1_000_000), shop.log.debug("%s", "y" * 1_000_000)])
    assert [len(line) < 9_000 and line[:12] for line in shop.printed] == ["DEBUG xxxxxx", "DEBUG yyyyyy"]


def test_a_number_without_end_is_no_way_around_the_bounds(shop: Shop) -> None:
    weights: list[int] = []

    def act() -> None:
        shop.log.debug("%d and %d", 1, 1 << 8_000_000, extra={"number": 1 << 8_000_000})
        weights.append(CURRENT.get().local.ring.weight)  # type: ignore[union-attr]
        (line,) = CURRENT.get().local.ring.lines  # type: ignore[union-attr]
        assert line.record.args is None
        assert len(str(line.record.__dict__["number"])) < 10_000

    with recorder():
        failing(act)
    assert 0 < weights[0] < 65_536
    assert len(shop.printed) == 1


@pytest.mark.faults
def test_a_value_that_cannot_be_rendered_costs_its_own_line_at_most(shop: Shop) -> None:
    class Hostile:
        def __str__(self) -> str:
            raise ValueError

        __repr__ = __str__

    def act() -> None:
        shop.log.debug("%s", Hostile())
        shop.log.debug("ok", extra={"hostile": Hostile()})
        shop.log.debug("%d", "no number")

    with recorder():
        failing(act)
    assert shop.printed == ["DEBUG %s", "DEBUG ok"]


def test_what_has_passed_the_level_is_left_as_it_is_for_others(shop: Shop) -> None:
    seen: list[logging.LogRecord] = []
    shop.log.setLevel(logging.DEBUG)
    for handler in shop.log.handlers:
        handler.setLevel(logging.INFO)
    shop.log.addFilter(lambda record: not seen.append(record))
    items = {"sku": 1}
    with recorder():
        failing(lambda: shop.log.debug("with %s", [items], extra={"items": items}))
    assert shop.printed == ["DEBUG with [{'sku': 1}]"]
    (record,) = seen
    assert (record.msg, record.args) == ("with %s", ([items],))
    assert record.__dict__["items"] is items


@pytest.mark.parametrize("extra", [None, {"order": 17, "items": [1, 2], "shop": "x" * 30}])
def test_what_a_line_weighs_is_what_it_takes(shop: Shop, extra: dict[str, Any] | None) -> None:
    taken: list[float] = []

    def act() -> None:
        shop.log.debug("before")
        ring = CURRENT.get().local.ring  # type: ignore[union-attr]
        gc.collect()
        tracemalloc.start()
        try:
            for number in range(200):
                shop.log.debug("got %d of %s", number + 1_000, "x" * number, extra=extra)
            gc.collect()
            taken.append(tracemalloc.get_traced_memory()[0] / ring.weight)
        finally:
            tracemalloc.stop()

    with recorder(size="1000000"):
        request(act)
    assert 0.5 < taken[0] < 1.6


def test_the_platform_s_own_format_tells_the_line_s_own_time_too(shop: Shop) -> None:
    def act() -> None:
        shop.log.debug("before %d", 1, extra={"order": 17})
        shop.log.info("at once")

    with recording("std_recorder", "std_logging", environ={**ON, "PLATFORM_LOG_FORMAT": "json"}):
        failing(act)
    at_once, before = [json.loads(line) for line in shop.stream.getvalue().splitlines()]
    assert (at_once["message"], before["message"], before["order"]) == ("at once", "before 1", 17)
    assert before["time"] <= at_once["time"]
    assert before["span_id"] == at_once["span_id"]
