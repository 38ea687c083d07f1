"""Spans of which an error was logged: their status says so, and they have the event of its exception, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.telemetry.exceptions import exception_attributes, recorded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.span import Span

_ERROR = 2
"""The status, numbered as in OTLP."""
_OF_EXCEPTIONS = ("exception.type", "exception.message", "exception.stacktrace")


def mark(span: Span, error: BaseException, described: Mapping[str, Any] | None = None) -> None:
    """Mark a span that still takes data; `described` has the attributes of the exception, where they are known."""
    if not span.recording or span.end_ns:
        return
    if not recorded(span, error):
        attributes = described if described is not None else exception_attributes(error)
        span.add_event("exception", {key: attributes[key] for key in _OF_EXCEPTIONS if key in attributes})
    if not span.status_code:
        span.set_status(_ERROR)
