"""What doctor shows of the way out: by signal what was delivered and what waits, and what was lost for which reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry import losses

if TYPE_CHECKING:
    from platform_instrument.telemetry.pipeline import Pipeline


def status_of(pipeline: Pipeline) -> dict[str, Any]:
    """Return the status of a process's pipeline."""
    lost: dict[str, dict[str, int]] = {}
    for (unit, reason), count in losses.dropped().items():
        lost.setdefault(unit, {})[reason] = count
    if pipeline.dropped:
        spans = lost.setdefault("spans", {})
        spans[losses.QUEUE_FULL] = spans.get(losses.QUEUE_FULL, 0) + pipeline.dropped
    logs = {"waiting_logs": len(pipeline.logs.records)} if pipeline.logs else {}
    deliveries = {each.unit: each.status() for each in pipeline.deliveries()}
    return {"waiting_spans": len(pipeline.queue), **logs, "dropped": lost, **deliveries, **pipeline.endpoints.status()}
