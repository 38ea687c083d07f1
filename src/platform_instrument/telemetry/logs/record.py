"""A record of a log on its way out; what all records of one statement have in common is one `Site`, encoded once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.telemetry.scope import InstrumentationScope


UNPRINTED: dict[str, Callable[..., None]] = {}
"""What exports, by library, a line that is left out where lines are printed."""


class Site:
    """The constant part of records: severity as number and text, name of the event, attributes of the place in the code."""

    __slots__ = ("attributes", "encoded", "event_name", "severity", "text")

    def __init__(self, severity: int, text: str, event_name: str = "", attributes: Mapping[str, Any] | None = None) -> None:
        self.severity = severity
        """Numbered as in OTLP; 0 where it is not known."""
        self.text = text
        self.event_name = event_name
        self.attributes = attributes or {}
        self.encoded: bytes | None = None


class LogRecord:
    """What was said: immutable scalars alone, rendered where it was said. Times are nanoseconds since the epoch, 0 for none."""

    __slots__ = ("attributes", "body", "dropped", "flags", "observed_ns", "scope", "site", "span_id", "time_ns", "trace_id")

    def __init__(  # noqa: PLR0913 - the fields of a record
        self,
        site: Site,
        scope: InstrumentationScope,
        body: Any,  # noqa: ANN401 - a text, seldom another value
        attributes: dict[str, Any] | None,
        time_ns: int,
        observed_ns: int,
        trace_id: int = 0,
        span_id: int = 0,
        flags: int = 0,
        dropped: int = 0,
    ) -> None:
        self.site = site
        self.scope = scope
        self.body = body
        self.attributes = attributes
        self.time_ns = time_ns
        self.observed_ns = observed_ns
        self.trace_id = trace_id
        self.span_id = span_id
        self.flags = flags
        self.dropped = dropped
        """How many attributes did not fit."""


def weight_of(record: LogRecord) -> int:
    """Return how many characters a record holds, about."""
    body, own = record.body, record.attributes
    weight = 128 + (len(body) if type(body) is str else 0)
    if own:
        for value in own.values():
            kind = type(value)
            if kind is str or kind is tuple:
                weight += len(value)
    return weight
