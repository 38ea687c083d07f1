"""The tracer provider and the tracers of the OpenTelemetry API, on our spans.

Loaded when the application has imported `opentelemetry.trace`.
Source: https://opentelemetry.io/docs/specs/otel/trace/api/; opentelemetry/trace/__init__.py (1.21 to 1.45).
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from platform_instrument.core.guard import guard
from platform_instrument.core.values import INTERNAL
from platform_instrument.telemetry import limits
from platform_instrument.telemetry.bridge import current_of
from platform_instrument.telemetry.context import CURRENT, Ambient, Local
from platform_instrument.telemetry.extras import Extras
from platform_instrument.telemetry.processors import PROCESSORS
from platform_instrument.telemetry.scope import InstrumentationScope
from platform_instrument.telemetry.span import Span, link_to
from platform_instrument.telemetry.tracer import start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context

trace.Span.register(Span)

_INTERNAL = trace.SpanKind.INTERNAL
_MOST_TRACERS = 1_024


class CurrentSpan:
    """A span that starts when its block is entered and is current inside; also a decorator, for coroutine functions too."""

    __slots__ = ("_end", "_given", "_span", "_start_span", "_token")

    _end: bool
    _given: tuple[Any, ...]
    """The arguments of `start_span`."""
    _start_span: Callable[..., Span]
    _span: Span
    _token: Token[Any] | None

    def __enter__(self) -> Span:
        span = self._span = self._start_span(*self._given)
        self._token = CURRENT.set(span)
        return span

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            CURRENT.reset(self._token)  # type: ignore[arg-type] # set on entry
        except (ValueError, RuntimeError):  # closed by another thread, task or generator: nothing of this is current there
            self._token = None
        if error is not None and isinstance(error, Exception):
            self._span.failed(error, record=self._given[6], status=self._given[7])
        if self._end:
            self._span.end()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, with a span around each call."""
        from inspect import iscoroutinefunction  # takes long to import, and only decorators need it

        if iscoroutinefunction(function):

            @wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
                with self._again():
                    return await function(*args, **kwargs)

            return awaited

        @wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the application's
            with self._again():
                return function(*args, **kwargs)

        return called

    def _again(self) -> CurrentSpan:
        return _block(self._start_span, self._given, self._end)


def _block(start_span: Callable[..., Span], given: tuple[Any, ...], end: bool) -> CurrentSpan:  # noqa: FBT001 - fast
    """Make a block; it has no `__init__`, which would cost as much as the rest of it."""
    block = CurrentSpan()
    block._start_span, block._given, block._end = start_span, given, end  # noqa: SLF001 - see above
    return block


class Tracer(trace.Tracer):
    """Starts spans under one instrumentation scope; never raises, whatever it is given."""

    def __init__(self, scope: InstrumentationScope) -> None:
        self._scope = scope

    def start_span(  # type: ignore[override]  # noqa: PLR0913 - the API's signature; a virtual subclass of the API's Span
        self,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = _INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Iterable[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - the API's signature
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - the API's signature
    ) -> Span:
        """Start a span below the one that is current, or below that of `context`; it does not become current."""
        parent = current = CURRENT.get()
        if context is not None:
            parent = _explicit(context, current)
        own: dict[str, Any] | None = None
        dropped = 0
        if attributes:
            own, dropped = limits.bounded(attributes, limits.LIMITS.span_attributes, limits.LIMITS.span_value_length)
        extras = None
        if dropped or links or start_time is not None or not (record_exception and set_status_on_exception):
            extras = _extras(links, start_time)
            extras.dropped_attributes = dropped
            extras.records_exceptions = record_exception
            extras.sets_status = set_status_on_exception
        return start(
            name if type(name) is str and len(name) < limits.LONGEST else limits.name(name),
            INTERNAL if kind is _INTERNAL else _number(kind),
            None,
            own,
            self._scope,
            parent,
            parent.families if parent is not None else 0,
            extras,
        )

    def start_as_current_span(  # type: ignore[override]  # noqa: PLR0913 - as above; the API declares the generator that it makes of it
        self,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = _INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Iterable[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - the API's signature
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - the API's signature
        end_on_exit: bool = True,  # noqa: FBT001, FBT002 - the API's signature
    ) -> CurrentSpan:
        """Return a block, or decorator, inside which a new span is current."""
        given = (name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        return _block(self.start_span, given, end_on_exit)


class TracerProvider(trace.TracerProvider):
    """What the application gets for `trace.get_tracer_provider()`; also answers what code for the SDK's asks of it."""

    def __init__(self) -> None:
        self._tracers: dict[Any, Tracer] = {}

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Tracer:
        """Return the tracer of an instrumentation scope; equal scopes share one."""
        kept, _ = limits.bounded(attributes, limits.LIMITS.span_attributes, limits.LIMITS.value_length)
        name, version, schema = map(limits.name, (instrumenting_module_name, instrumenting_library_version, schema_url))
        key = (name, version, schema, frozenset(kept.items()))
        tracer = self._tracers.get(key)
        if tracer is None:
            tracer = Tracer(InstrumentationScope(name, version, schema, kept))
            if len(self._tracers) < _MOST_TRACERS:
                tracer = self._tracers.setdefault(key, tracer)
        return tracer

    def add_span_processor(self, span_processor: Any) -> None:  # noqa: ANN401 - the SDK's SpanProcessor, or one like it
        """Hand every span to a processor: when it starts, and masked when it has ended."""
        guard("span processor", PROCESSORS.add, span_processor)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Let everything leave that has ended; say whether it did in time."""
        return bool(guard("flush", PROCESSORS.flush_all, max(timeout_millis, 0) / 1000))

    def shutdown(self) -> None:
        """Let everything leave, and shut the added processors down; spans that are still made go where they went before."""
        self.force_flush()
        guard("span processor", PROCESSORS.shutdown)

    @property
    def resource(self) -> Any:  # noqa: ANN401 - the SDK's Resource
        """What this process is, as the SDK's `Resource`."""
        from platform_instrument.telemetry.compat import own_resource  # loads the SDK, whose type is asked for

        return own_resource()

    @property
    def _active_span_processor(self) -> Any:  # noqa: ANN401 - read by code that looks for the processors of an SDK provider
        return PROCESSORS


PROVIDER = TracerProvider()
"""The tracer provider of this process."""


def _explicit(context: Context, current: Span | Ambient | None) -> Span | Ambient | None:
    """Return the parent that an explicit context names; everything but the trace stays that of the current context."""
    parent = guard("parent context", current_of, context, current)
    if parent is None or parent is current:
        return parent
    here, there = current.local if current is not None else None, parent.local
    state = there.trace_state if there is not None else ""
    local = here
    if state or (here is not None and here.trace_state):
        local = (here or Local()).changed(trace_state=state)
    return Ambient(
        parent.trace_id,
        parent.span_id,
        parent.flags,
        local=local,
        families=parent.families,
        remote=parent.remote,
        foreign=parent if type(parent) is Span else parent.foreign,
    )


def _extras(links: Iterable[trace.Link] | None, start_time: int | None) -> Extras:
    """Return what is given at the start of few spans."""
    extras = Extras()
    extras.start_ns = limits.nanoseconds(start_time) or 0
    for given in guard("links", list, links or ()) or ():
        link = guard("link", _link, given)
        if link is not None and len(extras.links) < limits.LIMITS.links:
            extras.links.append(link)
        elif link is not None:
            extras.dropped_links += 1
    return extras


def _link(given: trace.Link) -> Any:  # noqa: ANN401 - our Link, or None
    return link_to(given.context, given.attributes)


def _number(kind: Any) -> int:  # noqa: ANN401 - whatever the application passes
    """Return a span kind numbered as in OTLP."""
    return kind.value + 1 if isinstance(kind, trace.SpanKind) else INTERNAL
