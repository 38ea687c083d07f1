"""The facts of requests on the metrics of HTTP servers: those that `PLATFORM_METRICS_ATTRIBUTES` lists, and no others.

Each value is a series of its own, within the limits of all metrics; values are masked before they become one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.semantics.http import SERVER_DURATION, SERVER_REQUEST_SIZE, SERVER_RESPONSE_SIZE
from platform_instrument.telemetry.door import mask_attribute
from platform_instrument.telemetry.facts import facts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.metrics.cells import HistogramCell
    from platform_instrument.telemetry.pipeline import Pipeline
    from platform_instrument.telemetry.span import Span

_INSTRUMENTS = (SERVER_DURATION, SERVER_REQUEST_SIZE, SERVER_RESPONSE_SIZE)


def put_in_force(running: Pipeline, names: tuple[str, ...]) -> None:
    """Have what is measured of a request carry these of its attributes; before anything was measured."""
    for instrument in _INSTRUMENTS:
        taken = {*instrument.constant, *instrument.varying}
        instrument.varying += tuple([name for name in names if name not in taken])
    settle, own = running.settle, frozenset(names).difference(SERVER_DURATION.constant)

    def settled(span: Span, answered: Mapping[str, Any] | None, known: HistogramCell | None = None) -> HistogramCell | None:
        operation = span.operation
        if operation is not None and operation.duration is SERVER_DURATION:
            known = None  # it is another's: each has facts of its own
            answered = guard("attributes of metrics", _with_facts, span, answered, own) or answered
        return settle(span, answered, known)

    running.settle = settled  # type: ignore[method-assign] # an instance attribute hides the method


def _with_facts(span: Span, answered: Mapping[str, Any] | None, names: frozenset[str]) -> Mapping[str, Any] | None:
    facts = facts_of(span)
    if facts is None or not facts.attributes:
        return None
    found = {name: _one(name, value) for name, value in list(facts.attributes.items()) if name in names}
    return {**found, **(answered or {})} if found else None


def _one(name: str, value: Any) -> Any:  # noqa: ANN401 - an attribute's value
    """Return a value as a series can have it."""
    masked = mask_attribute(name, value)
    return tuple(masked) if isinstance(masked, list) else masked
