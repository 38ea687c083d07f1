"""Our propagators as the API's, for `propagate.inject` and `propagate.extract`, and the API's as ours.

Loaded when the application has imported `opentelemetry.propagate`, or when a propagator of somebody else is in force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.context.context import Context
from opentelemetry.propagators.textmap import Getter, TextMapPropagator, default_getter, default_setter

from platform_instrument.telemetry import propagation
from platform_instrument.telemetry.bridge import context_of, current_of
from platform_instrument.telemetry.context import CURRENT, Ambient

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from opentelemetry.propagators.textmap import Setter

    from platform_instrument.telemetry.propagation import Get
    from platform_instrument.telemetry.span import Span


class _Headers(Getter["Get"]):
    """Reads headers by a function that takes their names in lower case."""

    def get(self, carrier: Get, key: str) -> list[str] | None:
        value = carrier(key.lower())
        return None if value is None else [value]

    def keys(self, carrier: Get) -> list[str]:
        return [name for name in propagation.ACTIVE.fields if carrier(name) is not None]


_HEADERS = _Headers()


def extract_with(propagator: TextMapPropagator, get: Get) -> Ambient | None:
    """Return the caller's context as somebody else's propagator finds it."""
    found = current_of(propagator.extract(get, Context(), getter=_HEADERS), None)
    return found if type(found) is Ambient else None


def inject_with(propagator: TextMapPropagator, current: Span | Ambient, headers: MutableMapping[str, str]) -> None:
    """Let somebody else's propagator put a context into headers."""
    propagator.inject(headers, context=context_of(current))


class TextMap(TextMapPropagator):
    """The propagators in force, as one of the API's; what the application extracts itself, it trusts itself."""

    def extract(
        self,
        carrier: Any,  # noqa: ANN401 - the application's
        context: Context | None = None,
        getter: Getter[Any] = default_getter,
    ) -> Context:
        """Return the context with what the carrier says of trace and baggage."""

        def get(name: str) -> str | None:
            values = getter.get(carrier, name)
            return ",".join(values) if values else None

        found = propagation.ACTIVE.extract_trusted(get)
        held: dict[str, object] = dict(context or {})
        if found is not None:
            said = context_of(found)
            for key, value in said.items():
                before = held.get(key)
                held[key] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
        return Context(held)

    def inject(
        self,
        carrier: Any,  # noqa: ANN401 - the application's
        context: Mapping[str, Any] | None = None,
        setter: Setter[Any] = default_setter,
    ) -> None:
        """Put what is current, or an explicit context, into the carrier."""
        current = CURRENT.get() if context is None else current_of(context, None)
        if current is None:
            return
        headers: dict[str, str] = {}
        propagation.ACTIVE.inject(current, None, headers)
        for name, value in headers.items():
            setter.set(carrier, name, value)

    @property
    def fields(self) -> set[str]:
        """Return the headers that may be written."""
        return set(propagation.ACTIVE.fields)
