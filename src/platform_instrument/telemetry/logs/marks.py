"""Spans of which an error was logged: their status says so, and they have the event of its exception, once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.telemetry.context import CURRENT, ERROR, Ambient
from platform_instrument.telemetry.exceptions import exception_attributes, recorded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.span import Span

_ERROR = 2
"""The status, numbered as in OTLP."""
_OF_EXCEPTIONS = ("exception.type", "exception.message", "exception.stacktrace")


def error_of(record: Any, level: int) -> BaseException | None:  # noqa: ANN401 - logging.LogRecord
    """Return the exception of a record; of an error that names none, the one that is being handled."""
    told = record.exc_info
    if told:
        error = told[1] if isinstance(told, tuple) and len(told) > 1 else None
        return error if isinstance(error, BaseException) else None
    return handled(level) if not record.exc_text else None


def handled(level: int) -> BaseException | None:
    """Return the exception that is being handled where something is logged, if that is an error."""
    return sys.exc_info()[1] if level >= ERROR else None


def mark_current(error: BaseException | None) -> None:
    """Mark the current span where an error with an exception is printed, on the thread that logs."""
    current = CURRENT.get()
    if error is not None and current is not None and type(current) is not Ambient:
        mark(current, error)  # type: ignore[arg-type] # a span, then


def mark(span: Span, error: BaseException, described: Mapping[str, Any] | None = None) -> None:
    """Mark a span that still takes data; `described` has the attributes of the exception, where they are known.

    What an exception logs while it is asked for its text marks nothing: it would be asked again.
    """
    if not span.recording or span.end_ns:
        return
    token = CURRENT.set(aside(CURRENT.get()))
    try:
        if not recorded(span, error):
            attributes = described if described is not None else exception_attributes(error)
            span.add_event("exception", {key: attributes[key] for key in _OF_EXCEPTIONS if key in attributes})
    finally:
        CURRENT.reset(token)
    if not span.status_code:
        span.set_status(_ERROR)


def aside(current: Span | Ambient | None) -> Ambient:
    """Return what is current while code of the application's runs on our account: lines have the same ids, and that is all."""
    if current is None:
        return Ambient(families=SUPPRESSED)
    return Ambient(current.trace_id, current.span_id, current.flags, local=current.local, families=SUPPRESSED)
