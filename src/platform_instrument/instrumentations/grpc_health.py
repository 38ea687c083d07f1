"""grpc_health: gRPC servers answer `grpc.health.v1.Health/Check`, where the application has no health service of its own.

Span: none. The empty service and those that the server has are ready as the process is; `liveness`, `startup` and `readiness`
are the probes. `Watch` is not there, which clients take for healthy. Only where PLATFORM_PROBES asks for it.
Source: https://grpc.io/docs/guides/health-checking/, health.proto; grpc/_server.py, grpc/aio/_server.py (1.50 to 1.85).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from platform_instrument.core.guard import guard
from platform_instrument.core.values import EditCall, EditResult, Instrumentation
from platform_instrument.engine.health import HEALTH
from platform_instrument.runtime.beginning import serving

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_PLACE = "grpc health"
_SERVICE = "grpc.health.v1.Health"
_SERVING, _NOT_SERVING = b"\x08\x01", b"\x08\x02"
"""`HealthCheckResponse`: field 1, an enumeration."""
_NAME = 10
"""`HealthCheckRequest`: the tag of field 1, a text; there is no other."""

_services: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
"""The services of each server, by their names."""


def note_first(call: Call, _result: None) -> None:
    """Note the services that a server is made with."""
    _note(call.instance, call.argument(2, "generic_handlers"))


def note(call: Call) -> None:
    """Note the services that a server is given."""
    _note(call.instance, call.argument(1, "generic_rpc_handlers"))


def _note(server: Any, handlers: Any) -> None:  # noqa: ANN401 - of either kind
    known = _services.setdefault(server, set())
    known.update(handler.service_name() for handler in handlers or () if hasattr(handler, "service_name"))


def add(call: Call) -> None:
    """Add the service to a server that begins."""
    _add(call.instance, _checks(call.instance))


def add_aio(call: Call) -> None:
    """Add the service to a server of coroutines that begins."""
    check = _checks(call.instance)

    async def checking(request: bytes, context: Any) -> Any:  # noqa: ANN401 - grpc.aio.ServicerContext
        return check(request, context)

    _add(call.instance, checking)


def _add(server: Any, check: Any) -> None:  # noqa: ANN401 - of either kind
    """Add it as the last, so that one of the application's is asked before."""
    grpc = sys.modules["grpc"]
    methods = {"Check": grpc.unary_unary_rpc_method_handler(check)}  # without serializers: bytes
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, methods),))


def _checks(server: Any) -> Any:  # noqa: ANN401 - of either kind
    known = _services.setdefault(server, set())

    def check(request: bytes, context: Any) -> bytes:  # noqa: ANN401 - a servicer's context
        answer = guard(_PLACE, _answered, request, known)
        if answer is None:
            context.set_code(sys.modules["grpc"].StatusCode.NOT_FOUND)
            context.set_details("unknown service")
            return b""
        return answer

    return check


def _answered(request: bytes, known: set[str]) -> bytes | None:
    """Return the response, None for a service that is not known here."""
    head, text = request[:2], request[2:]
    if request and (len(text) > 127 or head != bytes((_NAME, len(text)))):  # noqa: PLR2004 - what one byte says
        return None
    name = text.decode("utf-8", "replace")
    if name == "liveness":
        return _SERVING
    if name == "startup":
        return _SERVING if HEALTH.started else _NOT_SERVING
    if name in {"", "readiness", *known}:
        return _SERVING if HEALTH.ready() else _NOT_SERVING
    return None


def begun(_call: Call, _result: Any) -> None:  # noqa: ANN401 - nothing
    """Take the process for loaded, as one that serves."""
    serving()
    HEALTH.load()


INSTRUMENTATION = Instrumentation(
    name="grpc_health",
    requires="grpcio>=1.50,<2",
    patches=(
        EditResult("grpc._server:_Server.__init__", note_first),
        EditCall("grpc._server:_Server.add_generic_rpc_handlers", note),
        EditCall("grpc._server:_Server.start", add),
        EditResult("grpc._server:_Server.start", begun),
        EditResult("grpc.aio._server:Server.__init__", note_first),
        EditCall("grpc.aio._server:Server.add_generic_rpc_handlers", note),
        EditCall("grpc.aio._server:Server.start", add_aio),
        EditResult("grpc.aio._server:Server.start", begun),
    ),
    modules=("grpc",),
    settings=("probes",),
)
