"""A gRPC call that is served in a task of its own, until that is done; its span is current in the task's context.

Handlers are told apart as the library does: coroutine functions, async generators, and whatever else runs in a thread.
Source: grpc/_cython/_cygrpc/aio/server.pyx.pxi `_handle_exceptions`, `_is_async_handler` (1.50 to 1.85).
"""

from __future__ import annotations

from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

from platform_instrument.core.guard import guard
from platform_instrument.engine.frames import ASYNC_GENERATOR, COROUTINE, kind_of, unseen
from platform_instrument.engine.rpc import PLACE, number_of
from platform_instrument.engine.rpc_handlers import Behavior
from platform_instrument.engine.rpc_served import ServedRpc, Serving, peer
from platform_instrument.semantics.rpc import CANCELLED, DEADLINE_EXCEEDED, OK, UNKNOWN
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from platform_instrument.engine.rpc import Method
    from platform_instrument.telemetry.span import Span

_ABORTED = "AbortError"
_with_traceback = BaseException.with_traceback


class TaskCall(ServedRpc):
    """A call that a task serves."""

    __slots__ = ("_context", "_function", "_streams_back", "_unheard", "_unsaid")

    meets = True

    def __init__(self, method: Method, span: Span, handler: Any, unheard: int) -> None:  # noqa: ANN401 - grpc.RpcMethodHandler
        super().__init__(method, span, handler)
        self._streams_back = bool(handler.response_streaming)
        self._unheard = unheard
        self._unsaid = OK
        """The code that the library sends where the application sets none."""
        self._context: Any = None
        self._function: Any = None

    def enter(self, task: Any) -> None:  # noqa: ANN401 - the one that serves this call and nothing else
        """Be current in the task from now on."""
        CURRENT.set(self.span)
        if Serving.wanted:
            Serving.call.set(self)
        task.add_done_callback(self.done)

    def behave(self, function: Any) -> Any:  # noqa: ANN401 - the application's
        """Return what stands for the application's function, of the same kind."""
        self._function = function
        kind = kind_of(function)
        if kind == COROUTINE:
            return self.coroutine
        if kind == ASYNC_GENERATOR:
            return self.async_generator
        return Behavior(function, self, streams=self._streams_back)

    @unseen
    async def coroutine(self, request: Any, context: Any) -> Any:  # noqa: ANN401 - the application's
        """Await the application's coroutine."""
        guard(PLACE, self.met, context)
        try:
            return await self._function(request, context)
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            guard(PLACE, self.record, error)
            raise

    @unseen
    async def async_generator(self, request: Any, context: Any) -> AsyncGenerator[Any, None]:  # noqa: ANN401 - as above
        """Yield what the application's generator yields."""
        guard(PLACE, self.met, context)
        generator = self._function(request, context)
        try:
            async for response in generator:
                yield response
        except GeneratorExit:
            await generator.aclose()
            raise
        except BaseException as error:
            _with_traceback(error, error.__traceback__.tb_next)  # type: ignore[union-attr] # our own frame is in it
            guard(PLACE, self.record, error)
            raise

    def met(self, context: Any) -> None:  # noqa: ANN401 - grpc.aio.ServicerContext, or that of a thread
        """Take the context of the call, which knows who called and will know its code."""
        self._context = context
        own = self.span.own_attributes
        if own is not None:
            own.update(peer(context.peer()))

    def record(self, error: BaseException) -> None:
        """Record an exception, but for those by which the library itself ends a handler."""
        self._unsaid = UNKNOWN
        if not isinstance(error, CancelledError) and type(error).__name__ != _ABORTED:
            super().record(error)

    def done(self, _task: Any) -> None:  # noqa: ANN401 - as above
        """End as the task is over."""
        guard(PLACE, self._end)

    def _end(self) -> None:
        context, self._context, self._function = self._context, None, None
        if context is None:
            self.ends(self._unheard, None)
            return
        code, done = getattr(context, "code", None), getattr(context, "done", None)
        number = number_of(code()) if callable(code) else None
        if self.raised is None and callable(done) and not done():
            self.ends(DEADLINE_EXCEEDED if context.time_remaining() == 0 else CANCELLED, None)
        else:
            self.ends(number or self._unsaid, context.details() if number else None)
