"""Trace context and baggage in and out of headers, by the propagators of `OTEL_PROPAGATORS`.

`tracecontext` and `baggage` are ours; any other name is looked up among the `opentelemetry_propagator` entry points and
reached through the OpenTelemetry API, which is loaded for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.report import say
from platform_instrument.telemetry.baggage import format_baggage, parse_baggage
from platform_instrument.telemetry.context import Ambient, Local
from platform_instrument.telemetry.hosts import is_internal_host, matches
from platform_instrument.telemetry.tracecontext import format_traceparent, parse_traceparent, parse_tracestate

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from platform_instrument.telemetry.span import Span

    Get = Callable[[str], str | None]


class Propagation:
    """The propagators in force.

    `trust_inbound` False makes a caller's context a link instead of a parent and ignores its baggage. `internal_hosts`
    are patterns of hosts that get baggage besides those that are internal by their name or address.
    """

    __slots__ = ("_baggage", "_foreign", "_internal", "_tracecontext", "_trust", "fields")

    def __init__(
        self,
        names: tuple[str, ...] = ("tracecontext", "baggage"),
        *,
        trust_inbound: bool = True,
        internal_hosts: tuple[str, ...] = (),
    ) -> None:
        self._tracecontext = "tracecontext" in names
        self._baggage = "baggage" in names
        self._trust = trust_inbound
        self._internal = internal_hosts
        self._foreign = _foreign(tuple(name for name in names if name not in {"tracecontext", "baggage", "none"}))
        own = (("traceparent", "tracestate") if self._tracecontext else ()) + (("baggage",) if self._baggage else ())
        self.fields: tuple[str, ...] = own + tuple(sorted({field for each in self._foreign for field in each.fields}))

    def extract(self, get: Get) -> tuple[Ambient | None, tuple[int, int, int] | None]:
        """Return the caller's context as a remote parent, or its ids for a link where inbound context is not trusted.

        `get` returns a request header by its name in lower case.
        """
        header = get("traceparent") if self._tracecontext else None
        ids = parse_traceparent(header) if header else None
        if ids is None and self._foreign:
            ids = self._extract_foreign(get)
        if not self._trust:
            return None, ids
        members = get("baggage") if self._baggage else None
        state = get("tracestate") if ids is not None and self._tracecontext else None
        local = None
        if members or state:
            local = Local(
                trace_state=parse_tracestate(state) if state else "", baggage=parse_baggage(members) if members else None
            )
        if ids is None:
            return (Ambient(local=local) if local is not None else None), None
        return Ambient(*ids, local=local, remote=True), None

    def inject(self, context: Span | Ambient, host: str | None, headers: MutableMapping[str, str]) -> None:
        """Put a context into the headers of a request to a host; baggage goes to internal hosts only."""
        if self._tracecontext and context.trace_id:
            headers["traceparent"] = format_traceparent(context.trace_id, context.span_id, context.flags)
        local = context.local
        if local is not None:
            if local.trace_state and self._tracecontext:
                headers["tracestate"] = local.trace_state
            if local.baggage and self._baggage and (not host or is_internal_host(host) or matches(host, self._internal)):
                headers["baggage"] = format_baggage(local.baggage)
        for propagator in self._foreign:
            propagator.inject(headers, context=_api_context(context))

    def _extract_foreign(self, get: Get) -> tuple[int, int, int] | None:
        from opentelemetry import trace

        carrier = {field: value for field in self.fields if (value := get(field)) is not None}
        for propagator in self._foreign:
            found = trace.get_current_span(propagator.extract(carrier)).get_span_context()
            if found.is_valid:
                return found.trace_id, found.span_id, int(found.trace_flags)
        return None


def _api_context(context: Span | Ambient) -> Any:  # noqa: ANN401 - the API's Context
    from opentelemetry import trace

    ids = trace.SpanContext(context.trace_id, context.span_id, is_remote=False, trace_flags=trace.TraceFlags(context.flags))
    return trace.set_span_in_context(trace.NonRecordingSpan(ids))


def _foreign(names: tuple[str, ...]) -> tuple[Any, ...]:
    """Load the propagators of other names; one that cannot be had is said and left out."""
    if not names:
        return ()
    from importlib.metadata import entry_points

    found = []
    for name in names:
        points = list(entry_points(group="opentelemetry_propagator", name=name))
        if not points:
            say(f"OTEL_PROPAGATORS: there is no propagator {name!r}; install the package that provides it, or take the name out")
            continue
        found.append(points[0].load()())
    return tuple(found)


ACTIVE = Propagation()
"""The propagators of this process; `telemetry.pipeline` sets them from the settings."""


def use(propagation: Propagation) -> None:
    """Put propagators in force."""
    global ACTIVE  # noqa: PLW0603 - one a process
    ACTIVE = propagation
