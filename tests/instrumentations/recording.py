"""Spans and durations of instrumentations in this process, taken where the worker would take them.

The real library, engine and pipeline; only the worker does not run, so that a test sees each record as it was queued.
"""

from __future__ import annotations

import contextlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

from platform_instrument.config.read import read
from platform_instrument.core.values import CLIENT, INTERNAL
from platform_instrument.engine import apply, imports
from platform_instrument.telemetry import limits, pipeline
from platform_instrument.telemetry.cells import HISTOGRAMS
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.span import ERROR
from platform_instrument.telemetry.tracer import start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.telemetry.span import Span

SETTINGS, _ = read({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"})


class Seen:
    """One ended span, as it is going to be encoded."""

    def __init__(self, span: Span) -> None:
        self.name = span.name
        self.client = span.kind_code == CLIENT
        self.attributes: dict[str, Any] = {**(span.operation.attributes if span.operation else {}), **(span.own_attributes or {})}
        self.failed = span.status_code == ERROR
        self.parent_id = span.parent_id
        self.span_id = span.span_id
        self.trace_id = span.trace_id
        self.scope = span.scope.name

    def __repr__(self) -> str:
        return f"Seen({self.name!r}, {self.attributes!r}, failed={self.failed})"


class Recording:
    """What was recorded since the start of the test."""

    def __init__(self, running: pipeline.Pipeline) -> None:
        self._running = running

    @property
    def spans(self) -> list[Seen]:
        """All spans, in the order they ended."""
        return [Seen(span) for span in self._running.queue]

    @property
    def names(self) -> list[str]:
        """The names of all spans."""
        return [span.name for span in self.spans]

    def one(self) -> Seen:
        """Return the only span, and forget it."""
        (span,) = self.take()
        return span

    def take(self) -> list[Seen]:
        """Return all spans, and forget them."""
        spans = self.spans
        self._running.queue.clear()
        return spans

    def durations(self, name: str = "db.client.operation.duration") -> list[tuple[Mapping[str, Any], int]]:
        """Return attributes and count of each series of a histogram that counted something."""
        histogram = HISTOGRAMS.by_name.get(name)
        cells = histogram.series() if histogram is not None else []
        return [(dict(cell.attributes), sum(cell.counts)) for cell in cells if sum(cell.counts)]


@contextlib.contextmanager
def recording(*names: str) -> Iterator[Recording]:
    """Apply the instrumentations of these modules, record, and undo them."""
    before, ended = pipeline.PIPELINE, limits.ENDED
    running = pipeline.Pipeline(SETTINGS)
    running.worker.awaited = False
    running.most = 10_000
    pipeline.PIPELINE, limits.ENDED = running, running.ended
    imports.install()
    HISTOGRAMS.reset()
    applied = []
    try:
        for name in names:
            instrumentation = import_module(f"platform_instrument.instrumentations.{name}").INSTRUMENTATION
            for module in instrumentation.modules:
                import_module(module)
            applied.append(apply.install(instrumentation))
        yield Recording(running)
    finally:
        for each in reversed(applied):
            apply.uninstall(each.name)
        pipeline.PIPELINE, limits.ENDED = before, ended


@contextlib.contextmanager
def inside(name: str = "work") -> Iterator[Span]:
    """Make a span current, as a request that is being served would."""
    span = start(name, INTERNAL, None, None, own_scope("test"), None, 0)
    token = CURRENT.set(span)
    try:
        yield span
    finally:
        CURRENT.reset(token)
