"""opentelemetry-instrumentation: upstream's instrumentors make no span where we observe the same; the others keep theirs.

Span: none of ours. The service switches them on in its own code, and finds them as they are without us.
Source: https://github.com/open-telemetry/opentelemetry-python-contrib; opentelemetry/trace/__init__.py `get_tracer`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import DB_CLIENT, HTTP_CLIENT, HTTP_SERVER
from platform_instrument.core.values import CLIENT, SERVER, EditResult, Instrumentation
from platform_instrument.engine.apply import APPLIED, PATCHED

if TYPE_CHECKING:
    from contextvars import ContextVar

    from platform_instrument.core.values import Call
    from platform_instrument.engine.rpc_served import ServedRpc
    from platform_instrument.telemetry.context import Ambient
    from platform_instrument.telemetry.span import Span

_INSTRUMENTOR = "opentelemetry.instrumentation."
_SERVERS = ("asgi", "wsgi")
"""Those for what is in our servers, under names that no instrumentation of ours has."""
_CONNECTOR = "MySQL Connector/Python"
"""The instrumentor that mysql-connector-python brings along, by the name of its tracer."""
_WITHIN = {"aiopg": DB_CLIENT, "httpx": HTTP_CLIENT}
"""Those whose calls lie within one that we observe, by its family: where none is in flight, we do not observe this one."""
_DRIVERS = frozenset(("asyncpg", "mysql", "mysqlclient", "psycopg2", "pymssql", "pymysql"))
"""Those of drivers, whose calls may lie within one of SQLAlchemy's that we observe though we do not observe the driver."""


def give_way(call: Call, tracer: Any) -> Any:  # noqa: ANN401 - a tracer of any provider's
    """Return the tracer of an instrumentor, which makes no span where we do."""
    name = call.argument(0, "instrumenting_module_name")
    if type(name) is not str or not (name.startswith(_INSTRUMENTOR) or name == _CONNECTOR):
        return None
    from platform_instrument.telemetry.deferring import DeferringTracer  # imports the API

    library = "mysql" if name == _CONNECTOR else name[len(_INSTRUMENTOR) :].partition(".")[0]
    if library == "grpc":
        from platform_instrument.engine.rpc_served import Serving  # loads what observes calls

        Serving.wanted = True
        return DeferringTracer(library, tracer, partial(_observed_call, Serving.call))
    return DeferringTracer(library, tracer, partial(_observed, library))


def _observed_call(served: ContextVar[ServedRpc | None], _current: Span | Ambient | None, kind: str) -> int | Span:
    """Return as what we observe a gRPC call; the instrumentor of servers makes the caller's context current before it asks."""
    if kind == "SERVER":
        call = served.get()
        return call.span if call is not None and not call.closed else 0
    return CLIENT if any(_is_ours(name) for name in ("grpc_client", "grpc_aio_client")) else 0


def _is_ours(name: str) -> bool:
    """Say whether an instrumentation is at work that is no instrumentor's."""
    applied = APPLIED.get(name)
    if applied is None or applied.status != PATCHED:
        return False
    return applied.instrumentation is not None and applied.instrumentation.native


def _observed(library: str, current: Span | Ambient | None, _kind: str) -> int:
    """Return as what we observe what an instrumentor is about to: CLIENT, SERVER, or 0 where we do not."""
    families = current.families if current is not None else 0
    if library in _WITHIN:
        return CLIENT if families & _WITHIN[library] else 0
    if library in _DRIVERS and families & DB_CLIENT:
        return CLIENT
    applied = APPLIED.get(library)
    ours = applied.instrumentation if applied is not None and applied.status == PATCHED else None
    if ours is not None and not ours.native:
        return 0
    if ours is not None and ours.family:
        return CLIENT
    return SERVER if (ours is not None or library in _SERVERS) and families & HTTP_SERVER else 0


INSTRUMENTATION = Instrumentation(
    name="opentelemetry_instrumentation",
    requires="opentelemetry-instrumentation>=0.42,<1",
    patches=(EditResult("opentelemetry.trace:get_tracer", give_way),),
    modules=("opentelemetry.instrumentation", "mysql.connector.opentelemetry.instrumentation"),
)
