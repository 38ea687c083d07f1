"""What is left out to keep to a budget, and how: each kind is put in place by its first step, and taken out with its last.

Metrics count all the while, and context is handed on. What failed is exported, but where its whole trace is left out.
"""

from __future__ import annotations

from sys import modules
from typing import TYPE_CHECKING, Any

from platform_instrument.runtime.overhead.budget import LOGS, SPANS
from platform_instrument.runtime.overhead.places import name_of
from platform_instrument.runtime.overhead.tally import LEAVES, WARNING
from platform_instrument.telemetry import ids, limits, pipeline, tracer
from platform_instrument.telemetry.context import SAMPLED
from platform_instrument.telemetry.logs.queue import LogQueue
from platform_instrument.telemetry.sampling import DROP, RECORD_AND_SAMPLE, Sampler
from platform_instrument.telemetry.span import ERROR, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from platform_instrument.runtime.overhead.budget import Step
    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.logs.record import LogRecord

_CAPTURE = "platform_instrument.telemetry.logs.capture"
_WARNING = 13
"""The severity of OTLP from which on a record is a warning."""
_LOWER = (1 << 64) - 1


class Shed:
    """How much was left out, by kind."""

    __slots__ = ("logs", "spans", "traces")

    def __init__(self) -> None:
        self.logs = self.spans = self.traces = 0


class Thinned(Sampler):
    """Keeps one of so many of the traces that another sampler would keep, where they begin here: a trace stays whole.

    The same ones in every process, by their ids. A trace that a caller has begun is the caller's to thin.
    """

    keeps_roots = False

    def __init__(self, inner: Sampler, kept_of: int, shed: Shed) -> None:
        self.inner = inner
        self.follows_parent = inner.follows_parent
        self.description = f"{inner.description}/{kept_of}"
        self._bound = (_LOWER + 1) // kept_of
        self._shed = shed

    def decide(self, parent: Span | Ambient | None, span: Span) -> int:
        """Decide as the other sampler, but for roots; below one that was left out nothing is kept, whatever that says."""
        decision = self.inner.decide(parent, span)
        if decision != RECORD_AND_SAMPLE or span.trace_id & _LOWER < self._bound:
            return decision
        if parent is None or not parent.trace_id:
            self._shed.traces += 1
            return DROP
        return DROP if type(parent) is Span and not parent.flags & SAMPLED else decision


class Shedding:
    """What is left out in this process now; `shed` is how much was, since it began."""

    def __init__(self) -> None:
        self.shed = Shed()
        self._libraries: frozenset[str] = frozenset()
        self._put: Any = None
        self._catch: Any = None
        self._caught: Any = None
        self._delivered: Any = None
        self._started: Any = None
        self._before: Any = None

    def renew(self) -> None:
        """Leave nothing out, and count from zero: in a fork child."""
        self.follow(())
        self.shed.logs = self.shed.spans = self.shed.traces = 0

    def follow(self, steps: Iterable[Step]) -> None:
        """Leave out what these steps say, and nothing else."""
        steps = tuple(steps)
        kept_of = [step.what for step in steps if step.kind not in {LOGS, SPANS}]
        self._without_low_lines(any(step.kind == LOGS for step in steps))
        self._without_spans(frozenset(str(step.what) for step in steps if step.kind == SPANS))
        self._thin(int(kept_of[-1]) if kept_of else 1)

    # --- records of logs ------------------------------------------------------------------------------------------

    def _without_low_lines(self, wanted: bool) -> None:  # noqa: FBT001 - what is wanted
        """Take no record below warning: where `logging` hands it over, before it is rendered; any other, once it is."""
        if not wanted:
            if self._put is not None:
                LogQueue.put, self._put = self._put, None  # type: ignore[method-assign]
            capture: Any = modules.get(_CAPTURE)
            if capture is not None and capture.catch is self._catch:
                capture.catch = self._caught  # else somebody has put another one around it, and it lets all pass
            self._catch = None
            return
        if self._put is None:
            put: Any = LogQueue.put
            shed = self.shed

            def put_important(queue: LogQueue, record: LogRecord) -> None:
                if 0 < record.site.severity < _WARNING:
                    shed.logs += 1
                else:
                    put(queue, record)

            self._put = put
            LogQueue.put = put_important  # type: ignore[method-assign,assignment]
        self._catch_some()

    def _catch_some(self) -> None:
        """Leave alone what `logging` hands over, before it is rendered: that is half of its price."""
        capture: Any = modules.get(_CAPTURE)
        if capture is None or self._catch is not None:
            return
        caught = self._caught = capture.catch

        def catch_important(logs: LogQueue, logger: Any, record: Any, left: Any = None) -> None:  # noqa: ANN401 - as `capture.catch`
            if self._put is not None and type(record.levelno) is int and 0 < record.levelno < WARNING:
                self.shed.logs += 1
            else:
                caught(logs, logger, record, left)

        capture.catch = self._catch = catch_important

    # --- spans of libraries ---------------------------------------------------------------------------------------

    def _without_spans(self, libraries: frozenset[str]) -> None:
        """Have leaf spans of these libraries take the place of their parents.

        Such a span has its parent's id, so that what it sends, and what is below it, belongs there. It is not exported, unless it
        failed: then it has an id of its own after all. That is looked at for good, since it may last longer than the step.
        """
        self._libraries = libraries
        if libraries:
            self._deliver_some()
        if bool(libraries) == (self._started is not None):
            return
        if not libraries:
            if tracer.STARTED is self._started:  # else somebody has put another one around it, and it finds no library
                tracer.STARTED = self._before
            self._started = None
            return
        before = self._before = tracer.STARTED

        def started(span: Span, parent: Span | Ambient | None) -> None:
            if span.kind_code in LEAVES and span.flags & SAMPLED and span.parent_id and name_of(span.scope) in self._libraries:
                span.span_id = span.parent_id
            if before is not None:
                before(span, parent)

        tracer.STARTED = self._started = started

    def _deliver_some(self) -> None:
        """Deliver no span that takes the place of its parent; asked for again, since processors may have come around ours."""
        if limits.ENDED is not self._delivered:
            self._delivered = limits.ENDED = self._some(limits.ENDED)
            running: Any = pipeline.PIPELINE
            if running is not None:
                running.ended = self._some(running.ended)

    def _some(self, deliver: Callable[[Span], None]) -> Callable[[Span], None]:
        shed = self.shed

        def deliver_some(span: Span) -> None:
            if span.span_id == span.parent_id:
                if span.status_code != ERROR:
                    shed.spans += 1
                    return
                span.span_id = ids.new_span_id()
            deliver(span)

        return deliver_some

    # --- traces ---------------------------------------------------------------------------------------------------

    def _thin(self, kept_of: int) -> None:
        """Keep one of so many traces that begin here."""
        current = tracer.SAMPLER
        inner = current.inner if type(current) is Thinned else current
        if kept_of > 1:
            tracer.use(Thinned(inner, kept_of, self.shed))
        elif inner is not current:
            tracer.use(inner)
