"""The flight recorder: what a service's level keeps from being printed is kept for each request, and printed if that goes wrong.

A request is what lies between the start and the end of a span that serves (SERVER, CONSUMER). Its ring is reached from the
current span, by way of `Local.ring`, which all spans below share: so a line of whichever task, thread or greenlet is kept with
the request that it is about. A served request within another one keeps its lines in the same ring.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.forks import around_fork
from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.core.values import CONSUMER, SERVER
from platform_instrument.semantics.recorder import (
    DISCARDED,
    LINES,
    NO_ROOM,
    OUTCOME,
    OVERWRITTEN,
    PRINTED,
    REQUESTS,
    WITHHELD,
)
from platform_instrument.telemetry import limits, pipeline, tracer
from platform_instrument.telemetry.context import CURRENT, Local
from platform_instrument.telemetry.logs import playback
from platform_instrument.telemetry.logs.chosen import Chosen
from platform_instrument.telemetry.logs.ring import Rings
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.telemetry.span import ERROR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.config.schema import Settings
    from platform_instrument.core.values import Instrument
    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.logs.ring import Ring
    from platform_instrument.telemetry.metrics.cells import HistogramCell
    from platform_instrument.telemetry.pipeline import Pipeline
    from platform_instrument.telemetry.span import Span

PLACE = "flight_recorder request"
SERVING = frozenset((SERVER, CONSUMER))
_MINUTE = 60.0


class Recorder:
    """What one process records; off after `stop`."""

    current: Recorder | None = None
    """The one of this process."""

    def __init__(self, settings: Settings) -> None:
        self.chosen = Chosen(settings.log_flight_recorder_loggers)
        self.level = logging.INFO if settings.log_flight_recorder_level == "info" else logging.DEBUG
        self._slow_ns = int(settings.log_flight_recorder_slow * 1e9)
        self._rate = settings.log_flight_recorder_rate
        self._size = settings.log_flight_recorder_size
        self._running: Pipeline | None = None
        self.renew()

    def records(self, running: Pipeline) -> bool:
        """Say whether this is the recorder of a pipeline."""
        return self._running is running

    def start(self, running: Pipeline) -> None:
        """Be told of spans that begin and end: of the engine's by `settle`, of the application's own by `limits.ENDED`."""
        self._running = running
        around_fork(child=self.renew)
        settle, deliver = running.settle, limits.ENDED

        def begun(span: Span, _parent: Span | Ambient | None) -> None:
            if span.kind_code in SERVING:
                guard(PLACE, self.begun, span)

        def settled(span: Span, answered: Mapping[str, Any] | None, known: HistogramCell | None = None) -> HistogramCell | None:
            cell = settle(span, answered, known)
            if span.kind_code in SERVING:
                guard(PLACE, self.ended, span, answered)
            return cell

        def ended(span: Span) -> None:
            deliver(span)
            if span.kind_code in SERVING:
                guard(PLACE, self.ended, span, None)

        tracer.watch(begun)
        running.settle = settled  # type: ignore[method-assign] # an instance attribute hides the method
        limits.ENDED = ended

    def renew(self) -> None:
        """Start from zero: in a fork child, where the rings of its parent are none of its own."""
        self.rings = Rings(self._size)
        self._since, self._told = 0.0, 0

    def stop(self) -> None:
        """Record nothing more."""
        self._running = None

    def ring(self) -> Ring | None:
        """Return the ring of the request that is current, over or not; None where there is none, or nothing is to be observed."""
        current = CURRENT.get()
        if current is None or current.local is None or current.families == SUPPRESSED:
            return None
        ring: Ring | None = current.local.ring
        return ring if ring is not None and ring.rings is self.rings else None

    def begun(self, span: Span) -> None:
        """Open a ring for a span that serves, unless it is below one that has a ring, or is never heard of again."""
        if span.families == SUPPRESSED or self._running is None:
            return
        local = span.local
        if local is not None and local.ring is not None and local.ring.opened and local.ring.rings is self.rings:
            return
        if not span.recording and span.operation is None:
            return  # the application's own, and not sampled: nobody is told of its end
        ring = self.rings.open(span.span_id)
        if ring is None:
            _count(REQUESTS, NO_ROOM)
        span.local = Local(ring=ring) if local is None else local.changed(ring=ring)

    def ended(self, span: Span, answered: Mapping[str, Any] | None) -> None:
        """Print what was kept of a request that failed or was slow; forget it once the request that opened the ring is over."""
        ring: Ring | None = span.local.ring if span.local is not None else None
        if ring is None or not ring.opened or ring.rings is not self.rings:
            return
        over = ring.span_id == span.span_id
        if over:
            ring.close()
        failed = span.status_code == ERROR or (answered is not None and "error.type" in answered)
        if failed or (self._slow_ns and span.end_ns - span.start_ns >= self._slow_ns):
            self._play(ring)
        if over:
            _count(LINES, DISCARDED, len(ring.take()))

    def _play(self, ring: Ring) -> None:
        if not ring.lines:
            return
        if not self._allowed():
            _count(REQUESTS, WITHHELD)
            return
        left_out, ring.left_out = ring.left_out, 0
        lines = ring.take()
        _count(REQUESTS, PRINTED)
        _count(LINES, PRINTED, len(lines))
        _count(LINES, OVERWRITTEN, left_out)
        playback.play(lines, left_out, self._running.logs if self._running is not None else None)

    def _allowed(self) -> bool:
        """Say whether the lines of another request may be printed in this minute."""
        now = monotonic()
        if not self._since or now - self._since >= _MINUTE:
            self._since, self._told = now, 0
        self._told += 1
        if self._told <= self._rate:
            return True
        say(
            f"more than {self._rate} requests failed or were slow within a minute; the lines of the others are not printed "
            "(PLATFORM_LOG_FLIGHT_RECORDER_RATE)",
            place=PLACE,
        )
        return False


def recorder_of() -> Recorder | None:
    """Return the recorder of this process, started with the first who asks; None before there is a pipeline."""
    running = pipeline.PIPELINE
    if running is None:
        return None
    recorder = Recorder.current
    if recorder is None or not recorder.records(running):
        recorder = Recorder.current = Recorder(running.settings)
        recorder.start(running)
    return recorder


def _count(instrument: Instrument, outcome: str, number: int = 1) -> None:
    if number:
        METRICS.metric(instrument).cell(((OUTCOME, outcome),)).add(number)
