"""Where the facts of a request are shown: on the spans that are begun below it, on exported logs, on printed lines.

Nothing of this is on anybody's way before the application or a setting asks for it. Then the tracer gets somebody to tell
of new spans, and the functions that finish lines and take records of logs are replaced by ours around them.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from platform_instrument.core.guard import guard
from platform_instrument.core.values import CONSUMER, SERVER
from platform_instrument.telemetry import facts_printed, limits, pipeline, printed, tracer
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.facts import attach, facts_of

if TYPE_CHECKING:
    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.logs.record import LogRecord
    from platform_instrument.telemetry.span import Span

_SERVING = frozenset((SERVER, CONSUMER))


class _Shown:
    """Whether facts are shown."""

    by: pipeline.Pipeline | None = None


def put_in_force() -> None:
    """Show facts from now on; twice is once."""
    running = pipeline.PIPELINE
    if running is None or running is _Shown.by:
        return
    if _Shown.by is None:
        tracer.watch(begun, first=True)
        printed.use(facts_printed.current_ids, facts_printed.finished, facts_printed.unsaid)
    _Shown.by = running
    if running.logs is not None:
        running.logs.complete_with(complete)


def begun(span: Span, _parent: Span | Ambient | None) -> None:
    """Let a span that serves stand for its request, and any other one have the attributes of the request that it is of."""
    if span.kind_code in _SERVING:
        attach(span)
        return
    facts = facts_of(span)
    if facts is not None and facts.attributes and span.recording:
        guard("business attributes", _inherit, span, {**facts.attributes})


def _inherit(span: Span, attributes: dict[str, object]) -> None:
    """Put attributes on a span where it has none of that name itself."""
    operation = span.operation
    if operation is not None and not operation.attributes.keys().isdisjoint(attributes):
        attributes = {name: value for name, value in attributes.items() if name not in operation.attributes}
    own = span.own_attributes
    room = limits.LIMITS.span_attributes - (len(own) if own else 0)
    if len(attributes) > room:
        span.more().dropped_attributes += len(attributes) - max(room, 0)
        attributes = dict(islice(attributes.items(), max(room, 0)))
    span.own_attributes = {**attributes, **own} if own else attributes


def complete(record: LogRecord) -> None:
    """Put the facts of the request on a record that is taken; its own attributes win."""
    if not record.trace_id:
        return
    current = CURRENT.get()
    if current is None or current.trace_id != record.trace_id:
        left = printed.LEFT.get()
        current = None if left is None else left[1]
        if current is None or current.trace_id != record.trace_id:
            return
    facts = facts_of(current)
    if facts is None or not (facts.request_id or facts.attributes):
        return
    own, exported = record.attributes or {}, facts.exported()
    room = limits.LIMITS.event_attributes - len(own)
    if len(exported) > room:
        record.dropped += len(exported) - max(room, 0)
        exported = dict(islice(exported.items(), max(room, 0)))
    record.attributes = {**exported, **own}
