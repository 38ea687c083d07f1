"""gRPC: one CLIENT span a call, unary and streaming, by threads; an attempt of an interceptor's is a call.

Span: `{service}/{method}`, until the last message was read, the call was cancelled or nobody holds it any more. Metrics:
`rpc.client.call.duration`, `rpc.client.request.size` and `rpc.client.response.size` by message, of streams
`rpc.client.requests_per_rpc` and `rpc.client.responses_per_rpc`. Health and reflection: no span.
Source: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/ (version 1.37.0); grpc/_channel.py (1.50 to 1.85).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.engine.lasting import outlast
from platform_instrument.engine.rpc import Targets
from platform_instrument.engine.rpc_client import STANDING, SentCall, WaitedCall, client_span, stand_in, standing
from platform_instrument.engine.rpc_metadata import with_context
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_SCOPE = own_scope("grpc_client")
_METADATA = 3
_LATER = {
    "_UnaryUnaryMultiCallable": "future",
    "_UnaryStreamMultiCallable": "__call__",
    "_SingleThreadedUnaryStreamMultiCallable": "__call__",
    "_StreamUnaryMultiCallable": "future",
    "_StreamStreamMultiCallable": "__call__",
}
"""What makes a call that is over later, below the interceptors; `_blocking` waits for it. Metadata has the same place in all."""

_targets = Targets()


def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> SentCall | None:
    """Begin a call by a multi-callable."""
    original = args[0]
    method = (original.__dict__.get(STANDING) or standing(_targets, original)).method
    span = client_span(method, _SCOPE)
    if span is None:
        return None
    streams = "Stream" in type(original).__name__
    call = SentCall(method, span, original._request_serializer, original._response_deserializer, streams=streams)  # noqa: SLF001
    given = args[_METADATA] if len(args) > _METADATA else kwargs.get("metadata")
    metadata = given if method.unseen else with_context(given, span, method.host)
    if len(args) > _METADATA:
        call.args, call.kwargs = (stand_in(original, call), args[1], args[2], metadata, *args[4:]), kwargs
    else:
        call.args, call.kwargs = (stand_in(original, call), *args[1:]), {**kwargs, "metadata": metadata}
    return call


def wait(args: tuple[Any, ...], kwargs: dict[str, Any]) -> WaitedCall | None:
    """Begin a call of one message that is waited for; the library names no argument."""
    original, request, timeout, metadata, *more = args
    known = original.__dict__.get(STANDING) or standing(_targets, original)
    method = known.method
    span = client_span(method, _SCOPE)
    if span is None:
        return None
    try:
        copy = known.idle.pop()
    except IndexError:  # other threads take them, too
        call = WaitedCall(method, span, original._request_serializer, original._response_deserializer, streams=False)  # noqa: SLF001
        copy = stand_in(original, call)
    else:
        call = copy._request_serializer.__self__  # noqa: SLF001 - of ours
        call.span = span
        call.sent = call.received = 0
        call.closed = False
    call.idle = known.idle
    if not method.unseen:
        metadata = with_context(metadata, span, method.host)
    call.args, call.kwargs = (copy, request, timeout, metadata, *more), kwargs
    return call


def note(call: Call, _result: None) -> None:
    """Note where a channel leads to."""
    _targets.note(call.instance._channel, call.argument(1, "target"))  # noqa: SLF001 - what calls know of it


def observe(changes: Changes) -> None:
    """Have calls observed where they are made."""
    module = sys.modules["grpc._channel"]
    for kind, name in _LATER.items():
        outlast(changes, getattr(module, kind), name, f"grpc_client {kind}.{name}", begin)
    outlast(changes, module._StreamUnaryMultiCallable, "_blocking", "grpc_client stream_unary", begin)  # noqa: SLF001
    outlast(changes, module._UnaryUnaryMultiCallable, "_blocking", "grpc_client unary_unary", wait)  # noqa: SLF001


INSTRUMENTATION = Instrumentation(
    name="grpc_client",
    requires="grpcio>=1.50,<2",
    patches=(EditResult("grpc._channel:Channel.__init__", note), Custom("grpc._channel", observe)),
    family=families.RPC_CLIENT,
    modules=("grpc",),
)
