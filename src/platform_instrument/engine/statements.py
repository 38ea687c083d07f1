"""What the settings ask for beside each SQL statement, whatever the library: repetitions, the line of code, a comment.

Applied when a library is patched, so that what is off is on nobody's way. A statement is an operation whose text is known:
what is sent to Redis and its like is none. What is here runs where the engine contains it.
Source: https://google.github.io/sqlcommenter/spec/;
https://opentelemetry.io/docs/specs/semconv/registry/attributes/code/ (version 1.37.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import OPEN
from platform_instrument.telemetry.context import SAMPLED
from platform_instrument.telemetry.tracecontext import format_traceparent

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.config.schema import Settings
    from platform_instrument.core.values import Call, Observe
    from platform_instrument.engine.scope import Plan
    from platform_instrument.telemetry.span import Span

REPEATED = "platform.db.repeated"
"""On a statement: the how many-th of its kind it is in the request, from the second on; on the request: the most of any."""

_TEXT = "db.query.text"
_MOST_STATEMENTS = 200
"""So many different statements of one request are counted."""


def complete(plan: Plan, patch: Observe, settings: Settings) -> None:
    """Have done with the statements of one plan what the settings ask for."""
    if settings.db_repeated:
        plan.end, plan.error = _counted(plan.end), _counted(plan.error)
    if settings.slow_query_ms:
        slow = int(settings.slow_query_ms * 1e9)
        plan.end, plan.error = _located(plan.end, slow), _located(plan.error, slow)
    if settings.sqlcommenter and patch.comment is not None:
        plan.carrier = _commented(patch.comment)


def _counted(end: Callable[..., Any] | None) -> Callable[..., Any]:
    """Return an `end` or `error` that counts the statement, in its request; on the hot path, so that all stands in one place."""

    def counted(call: Call, outcome: Any) -> Any:  # noqa: ANN401 - the result or the exception
        found = None if end is None else end(call, outcome)
        span = call.span
        root = span.root
        if root is None or not span.recording or found is OPEN:
            return found
        operation = span.operation
        try:
            counts = root._statements  # noqa: SLF001 - room for this
        except AttributeError:
            counts = root._statements = {}  # noqa: SLF001 - as above
        if operation not in counts:
            if len(counts) < _MOST_STATEMENTS and _TEXT in operation.attributes:
                counts[operation] = 1
            return found
        counts[operation] = times = counts[operation] + 1
        if span.own_attributes is None:
            span.own_attributes = {REPEATED: times}
        else:
            span.own_attributes[REPEATED] = times
        own = root.own_attributes
        if root.end_ns:
            return found
        if own is None:
            root.own_attributes = {REPEATED: times}
        elif own.get(REPEATED, 0) < times:
            own[REPEATED] = times
        return found

    return counted


def _located(end: Callable[..., Any] | None, slow: int) -> Callable[..., Any]:
    """Return an `end` or `error` that says which line of the application issued a statement of so many nanoseconds."""
    from platform_instrument.engine.callers import caller  # few services ask for it

    def located(call: Call, outcome: Any) -> Any:  # noqa: ANN401 - the result or the exception
        found = None if end is None else end(call, outcome)
        span = call.span
        if span.end_ns - span.start_ns >= slow and span.recording and found is not OPEN and _TEXT in span.operation.attributes:
            span.own_attributes = {**(span.own_attributes or {}), **caller()}
        return found

    return located


def _commented(place: Callable[[Call], tuple[int, str] | None]) -> Callable[[Call], None]:
    """Return a `carrier` that lets the text of a statement carry the context in a comment, where it is sampled."""

    def carrier(call: Call) -> None:
        found = place(call) if call.span.flags & SAMPLED else None
        if found is not None:
            text = call.argument(*found)
            made = with_comment(text, call.span)
            if made is not text:
                call.put(*found, made)

    return carrier


def with_comment(text: Any, span: Span) -> Any:  # noqa: ANN401 - what the application passes as SQL
    """Return a statement with `traceparent` in a comment at its end; one that has a comment, or is no text, as it is."""
    if type(text) is bytes:
        decoded = text.decode("latin-1")  # one character a byte, whatever they mean
        made = with_comment(decoded, span)
        return text if made is decoded else made.encode("latin-1")
    if type(text) is not str or "/*" in text or "--" in text:
        return text
    bare = text.rstrip()
    ended = bare.endswith(";")
    bare = bare[:-1].rstrip() if ended else bare
    comment = f"/*traceparent='{format_traceparent(span.trace_id, span.span_id, span.flags)}'*/"
    return f"{bare} {comment}{';' if ended else ''}" if bare else text
