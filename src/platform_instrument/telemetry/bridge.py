"""The OpenTelemetry context and ours are one: whoever opens a span or attaches a value, both sides see it.

The API asks a runtime context for the current `Context`, a dict of keys; ours translates to and from `CURRENT`. So a
span opened by the application's tracer is the parent of ours and the reverse, and whatever copies context variables
carries both. What we do not know (spans of somebody else, keys of other people) is kept as it is.
Loaded when the application has imported `opentelemetry.context`.
Source: opentelemetry/context/__init__.py, trace/propagation/__init__.py, baggage/__init__.py (1.21 to 1.45).
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from opentelemetry import context as api
from opentelemetry.context.context import Context, _RuntimeContext

from platform_instrument.core.families import DB_CLIENT, HTTP_CLIENT, RPC_CLIENT, SUPPRESSED
from platform_instrument.core.guard import guard
from platform_instrument.telemetry.context import CURRENT, Ambient, Local
from platform_instrument.telemetry.span import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token

    from opentelemetry.trace import NonRecordingSpan

_CLIENTS = HTTP_CLIENT | DB_CLIENT | RPC_CLIENT
_SUPPRESS = getattr(api, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation")
_SUPPRESS_HTTP = getattr(api, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", "suppress_http_instrumentation")
_FAMILIES = {_SUPPRESS: SUPPRESSED, _SUPPRESS_HTTP: HTTP_CLIENT}
_PLAIN_SUPPRESS = "suppress_instrumentation"
"""A key of older instrumentors, which read it again themselves."""


class _Keys:
    """The keys of the API, which makes them anew in each process."""

    span = ""
    baggage = ""
    held: frozenset[str] | None = None
    """What a context may hold without a value that the application attached; None while the others are not known."""


def _load_keys() -> None:
    """Learn the keys: both modules may be loading while ours does, so not before somebody asks for a context."""
    from opentelemetry import baggage
    from opentelemetry.trace import propagation

    _Keys.baggage = baggage._BAGGAGE_KEY  # noqa: SLF001 - the API has no other way to put baggage into a context
    _Keys.span = propagation._SPAN_KEY  # noqa: SLF001 - as above
    _Keys.held = frozenset((_Keys.span, _Keys.baggage, *_FAMILIES))


class Instead:
    """A span that stands for one that we make: `span` is ours already, or it is made below `above`, inside the call.

    What an instrumentor suppresses for its own call is then not meant for us.
    """

    span: Any = None
    above: Span | Ambient | None = None


class Carried(Context):
    """The API's form of what is current; remembers it, so that attaching it again loses nothing."""

    __slots__ = ("current", "local")

    current: Span | Ambient
    local: Local | None


class Bridge(_RuntimeContext):
    """The runtime context of the API, kept in `CURRENT`; never says that it failed to detach."""

    def attach(self, context: Context) -> Token[Any]:
        """Make a context current; the token restores the previous one."""
        previous = CURRENT.get()
        return CURRENT.set(guard("attach", current_of, context, previous))

    def get_current(self) -> Context:
        """Return the current context; the same again while nothing changes, since some libraries ask for it at every step."""
        current = CURRENT.get()
        if current is None:
            return _NOTHING
        last = _Last.context
        if last is None or last.current is not current or last.local is not current.local:
            last = _Last.context = _carried(current)
        return last

    def detach(self, token: Token[Any]) -> None:
        """Restore what was current before; nothing where that was in another thread, task or generator."""
        try:
            CURRENT.reset(token)
        except (ValueError, RuntimeError, TypeError):  # another context's, used already, not one of ours
            return


class _Last:
    """What was asked for last, in whichever thread."""

    context: Carried | None = None


_NOTHING = Context()


def context_of(current: Span | Ambient | None) -> Context:
    """Return what is current as the API's `Context`."""
    return _NOTHING if current is None else _carried(current)


def _carried(current: Span | Ambient) -> Carried:
    if not _Keys.span:
        _load_keys()
    held: dict[str, Any] = {}
    span = current if type(current) is Span else span_of(current)
    if span is not None:
        held[_Keys.span] = span
    local = current.local
    if local is not None:
        if local.values:
            held.update(local.values)
        if local.baggage:
            held[_Keys.baggage] = local.baggage
    if current.families & HTTP_CLIENT:
        held[_SUPPRESS_HTTP] = True
        if current.families == SUPPRESSED:
            held[_SUPPRESS] = True
    context = Carried(held)
    context.current = current
    context.local = current.local
    return context


def span_of(current: Span | Ambient) -> Any:  # noqa: ANN401 - a span of the API
    """Return the API's span of what is current: ours, somebody else's, or one made for a caller's ids; None without."""
    if type(current) is Span:
        return current
    if current.foreign is not None:
        return current.foreign
    if not current.trace_id:
        return None
    if current.api is None:
        current.api = _stand_in(current)
    return current.api


def _stand_in(current: Span | Ambient) -> NonRecordingSpan:
    from opentelemetry import trace  # may be loading while this module does

    from platform_instrument.telemetry.api_values import context_of_ids  # as above

    return trace.NonRecordingSpan(context_of_ids(current, current.span_id, remote=current.remote))


def current_of(context: Mapping[str, Any] | None, previous: Span | Ambient | None) -> Span | Ambient | None:
    """Return what a `Context` of the API stands for; `previous` was current before, and calls in flight stay in flight."""
    if type(context) is Carried:
        return context.current
    if not _Keys.span:
        _load_keys()
    suppressed = 0
    span = baggage = None
    values: dict[str, Any] = {}
    for key, value in context.items() if context else ():
        if key == _Keys.span:
            span = value
        elif key == _Keys.baggage:
            baggage = value if value and isinstance(value, dict) else None
        elif key in _FAMILIES:
            suppressed |= _FAMILIES[key] if value else 0
        else:
            values[key] = value
            suppressed |= SUPPRESSED if key == _PLAIN_SUPPRESS and value else 0
    families = _in_flight(previous)
    if not isinstance(span, Instead):
        families |= suppressed
    elif span.span is not None:
        span, families = span.span, families | suppressed
    origin = span if type(span) is Span else None
    if origin is not None and families | origin.families == origin.families and _same(origin.local, baggage, values):
        return origin
    return _ambient(span, families, baggage, values, previous)


def _in_flight(previous: Span | Ambient | None) -> int:
    """Return the families of calls that go on while another context is attached."""
    if type(previous) is not Span:
        return 0
    return SUPPRESSED if previous.families == SUPPRESSED else previous.families & _CLIENTS


def _same(local: Local | None, baggage: dict[str, Any] | None, values: dict[str, Any]) -> bool:
    """Say whether a span carries exactly this already."""
    held_baggage = (local.baggage or None) if local is not None else None
    held = (local.values or {}) if local is not None else {}
    return held_baggage is baggage and len(held) == len(values) and all(held.get(key) is value for key, value in values.items())


def _ambient(
    span: Any,  # noqa: ANN401 - whatever is in the context
    families: int,
    baggage: dict[str, Any] | None,
    values: dict[str, Any],
    previous: Span | Ambient | None,
) -> Ambient | None:
    """Return a context around somebody's span, or around none."""
    before = previous.local if previous is not None else None
    request, ring = (before.request, before.ring) if before is not None else (None, None)
    ids: tuple[int, int, int] = (0, 0, 0)
    state, remote = "", False
    if type(span) is Span:
        ids = (span.trace_id, span.span_id, span.flags)
        families |= span.families
        if span.local is not None:
            state, request, ring = span.local.trace_state, span.local.request or request, span.local.ring or ring
    elif span is not None:
        families |= span.above.families if isinstance(span, Instead) and span.above is not None else 0
        given = span.get_span_context()
        if given is not None and given.is_valid:
            ids = (given.trace_id, given.span_id, int(given.trace_flags))
            state, remote = (given.trace_state.to_header() if given.trace_state else ""), given.is_remote
    elif not (families or baggage or values or request or ring):
        return None
    local = None
    if state or baggage or values or request or ring:
        local = Local(trace_state=state, baggage=baggage, request=request, ring=ring, values=values or None)
    return Ambient(*ids, local=local, families=families, remote=remote, foreign=span)


def sparing(get_value: Callable[..., object], bridge: Bridge) -> Callable[..., object]:
    """Return the API's `get_value`, which some frameworks call at every step, and mostly for what cannot be there."""

    @wraps(get_value)
    def get(key: str, context: Context | None = None) -> object:
        if context is None and api._RUNTIME_CONTEXT is bridge:  # noqa: SLF001 - as `get_current` does
            current, held = CURRENT.get(), _Keys.held
            if current is None:
                return None
            if held is not None and key not in held and (current.local is None or not current.local.values):
                return None
        return get_value(key, context)

    return get


def start_bridge() -> Bridge:
    """Return the runtime context to put in the API's place, with what the application has attached before us."""
    attached = api.get_current()
    if attached:
        CURRENT.set(guard("attach", current_of, attached, CURRENT.get()))
    return Bridge()
