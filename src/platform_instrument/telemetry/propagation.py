"""Trace context and baggage in and out of headers, by the propagators of `OTEL_PROPAGATORS`.

`tracecontext` and `baggage` are ours; any other name is looked up among the `opentelemetry_propagator` entry points and
reached through the OpenTelemetry API, which is loaded for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.core.report import say
from platform_instrument.telemetry.baggage import format_baggage, parse_baggage
from platform_instrument.telemetry.context import Ambient, Local
from platform_instrument.telemetry.hosts import is_internal_host, matches
from platform_instrument.telemetry.plugins import plugin
from platform_instrument.telemetry.tracecontext import format_traceparent, parse_traceparent, parse_tracestate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from platform_instrument.telemetry.span import Span

    Get = Callable[[str], str | None]

_OWN = ("tracecontext", "baggage")
_B3 = ("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags")
"""B3 propagators read more headers than they say they write."""


class Propagation:
    """The propagators in force.

    `trust_inbound` False makes a caller's context a link instead of a parent and ignores its baggage. `internal_hosts`
    are patterns of hosts that get baggage besides those that are internal by their name or address. `textmap` is a
    propagator that the application has set; it stands for all of them then.
    """

    __slots__ = ("_baggage", "_foreign", "_internal", "_names", "_tracecontext", "_trust")

    def __init__(
        self,
        names: tuple[str, ...] = _OWN,
        *,
        trust_inbound: bool = True,
        internal_hosts: tuple[str, ...] = (),
        textmap: Any = None,  # noqa: ANN401 - the API's TextMapPropagator
    ) -> None:
        if "none" in names or textmap is not None:
            names = ()
        self._names = names
        self._tracecontext = "tracecontext" in names
        self._baggage = "baggage" in names
        self._trust = trust_inbound
        self._internal = internal_hosts
        self._foreign: dict[str, Any] | None = {} if not set(names).difference(_OWN) else None
        """By name; None while they have not been loaded, which waits for the first request."""
        if textmap is not None:
            self._names, self._foreign = ("textmap",), {"textmap": textmap}

    def instead(self, textmap: Any) -> Propagation:  # noqa: ANN401 - the API's TextMapPropagator
        """Return propagation by a propagator of the application's, under the same rules of trust."""
        return type(self)((), trust_inbound=self._trust, internal_hosts=self._internal, textmap=textmap)

    @property
    def fields(self) -> tuple[str, ...]:
        """The headers that are read, in lower case."""
        own = (("traceparent", "tracestate") if self._tracecontext else ()) + (("baggage",) if self._baggage else ())
        more: set[str] = set()
        for name, propagator in self._others().items():
            named = {str(field).lower() for field in guard(f"propagator {name}", _fields, propagator) or ()}
            more |= named.union(_B3) if any(field in _B3 for field in named) else named
        return own + tuple(sorted(more.difference(own)))

    @property
    def of_ids(self) -> bool:
        """Whether what is put into headers for a span with nothing beside it is its `traceparent`, and nobody else's."""
        return self._tracecontext and self._foreign == {}

    def extract(self, get: Get) -> tuple[Ambient | None, tuple[int, int, int] | None]:
        """Return the caller's context as a remote parent, or its ids for a link where inbound context is not trusted.

        `get` returns a request header by its name in lower case.
        """
        found = self._extract_in_order(get) if self._foreign is None or self._foreign else self._extract_own(get)
        if self._trust or found is None:
            return found, None
        return None, (found.trace_id, found.span_id, found.flags) if found.trace_id else None

    def extract_trusted(self, get: Get) -> Ambient | None:
        """Return the context that headers carry, None where they carry none."""
        return self._extract_in_order(get) if self._foreign is None or self._foreign else self._extract_own(get)

    def inject(self, context: Span | Ambient, host: str | None, headers: MutableMapping[str, str]) -> None:
        """Put a context into the headers of a request to a host; baggage goes to internal hosts only."""
        if self._tracecontext and context.trace_id:
            headers["traceparent"] = format_traceparent(context.trace_id, context.span_id, context.flags)
        local = context.local
        if local is not None:
            if local.trace_state and self._tracecontext:
                headers["tracestate"] = local.trace_state
            if local.baggage and self._baggage:
                self._inject_baggage(local.baggage, host, headers)
        if self._foreign is None or self._foreign:
            self._inject_others(context, headers)

    def is_internal(self, host: str | None) -> bool:
        """Say whether a host is our own, by its name, its address or the settings."""
        return not host or is_internal_host(host) or matches(host, self._internal)

    def _inject_baggage(self, baggage: Mapping[str, str], host: str | None, headers: MutableMapping[str, str]) -> None:
        """Put baggage beside what the application has in the header, or take out what a redirected request still has of it."""
        theirs = headers.get("baggage") or ""
        if self.is_internal(host):
            ours = format_baggage(baggage)
            if ours and not theirs.endswith(ours):
                headers["baggage"] = f"{theirs},{ours}" if theirs else ours
        elif theirs:
            ours = format_baggage(baggage)
            if theirs == ours:
                del headers["baggage"]
            elif theirs.endswith(f",{ours}"):
                headers["baggage"] = theirs[: -len(ours) - 1]

    def _extract_own(self, get: Get) -> Ambient | None:
        """Read the headers that we know ourselves."""
        header = get("traceparent") if self._tracecontext else None
        ids = parse_traceparent(header) if header else None
        members = get("baggage") if self._baggage else None
        state = get("tracestate") if ids is not None else None
        local = _local(state, members) if members or state else None
        if ids is None:
            return Ambient(local=local) if local is not None else None
        return Ambient(*ids, local=local, remote=True)

    # --- propagators of other people, by way of the API -----------------------------------------------------------

    def _others(self) -> dict[str, Any]:
        """Load the propagators of other names, once; one that cannot be had is said and left out."""
        if self._foreign is None:
            self._foreign = {}
            for name in self._names:
                if name not in _OWN:
                    made = guard(f"propagator {name}", _made, name)
                    if made is not None:
                        self._foreign[name] = made
        return self._foreign

    def _extract_in_order(self, get: Get) -> Ambient | None:
        """Ask every propagator, the later ones over the earlier ones, as the API's composite does."""
        from platform_instrument.telemetry.foreign_propagator import extract_with  # loads the API

        others, own = self._others(), self._extract_own(get)
        parent: Ambient | None = None
        baggage: dict[str, str] = {}
        for name in self._names:
            found = guard(f"propagator {name}", extract_with, others[name], get, lambda: self.fields) if name in others else own
            if found is None or (name not in _OWN and name not in others):
                continue
            if name != "tracecontext" and found.local is not None and found.local.baggage:
                baggage.update(found.local.baggage)
            if name != "baggage" and found.trace_id:
                parent = found
        state = parent.local.trace_state if parent is not None and parent.local is not None else ""
        local = Local(trace_state=state, baggage=baggage or None) if state or baggage else None
        if parent is None:
            return Ambient(local=local) if local is not None else None
        return Ambient(parent.trace_id, parent.span_id, parent.flags, local=local, remote=True)

    def _inject_others(self, context: Span | Ambient, headers: MutableMapping[str, str]) -> None:
        from platform_instrument.telemetry.foreign_propagator import inject_with  # loads the API

        for name, propagator in self._others().items():
            guard(f"propagator {name}", inject_with, propagator, context, headers)


def _local(state: str | None, members: str | None) -> Local | None:
    """Return what travels beside the ids by its headers, None where there is nothing in them."""
    trace_state = parse_tracestate(state) if state else ""
    baggage = parse_baggage(members) if members else None
    return Local(trace_state=trace_state, baggage=baggage or None) if trace_state or baggage else None


def _made(name: str) -> Any:  # noqa: ANN401 - the API's TextMapPropagator
    factory = plugin("opentelemetry_propagator", name)
    if factory is None:
        say(f"OTEL_PROPAGATORS: there is no propagator {name!r}; install the package that provides it, or take the name out")
        return None
    return factory()


def _fields(propagator: Any) -> set[str]:  # noqa: ANN401 - the API's TextMapPropagator
    return set(propagator.fields)


ACTIVE = Propagation()
"""The propagators of this process; `telemetry.choices` sets them from the settings."""


def use(propagation: Propagation) -> None:
    """Put propagators in force."""
    global ACTIVE  # noqa: PLW0603 - one a process
    ACTIVE = propagation
