"""From an ended span to the collector: a bounded queue, one worker, one delivery a signal; from zero after a fork.

Loaded when the first library is instrumented, never by an empty program.
"""

from __future__ import annotations

from collections import deque
from time import monotonic, perf_counter_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.forks import around_fork
from platform_instrument.core.guard import clear_faults, guard
from platform_instrument.core.report import forget, say
from platform_instrument.telemetry import ids, limits, losses
from platform_instrument.telemetry.context import CURRENT, SAMPLED, inherited
from platform_instrument.telemetry.errands import Errands
from platform_instrument.telemetry.extras import EACH, weight_of
from platform_instrument.telemetry.metrics.cells import use_exemplar_filter
from platform_instrument.telemetry.metrics.registry import METRICS, Limits, beside, cell_of
from platform_instrument.telemetry.ports.endpoints import Endpoints
from platform_instrument.telemetry.worker import COUNTED_LAST, Worker
from platform_instrument.telemetry.workers import membership

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.config.schema import Settings
    from platform_instrument.telemetry.delivery import Delivery
    from platform_instrument.telemetry.logs.queue import LogQueue
    from platform_instrument.telemetry.metrics.cells import HistogramCell
    from platform_instrument.telemetry.outlets import Outlets
    from platform_instrument.telemetry.prometheus.endpoint import Scrapes
    from platform_instrument.telemetry.span import Span

_PAUSE_AT_FORK = 0.2
"""Seconds that a fork may wait for the worker to stop."""

MOST_WAITING_BYTES = 8 * 1024 * 1024
"""Characters that the values of waiting spans may have together, as far as they are weighed."""


class Pipeline:
    """The way of this process's telemetry; made once, renewed in every fork child."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.queue: deque[Span] = deque()
        self.most = settings.bsp_max_queue_size
        self.batch = min(settings.bsp_max_export_batch_size, self.most)
        self.enough = min(self.batch, self.most // 4 or 1)
        """So many spans are worth a request before its time."""
        self.many = self.most // 2
        """So many spans wait only where the worker does not keep up."""
        self.dropped = 0
        self.weight = 0
        self.born = 0
        """When this process began, on the clock of `Span.ticks`: a span from before belongs to the parent."""
        self.worker = Worker(self._turn, self._finish, self.outlets)
        self.worker.on_start.append(self.serve)
        self._outlets: list[Outlets] = []
        """The first counts: a thread that asks for the resource may make others at the same moment as the worker."""
        self._next_metrics = 0.0
        self.preparations: list[Callable[[], object]] = []
        """Called with the first outlets of a process, before anything is collected."""
        self.endpoint: Scrapes | None = None
        """Where this process is scraped; None where nobody asks for it."""
        self.endpoints = Endpoints()
        """All ports of ours that this process answers at."""
        self.logs: LogQueue | None = None
        """The records of logs that wait; None where logs are not exported."""
        self.errands = Errands()

    def ended(self, span: Span) -> None:
        """Take an ended span. The hot path: a comparison or two and one append."""
        if span.ticks < self.born:
            return
        if self.worker.awaited:
            self.worker.start()
        if not span.flags & SAMPLED:
            return
        waiting = len(self.queue)
        if waiting >= self.most or self.weight > MOST_WAITING_BYTES:
            self.dropped += 1
            return
        if span.extras is not None or not waiting % EACH:
            self.weight += weight_of(span)
        self.queue.append(span)
        if waiting + 1 >= self.enough:
            if not self.worker.called:
                self.worker.wake()
            if waiting == self.many:
                self.worker.priority.hurry()

    def settle(self, span: Span, answered: Mapping[str, Any] | None, known: HistogramCell | None = None) -> HistogramCell | None:
        """Take an ended span of ours: it is counted whether it is sampled or not; return the cell of its duration.

        That is `known` to who has had it returned for such a span before.
        """
        if span.end_ns < span.start_ns:  # noqa: PLR1730 - `max` is a call, on the hot path
            span.end_ns = span.start_ns  # somebody froze the clock, or let it go on, in between
        cell, operation = None, span.operation
        if operation is not None and operation.duration is not None and span.ticks >= self.born:
            duration = operation.duration
            cell = cell_of(operation, duration, answered) if known is None else known
            cell.record((span.end_ns - span.start_ns) / 1e9, span)
            if answered:
                for instrument in duration.along:
                    value = answered.get(instrument.value)
                    if value is not None:
                        beside(cell, instrument).record(value, span)
        self.ended(span)
        return cell

    def flush(self, seconds: float, *, last: bool) -> bool:
        """Let everything leave within `seconds`; say whether it did. With `last` the process ends, and what is left is lost."""
        if self.endpoint is not None and METRICS.recorded():
            guard("state for the others", self.endpoint.keep, last=last)
        if self._idle():
            return True
        complete = self.worker.flush(seconds, last=last)
        if complete is None and last and not any(delivery.reason for delivery in self.deliveries()):  # else it was said
            say(
                f"not everything was delivered within {seconds:g} s (PLATFORM_FLUSH_TIMEOUT); what is left is lost", place="flush"
            )
        return bool(complete)

    def serve(self) -> None:
        """Answer at the ports of ours from now on: this process is known to be at work."""
        self.endpoints.begin()

    def stand_by(self) -> None:
        """Have no thread from now on: in the process that a server forks its workers from."""
        self.worker.hold()
        self.endpoints.hold()

    def stop(self, seconds: float) -> None:
        """End the threads."""
        self.worker.stop(seconds)
        self.endpoints.stop(seconds)

    def hold(self, seconds: float, *, for_good: bool = True) -> None:
        """Send what there is, and have neither thread nor connection from now on: in the master of a pre-forking server.

        One that records something itself has them from then on, where it is not `for_good`.
        """
        self.worker.hold(for_good=for_good)
        if for_good:
            self.endpoints.hold()
        self.flush(seconds, last=False)
        if self._outlets and not self.worker.running:
            self._outlets[0].close()

    def _idle(self) -> bool:
        """Say whether nothing was recorded in this process that is not delivered yet."""
        busy = self.worker.running or self.queue or self.dropped or self._outlets or METRICS.recorded()
        return not busy and (self.logs is None or self.logs.idle)

    def deliveries(self) -> tuple[Delivery, ...]:
        """Return the ways out that are in use so far."""
        return self._outlets[0].deliveries() if self._outlets else ()

    # --- the worker's side ----------------------------------------------------------------------------------------

    def outlets(self) -> Outlets:
        """Return encoders and exporters, made on first use: they are heavy, and a fork child wants its own."""
        made = self._outlets
        if not made:
            from platform_instrument.telemetry.outlets import Outlets

            made.append(Outlets(self.settings, self._hurried))
            self._next_metrics = monotonic() + self.settings.metric_export_interval
            for preparation in self.preparations:
                guard("prepare metrics", preparation)
        return made[0]

    def _hurried(self) -> bool:
        """Say whether the wait for an answer is to be interrupted; many spans are encoded before it goes on."""
        return len(self.queue) >= self.many or self.worker.hurried() or bool(self.logs and self.logs.pressing)

    def _turn(self) -> float:
        """Send what is due; return the seconds until the next turn."""
        outlets = self.outlets()
        self._drain(outlets)
        now = monotonic()
        if now >= self._next_metrics:
            self._next_metrics = now + self.settings.metric_export_interval
            guard("encode metrics", outlets.put_metrics, METRICS)
        waits = [self.settings.bsp_schedule_delay, self._next_metrics - monotonic()]
        waits.extend(wait for wait in (*outlets.work(), *self.errands.turn()) if wait is not None)
        queue, logs = len(self.queue), self.logs
        if logs is not None:
            waits.append(logs.delay)
        if queue >= self.many or outlets.behind() or (logs is not None and logs.pressing):
            self.worker.priority.hurry()
        else:
            self.worker.priority.batch()
        return 0.0 if queue >= self.enough or (logs is not None and logs.enough) else max(min(waits), 0.0)

    def _finish(self, deadline: float, last: bool) -> bool:  # noqa: FBT001 - called by the worker
        """Send everything before the deadline; say whether it was delivered."""
        self._drain(outlets := self.outlets())
        delivered = outlets.finish(METRICS, deadline, last=last)
        if self.endpoint is not None:
            self.endpoint.states().write()
        return delivered

    def _drain(self, outlets: Outlets) -> None:
        """Encode what waits; packing a batch leaves the interpreter to the application's threads."""
        if self.dropped:
            dropped, self.dropped = self.dropped, 0
            outlets.count_loss(dropped, f"more spans wait than OTEL_BSP_MAX_QUEUE_SIZE={self.most}, or more than is bearable")
        queue = self.queue
        for _ in range(0, len(queue), self.batch):  # no further: more is recorded all the while
            batch = [queue.popleft() for _ in range(min(len(queue), self.batch))]
            left = len(queue)
            self.weight = self.weight * left // (left + len(batch))  # under a steady load the queue is never found empty
            outlets.put_spans(batch)
        if self.logs is not None and outlets.logs is not None:
            self.logs.drain(outlets.logs)

    # --- fork -----------------------------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Stop the worker, so that the child inherits no lock in mid-air."""
        self.worker.before_fork(_PAUSE_AT_FORK)
        self.endpoints.before_fork()
        self.errands.before_fork(_PAUSE_AT_FORK)
        if self._outlets and not self.worker.running:
            self._outlets[0].before_fork()

    def after_fork_in_parent(self) -> None:
        """Go on where we stopped."""
        self.endpoints.after_fork_in_parent(at_once=not COUNTED_LAST)
        self.worker.after_fork_in_parent(needed=bool(self.queue or (self.logs and not self.logs.idle)))

    def after_fork_in_child(self, *, inherits: bool = False) -> None:
        """Start from zero: nothing of the parent's is ever sent by its child, unless that `inherits` what waits in the parent."""
        self.born = perf_counter_ns()
        if not inherits:
            self.queue, self.dropped, self.weight = deque(), 0, 0
            METRICS.reset()
            if self.logs is not None:
                self.logs.renew()
        self.errands.renew()
        self.worker.renew()
        membership.renew()
        self.endpoints.renew()
        made, self._outlets = self._outlets, []
        if made:
            made[0].abandon()
        losses.reset()
        ids.reseed()
        clear_faults()
        forget()
        current = CURRENT.get()
        if current is not None:
            CURRENT.set(inherited(current))


PIPELINE: Pipeline | None = None
"""The pipeline of this process, None before the first library is instrumented."""

_made: list[Pipeline] = []
"""The first counts: two threads may import the first two libraries at the same moment."""


def start(settings: Settings) -> Pipeline:
    """Set up the pipeline of this process, once; the settings of traces are `telemetry.choices`'."""
    global PIPELINE  # noqa: PLW0603 - one a process
    if PIPELINE is not None:
        return PIPELINE
    pipeline = Pipeline(settings)
    _made.append(pipeline)
    if pipeline is not _made[0]:
        return _made[0]
    use_exemplar_filter(settings.metrics_exemplar_filter)
    guard("settle the service", membership.settle, settings)
    Limits.cardinality, Limits.series = settings.metrics_cardinality_limit, settings.metrics_series_limit
    if settings.exporter_otlp_metrics_default_histogram_aggregation != "explicit_bucket_histogram":
        from platform_instrument.telemetry.metrics.exponential import use_exponential_histograms  # few ask for it

        use_exponential_histograms()
    limits.ENDED = pipeline.ended
    around_fork(before=pipeline.before_fork, parent=pipeline.after_fork_in_parent, child=pipeline.after_fork_in_child)
    if settings.logs_exporter != ("none",):
        from platform_instrument.telemetry.logs.queue import LogQueue  # few services send logs

        pipeline.logs = LogQueue(settings, pipeline.worker)
    pipeline.preparations.append(lambda: pipeline.outlets().report(pipeline))
    PIPELINE = pipeline
    if "prometheus" in settings.metrics_exporter:
        from platform_instrument.telemetry.prometheus.endpoint import Scrapes  # few services are scraped

        pipeline.endpoint = Scrapes(settings, lambda: pipeline.outlets().resource)
        pipeline.endpoints.open(pipeline.endpoint)
    return pipeline
