"""A propagator of somebody else, asked in the API's types; loaded when one is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.context.context import Context
from opentelemetry.propagators.textmap import Getter

from platform_instrument.telemetry.bridge import context_of, current_of
from platform_instrument.telemetry.context import Ambient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping

    from opentelemetry.propagators.textmap import TextMapPropagator

    from platform_instrument.telemetry.propagation import Get
    from platform_instrument.telemetry.span import Span


class _Headers(Getter["Get"]):
    """Reads headers by a function that takes their names in lower case; `names()` are those that there may be."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self._names = names

    def get(self, carrier: Get, key: str) -> list[str] | None:
        value = carrier(key.lower())
        return None if value is None else [value]

    def keys(self, carrier: Get) -> list[str]:
        return [name for name in self._names() if carrier(name) is not None]


def extract_with(propagator: TextMapPropagator, get: Get, names: Callable[[], Iterable[str]]) -> Ambient | None:
    """Return the caller's context as the propagator finds it; `names()` are the headers that there may be."""
    found = current_of(propagator.extract(get, Context(), getter=_Headers(names)), None)
    return found if type(found) is Ambient else None


def inject_with(propagator: TextMapPropagator, current: Span | Ambient, headers: MutableMapping[str, str]) -> None:
    """Let the propagator put a context into headers."""
    propagator.inject(headers, context=context_of(current))
