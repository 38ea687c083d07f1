"""Start spans: the hot path of the engine, and of the OpenTelemetry API's tracer on top of it."""

from __future__ import annotations

from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.telemetry import ids
from platform_instrument.telemetry.context import SAMPLED, SERVING, Ambient, Local
from platform_instrument.telemetry.sampling import DROP, RECORD_AND_SAMPLE, Decision, ParentBased, Sampler
from platform_instrument.telemetry.span import UNSET, Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Operation
    from platform_instrument.telemetry.extras import Extras
    from platform_instrument.telemetry.scope import InstrumentationScope

SAMPLER: Sampler = ParentBased(Sampler())
"""The sampler in force."""

STARTED: Callable[[Span, Span | Ambient | None], None] | None = None
"""Called with each new span and its parent; None while nobody wants to know: no span processor, no fact of a request."""


def start(  # noqa: PLR0913 - positional on the hot path
    name: str,
    kind: int,
    operation: Operation | None,
    attributes: dict[str, Any] | None,
    scope: InstrumentationScope,
    parent: Span | Ambient | None,
    families: int,
    extras: Extras | None = None,
) -> Span:
    """Start a span below `parent`; one that is not sampled still carries the ids on.

    `kind` is numbered as in OTLP. `extras` holds what an application gives at the start: links, a start in the past.
    """
    span = Span()
    span.name = name
    span.kind_code = kind
    span.operation = operation
    span.own_attributes = attributes
    span.scope = scope
    span.families = families
    span.extras = extras
    span.api = span.root = None
    span.status_code, span.end_ns = UNSET, 0
    sampler = SAMPLER
    if parent is not None and parent.trace_id:
        span.trace_id = parent.trace_id
        span.parent_id = parent.span_id
        span.parent_remote = parent.remote
        span.local = parent.local
        span.root = parent if parent.kind_code in SERVING else parent.root  # type: ignore[assignment] # no context is of such a kind
        span.flags = flags = parent.flags
        if sampler.follows_parent:
            span.recording = flags & SAMPLED == SAMPLED
        else:
            _decide(sampler, span, parent)
    else:
        span.trace_id = ids.new_trace_id()
        span.parent_id, span.parent_remote = 0, False
        span.local = parent.local if parent is not None else None
        span.flags = ids.ROOT_FLAGS
        if sampler.keeps_roots and parent is None:
            span.flags |= SAMPLED
            span.recording = True
        else:
            _decide(sampler, span, parent)
    span.span_id = ids.new_span_id()
    span.start_ns = time_ns()
    span.ticks = perf_counter_ns()
    if extras is not None and extras.start_ns:
        _backdate(span, extras)
    if STARTED is not None:
        STARTED(span, parent)
    return span


def _backdate(span: Span, extras: Extras) -> None:
    """Let a span have started when the application says it did."""
    extras.backdated_ns = span.start_ns - extras.start_ns
    span.start_ns = extras.start_ns


def _decide(sampler: Sampler, span: Span, parent: Span | Ambient | None) -> None:
    """Ask the sampler about a new span; below a request that is left out of the traces nothing is sampled."""
    if parent is not None and parent.families == SUPPRESSED:
        above = parent.foreign if type(parent) is Ambient else parent
        if type(above) is Span and not above.recording:
            span.recording = False
            return
    decision = sampler.decide(parent, span)
    span.recording = decision != DROP
    span.flags = span.flags & ~SAMPLED | (SAMPLED if decision == RECORD_AND_SAMPLE else 0)
    if decision.__class__ is Decision:
        if decision.attributes:
            span.own_attributes = {**(span.own_attributes or {}), **decision.attributes}
        if decision.trace_state is not None:
            local = span.local or Local()
            if local.trace_state != decision.trace_state:
                span.local = local.changed(trace_state=decision.trace_state)


def watch(started: Callable[[Span, Span | Ambient | None], None], *, first: bool = False) -> None:
    """Have a function called with each new span and its parent, before or after those that are called already."""
    global STARTED  # noqa: PLW0603 - one a process
    if STARTED is None:
        STARTED = started
        return
    earlier, later = (started, STARTED) if first else (STARTED, started)

    def both(span: Span, parent: Span | Ambient | None) -> None:
        earlier(span, parent)
        later(span, parent)

    STARTED = both


def use(sampler: Sampler) -> None:
    """Put a sampler in force."""
    global SAMPLER  # noqa: PLW0603 - one a process
    SAMPLER = sampler
