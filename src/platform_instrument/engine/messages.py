"""Messages that the application is given: one span each, below whoever sent it and linked to them, current while it is handled.

What a broker hands over comes from somewhere else, so nothing that is current where it arrives is above it, and nothing that the
application leaves current is there for the next one.
Source: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ (version 1.37.0).
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from platform_instrument.core.errors import error_type
from platform_instrument.core.families import DB_CLIENT, HTTP_CLIENT, RPC_CLIENT
from platform_instrument.core.guard import absorb, guard
from platform_instrument.core.values import UNSEEN, Call
from platform_instrument.engine.frames import dressed, unseen
from platform_instrument.engine.scope import merge, passes, settle
from platform_instrument.semantics.messaging import COUNTED
from platform_instrument.telemetry import pipeline, propagation
from platform_instrument.telemetry.context import CURRENT, REMOTE, Ambient
from platform_instrument.telemetry.extras import Extras
from platform_instrument.telemetry.metrics.registry import METRICS
from platform_instrument.telemetry.span import Link
from platform_instrument.telemetry.tracer import start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.core.values import Operation
    from platform_instrument.telemetry.scope import InstrumentationScope
    from platform_instrument.telemetry.span import Span

DETAILS = DB_CLIENT | HTTP_CLIENT | RPC_CLIENT
"""By which a library of messages reaches a broker or a store of its own: what is done so within it is a detail of it."""

_current, _make_current = CURRENT.get, CURRENT.set
_with_traceback = BaseException.with_traceback


class Handling:
    """How the messages that a function handles are observed.

    `begin(call)` returns the span of a message, mostly from `received`, or None to let it pass; `end(call, result)` and
    `error(call, exception)` return what came of it, and find the span open; `UNSEEN` leaves it to somebody else to say that.
    """

    __slots__ = ("begin", "end", "error", "place")

    def __init__(
        self,
        place: str,
        begin: Callable[[Call], Span | None],
        end: Callable[[Call, Any], Mapping[str, Any] | None],
        error: Callable[[Call, BaseException], Mapping[str, Any] | None],
    ) -> None:
        self.place = place
        self.begin = begin
        self.end = end
        self.error = error

    def stop(self) -> None:
        """Observe nothing any more."""
        self.begin = passes


def received(
    operation: Operation,
    attributes: dict[str, Any],
    headers: Callable[[str], Any],
    scope: InstrumentationScope,
    began_ns: int = 0,
) -> Span:
    """Begin the span of a message, below whoever sent it; `headers(name)` returns one of its headers, of any type.

    Where inbound context is not trusted, it is linked alone. `began_ns`, in nanoseconds since the epoch, is when it was begun to
    be processed, where that is past.
    """

    def carried(name: str) -> str | None:
        value = headers(name)
        return value if type(value) is str else value.decode("utf-8", "replace") if type(value) is bytes else None

    parent, link = propagation.ACTIVE.extract(carried)
    if parent is not None and parent.trace_id:
        link = (parent.trace_id, parent.span_id, parent.flags)
    extras = None
    if began_ns:
        extras = Extras()
        extras.start_ns = began_ns
    span = start(operation.name, operation.kind, operation, attributes, scope, parent, 0, extras)
    if link is not None and span.recording:
        trace_id, span_id, flags = link
        span.more().links.append(Link(trace_id, span_id, flags | REMOTE, "", {}))
    name = getattr(propagation.ACTIVE, "header", "")
    if name:
        from platform_instrument.telemetry.request_ids import identify  # few services want it

        guard("request id of a message", identify, span, carried(name) or carried(name.lower()))
    return span


def counted(span: Span, answered: Mapping[str, Any] | None) -> None:
    """Count the message of an operation, whether it is sampled or not."""
    operation, running = span.operation, pipeline.PIPELINE
    if operation is None or running is None or span.ticks < running.born:
        return
    instrument, constant = COUNTED[operation.attributes["messaging.operation.type"]], operation.attributes
    pairs = [(name, constant[name]) for name in instrument.constant if name in constant]
    if answered:
        pairs.extend((name, answered[name]) for name in instrument.varying if name in answered)
    METRICS.metric(instrument).cell(tuple(pairs)).measure(1, span)


def sent(call: Call, _result: Any) -> None:  # noqa: ANN401 - the application's
    """Count a message that was sent."""
    counted(call.span, None)


def refused(call: Call, error: BaseException) -> dict[str, Any]:
    """Count a message that could not be sent."""
    answered = {"error.type": error_type(error)}
    counted(call.span, answered)
    return answered


def record(span: Span, error: BaseException) -> None:
    """Record an exception that the application did not catch, unless it is recorded already."""
    from platform_instrument.telemetry.exceptions import recorded  # needs `traceback`

    if not recorded(span, error):
        span.record_exception(error)


def failed(call: Call, error: BaseException) -> dict[str, Any]:
    """Return what an exception says that left what handles a message: it is recorded."""
    if isinstance(error, Exception):
        record(call.span, error)
    return {"error.type": error_type(error)}


def aside(*_: object) -> Ambient:
    """Return what is current while a library of messages keeps something for itself: only messages are observed."""
    current = _current()
    if current is None:
        return Ambient(families=DETAILS)
    families = DETAILS if current.end_ns else current.families | DETAILS
    return Ambient(current.trace_id, current.span_id, current.flags, local=current.local, families=families)


@unseen
def handled(function: Callable[..., Any], handling: Handling) -> Callable[..., Any]:
    """Return a wrapper of a plain function that handles messages."""
    place = handling.place

    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
        before = _current()
        call = None
        try:
            call = _begun(handling, args, kwargs)
        except RecursionError:  # the application's stack is nearly used up: nothing can be called here
            call = None
        except BaseException as fault:  # noqa: BLE001 - the guard decides
            _make_current(before)
            call = None
            absorb(place, fault)
        try:
            result = function(*args, **kwargs) if call is None else function(*call.args, **call.kwargs)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            if call is not None:
                try:
                    guard(place, _closed, handling.error, call, error)
                finally:
                    _make_current(before)
            raise
        if call is not None:
            try:
                guard(place, _closed, handling.end, call, result)
            finally:
                _make_current(before)
        return result

    return dressed(wrapper, function)


def _begun(handling: Handling, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    call = Call(args, kwargs)
    span = handling.begin(call)
    if span is None:
        return None
    call.span = span
    _make_current(span)
    return call


def _closed(say: Callable[[Call, Any], Mapping[str, Any] | None], call: Call, outcome: Any) -> None:  # noqa: ANN401
    """End the span with what came of the message."""
    answered = None
    try:
        answered = say(call, outcome)
    finally:
        if answered is not UNSEEN:
            close(call.span, answered)


def close(span: Span, answered: Mapping[str, Any] | None) -> None:
    """End the span of a message, and count it."""
    backdated = span.extras.backdated_ns if span.extras is not None else 0
    span.end_ns = span.start_ns + perf_counter_ns() - span.ticks + backdated
    if answered:
        merge(span, answered)
    counted(span, answered)
    settle(span, answered)
