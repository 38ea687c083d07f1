"""What becomes of telemetry itself, as metrics: what was delivered, what was lost and why, what waits, and how much may.

Known by asking, before each collection. Where the service is scraped, they are seen while nothing can be pushed.
Source: https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/ (version 1.37.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from platform_instrument.core.values import COUNTER, UP_DOWN_COUNTER, Instrument
from platform_instrument.telemetry import losses
from platform_instrument.telemetry.delivery import MOST_BYTES
from platform_instrument.telemetry.metrics.registry import METRICS, new_cell

if TYPE_CHECKING:
    from platform_instrument.telemetry.delivery import Delivery
    from platform_instrument.telemetry.pipeline import Pipeline

_COMPONENT = ("otel.component.name", "otel.component.type")
_EXPORTER = (*_COMPONENT, "server.address", "server.port")
_ERROR = "error.type"


def _counted(name: str, description: str, unit: str, *attributes: str) -> Instrument:
    return Instrument(name, description, unit=unit, kind=COUNTER, constant=attributes, varying=(_ERROR,), observable=True)


def _level(name: str, description: str, unit: str, *attributes: str) -> Instrument:
    return Instrument(name, description, unit=unit, kind=UP_DOWN_COUNTER, constant=attributes, observable=True)


class Exports(NamedTuple):
    """The instruments of an exporter; `kind` is the word for it in the names of components."""

    kind: str
    exported: Instrument
    inflight: Instrument


class Queued(NamedTuple):
    """The instruments of a queue."""

    processed: Instrument
    size: Instrument
    capacity: Instrument


def _exports(kind: str, record: str, unit: str, records: str) -> Exports:
    name = f"otel.sdk.exporter.{record}"
    return Exports(
        kind,
        _counted(f"{name}.exported", f"{records} that were delivered, or lost on their way out.", unit, *_EXPORTER),
        _level(f"{name}.inflight", f"{records} that are encoded and wait to be delivered.", unit, *_EXPORTER),
    )


def _queued(record: str, unit: str, records: str) -> Queued:
    name = f"otel.sdk.processor.{record}"
    return Queued(
        _counted(f"{name}.processed", f"{records} that were taken to be exported, or found the queue full.", unit, *_COMPONENT),
        _level(f"{name}.queue.size", f"{records} that wait to be encoded.", unit, *_COMPONENT),
        _level(f"{name}.queue.capacity", f"{records} that may wait to be encoded.", unit, *_COMPONENT),
    )


EXPORTS = {
    "spans": _exports("span", "span", "{span}", "Spans"),
    "logs": _exports("log", "log", "{log_record}", "Records of logs"),
    "metrics": _exports("metric", "metric_data_point", "{data_point}", "Data points of metrics"),
}
"""By what deliveries call their records."""
QUEUES = {"spans": _queued("span", "{span}", "Spans"), "logs": _queued("log", "{log_record}", "Records of logs")}
BUFFERED = _level("platform.telemetry.buffer.size", "Bytes that are encoded and wait to be delivered.", "By", *_EXPORTER)
BUFFER = _level(
    "platform.telemetry.buffer.capacity", "Bytes that may wait to be delivered; then the oldest give way.", "By", *_EXPORTER
)


class _Observed:
    """Whose telemetry it is."""

    pipeline: Pipeline | None = None


def begin(pipeline: Pipeline) -> None:
    """Ask before each collection from now on; fork children go on with it."""
    if _Observed.pipeline is None:
        METRICS.observers.append(observe)
    _Observed.pipeline = pipeline


def observe() -> None:
    """Say how it is now."""
    pipeline = _Observed.pipeline
    if pipeline is None:
        return
    lost: dict[str, dict[str, int]] = {}
    for (unit, reason), count in losses.dropped().items():
        lost.setdefault(unit, {})[reason] = count
    logs = pipeline.logs
    waiting = {"spans": (len(pipeline.queue), pipeline.dropped, pipeline.most)}
    if logs is not None:
        waiting["logs"] = (len(logs.records), logs.dropped, logs.most)
    for delivery in pipeline.deliveries():
        failed = lost.get(delivery.unit, {})
        full = failed.pop(losses.QUEUE_FULL, 0)
        encoded = _of_exporter(delivery, failed)
        if delivery.unit in waiting:
            size, dropped, most = waiting[delivery.unit]
            _of_queue(delivery.unit, encoded, full + dropped, size, most)


def _of_exporter(delivery: Delivery, failed: dict[str, int]) -> int:
    """Say how one exporter is; return how many records it was given."""
    kind, exported, inflight = EXPORTS[delivery.unit]
    component = f"{delivery.protocol}_{kind}_exporter"
    place = urlsplit(delivery.endpoint)
    pairs = (*_component(component), ("server.address", place.hostname or ""), ("server.port", place.port or 0))
    delivered, waits = delivery.delivered, delivery.waiting
    _put(exported, delivered, *pairs)
    for reason, count in failed.items():
        _put(exported, count, *pairs, (_ERROR, reason))
    _put(inflight, waits, *pairs)
    _put(BUFFERED, delivery.bytes, *pairs)
    _put(BUFFER, MOST_BYTES, *pairs)
    return delivered + waits + sum(failed.values())


def _of_queue(unit: str, processed: int, full: int, size: int, most: int) -> None:
    queue, pairs = QUEUES[unit], _component(f"batching_{EXPORTS[unit].kind}_processor")
    _put(queue.processed, processed, *pairs)
    if full:
        _put(queue.processed, full, *pairs, (_ERROR, losses.QUEUE_FULL))
    _put(queue.size, size, *pairs)
    _put(queue.capacity, most, *pairs)


def _component(kind: str) -> tuple[tuple[str, str], ...]:
    return ("otel.component.name", f"{kind}/0"), ("otel.component.type", kind)


def _put(instrument: Instrument, value: float, *pairs: tuple[str, Any]) -> None:
    """Say what a series is now; no limit applies to these, because there are few."""
    cells = METRICS.metric(instrument).cells
    cell = cells.get(pairs)
    if cell is None:
        cell = cells.setdefault(pairs, new_cell(instrument, pairs))
    cell.put(value)
