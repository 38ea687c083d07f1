"""Spans of upstream's instrumentors give way to ours where we observe the same library: one span an operation.

An instrumentor is left as it is, with its patches, its hooks and what it says of itself; only what its tracer starts is
replaced, by something that makes no span. What we observe lies within its call, or around it, so a client's call is ours
alone; a server's request is ours already, and what hooks put on the instrumentor's span reaches our span of the request.
Loaded when an instrumentor asks for its tracer.
Source: opentelemetry/instrumentation/utils.py `_start_internal_or_server_span`, `suppress_http_instrumentation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from platform_instrument.core.guard import guard
from platform_instrument.core.values import CLIENT
from platform_instrument.telemetry.api import Tracer
from platform_instrument.telemetry.bridge import Instead, span_of
from platform_instrument.telemetry.context import CURRENT
from platform_instrument.telemetry.processors import PROCESSORS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.span import Span

_CONVENTIONS = ("http.", "net.", "network.", "url.", "server.", "client.", "user_agent.", "error.", "asgi.", "rpc.")
"""Namespaces that an instrumentor of a server writes itself; our span has these attributes from us."""

DEFERRED: dict[str, int] = {}
"""How many spans of an instrumentor's gave way, by its name; doctor reads it."""


class InsteadOfClient(trace.NonRecordingSpan, Instead):
    """Stands for the span of a call that we observe as well: nothing of it is kept."""

    def __init__(self, above: Span | Ambient | None) -> None:
        span = span_of(above) if above is not None else None
        super().__init__(span.get_span_context() if span is not None else trace.INVALID_SPAN_CONTEXT)
        self.above = above


class InsteadOfServer(trace.Span, Instead):
    """Stands for the span of a request that we serve: what hooks put on it is put on ours, and we name and end that."""

    def __init__(self, span: Any) -> None:  # noqa: ANN401 - a span of the API
        self.span = span

    def get_span_context(self) -> trace.SpanContext:
        """Return the ids of the span that it stands for."""
        return self.span.get_span_context()  # type: ignore[no-any-return]

    def is_recording(self) -> bool:
        """Say whether the span that it stands for takes data."""
        return bool(self.span.is_recording())

    def set_attribute(self, key: str, value: Any) -> None:  # noqa: ANN401 - as in the API
        """Set an attribute of the application's."""
        if not str(key).startswith(_CONVENTIONS):
            self.span.set_attribute(key, value)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set those that are the application's."""
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:  # noqa: ANN401 - as in the API
        """Add an event of the application's."""
        self.span.add_event(name, attributes, timestamp)

    def add_link(self, context: Any, attributes: Any = None) -> None:  # noqa: ANN401 - as in the API
        """Add a link of the application's."""
        self.span.add_link(context, attributes)

    def update_name(self, name: str) -> None:
        """Keep the name, which the route gives."""

    def set_status(self, status: Any, description: str | None = None) -> None:  # noqa: ANN401 - as in the API
        """Keep the status, which the answer gives."""

    def record_exception(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as in the API
        """Record nothing: the exception of a request is recorded already."""

    def end(self, end_time: int | None = None) -> None:
        """Leave the span open, which ends with the request."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - properties of SDK spans
        return getattr(self.span, name)


class DeferringTracer(trace.Tracer):
    """The tracer of an instrumentor; `observed` says as what we observe what it is about to: CLIENT, SERVER or 0.

    It is told what is current and the kind of the span. Where the request's span is not the current one, it returns that.
    """

    def __init__(
        self,
        name: str,
        tracer: Any,  # noqa: ANN401 - any provider's
        observed: Callable[[Span | Ambient | None, str], int | Span],
    ) -> None:
        self._name = name
        self._tracer = tracer
        self._observed = observed

    def start_span(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the API's signature, handed on
        """Start a span, or what stands for it."""
        instead = guard("instrumentor's span", self._instead, kwargs.get("kind"))
        return self._tracer.start_span(*args, **kwargs) if instead is None else instead

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        """Return a block with a span, or with what stands for it."""
        instead = guard("instrumentor's span", self._instead, kwargs.get("kind"))
        return self._tracer.start_as_current_span(*args, **kwargs) if instead is None else trace.use_span(instead)

    def _instead(self, asked: Any) -> Any:  # noqa: ANN401 - one of the two above, or None
        current = CURRENT.get()
        kind = self._observed(current, getattr(asked, "name", ""))
        if not kind or not _reaches_our_exporter(self._tracer):
            return None
        DEFERRED[self._name] = DEFERRED.get(self._name, 0) + 1
        if kind == CLIENT:
            return InsteadOfClient(current)
        if not isinstance(kind, int):
            return InsteadOfServer(kind)
        return InsteadOfServer((span_of(current) if current is not None else None) or trace.INVALID_SPAN)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what the tracer has besides
        return getattr(self._tracer, name)


def _reaches_our_exporter(tracer: Any) -> bool:  # noqa: ANN401 - any provider's
    """Say whether the spans of a tracer leave where ours do: it is ours, or one of a provider that we have adopted."""
    return type(tracer) is Tracer or PROCESSORS.has(getattr(tracer, "span_processor", None))
