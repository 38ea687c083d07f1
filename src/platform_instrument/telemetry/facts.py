"""What is known of a request beside its span: its id, and whom it is for (user, tenant, what else the service wants to find).

Facts are reached from the span that is current, by way of `Local.request`, which every span below the request's shares, and
are told of the request's own trace alone. So a line has the facts of the request whose ids it has, or none: whatever thread,
task or greenlet served another one before.
Loaded when the application asks for `platform_instrument.set_attributes`, or the settings for facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from platform_instrument.core.report import say
from platform_instrument.telemetry import limits
from platform_instrument.telemetry.context import SERVED, local_of_request

if TYPE_CHECKING:
    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.span import Span

REQUEST_ID = "platform.request.id"
"""The name of a request's id on its span and on its exported logs; printed lines call it `request_id`."""

MOST = 16
LONGEST = 256
"""Attributes of one request, and characters of one value."""

_LONGEST_NAME = 64
_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_NAMES = {"user_id": "user.id", "tenant_id": "tenant.id"}


class Facts:
    """What is known of one request. `span()` is the span that stands for it, None once that is gone."""

    __slots__ = ("attributes", "claimed", "request_id", "span", "told", "trace_id", "version")

    def __init__(self, span: Span) -> None:
        self.attributes: dict[str, Any] = {}
        """By their names; texts, numbers, truth values and tuples of those. Added to, seldom overwritten, by any thread."""
        self.claimed: set[str] = set()
        """The names of those that a verified token says."""
        self.request_id = ""
        self.span = ref(span)
        self.trace_id = span.trace_id
        self.version = 0
        """Another number after each change."""
        self.told: Any = None
        """How lines tell it, with the version that they tell; `telemetry.facts_printed` keeps it here."""

    def put(self, name: str, value: Any) -> bool:  # noqa: ANN401 - whatever the application passes
        """Note an attribute; say whether it was taken."""
        bounds = limits.LIMITS
        if not limits.put(self.attributes, name, value, MOST, min(LONGEST, bounds.span_value_length, bounds.value_length)):
            return False
        self.version += 1
        return True

    def exported(self) -> dict[str, Any]:
        """Return what an exported record of a log carries."""
        return {REQUEST_ID: self.request_id, **self.attributes} if self.request_id else {**self.attributes}


def facts_of(current: Span | Ambient) -> Facts | None:
    """Return the facts of the request that a span belongs to; one of another trace, begun within a request, belongs to none."""
    local = current.local
    found: Facts | None = None if local is None else local.request
    if found is None:
        above = served_above(current)
        return None if above is None or above.local is None else above.local.request
    return found if found.trace_id == current.trace_id or not current.trace_id else None


def served_above(current: Span | Ambient) -> Span | None:
    """Return the span of the ASGI request that a span belongs to which was begun before facts were shown."""
    served = SERVED.get()
    if served is None or served.span.trace_id != current.trace_id:
        return None
    span: Span = served.span
    return span


def attach(span: Span) -> Facts:
    """Let a span stand for a request: those that are begun below it share its facts."""
    facts, local = Facts(span), span.local
    span.local = local_of_request(facts) if local is None else local.changed(request=facts)
    return facts


def name_of(key: str) -> str:
    """Return the name of an attribute by that of an argument, a header's or an entry's of baggage; empty where it is none."""
    name = _NAMES.get(key, key)
    return name if 0 < len(name) <= _LONGEST_NAME and _NAME.issuperset(name) else ""


def attribute_of(item: str) -> tuple[str, str]:
    """Return what a setting names in `name` or `name=attribute`, and the attribute that it becomes."""
    name, equals, attribute = item.partition("=")
    return name, attribute if equals else name_of(name.removeprefix("x-").replace("-", "_"))


def note(facts: Facts, name: str, value: Any) -> None:  # noqa: ANN401 - whatever the application passes
    """Put an attribute among the facts and on the request's span; what does not fit is counted there, and said."""
    span = facts.span()
    if facts.put(name, value):
        if span is not None:
            span.set_attribute(name, facts.attributes[name])
    elif value is not None:
        left_out(span)


def left_out(span: Span | None) -> None:
    """Count an attribute that a request cannot have, and say it once in a while."""
    if span is not None and span.is_recording():
        span.more().dropped_attributes += 1
    say(
        f"an attribute of a request was left out: there may be {MOST}, named by up to {_LONGEST_NAME} letters, digits, '.', "
        "'_' and '-'; give fewer or shorter ones",
        place="business attributes",
    )
