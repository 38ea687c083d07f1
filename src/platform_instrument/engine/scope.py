"""The scope of one observed call: opened before it, closed after it, always by way of the guard.

Clock, context, one record, one cell: everything else was computed before or waits for the worker.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.errors import error_type
from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.guard import absorb
from platform_instrument.core.values import OPEN, UNSEEN, Call, Operation
from platform_instrument.telemetry import pipeline, propagation
from platform_instrument.telemetry.context import CURRENT, SAMPLED
from platform_instrument.telemetry.span import ERROR, Span
from platform_instrument.telemetry.tracer import start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from platform_instrument.telemetry.scope import InstrumentationScope


class Plan:
    """How one target is observed; `begin` is set to `passes` when a patch is undone that somebody else has wrapped."""

    __slots__ = ("begin", "carrier", "end", "error", "family", "place", "scope")

    def __init__(  # noqa: PLR0913 - the fields of a plan
        self,
        place: str,
        begin: Callable[[Call], Any],
        end: Callable[[Call, Any], Any] | None,
        error: Callable[[Call, BaseException], Any] | None,
        carrier: Callable[[Call], MutableMapping[str, str] | None] | None,
        family: int,
        scope: InstrumentationScope,
    ) -> None:
        self.place = place
        self.begin = begin
        self.end = end
        self.error = error
        self.carrier = carrier
        self.family = family
        self.scope = scope


def passes(_call: Call) -> None:
    """Let a call pass unobserved."""


def enter(plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    """Open a scope and make its span current; None where the call is to pass unobserved."""
    call = open_call(plan, args, kwargs)
    if call is not None:
        CURRENT.set(call.span)
    return call


def open_call(plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    """Open a scope without making it current: for generators and blocks, which run piece by piece."""
    current = CURRENT.get()
    families = plan.family
    if current is not None and not current.end_ns:  # a task may outlive the call that it was started in
        if current.families & families:
            return None
        families |= current.families
    call = Call(args, kwargs)
    operation = plan.begin(call)
    if operation is None:
        return None
    call.previous = current
    attributes = None
    if type(operation) is tuple:
        operation, attributes = operation
    elif type(operation) is Span:
        call.span = operation
        return call
    if attributes is UNSEEN:
        call.span = span = start(operation.name, operation.kind, operation, None, plan.scope, current, SUPPRESSED)
        span.flags &= ~SAMPLED
        span.recording = False
        return call
    call.span = start(operation.name, operation.kind, operation, attributes, plan.scope, current, families)
    if plan.carrier is not None:
        try:
            _inject(plan.carrier, call, operation)
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            absorb(plan.place, fault)
    return call


def _inject(carrier: Callable[[Call], MutableMapping[str, str] | None], call: Call, operation: Operation) -> None:
    """Put the context into what is sent; a fault in here costs the context, not the span."""
    headers = carrier(call)
    if headers is not None:
        propagation.ACTIVE.inject(call.span, operation.attributes.get("server.address"), headers)


def leave(plan: Plan, call: Call, result: Any) -> None:  # noqa: ANN401 - what the application's call returned
    """Close the scope of a call that returned, unless its `end` says that the operation goes on."""
    span = call.span
    if CURRENT.get() is span:
        CURRENT.set(call.previous)
    span.end_ns = span.start_ns + perf_counter_ns() - span.ticks
    answered = None
    try:
        if plan.end is not None:
            found = plan.end(call, result)
            if found is not OPEN and found:
                merge(span, found)
            answered = found
    finally:
        if answered is OPEN:
            span.end_ns = 0
        else:
            settle(span, answered)


def fail(plan: Plan, call: Call, error: BaseException) -> None:
    """Close the scope of a call that raised."""
    span = call.span
    if CURRENT.get() is span:
        CURRENT.set(call.previous)
    span.end_ns = span.start_ns + perf_counter_ns() - span.ticks
    answered: Mapping[str, Any] = {"error.type": error_type(error)}
    try:
        found = plan.error(call, error) if plan.error is not None else None
        if found:
            answered = {**answered, **found}
    finally:
        merge(span, answered)
        settle(span, answered)


def give_back(call: Call) -> None:
    """Make current again what was before the call, unless somebody else has changed it since."""
    if CURRENT.get() is call.span:
        CURRENT.set(call.previous)


def merge(span: Span, answered: Mapping[str, Any]) -> None:
    """Put what a call answered on its span; `error.type` makes the span an error."""
    if span.recording:
        if span.own_attributes is None:
            span.own_attributes = dict(answered)
        else:
            span.own_attributes.update(answered)
        if "error.type" in answered and not span.status_code:
            span.status_code = ERROR


def settle(span: Span, answered: Mapping[str, Any] | None) -> None:
    """Count the duration and hand the span on."""
    if pipeline.PIPELINE is not None:
        pipeline.PIPELINE.settle(span, answered)


def resume(call: Call | None) -> None:
    """Make a call's span current for the next piece of a generator."""
    if call is not None:
        call.previous = CURRENT.get()
        CURRENT.set(call.span)


def pause(call: Call | None) -> None:
    """Give the context back to whoever takes the generator's next item."""
    if call is not None:
        give_back(call)
