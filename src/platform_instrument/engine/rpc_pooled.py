"""A gRPC call that is served by a thread of a pool: what stands for its handler, and what its state says of its end.

The library tells an exception of the function's, and the code for it, where it aborts the call: one that goes well pays nothing.
Source: grpc/_server.py `_RPCState`, `_abort`, `_unary_response_in_pool`, `_stream_response_in_pool` (1.50 to 1.85).
"""

from __future__ import annotations

from functools import partial
from sys import exc_info
from time import time
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.rpc import PLACE, Rpc, number_of
from platform_instrument.engine.rpc_handlers import NAMES
from platform_instrument.engine.rpc_served import ServedRpc, Serving
from platform_instrument.semantics.rpc import CANCELLED, DEADLINE_EXCEEDED, OK, RESOURCE_EXHAUSTED
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from platform_instrument.engine.rpc import Method
    from platform_instrument.telemetry.span import Span

_CLIENT_CANCELLED = "cancelled"
_EVENT, _STATE, _SERIALIZER = 0, 1, 5
_CODE = 2


class PooledCall(ServedRpc):
    """A call that a thread of the pool serves, and what stands for its handler; there is a class for each kind of those."""

    before: Any = None
    event: Any = None
    fallback = OK
    """The code that the library sends where none is set."""
    function = ""
    """Where a handler of this kind has its function."""
    request_deserializer = Rpc.deserialize
    request_streaming = response_streaming = False
    response_serializer = Rpc.serialize
    state: Any = None
    stream_stream = stream_unary = unary_stream = unary_unary = None

    def __init__(self, method: Method, span: Span, handler: Any) -> None:  # noqa: ANN401 - grpc.RpcMethodHandler
        self.method = method
        self.span = span
        self.serializer = handler.response_serializer
        self.deserializer = handler.request_deserializer
        setattr(self, self.function, getattr(handler, self.function))
        self.closed = False

    def record(self, error: BaseException) -> None:
        """Record an exception, but for those by which the library itself ends a handler."""
        state = self.state
        if state is None or not (state.aborted or any(error is known for known in state.rpc_errors)):
            super().record(error)

    def returned(self, _result: None) -> None:
        """End, unless the handler has only handed over what goes on sending."""
        self.args = ()
        CURRENT.set(self.before)
        if Serving.wanted:
            Serving.call.set(None)
        state = self.state
        if state.statused and state.code is None and self.sent and self.received and not (self.fallback or self.streams):
            self.state = self.event = None
            self.succeed()
        elif state.statused or state.client == _CLIENT_CANCELLED or state.callbacks is None:
            self.ended()
        else:
            state.callbacks.append(partial(guard, PLACE, self.ended))

    def failed(self, error: BaseException) -> None:
        """End with what the library itself raised."""
        self.args = ()
        CURRENT.set(self.before)
        self.record(error)
        self.ended()

    def ended(self) -> None:
        """End with the code that was sent, or that says why none was."""
        state, event, self.state, self.event = self.state, self.event, None, None
        if state.statused or state.client != _CLIENT_CANCELLED:
            code = state.code
            number = number_of(code) if code is not None else None
            self.ends(self.fallback if number is None else number, state.details)
        else:
            self.ends(DEADLINE_EXCEEDED if event.call_details.deadline <= time() else CANCELLED, None)

    def abandon(self) -> None:
        """End as no thread is to serve it."""
        self.ends(RESOURCE_EXHAUSTED, None)


_kinds: dict[tuple[bool, bool], type[PooledCall]] = {}
"""By whether requests and responses are streams; made with the first call of a kind."""


def _kind(streams: tuple[bool, bool]) -> type[PooledCall]:
    fields = {"request_streaming": streams[0], "response_streaming": streams[1], "streams": any(streams)}
    made = type("PooledCall", (PooledCall,), {"function": NAMES[streams], **fields})
    return _kinds.setdefault(streams, made)


def pooled(method: Method, span: Span, handler: Any) -> PooledCall:  # noqa: ANN401 - grpc.RpcMethodHandler
    """Return what stands for a handler while one call is served."""
    streams = bool(handler.request_streaming), bool(handler.response_streaming)
    return (_kinds.get(streams) or _kind(streams))(method, span, handler)


def enter(args: tuple[Any, ...], kwargs: dict[str, Any]) -> PooledCall | None:
    """Be current in the thread that serves a call from now on; None where it is not one of ours."""
    call = getattr(args[_SERIALIZER], "__self__", None)
    if not isinstance(call, PooledCall):
        return None
    call.args, call.kwargs = args, kwargs
    call.event, call.state = args[_EVENT], args[_STATE]
    call.state.platform_instrument_call = call
    call.before = CURRENT.get()
    CURRENT.set(call.span)
    if Serving.wanted:
        Serving.call.set(call)
    return call


def failing(args: tuple[Any, ...], _result: None) -> None:
    """Note the code with which the library ends a call itself, and the exception that it has caught for it."""
    call = getattr(args[0], "platform_instrument_call", None)
    if call is not None:
        call.fallback = int(args[_CODE])
        error = exc_info()[1]
        if error is not None:
            call.record(error)
