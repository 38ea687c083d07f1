"""gRPC: one SERVER span a call that a server of `grpc.aio` takes, unary and streaming, below its caller's.

Span: as of servers of threads, from when the interceptors of the application are done; it is current in the call's task, and
in the threads of handlers that are no coroutines. Metrics: as of servers of threads. Health and reflection: no span.
Source: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/ (version 1.37.0); grpc/aio/_server.py,
grpc/_cython/_cygrpc/aio/server.pyx.pxi (1.50 to 1.85).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.guard import guard
from platform_instrument.core.values import Custom, EditCall, EditResult, Instrumentation
from platform_instrument.engine.frames import unseen
from platform_instrument.engine.rpc import PLACE, Methods
from platform_instrument.engine.rpc_handlers import Handler
from platform_instrument.engine.rpc_served import served_span
from platform_instrument.engine.rpc_tasks import TaskCall
from platform_instrument.runtime.beginning import serving
from platform_instrument.semantics.rpc import CANCELLED, RESOURCE_EXHAUSTED, place_of
from platform_instrument.telemetry.scope import own_scope

if TYPE_CHECKING:
    from platform_instrument.core.values import Call, Changes

_SCOPE = own_scope("grpc_aio_server")
_INTERCEPTORS, _MOST = 3, 5
_OWN = "_platform_instrument_interceptor"
_ANY = frozenset(("", "0.0.0.0", "::"))  # noqa: S104 - nothing is bound here
_methods = Methods()


class Interceptor:
    """The first interceptor of a server: what all others have made of a handler is observed."""

    observes = True

    def __init__(self, *, limited: bool) -> None:
        self._unheard = RESOURCE_EXHAUSTED if limited else CANCELLED
        """The code of a call that never came to its handler."""
        self._where: dict[str, Any] | None = None

    def listens(self, address: str, port: int) -> None:
        """Note where the server listens; at several ports, a call does not say which it came by."""
        host = place_of(address)[0]
        known = {"server.port": port} if host in _ANY else {"server.address": host, "server.port": port}
        self._where = known if self._where is None else {}

    @unseen
    async def intercept_service(self, continuation: Any, details: Any) -> Any:  # noqa: ANN401 - the library's signature
        """Return the handler of a call, under observation."""
        handler = await continuation(details)
        if handler is None or not self.observes:
            return handler
        return guard(PLACE, self._observed, handler, details) or handler

    def _observed(self, handler: Any, details: Any) -> Handler:  # noqa: ANN401 - as above
        method = _methods.get(details.method)
        span = served_span(method, details.invocation_metadata, dict(self._where or {}), _SCOPE)
        served = TaskCall(method, span, handler, self._unheard)
        observed = Handler(handler, served, served.behave)
        served.enter(sys.modules["asyncio"].current_task())
        return observed


def add(call: Call) -> None:
    """Add the interceptor to those that a server is made with."""
    mine = Interceptor(limited=call.argument(_MOST, "maximum_concurrent_rpcs") is not None)
    setattr(call.instance, _OWN, mine)
    if len(call.args) > _INTERCEPTORS:
        before, given, after = call.args[:_INTERCEPTORS], call.args[_INTERCEPTORS], call.args[_INTERCEPTORS + 1 :]
        call.args = (*before, (mine, *(given or ())), *after)
    else:
        call.kwargs["interceptors"] = (mine, *(call.kwargs.get("interceptors") or ()))


def listens(call: Call, port: int) -> None:
    """Note where a server listens."""
    mine = getattr(call.instance, _OWN, None)
    if mine is not None:
        mine.listens(call.argument(1, "address"), port)


def known(changes: Changes) -> None:
    """Have the library take our interceptor for one; those of servers that live on observe no more after an undo."""
    sys.modules["grpc.aio._server"].ServerInterceptor.register(Interceptor)
    Interceptor.observes = True
    changes.on_undo(_stop)


def _stop() -> None:
    Interceptor.observes = False


def begun(_call: Call, _result: Any) -> None:  # noqa: ANN401 - nothing
    """Take the process for one that serves."""
    serving()


INSTRUMENTATION = Instrumentation(
    name="grpc_aio_server",
    requires="grpcio>=1.50,<2",
    patches=(
        Custom("grpc.aio._server", known),
        EditCall("grpc.aio._server:Server.__init__", add),
        EditResult("grpc.aio._server:Server.add_insecure_port", listens),
        EditResult("grpc.aio._server:Server.add_secure_port", listens),
        EditResult("grpc.aio._server:Server.start", begun),
    ),
    family=families.RPC_SERVER,
    modules=("grpc",),
)
