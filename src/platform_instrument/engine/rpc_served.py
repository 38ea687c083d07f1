"""A gRPC call that is being served: below its caller's span, with the id of its request, and what the application raised."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from platform_instrument.core.errors import error_type
from platform_instrument.core.families import RPC_SERVER, SUPPRESSED
from platform_instrument.core.guard import guard
from platform_instrument.core.values import SERVER
from platform_instrument.engine.rpc import PLACE, Method, Rpc
from platform_instrument.engine.rpc_metadata import Carriers, carried
from platform_instrument.semantics.rpc import place_of
from platform_instrument.telemetry import propagation
from platform_instrument.telemetry.context import Ambient
from platform_instrument.telemetry.span import Link, Span
from platform_instrument.telemetry.tracer import start

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platform_instrument.telemetry.scope import InstrumentationScope


class Serving:
    """The call that is being served, whatever context the application has attached since; noted where somebody asks."""

    call: ContextVar[ServedRpc | None] = ContextVar("platform_instrument_served_call", default=None)
    wanted = False


_MOST_PEERS = 1_024
_LONGEST = 255

PEERS: dict[str | bytes, dict[str, Any]] = {}
AUTHORITIES: dict[bytes | None, dict[str, Any]] = {None: {}, b"": {}}
"""What `peer` and `authority` returned, by what they were asked."""


class ServedRpc(Rpc):
    """One call that is being served."""

    raised: BaseException | None = None
    served = True
    meets = False
    """Whether `met` is to be told of the call's context."""

    def __init__(self, method: Method, span: Span, handler: Any) -> None:  # noqa: ANN401 - grpc.RpcMethodHandler
        streams = bool(handler.request_streaming or handler.response_streaming)
        super().__init__(method, span, handler.response_serializer, handler.request_deserializer, streams=streams)

    def met(self, context: Any) -> None:  # noqa: ANN401 - a servicer's context
        """Take the context of the call as its handler is called."""

    def unreadable(self, error: BaseException) -> None:
        """Record what a serializer or deserializer raised."""
        self.record(error)

    def record(self, error: BaseException) -> None:
        """Record an exception that the application did not catch, once."""
        if self.raised is error or self.closed:
            return
        self.raised = error
        from platform_instrument.telemetry.exceptions import recorded  # needs `traceback`

        if not recorded(self.span, error):
            self.span.record_exception(error)

    def ends(self, code: int, details: Any) -> None:  # noqa: ANN401 - text, bytes or None
        """End with a code; an exception is the type of the error that it was."""
        raised, self.raised = self.raised, None  # its frames hold the call
        self.close(code, details, "" if raised is None else error_type(raised))


def served_span(method: Method, metadata: Iterable[Any], attributes: dict[str, Any], scope: InstrumentationScope) -> Span:
    """Begin the span of a call that is served, below its caller's."""
    operation, found = method.operation, carried(metadata)
    parent, link = propagation.ACTIVE.extract(found.get) if found else (None, None)
    if method.unseen:
        above = Ambient(parent.trace_id, parent.span_id, 0) if parent else Ambient()
        span = start(operation.name, SERVER, operation, attributes, scope, above, SUPPRESSED)
        span.flags = 0
        span.recording = False
        return span
    span = start(operation.name, SERVER, operation, attributes, scope, parent, RPC_SERVER)
    if link is not None and span.recording:
        span.more().links.append(Link(*link, "", {}))
    if Carriers.request_id:
        from platform_instrument.telemetry.request_ids import identify  # few services want it

        guard(PLACE, identify, span, found.get(Carriers.request_id))
    return span


def peer(told: str | bytes) -> dict[str, Any]:
    """Return the attributes of a peer, such as `ipv4:127.0.0.1:50123`; the same mapping for the same peer."""
    found = PEERS.get(told)
    text = told if isinstance(told, str) else told.decode("utf-8", "replace")
    return _new(PEERS, told, "network.peer", text) if found is None else found


def authority(host: bytes | None) -> dict[str, Any]:
    """Return the attributes of whom a call means, by its pseudo-header `:authority`; the same mapping for the same."""
    found = AUTHORITIES.get(host)
    if found is not None or host is None:
        return found or {}
    return _new(AUTHORITIES, host, "server", host[:_LONGEST].decode("utf-8", "replace"))


def _new(cache: dict[Any, dict[str, Any]], key: str | bytes, of: str, text: str) -> dict[str, Any]:
    address, port = place_of(text)
    found: dict[str, Any] = {f"{of}.address": address} if address else {}
    if port is not None:
        found[f"{of}.port"] = port
    if len(cache) >= _MOST_PEERS:
        cache.clear()
    cache[key] = found
    return found
