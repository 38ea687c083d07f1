"""A gRPC call that is served by a thread of a pool: its handler, its function, and what its state says of its end.

It stands for grpc.RpcMethodHandler and for the function in it, because making one object a call costs a third of making three.
Source: grpc/_server.py `_RPCState`, `_call_behavior`, `_unary_response_in_pool`, `_stream_response_in_pool` (1.50 to 1.85).
"""

from __future__ import annotations

from functools import partial
from time import time
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import unseen
from platform_instrument.engine.rpc import PLACE, Rpc, number_of
from platform_instrument.engine.rpc_handlers import NAMES, Behavior, Handler, Responses
from platform_instrument.engine.rpc_served import ServedRpc, Serving
from platform_instrument.semantics.rpc import (
    CANCELLED,
    DEADLINE_EXCEEDED,
    INTERNAL,
    OK,
    RESOURCE_EXHAUSTED,
    UNIMPLEMENTED,
    UNKNOWN,
)
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from platform_instrument.engine.rpc import Method
    from platform_instrument.telemetry.span import Span

_CLIENT_CANCELLED = "cancelled"
_EVENT, _STATE = 0, 1
_with_traceback = BaseException.with_traceback


class PooledCall(ServedRpc):
    """A call that a thread of the server's pool serves."""

    __slots__ = ("_before", "_event", "_fallback", "_function", "_state", "request_streaming", "response_streaming")

    request_deserializer = Rpc.deserialize
    response_serializer = Rpc.serialize

    def __init__(self, method: Method, span: Span, handler: Any) -> None:  # noqa: ANN401 - grpc.RpcMethodHandler
        self.method = method
        self.span = span
        self.serializer = handler.response_serializer
        self.deserializer = handler.request_deserializer
        self.request_streaming = requests = handler.request_streaming
        self.response_streaming = responses = handler.response_streaming
        self.streams = bool(requests or responses)
        self._function = getattr(handler, NAMES[bool(requests), bool(responses)])
        self.sent = self.received = 0
        self.closed = False
        self.raised = None
        self._state: Any = None
        self._event: Any = None
        self._fallback = UNKNOWN
        """The code of what went wrong where the application has not set one."""

    def handler(self, original: Any) -> Any:  # noqa: ANN401 - grpc.RpcMethodHandler
        """Return what stands for the handler: the call itself, unless the library may ask its function for more."""
        function = self._function
        if hasattr(function, "experimental_non_blocking") or hasattr(function, "experimental_thread_pool"):
            return Handler(original, self, partial(Behavior, rpc=self, streams=self.response_streaming))
        return self

    @unseen
    def call(self, request: Any, context: Any) -> Any:  # noqa: ANN401 - the application's
        """Call the application's function; what it raises is recorded."""
        try:
            answered = self._function(request, context)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            guard(PLACE, self.record, error)
            raise
        return Responses(answered, self) if self.response_streaming else answered

    unary_unary = unary_stream = stream_unary = stream_stream = call

    def enter(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PooledCall:
        """Be current in the thread from now on."""
        self.args, self.kwargs = args, kwargs
        self._event, self._state = args[_EVENT], args[_STATE]
        self._before = CURRENT.get()
        CURRENT.set(self.span)
        if Serving.wanted:
            Serving.call.set(self)
        return self

    def record(self, error: BaseException) -> None:
        """Record an exception, but for those by which the library itself ends a handler."""
        state = self._state
        if state is None or not (state.aborted or any(error is known for known in state.rpc_errors)):
            super().record(error)

    def unreadable(self, error: BaseException) -> None:
        """Record what a serializer or deserializer raised."""
        self._fallback = INTERNAL
        super().unreadable(error)

    def returned(self, _result: None) -> None:
        """End, unless the handler has only handed over what goes on sending."""
        self.args = ()
        CURRENT.set(self._before)
        if Serving.wanted:
            Serving.call.set(None)
        state = self._state
        if state.statused and state.code is None and self.raised is None and self.sent == 1 == self.received and not self.streams:
            self._state = self._event = None
            self.succeed()
        elif state.statused or state.client == _CLIENT_CANCELLED or state.callbacks is None:
            self.ended()
        else:
            state.callbacks.append(partial(guard, PLACE, self.ended))

    def failed(self, error: BaseException) -> None:
        """End with what the library itself raised."""
        self.args = ()
        CURRENT.set(self._before)
        self.record(error)
        self.ended()

    def ended(self) -> None:
        """End with the code that was sent, or that says why none was."""
        state, event, self._state, self._event = self._state, self._event, None, None
        if state.statused or state.client != _CLIENT_CANCELLED:
            code = state.code
            number = number_of(code) if code is not None else None
            self.ends(self._unsaid() if number is None else number, state.details)
        else:
            self.ends(DEADLINE_EXCEEDED if event.call_details.deadline <= time() else CANCELLED, None)

    def _unsaid(self) -> int:
        """Return the code that the library has sent where the application has set none."""
        if self.raised is not None:
            return self._fallback
        if not self.sent and not self.response_streaming:
            return INTERNAL if self.received else UNIMPLEMENTED
        return OK

    def abandon(self) -> None:
        """End as no thread is to serve it."""
        self.ends(RESOURCE_EXHAUSTED, None)
