"""Start spans: the hot path of the engine, and the tracer of the OpenTelemetry API on top of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry import ids
from platform_instrument.telemetry.context import SAMPLED, Ambient
from platform_instrument.telemetry.sampling import DROP, RECORD_AND_SAMPLE, ParentBased, Sampler
from platform_instrument.telemetry.span import Span

if TYPE_CHECKING:
    from platform_instrument.core.values import Operation
    from platform_instrument.telemetry.scope import InstrumentationScope

SAMPLER: Sampler = ParentBased(Sampler())
"""The sampler in force."""


def start(  # noqa: PLR0913 - positional on the hot path
    name: str,
    kind: int,
    operation: Operation | None,
    attributes: dict[str, Any] | None,
    scope: InstrumentationScope,
    parent: Span | Ambient | None,
    families: int,
) -> Span:
    """Start a span below `parent`; one that is not sampled still carries the ids on."""
    if parent is not None and parent.trace_id:
        trace_id = parent.trace_id
        if SAMPLER.follows_parent:
            decision = RECORD_AND_SAMPLE if parent.flags & SAMPLED else DROP
        else:
            decision = SAMPLER.decide(parent, trace_id, name, kind, attributes)
        flags = parent.flags & ~SAMPLED
        parent_id, remote = parent.span_id, parent.remote
    else:
        trace_id = ids.new_trace_id()
        decision = SAMPLER.decide(parent, trace_id, name, kind, attributes)
        flags, parent_id, remote = 0, 0, False
    if decision == RECORD_AND_SAMPLE:
        flags |= SAMPLED
    local = parent.local if parent is not None else None
    return Span(
        trace_id,
        ids.new_span_id(),
        parent_id,
        remote,
        flags,
        local,
        families,
        name,
        kind,
        operation,
        attributes,
        scope,
        decision != DROP,
    )


def use(sampler: Sampler) -> None:
    """Put a sampler in force."""
    global SAMPLER  # noqa: PLW0603 - one a process
    SAMPLER = sampler
