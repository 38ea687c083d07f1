"""Span processors of a third party: handed each span when it starts, and masked when it has ended, the SDK's way.

Nothing of this is on the way of a span before the first processor is added: then the tracer gets somebody to tell, and
the pipeline's `ended` and `flush` are replaced by ours around them. A processor that raises is contained and counted.
"""

from __future__ import annotations

import atexit
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.telemetry import limits, pipeline, tracer

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.span import Span


class Processors:
    """The processors of this process, in the order in which they were added.

    Stands for the SDK's `SynchronousMultiSpanProcessor` where somebody looks for the processors of a provider.
    """

    def __init__(self) -> None:
        self._span_processors: tuple[Any, ...] = ()
        self._owned: tuple[Any, ...] = ()
        self.resource: Callable[[], Any] | None = None
        """Returns the resource of an SDK provider whose processors were adopted."""

    def add(self, processor: Any) -> None:  # noqa: ANN401 - the SDK's SpanProcessor, or one like it
        """Add a processor that is shut down with the process; one that would deliver where we do is left out."""
        endpoint = _own_endpoint()
        if endpoint and _endpoint_of(processor) == endpoint:
            say(f"a second exporter to {endpoint} was not added: every span is delivered there already", place="second exporter")
            return
        if not self._owned:
            atexit.register(guard, "span processor", self.shutdown)
        self._owned += (processor,)
        self._join(processor, exports=True)

    add_span_processor = add

    def adopt(self, processor: Any, resource: Callable[[], Any]) -> None:  # noqa: ANN401 - the SDK's SpanProcessor
        """Hand the spans to the processors of an SDK provider of the application's, and to no exporter of ours."""
        self.resource = resource
        self._join(processor, exports=False)

    def has(self, processor: Any) -> bool:  # noqa: ANN401 - the SDK's SpanProcessor, or None
        """Say whether a processor is one of these."""
        return any(known is processor for known in self._span_processors)

    def started(self, span: Span, parent: Span | Ambient | None) -> None:
        """Tell that a span starts; its attributes may be set."""
        if not span.recording or span.families == SUPPRESSED:
            return
        from platform_instrument.telemetry.bridge import context_of  # the API may not be loaded before there is a processor

        context = context_of(parent)
        for processor in self._span_processors:
            guard(_place(processor), processor.on_start, span, parent_context=context)

    def ended(self, span: Span) -> None:
        """Hand over a span that has ended, masked."""
        running = pipeline.PIPELINE
        if not span.recording or (running is not None and span.ticks < running.born):
            return
        from platform_instrument.telemetry.compat import readable_span  # loads the SDK, as the processor did

        for processor in self._span_processors:
            if hasattr(processor, "_on_ending"):
                guard(_place(processor), processor._on_ending, span)  # noqa: SLF001 - the SDK's hook before the end
        resource = self.resource() if self.resource is not None else None
        readable = guard("masked span", readable_span, span, masked=True, resource=resource)
        for processor in self._span_processors if readable is not None else ():
            guard(_place(processor), processor.on_end, readable)

    def force_flush(self, seconds: float) -> bool:
        """Let the processors export; SDK processors do not keep to the time they are given, so they are left to themselves."""
        deadline = monotonic() + seconds
        finished = threading.Event()

        def flush() -> None:
            for processor in self._span_processors:
                guard(_place(processor), processor.force_flush, max(int((deadline - monotonic()) * 1000), 1))
            finished.set()

        try:
            threading.Thread(target=flush, name="platform-instrument flush", daemon=True).start()
        except RuntimeError:  # Python 3.12 starts no thread while it ends
            flush()
        return finished.wait(seconds)

    def flush_all(self, seconds: float) -> bool:
        """Let everything leave, ours and theirs; say whether it did."""
        running = pipeline.PIPELINE
        return running.flush(seconds, last=False) if running is not None else self.force_flush(seconds)

    def shutdown(self) -> None:
        """Shut down the processors that were added to our provider; an adopted one is shut down by its own."""
        owned, self._owned = self._owned, ()
        for processor in owned:
            guard(_place(processor), processor.shutdown)

    def _join(self, processor: Any, *, exports: bool) -> None:  # noqa: ANN401 - the SDK's SpanProcessor
        """Take a place on the way of every span; with `exports`, our own exporter keeps its."""
        first = not self._span_processors
        self._span_processors += (processor,)
        if first:
            tracer.watch(self.started)
            _around_pipeline(self)
        if not exports:
            _stop_own_export(self)


PROCESSORS = Processors()
"""The processors of this process."""


def _around_pipeline(processors: Processors) -> None:
    """Replace what ended spans and flushes come to by functions around it."""
    running = pipeline.PIPELINE
    deliver = limits.ENDED

    def ended(span: Span) -> None:
        deliver(span)
        processors.ended(span)

    limits.ENDED = ended
    if running is None:
        return
    flush_ours = running.flush

    def flush(seconds: float, *, last: bool) -> bool:
        deadline = monotonic() + seconds
        done = flush_ours(seconds, last=last)
        return processors.force_flush(max(deadline - monotonic(), 0.1)) and done

    # An instance attribute hides the method; a process without processors has nothing to test for.
    running.ended = ended  # type: ignore[method-assign]
    running.flush = flush  # type: ignore[method-assign]


def _stop_own_export(processors: Processors) -> None:
    """Let spans go to the processors alone, those included that wait for our exporter."""
    limits.ENDED = processors.ended
    running = pipeline.PIPELINE
    if running is None:
        return

    def ended(span: Span) -> None:
        if running.worker.awaited:  # for the metrics, which stay ours
            running.worker.start()
        processors.ended(span)

    limits.ENDED = ended
    running.ended = ended  # type: ignore[method-assign]
    while running.queue:
        processors.ended(running.queue.popleft())
    running.weight = 0


def _own_endpoint() -> str:
    """Return where our own exporter delivers spans to, empty where there is none."""
    running = pipeline.PIPELINE
    if running is None or "otlp" not in running.settings.traces_exporter:
        return ""
    from platform_instrument.config.otlp import otlp_settings  # heavy, and few applications bring a processor

    return _normal(otlp_settings(running.settings, "traces")[0].endpoint)


def _endpoint_of(processor: Any) -> str:  # noqa: ANN401 - the SDK's SpanProcessor
    """Return where the OTLP exporter of a processor delivers to, empty where it has none."""
    batch = getattr(processor, "_batch_processor", None)
    exporter = getattr(processor, "span_exporter", None) or getattr(batch, "_exporter", None)
    if not type(exporter).__module__.startswith("opentelemetry.exporter.otlp."):
        return ""
    return _normal(str(getattr(exporter, "_endpoint", "")))


def _normal(endpoint: str) -> str:
    """Return an endpoint without its scheme, which not every exporter keeps, and with one name for this host."""
    return endpoint.rpartition("://")[2].rstrip("/").replace("127.0.0.1", "localhost")


def _place(processor: Any) -> str:  # noqa: ANN401 - the SDK's SpanProcessor
    return f"span processor {type(processor).__name__}"
