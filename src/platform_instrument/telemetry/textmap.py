"""Our propagators as the API's, for `propagate.inject` and `propagate.extract`.

Loaded when the application has imported `opentelemetry.propagate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opentelemetry.context.context import Context
from opentelemetry.propagators.textmap import Getter, TextMapPropagator, default_getter, default_setter
from opentelemetry.trace import SpanKind

from platform_instrument.core.guard import guard
from platform_instrument.telemetry import propagation
from platform_instrument.telemetry.bridge import context_of, current_of, span_of
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.propagators.textmap import Setter

    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.span import Span


_ADDRESSES = ("server.address", "net.peer.name", "http.host")
_URLS = ("url.full", "http.url")


def _host(current: Span | Ambient) -> str | None:
    """Return where a request goes whose span is current, such as an instrumentor's; None where nobody says it."""
    span = span_of(current)
    if getattr(span, "kind", None) is not SpanKind.CLIENT:
        return None
    attributes = span.attributes or {}
    for name in _URLS:
        if name in attributes:
            return urlsplit(str(attributes[name])).hostname
    return next((str(attributes[name]) for name in _ADDRESSES if name in attributes), None)


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
        propagation.ACTIVE.inject(current, guard("host of a request", _host, current), headers)
        for name, value in headers.items():
            setter.set(carrier, name, value)

    @property
    def fields(self) -> set[str]:
        """Return the headers that may be written."""
        return set(propagation.ACTIVE.fields)
