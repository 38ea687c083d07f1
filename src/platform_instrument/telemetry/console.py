"""The console exporter: traces as readable trees and metrics as lines on standard output."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import HISTOGRAM
from platform_instrument.telemetry.door import mask_attribute, mask_name
from platform_instrument.telemetry.metrics.exponential import ExponentialCell
from platform_instrument.telemetry.tree import line, render_trace

if TYPE_CHECKING:
    from platform_instrument.core.values import Instrument
    from platform_instrument.telemetry.metrics.registry import Metrics
    from platform_instrument.telemetry.span import Span


_PATIENCE = 10.0
"""Seconds that spans wait for what they are part of: a request that lasts longer is shown in pieces."""

_MOST_HELD = 2_000


class Traces:
    """Spans on their way to a tree: what ends before the request that it is part of waits for that."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._held: dict[int, list[Span]] = {}
        self._since: dict[int, float] = {}

    def put(self, spans: list[Span]) -> None:
        """Take a batch, and print the traces that are whole now, one tree each."""
        for span in spans:
            self._held.setdefault(span.trace_id, []).append(span)
            self._since.setdefault(span.trace_id, monotonic())
        self.work()

    def work(self) -> None:
        """Print what is whole and what has waited long enough; everything, where that is too much."""
        everything = sum(map(len, self._held.values())) > _MOST_HELD
        due = monotonic() - _PATIENCE
        for trace_id, spans in list(self._held.items()):
            if everything or self._since[trace_id] <= due or _whole(spans):
                self._print(trace_id)

    def finish(self) -> None:
        """Print what is left."""
        for trace_id in list(self._held):
            self._print(trace_id)

    def _print(self, trace_id: int) -> None:
        del self._since[trace_id]
        _write(render_trace([line(span, self._service) for span in self._held.pop(trace_id)]))


def _whole(spans: list[Span]) -> bool:
    """Say whether the parent of each span is there, or in another process."""
    ids = {span.span_id for span in spans}
    return all(not span.parent_id or span.parent_remote or span.parent_id in ids for span in spans)


def print_metrics(metrics: Metrics) -> None:
    """Print each series: name, attributes, and its value, or its count and mean."""
    for metric in metrics.collect(metrics.every) or ():
        instrument = metric.instrument
        for cell in metric.series():
            attributes = "".join([f" {mask_name(key)}={mask_attribute(key, value)}" for key, value in cell.attributes])
            _write(f"{instrument.name}{attributes} {_said(instrument, cell)}")


def _said(instrument: Instrument, cell: Any) -> str:  # noqa: ANN401 - a cell of the instrument's kind
    """Return what a series says, seconds in milliseconds."""
    unit, scale = ("ms", 1e3) if instrument.unit == "s" else (instrument.unit, 1)
    if instrument.kind != HISTOGRAM:
        return f"value={cell.value * scale:.12g} {unit}".rstrip()
    count = cell.read().total if isinstance(cell, ExponentialCell) else sum(cell.counts)
    return f"count={count} mean={cell.sum / count * scale:.3f} {unit}".rstrip() if count else "count=0"


def _write(text: str) -> None:
    if sys.stdout is not None:
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()
