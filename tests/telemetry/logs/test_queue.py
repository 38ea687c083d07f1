"""The queue of logs: bounded in records and in characters, from zero in a fork child, one faulty record alone is lost."""

from __future__ import annotations

import pytest

from platform_instrument.config.schema import Settings
from platform_instrument.telemetry import losses
from platform_instrument.telemetry.delivery import Complaints, Delivery
from platform_instrument.telemetry.logs import queue as queues
from platform_instrument.telemetry.logs.outlet import LogOutlet
from platform_instrument.telemetry.logs.queue import LogQueue
from platform_instrument.telemetry.logs.record import LogRecord, Site
from platform_instrument.telemetry.scope import InstrumentationScope
from platform_instrument.telemetry.worker import Worker
from platform_instrument.testing.received_logs import logs


class _Nowhere:
    encoding, survives_fork = "none", True


def _queue(most: int = 10) -> LogQueue:
    settings = Settings()
    settings.blrp_max_queue_size = most
    worker = Worker(float, lambda _deadline, _last: True, bool)
    worker.awaited, worker.called = False, True
    return LogQueue(settings, worker)


def _record(body: object = "x") -> LogRecord:
    return LogRecord(Site(9, "INFO"), InstrumentationScope("shop"), body, None, 1, 1)


def _outlet() -> tuple[LogOutlet, Delivery]:
    delivery = Delivery(_Nowhere(), "http://nowhere", "logs", Complaints(), timeout=1)  # type: ignore[arg-type]
    return LogOutlet({}, delivery, console=False), delivery


@pytest.fixture(autouse=True)
def _nothing_lost() -> None:
    losses.reset()


def test_more_records_than_fit_are_counted_as_lost() -> None:
    queue, (outlet, delivery) = _queue(most=10), _outlet()
    for _ in range(25):
        queue.put(_record())
    assert len(queue.records) == 10
    queue.drain(outlet)
    assert losses.dropped() == {("logs", losses.QUEUE_FULL): 15}
    assert delivery.status()["waiting"] == 10
    assert queue.idle


def test_characters_are_bounded_too_and_room_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "MOST_WAITING", 10_000)
    queue, (outlet, _) = _queue(most=1_000), _outlet()
    for _ in range(50):
        queue.put(_record("x" * 1_000))
    assert len(queue.records) < 12
    queue.drain(outlet)
    queue.put(_record("x" * 1_000))
    assert len(queue.records) == 1


def test_a_fork_child_has_nothing_of_its_parents() -> None:
    queue = _queue(most=1)
    queue.put(_record())
    queue.put(_record())
    queue.renew()
    assert queue.idle


@pytest.mark.faults
def test_a_record_that_cannot_be_encoded_is_lost_alone() -> None:
    outlet, delivery = _outlet()
    odd = _record()
    odd.trace_id = "no number"  # type: ignore[assignment]
    outlet.put([_record("first"), odd, _record("last")])
    ((body, count),) = delivery._pending
    assert count == 2
    assert [log.body for log in logs(body)] == ["first", "last"]
    assert losses.dropped() == {("logs", losses.NOT_ENCODED): 1}
