"""What an application says, and asks, about the request being served. Light, and harmless in a process without telemetry."""

from __future__ import annotations

from sys import modules
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.telemetry import limits
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.facts import attach, facts_of, left_out, name_of, note, served_above

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.span import Span


def set_attributes(attributes: Mapping[str, Any] | None = None, /, **named: Any) -> None:  # noqa: ANN401 - any value
    """Say whom the request being served is for: on its span, on what is begun below it from now on, on each of its log lines.

    `user_id` and `tenant_id` are called `user.id` and `tenant.id`, other names are as given: letters, digits, `.`, `_` and
    `-`. At most 16 attributes a request, 256 characters a value; None says nothing. Values are masked like any other.
    Outside of a request they belong to the current span; where there is none nothing happens. Never raises.
    """
    current = CURRENT.get()
    if current is not None:
        guard("business attributes", _set, current, attributes, named)


def request_id() -> str | None:
    """Return the id of the request being served (`PLATFORM_REQUEST_ID=true`), None where there is none."""
    current = CURRENT.get()
    facts = None if current is None else facts_of(current)
    return (facts.request_id or None) if facts is not None else None


def _set(current: Span | Ambient, attributes: Any, named: dict[str, Any]) -> None:  # noqa: ANN401 - a mapping, mostly
    facts = facts_of(current)
    if facts is None:
        span: Any = served_above(current) or current
        if not hasattr(span, "own_attributes"):
            return  # a caller's context, or one in which nothing is recorded
        facts = attach(span)
        _show()  # it was begun before there was anything to show
    for key, value in (*limits.pairs(attributes), *named.items()):
        name = name_of(key) if isinstance(key, str) else ""
        if name:
            note(facts, name, value)
        else:
            left_out(facts.span())


def _show() -> None:
    """Have facts shown from now on, in a process that sends telemetry."""
    if "platform_instrument.telemetry.pipeline" in modules:
        from platform_instrument.telemetry.facts_shown import put_in_force  # loads what prints lines

        put_in_force()


guard("business attributes", _show)
