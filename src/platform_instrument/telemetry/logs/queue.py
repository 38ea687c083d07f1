"""Records of logs that wait for the worker, bounded in number and in characters; what does not fit is counted.

No lock is held, whatever is logged wherever: by a signal handler, by a finalizer, by what is rendered for another line.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from platform_instrument.core.guard import guard
from platform_instrument.telemetry.logs.record import weight_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.config.schema import Settings
    from platform_instrument.telemetry.logs.outlet import LogOutlet
    from platform_instrument.telemetry.logs.record import LogRecord
    from platform_instrument.telemetry.worker import Worker

MOST_WAITING = 4 * 1024 * 1024
"""Characters that waiting records may hold together."""


class LogQueue:
    """The records of this process between the statement that logs and the worker."""

    __slots__ = ("_batch", "_complete", "_enough", "_many", "_take", "_weight", "_worker", "delay", "dropped", "most",
                 "most_attributes", "records")  # fmt: skip

    def __init__(self, settings: Settings, worker: Worker) -> None:
        self._worker = worker
        self.most = settings.blrp_max_queue_size
        self._batch = min(settings.blrp_max_export_batch_size, self.most)
        self._enough = min(self._batch, self.most // 4 or 1)
        self._many = self.most // 2
        self.delay = settings.blrp_schedule_delay
        """Seconds that a record waits at most for the worker."""
        self.most_attributes = settings.attribute_count_limit
        self._complete: Callable[[LogRecord], None] | None = None
        self.renew()

    def renew(self) -> None:
        """Start from zero: in a fork child."""
        self.records: deque[LogRecord] = deque()
        self._take = self.records.append if self._complete is None else self._completed
        self._weight = self.dropped = 0

    def complete_with(self, complete: Callable[[LogRecord], None]) -> None:
        """Have each record completed where it is logged, before it waits."""
        self._complete, self._take = complete, self._completed

    def _completed(self, record: LogRecord) -> None:
        if self._complete is not None:
            guard("complete a log", self._complete, record)
        self.records.append(record)

    def put(self, record: LogRecord) -> None:
        """Take a record; one that does not fit is lost, and counted."""
        if self._worker.awaited:
            self._worker.start()
        waiting = len(self.records)
        if waiting >= self.most or self._weight > MOST_WAITING:
            self.dropped += 1
            return
        self._weight += weight_of(record)
        self._take(record)
        if waiting + 1 >= self._enough and not self._worker.called:
            self._worker.wake()
        if waiting == self._many:
            self._worker.priority.hurry()

    @property
    def idle(self) -> bool:
        """Say whether there is nothing to deliver or to count."""
        return not (self.records or self.dropped)

    @property
    def pressing(self) -> bool:
        """Say whether so many wait that they are to be encoded before anything is waited for."""
        return len(self.records) >= self._many

    @property
    def enough(self) -> bool:
        """Say whether what waits is worth a request before its time."""
        return len(self.records) >= self._enough

    def drain(self, outlet: LogOutlet) -> None:
        """Hand what waits to the outlet, batch by batch."""
        if self.dropped:
            dropped, self.dropped = self.dropped, 0
            outlet.lose(dropped, f"more records of logs wait than OTEL_BLRP_MAX_QUEUE_SIZE={self.most}, or more than is bearable")
        records = self.records
        for _ in range(0, len(records), self._batch):  # no further: more is logged all the while
            batch = [records.popleft() for _ in range(min(len(records), self._batch))]
            left = len(records)
            self._weight = self._weight * left // (left + len(batch)) if batch else 0
            outlet.put(batch)
