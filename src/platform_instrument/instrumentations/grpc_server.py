"""gRPC: one SERVER span a call that a server of threads takes, unary and streaming, below its caller's.

Span: `{service}/{method}`, from the call's arrival, which is before a thread is free, until its last message was sent or it was
cancelled; it is current in the handler, and while its generator runs. Metrics: `rpc.server.call.duration`,
`rpc.server.request.size` and `rpc.server.response.size` by message, of streams `rpc.server.requests_per_rpc` and
`rpc.server.responses_per_rpc`. Health and reflection: no span.
Source: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/ (version 1.37.0); grpc/_server.py (1.50 to 1.85).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.engine.lasting import outlast, remake
from platform_instrument.engine.rpc import Methods
from platform_instrument.engine.rpc_pooled import enter, failing, pooled
from platform_instrument.engine.rpc_served import AUTHORITIES, PEERS, authority, peer, served_span
from platform_instrument.runtime.beginning import serving
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_SCOPE = own_scope("grpc_server")
_POOLED = ("_unary_response_in_pool", "_stream_response_in_pool")

_methods = Methods()


def take(args: tuple[Any, ...], handler: Any) -> Any:  # noqa: ANN401 - grpc.RpcMethodHandler
    """Begin a call that has a handler, after the interceptors."""
    if handler is None:
        return None
    event = args[0]
    details = event.call_details
    known = PEERS.get(event.call.peer())
    meant = AUTHORITIES.get(details.host)
    attributes = {
        **(peer(event.call.peer()) if known is None else known),
        **(authority(details.host) if meant is None else meant),
    }
    method = _methods.get(details.method or args[2].name())  # a registered method is told by the place where it waits
    return pooled(method, served_span(method, event.invocation_metadata, attributes, _SCOPE), handler)


def observe(changes: Changes) -> None:
    """Have calls observed where threads serve them."""
    module = sys.modules["grpc._server"]
    remake(changes, module, "_find_method_handler", "grpc_server handler", take)
    remake(changes, module, "_abort", "grpc_server failure", failing)
    for name in _POOLED:
        outlast(changes, module, name, f"grpc_server {name}", enter)


def begun(_call: Call, _result: Any) -> None:  # noqa: ANN401 - nothing
    """Take the process for one that serves."""
    serving()


INSTRUMENTATION = Instrumentation(
    name="grpc_server",
    requires="grpcio>=1.50,<2",
    patches=(
        Custom("grpc._server", observe),
        EditResult("grpc._server:_Server.start", begun),
    ),
    family=families.RPC_SERVER,
    modules=("grpc",),
)
