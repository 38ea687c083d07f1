"""What it costs to export a line that is logged, beside the SDK's handler and encoder, in one process: prints µs as JSON.

Ours: from `Logger.filter`, where the record is taken, into the queue, and out of it as bytes of OTLP, masked. The SDK's:
its handler hands the record to a processor, and its encoder makes bytes of it; nothing is masked.
"""

import gc
import json
import logging
import warnings
from collections import deque
from collections.abc import Callable
from functools import partial
from time import process_time_ns
from typing import Any

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource

from platform_instrument.config.schema import Settings
from platform_instrument.engine import apply
from platform_instrument.instrumentations.std_logs import INSTRUMENTATION
from platform_instrument.telemetry import pipeline
from platform_instrument.telemetry.logs.otlp import LogEncoder
from platform_instrument.telemetry.logs.queue import LogQueue
from platform_instrument.telemetry.worker import Worker

RECORDS, ROUNDS = 512, 40
LOGGER = logging.getLogger("plants.orders")
NO_ERROR = None


class Kept(LogRecordProcessor):
    """Keeps records, as one that batches does."""

    def __init__(self) -> None:
        self.records: deque[Any] = deque()

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Keep a record."""
        self.records.append(log_record)

    def shutdown(self) -> None:
        """Have nothing to end."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Have nothing to send."""
        return True


def lines(extra: dict[str, Any] | None) -> list[logging.LogRecord]:
    """Return lines as loggers make them."""
    text = "order %d of %s accepted, %d items, took %.1f ms"
    return [
        LOGGER.makeRecord(LOGGER.name, 20, "/app/orders.py", 17, text, (n, "plants", 3, 35.7), NO_ERROR, "accept", extra)
        for n in range(RECORDS)
    ]


def each(function: Callable[..., object], records: list[logging.LogRecord]) -> None:
    """Call a function with each record."""
    for record in records:
        function(record)


def us(work: Callable[[], object]) -> float:
    """Return the CPU time of a record, for work that is done on all of them."""
    before = process_time_ns()
    work()
    return (process_time_ns() - before) / RECORDS / 1e3


def measured(extra: dict[str, Any] | None) -> list[float]:
    """Return the best of each, measured one after the other again and again, since others may load the machine for a while."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        records = lines(extra)
        queue.renew()
        gc.collect()
        took = us(partial(each, LOGGER.filter, records))
        ours.append(took + us(lambda: encoder.encode(queue.records)))
        kept.records.clear()
        gc.collect()
        took = us(partial(each, handler.handle, records))
        theirs.append(took + us(lambda: encode_logs(kept.records).SerializeToString()))
    return [min(ours), min(theirs)]


warnings.simplefilter("ignore", DeprecationWarning)
kept, provider = Kept(), LoggerProvider(resource=Resource({"service.name": "bench"}))
provider.add_log_record_processor(kept)
handler = LoggingHandler(logger_provider=provider)
worker = Worker(float, lambda _deadline, _last: True, bool)
worker.awaited, worker.called = False, True
queue = LogQueue(Settings(), worker)
encoder = LogEncoder({"service.name": "bench"})
pipeline.PIPELINE = pipeline.Pipeline(Settings())
pipeline.PIPELINE.logs = queue
apply.install(INSTRUMENTATION)
print(json.dumps({"bare": measured(None), "extras": measured({"tenant": "north", "count": 3})}))
