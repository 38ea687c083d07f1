"""Bounds on what a span may hold, and the only way by which an application's value becomes an attribute.

Values are rendered and cut at once, on the caller's thread: later they may have changed. An unset
`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` means no limit to the specification; here it means `LONGEST`, because one attribute
of ten megabytes takes a service and its collector down.
Source: https://opentelemetry.io/docs/specs/otel/common/#attribute
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.telemetry.span import Span

LONGEST = 32_768
MOST_ITEMS = 1_024

_SCALARS = (bool, int, float)
_INT64 = 1 << 63


class SpanLimits:
    """How much a span may hold: counts, and characters a value."""

    __slots__ = ("event_attributes", "events", "link_attributes", "links", "span_attributes", "value_length")

    def __init__(  # noqa: PLR0913 - the specification's six limits
        self,
        *,
        span_attributes: int = 128,
        events: int = 128,
        links: int = 128,
        event_attributes: int = 128,
        link_attributes: int = 128,
        value_length: int = LONGEST,
    ) -> None:
        self.span_attributes = span_attributes
        self.events = events
        self.links = links
        self.event_attributes = event_attributes
        self.link_attributes = link_attributes
        self.value_length = value_length


LIMITS = SpanLimits()
"""The limits in force; `telemetry.pipeline` sets its fields from the settings."""


def _nowhere(_span: Span) -> None:
    """Take an ended span before the pipeline is set up: there is nobody to deliver it to."""


ENDED: Callable[[Span], None] = _nowhere
"""Where ended spans go; `telemetry.pipeline` puts itself here."""


def text(value: str) -> str:
    """Cut a text to the limit."""
    return value if len(value) <= LIMITS.value_length else value[: LIMITS.value_length]


def clean(value: Any) -> Any:  # noqa: ANN401 - whatever the application passes
    """Return the value as an attribute may hold it, or None where its type is not one of OpenTelemetry's."""
    kind = type(value)
    if kind is str:
        return value if len(value) <= LIMITS.value_length else value[: LIMITS.value_length]
    if kind is int:
        return value if -_INT64 <= value < _INT64 else str(value)[: LIMITS.value_length]
    if kind is bool or kind is float:
        return value
    if isinstance(value, str):
        return text(str.__str__(value))
    if isinstance(value, _SCALARS):
        return clean(bool(value) if isinstance(value, bool) else int(value) if isinstance(value, int) else float(value))
    if isinstance(value, (bytes, bytearray)):
        return text(bytes(value[: LIMITS.value_length]).decode("utf-8", "replace"))
    if isinstance(value, (list, tuple)):
        return _sequence(value)
    return None


def _sequence(values: list[Any] | tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Return a homogeneous tuple, None where the items are of several kinds or of none that is allowed."""
    items = [clean(item) for item in values[:MOST_ITEMS] if item is not None]
    kinds = {type(item) for item in items}
    if len(kinds) > 1 or not kinds <= {str, bool, int, float}:
        return None
    return tuple(items)


def put(attributes: dict[str, Any], key: Any, value: Any, most: int) -> bool:  # noqa: ANN401 - the application's
    """Put one attribute into a dict of at most `most`; say whether it went in."""
    if not isinstance(key, str) or not key:
        return False
    kept = clean(value)
    if kept is None or (len(attributes) >= most and key not in attributes):
        return False
    attributes[key] = kept
    return True


def bounded(attributes: Mapping[str, Any] | None, most: int) -> tuple[dict[str, Any], int]:
    """Return a bounded copy, and how many attributes did not fit."""
    kept: dict[str, Any] = {}
    dropped = 0
    for key, value in (attributes or {}).items():
        dropped += not put(kept, key, value, most)
    return kept, dropped
