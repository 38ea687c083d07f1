"""gRPC: one CLIENT span a call, unary and streaming, of `grpc.aio`; an attempt of an interceptor's is a call.

Span and metrics: as of calls by threads. A call begins when it is made, which is before it is awaited.
Source: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/ (version 1.37.0); grpc/aio/_call.py, grpc/aio/_channel.py,
grpc/_cython/_cygrpc/aio/call.pyx.pxi (1.50 to 1.85).
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.guard import guard
from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.engine.lasting import outlast
from platform_instrument.engine.rpc import PLACE, Targets
from platform_instrument.engine.rpc_client import ClientRpc, client_span
from platform_instrument.engine.rpc_metadata import with_context
from platform_instrument.semantics.rpc import OK
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_SCOPE = own_scope("grpc_aio_client")
_CALLS = ("UnaryUnaryCall", "UnaryStreamCall", "StreamUnaryCall", "StreamStreamCall")
_METADATA, _CHANNEL, _METHOD, _SERIALIZER = 3, 6, 7, 8
"""The places of arguments, `self` counted; the deserializer follows the serializer."""

_targets = Targets()


class AwaitedCall(ClientRpc):
    """A call that a task has made."""

    __slots__ = ("_core", "_once")

    def returned(self, _result: None) -> None:
        """End when the call, that is made now, is over."""
        call = self.args[0]
        self._once = "StreamUnary" in type(call).__name__
        core = self._core = call._cython_call  # noqa: SLF001 - it tells the code at once, the call only to who awaits it
        self.args = ()
        core.add_done_callback(partial(guard, PLACE, self.ended))

    def ended(self) -> None:
        """End with the code that the library's core tells."""
        core, self._core = self._core, None
        status = core._status  # noqa: SLF001 - as above
        code = int(status.code())
        if code == OK and self._once:
            self.received = 1  # it is read in a moment
        self.close(code, status.details())


def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> AwaitedCall | None:
    """Begin a call as it is made."""
    method = _targets.method(args[_CHANNEL], args[_METHOD])
    span = client_span(method, _SCOPE)
    if span is None:
        return None
    serializer, deserializer = args[_SERIALIZER : _SERIALIZER + 2]
    call = AwaitedCall(method, span, serializer, deserializer, streams="Stream" in type(args[0]).__name__)
    metadata = args[_METADATA] if method.unseen else with_context(args[_METADATA], span, method.host)
    call.args = (*args[:_METADATA], metadata, *args[_METADATA + 1 : _SERIALIZER], call.serialize, call.deserialize, *args[10:])
    call.kwargs = kwargs
    return call


def note(call: Call, _result: None) -> None:
    """Note where a channel leads to."""
    _targets.note(call.instance._channel, call.argument(1, "target"))  # noqa: SLF001 - what calls know of it


def observe(changes: Changes) -> None:
    """Have calls observed where they are made."""
    module = sys.modules["grpc.aio._call"]
    for name in _CALLS:
        outlast(changes, getattr(module, name), "__init__", f"grpc_aio_client {name}", begin)


INSTRUMENTATION = Instrumentation(
    name="grpc_aio_client",
    requires="grpcio>=1.50,<2",
    patches=(EditResult("grpc.aio._channel:Channel.__init__", note), Custom("grpc.aio._call", observe)),
    family=families.RPC_CLIENT,
    modules=("grpc",),
)
