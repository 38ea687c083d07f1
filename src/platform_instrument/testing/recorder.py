"""Spans and durations of this process, taken where the worker would take them, and read as a collector would.

    with recording({"PLATFORM_TRUST_INBOUND": "false"}) as recorder:
        requests.get(url)
        (span,) = recorder.spans
        assert span.attributes["http.request.method"] == "GET"

Engine, encoder and masking are the real ones; only no thread runs and nothing is sent. `opentelemetry-proto` is needed.
`instrumented` does what a start does to the libraries, for a test process that was not started under instrumentation.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from platform_instrument.config.read import read
from platform_instrument.config.schema import Settings
from platform_instrument.engine import apply, imports
from platform_instrument.instrumentations._index import TRIGGERS
from platform_instrument.telemetry import choices, limits, pipeline, tracer
from platform_instrument.telemetry.context import CURRENT, SAMPLED
from platform_instrument.telemetry.metrics.otlp import MetricEncoder
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.telemetry.otlp import SpanEncoder
from platform_instrument.testing import received

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.telemetry.span import Span


class _Kept(pipeline.Pipeline):
    """A pipeline that ends where the worker would begin."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.kept: list[Span] = []

    def ended(self, span: Span) -> None:
        if span.flags & SAMPLED:
            self.kept.append(span)


class Recorder:
    """What was recorded since the block was entered, or since `clear`."""

    def __init__(self, kept: _Kept) -> None:
        self._kept = kept

    @property
    def spans(self) -> tuple[received.Span, ...]:
        """All spans that ended, in that order."""
        ended = list(self._kept.kept)
        return tuple(received.spans(SpanEncoder({}).encode(ended))) if ended else ()

    def take(self) -> tuple[received.Span, ...]:
        """Return all spans, and forget them."""
        spans = self.spans
        self._kept.kept.clear()
        return spans

    def durations(self, name: str) -> dict[tuple[tuple[str, object], ...], int]:
        """Return how often each series of a histogram was counted, by its attributes in the order of their names."""
        points = received.points(MetricEncoder({}).encode(METRICS))
        return {tuple(sorted(point.attributes.items())): point.count for point in points if point.name == name}

    def clear(self) -> None:
        """Forget everything."""
        self._kept.kept.clear()
        METRICS.reset()


@contextlib.contextmanager
def recording(environ: Mapping[str, str] | None = None) -> Iterator[Recorder]:
    """Record in this process, under the settings of some variables; afterwards everything is as it was before."""
    settings, problems = read(dict(environ or {}))
    if problems:
        raise ValueError("; ".join(str(problem) for problem in problems))
    before, ended, started = pipeline.PIPELINE, limits.ENDED, tracer.STARTED
    kept = _Kept(settings)
    pipeline.PIPELINE, limits.ENDED = kept, kept.ended
    choices.put_in_force(settings)
    METRICS.reset()
    current = CURRENT.get()
    CURRENT.set(None)
    try:
        yield Recorder(kept)
    finally:
        CURRENT.set(current)
        METRICS.reset()
        pipeline.PIPELINE, limits.ENDED, tracer.STARTED = before, ended, started
        choices.put_in_force(before.settings if before is not None else Settings())


@contextlib.contextmanager
def instrumented(environ: Mapping[str, str] | None = None) -> Iterator[None]:
    """Instrument every library we know, imported already or not, and take it back; to be entered inside `recording`."""
    settings, _ = read(dict(environ or {}))
    before = set(apply.APPLIED)
    hooks = {trigger: partial(apply.arrived, settings, entries) for trigger, entries in TRIGGERS.items()}
    imports.install()
    for trigger, hook in hooks.items():
        imports.when_imported(trigger, hook)
    try:
        yield
    finally:
        for trigger, hook in hooks.items():
            imports.forget(trigger, hook)
        for name in set(apply.APPLIED) - before:
            apply.uninstall(name)
