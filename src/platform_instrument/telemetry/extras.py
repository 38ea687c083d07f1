"""What most spans do not have: events, links, a status text, a start in the past, things that were dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platform_instrument.telemetry.span import Link, Span


class Event:
    """Something that happened at one moment of a span; `time_ns` is nanoseconds since the epoch."""

    __slots__ = ("attributes", "dropped_attributes", "name", "time_ns")

    def __init__(self, name: str, attributes: dict[str, Any], time_ns: int, dropped_attributes: int = 0) -> None:
        self.name = name
        self.attributes = attributes
        self.time_ns = time_ns
        self.dropped_attributes = dropped_attributes


class Extras:
    """The rare fields of a span, made when the first of them is set."""

    __slots__ = (
        "backdated_ns",
        "dropped_attributes",
        "dropped_events",
        "dropped_links",
        "events",
        "links",
        "records_exceptions",
        "sets_status",
        "start_ns",
        "status_description",
    )

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.links: list[Link] = []
        self.status_description = ""
        self.dropped_attributes = 0
        self.dropped_events = 0
        self.dropped_links = 0
        self.start_ns = 0
        """The start that the application gave, 0 where it gave none."""
        self.backdated_ns = 0
        """How long before the making of the span that was."""
        self.records_exceptions = True
        self.sets_status = True


EACH = 16
"""Every so many spans one is weighed for them all; those with events, where stacks are, each for itself."""


def weight_of(span: Span) -> int:
    """Return how many characters the span's own values hold, for it and for those that are not weighed."""
    own = span.own_attributes
    weight = EACH * sum([len(value) for value in own.values() if type(value) is str]) if own else 0
    if span.extras is not None:
        for event in span.extras.events:
            weight += sum([len(value) for value in event.attributes.values() if type(value) is str])
    return weight
