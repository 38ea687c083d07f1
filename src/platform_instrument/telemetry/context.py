"""What is current: one context variable whose value is a span, or an `Ambient` where there is none of ours.

A span is its own context: it holds the ids, the families in flight and, rarely, a `Local` with what travels beside
them. So opening a span sets one variable and copies nothing. `telemetry.bridge` translates to and from the OpenTelemetry
context when the application uses that API.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from platform_instrument.core.values import CONSUMER, SERVER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.telemetry.span import Span

CURRENT: ContextVar[Span | Ambient | None] = ContextVar("platform_instrument_current", default=None)

SERVED: ContextVar[Any] = ContextVar("platform_instrument_served", default=None)
"""The exchange of the ASGI request being served (`web.exchange`), over already or not: for what cannot be told by its spans."""

SERVING = frozenset((SERVER, CONSUMER))
"""The kinds of spans that stand for what this process was asked to do."""

SAMPLED = 1
"""The flag of W3C trace context that says: what belongs to this trace is exported."""

REMOTE = 0x200
"""The flag of OTLP that says: what is linked to is another process's."""


_new = object.__new__

ERROR = 40
"""The level of `logging`, and of loguru, from which on a record is an error."""

NOTED = "_platform_ids"
"""Where a record of `logging` that is kept for later has the ids of the span that it is about, empty where it was about none."""


class Local:
    """What travels with the ids inside one process; shared by all spans below the one that set it, never changed."""

    __slots__ = ("baggage", "request", "ring", "trace_state", "values")

    def __init__(
        self,
        *,
        trace_state: str = "",
        baggage: Mapping[str, str] | None = None,
        request: Any = None,  # noqa: ANN401 - `telemetry.facts.Facts` of the request being served
        ring: Any = None,  # noqa: ANN401 - `telemetry.logs.ring.Ring`: what the flight recorder keeps of that request
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self.trace_state = trace_state
        self.baggage = baggage
        self.request = request
        self.ring = ring
        self.values = values
        """Other entries of the OpenTelemetry context that the application attached."""

    def changed(self, **fields: Any) -> Local:  # noqa: ANN401 - one of the five
        """Return a copy with some fields set anew."""
        kept = {name: getattr(self, name) for name in self.__slots__}
        return Local(**{**kept, **fields})


def local_of_request(request: Any) -> Local:  # noqa: ANN401 - as above
    """Return what travels with the ids of a request that brought nothing else; by keywords it would cost three times as much."""
    local = _new(Local)
    local.trace_state = ""
    local.baggage = local.ring = local.values = None
    local.request = request
    return local


class Ambient:
    """A context without a recording span of ours: a remote parent, baggage alone, or "observe nothing here"."""

    __slots__ = ("api", "families", "flags", "foreign", "local", "remote", "root", "span_id", "trace_id")

    root: Span | None
    """The span of the request that is being served here, where this is a context around a span of ours."""

    end_ns = kind_code = 0

    def __init__(  # noqa: PLR0913 - the fields of a context
        self,
        trace_id: int = 0,
        span_id: int = 0,
        flags: int = 0,
        *,
        local: Local | None = None,
        families: int = 0,
        remote: bool = False,
        foreign: Any = None,  # noqa: ANN401 - a span object of somebody else
    ) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.flags = flags
        self.local = local
        self.families = families
        self.remote = remote
        self.foreign = foreign
        self.api: Any = None
        self.root = None if foreign is None else _root_of(foreign)


def _root_of(span: Any) -> Span | None:  # noqa: ANN401 - a span of ours, or somebody else's
    if not hasattr(type(span), "own_attributes"):
        return None
    return span if span.kind_code in SERVING else span.root  # type: ignore[no-any-return] # it is one of ours


def inherited(current: Span | Ambient) -> Ambient:
    """Return the context that a fork child goes on with: the parent process's span is a remote parent there."""
    return Ambient(current.trace_id, current.span_id, current.flags, local=current.local, families=current.families, remote=True)
