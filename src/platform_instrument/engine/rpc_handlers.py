"""The handler of a method, as it stands for the application's while one call is served: its messages are counted, its end known.

Sources: grpc/_server.py `_call_behavior`, `_take_response_from_response_iterator`; grpc/_cython/_cygrpc/aio/server.pyx.pxi
`_finish_handler_with_unary_response`, `_finish_handler_with_stream_responses` (1.50 to 1.85).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import unseen
from platform_instrument.engine.rpc import PLACE
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.engine.rpc_served import ServedRpc

_with_traceback = BaseException.with_traceback
NAMES = {
    (False, False): "unary_unary",
    (False, True): "unary_stream",
    (True, False): "stream_unary",
    (True, True): "stream_stream",
}
"""Where a handler has its function, by whether requests and responses are streams."""


class Handler:
    """What grpc.RpcMethodHandler is, for one call."""

    __slots__ = ("request_deserializer", "request_streaming", "response_serializer", "response_streaming", "rpc", "stream_stream",
                 "stream_unary", "unary_stream", "unary_unary")  # fmt: skip

    def __init__(self, handler: Any, rpc: ServedRpc, behave: Callable[[Any], Any]) -> None:  # noqa: ANN401 - a handler
        self.request_streaming = handler.request_streaming
        self.response_streaming = handler.response_streaming
        self.request_deserializer = rpc.deserialize
        self.response_serializer = rpc.serialize
        self.rpc = rpc
        name = NAMES[bool(self.request_streaming), bool(self.response_streaming)]
        setattr(self, name, behave(getattr(handler, name)))


class Behavior:
    """The application's function, in a thread: what it raises is recorded, and so is what its generator does."""

    __slots__ = ("function", "rpc", "streams")

    def __init__(self, function: Callable[..., Any], rpc: ServedRpc, *, streams: bool) -> None:
        self.function = function
        self.rpc = rpc
        self.streams = streams

    @unseen
    def __call__(self, *arguments: Any) -> Any:  # noqa: ANN401 - the application's
        """Call the function below the call's span."""
        if self.rpc.meets:
            guard(PLACE, self.rpc.met, *arguments[1:2])
        before = CURRENT.get()
        CURRENT.set(self.rpc.span)
        try:
            answered = self.function(*arguments)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            guard(PLACE, self.rpc.record, error)
            raise
        finally:
            CURRENT.set(before)
        return Responses(answered, self.rpc) if self.streams else answered

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what the library asks of it
        return getattr(self.function, name)


class Responses:
    """What a function of a thread returned to be iterated, in whichever thread."""

    __slots__ = ("_responses", "_rpc")

    def __init__(self, responses: Any, rpc: ServedRpc) -> None:  # noqa: ANN401 - an iterator
        self._responses = responses
        self._rpc = rpc

    def __iter__(self) -> Responses:
        return Responses(iter(self._responses), self._rpc)

    @unseen
    def __next__(self) -> Any:  # noqa: ANN401 - a message
        before = CURRENT.get()
        CURRENT.set(self._rpc.span)
        try:
            return next(self._responses)
        except StopIteration:
            raise
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            guard(PLACE, self._rpc.record, error)
            raise
        finally:
            CURRENT.set(before)
