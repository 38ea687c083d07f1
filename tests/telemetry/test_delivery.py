"""What waits while a collector does not answer, in this process and with real connections."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from platform_instrument.config.otlp import otlp_settings
from platform_instrument.config.read import read
from platform_instrument.core.report import forget
from platform_instrument.telemetry import losses
from platform_instrument.telemetry.delivery import MOST_BYTES, Complaints, Delivery
from platform_instrument.telemetry.http_exporter import HttpExporter
from platform_instrument.telemetry.otlp import SpanEncoder
from tests.telemetry.test_otlp import ended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.collector import Collector


@pytest.fixture(autouse=True)
def _no_losses() -> Iterator[None]:
    losses.reset()
    yield
    losses.reset()


def delivery_to(
    collector: Collector, unit: str = "spans", complaints: Complaints | None = None, *, latest_only: bool = False
) -> Delivery:
    settings, _ = read(collector.environment())
    otlp, _ = otlp_settings(settings, "traces")
    said = complaints or Complaints()
    return Delivery(HttpExporter(otlp), otlp.endpoint, unit, said, timeout=2, latest_only=latest_only)


def body(name: str) -> bytes:
    return SpanEncoder({}).encode([ended(name)])


def names(collector: Collector) -> list[str]:
    return [span.name for span in collector.spans]


def test_bodies_leave_one_a_turn_in_their_order(collector: Collector) -> None:
    delivery = delivery_to(collector)
    for name in ("a", "b", "c"):
        delivery.put(body(name), 1)
    assert [delivery.work(), delivery.work(), delivery.work(), delivery.work()] == [0.0, 0.0, None, None]
    assert names(collector) == ["a", "b", "c"]
    assert delivery.delivered == 3
    delivery.finish(0, last=True)


def test_a_body_waits_until_its_next_attempt_is_due(collector: Collector) -> None:
    delivery = delivery_to(collector)
    delivery.put(body("a"), 1)
    collector.fail(times=1)
    first = delivery.work()
    again = delivery.work()
    assert first is not None
    assert again is not None
    assert 0.5 < again <= first < 1.5
    assert len(collector.requests) == 1
    time.sleep(again)
    assert delivery.work() is None
    assert names(collector) == ["a"]
    delivery.finish(0, last=True)


def test_the_oldest_bodies_give_way_and_are_counted(collector: Collector, capfd: pytest.CaptureFixture[str]) -> None:
    collector.refuse()
    delivery = delivery_to(collector)
    for _ in range(100):
        delivery.put(os.urandom(MOST_BYTES // 20), 7)
    assert MOST_BYTES * 0.9 < delivery.bytes <= MOST_BYTES
    waiting = delivery.status()["waiting"]
    assert losses.dropped() == {("spans", losses.BUFFER_FULL): 700 - waiting}
    assert capfd.readouterr().err.count("\n") == 1


def test_a_body_larger_than_the_buffer_is_still_tried(collector: Collector) -> None:
    delivery = delivery_to(collector)
    spans = [ended(attributes={"noise": os.urandom(10_000).hex()}) for _ in range(250)]
    delivery.put(SpanEncoder({}).encode(spans), 250)
    assert delivery.bytes > MOST_BYTES
    assert delivery.work() is None
    assert len(collector.spans) == 250
    delivery.finish(0, last=True)


def test_of_cumulative_metrics_only_the_latest_state_waits(collector: Collector) -> None:
    collector.fail(times=1)
    delivery = delivery_to(collector, latest_only=True)
    delivery.put(body("old"), 1)
    delivery.work()
    delivery.put(body("new"), 1)
    assert delivery.finish(time.monotonic() + 5, last=True)
    assert names(collector) == ["new"]
    assert losses.dropped() == {}


def test_an_orderly_end_tries_once_more_and_counts_what_is_lost(collector: Collector) -> None:
    delivery = delivery_to(collector)
    delivery.put(body("a"), 1)
    delivery.work()
    collector.fail(times=1)
    delivery.put(body("b"), 1)
    assert delivery.finish(time.monotonic() + 5, last=True)
    assert names(collector) == ["a", "b"]
    collector.fail()
    delivery.put(body("c"), 3)
    assert not delivery.finish(time.monotonic() + 5, last=True)
    assert losses.dropped() == {("spans", losses.PROCESS_ENDED): 3}


def test_it_complains_again_after_it_worked_in_between_and_once_a_minute(
    collector: Collector, capfd: pytest.CaptureFixture[str]
) -> None:
    delivery = delivery_to(collector)
    for lines in (1, 0, 0, 1):
        if lines:
            forget()  # a minute has passed
        collector.fail(400)
        for _ in range(3):
            delivery.put(body("a"), 1)
            delivery.work()
        assert capfd.readouterr().err.count("\n") == lines
        collector.recover()
        delivery.put(body("a"), 1)
        delivery.work()
    delivery.finish(0, last=True)


def test_signals_that_do_not_arrive_for_one_reason_are_one_line(collector: Collector, capfd: pytest.CaptureFixture[str]) -> None:
    said = Complaints()
    deliveries = [delivery_to(collector, "spans", said), delivery_to(collector, "metrics", said)]

    def told(manner: str) -> list[str]:
        for delivery in deliveries:
            getattr(collector, manner)()
            delivery.put(body("a"), 1)
            delivery.finish(time.monotonic() + 2, last=True)
        return capfd.readouterr().err.splitlines()

    for _ in range(2):
        forget()
        (line,) = told("fail")
        assert line.startswith("platform-instrument: spans cannot be delivered to http://")
        assert told("recover") == []
    deliveries.reverse()
    forget()
    (line,) = told("refuse")
    assert line.startswith("platform-instrument: metrics cannot be delivered to http://")
    collector.recover()
    collector.fail(503)
    forget()
    deliveries[1].put(body("a"), 1)
    deliveries[1].finish(time.monotonic() + 2, last=True)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("platform-instrument: spans cannot be delivered to http://")  # for a reason of its own
    assert told("recover") == []
    forget()
    for delivery, lines in ((deliveries[1], 1), (deliveries[0], 0)):
        delivery.count_loss(1, losses.QUEUE_FULL, delivery.unit)
        assert capfd.readouterr().err.count("\n") == lines
    forget()
    deliveries[0].count_loss(1, losses.QUEUE_FULL, "what could not be said before")
    assert "metrics cannot be delivered" in capfd.readouterr().err


def test_a_collector_that_gives_another_reason_each_time_is_one_line_a_minute(
    collector: Collector, capfd: pytest.CaptureFixture[str]
) -> None:
    delivery = delivery_to(collector)
    for minute in range(2):
        forget()
        for number in range(20):
            collector.fail(400 + number)
            delivery.put(body("a"), 1)
            delivery.work()
            collector.recover()
            delivery.put(body("a"), 1)
            delivery.work()
        assert capfd.readouterr().err.count("\n") == 1, minute
    assert losses.dropped() == {("spans", losses.REFUSED): 40}
    delivery.finish(0, last=True)
