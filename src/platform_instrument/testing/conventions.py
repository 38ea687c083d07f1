"""What telemetry may be called: the attributes of the semantic conventions with their types, and the keys a metric may have.

Source: https://opentelemetry.io/docs/specs/semconv/ (version 1.37.0, stable names only; `platform.*` is ours).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from platform_instrument.testing.received import Span

TYPES: Mapping[str, type] = {
    "aws.extended_request_id": str,
    "aws.request_id": str,
    "aws.s3.bucket": str,
    "celery.action": str,
    "celery.eta": str,
    "celery.expires": str,
    "celery.hostname": str,
    "celery.retries": int,
    "celery.retry.reason": str,
    "celery.state": str,
    "celery.task_name": str,
    "celery.timelimit": tuple,
    "client.address": str,
    "client.port": int,
    "cloud.region": str,
    "code.file.path": str,
    "code.function.name": str,
    "code.line.number": int,
    "db.collection.name": str,
    "db.namespace": str,
    "db.operation.batch.size": int,
    "db.operation.name": str,
    "db.query.summary": str,
    "db.query.text": str,
    "db.response.returned_rows": int,
    "db.response.status_code": str,
    "db.stored_procedure.name": str,
    "db.system.name": str,
    "error.type": str,
    "exception.escaped": str,
    "exception.message": str,
    "exception.stacktrace": str,
    "exception.type": str,
    "http.request.body.size": int,
    "http.request.method": str,
    "http.request.method_original": str,
    "http.request.resend_count": int,
    "http.response.body.size": int,
    "http.response.status_code": int,
    "http.route": str,
    "messaging.destination.name": str,
    "messaging.message.conversation_id": str,
    "messaging.message.id": str,
    "messaging.operation.name": str,
    "messaging.operation.type": str,
    "messaging.rabbitmq.destination.routing_key": str,
    "messaging.system": str,
    "network.peer.address": str,
    "network.peer.port": int,
    "network.protocol.name": str,
    "network.protocol.version": str,
    "network.transport": str,
    "rpc.grpc.status_code": int,
    "rpc.method": str,
    "rpc.response.status_code": str,
    "rpc.service": str,
    "rpc.system": str,
    "rpc.system.name": str,
    "server.address": str,
    "server.port": int,
    "url.full": str,
    "url.path": str,
    "url.query": str,
    "url.scheme": str,
    "user_agent.original": str,
}
"""Attributes of spans; those of Celery are upstream's, which the conventions say nothing of."""

FAMILIES: Mapping[str, type] = {"http.request.header.": tuple, "http.response.header.": tuple}
"""Attributes whose name goes on with something of the application's."""

_DATABASE = frozenset((
    "db.collection.name", "db.namespace", "db.operation.name", "db.query.summary", "db.response.status_code",
    "db.stored_procedure.name", "db.system.name", "error.type", "network.peer.address", "network.peer.port", "server.address",
    "server.port",
))  # fmt: skip

_HTTP_CLIENT = frozenset((
    "error.type", "http.request.method", "http.response.status_code", "network.protocol.name", "network.protocol.version",
    "server.address", "server.port", "url.scheme", "url.template",
))  # fmt: skip
_HTTP_SERVER = frozenset((
    "error.type", "http.request.method", "http.response.status_code", "http.route", "network.protocol.name",
    "network.protocol.version", "url.scheme", "user_agent.synthetic.type",
))  # fmt: skip

_RPC_SERVER = frozenset(("rpc.method", "rpc.service", "rpc.system"))
_RPC_CLIENT = _RPC_SERVER | {"server.address", "server.port"}
_RPC_END = frozenset(("error.type", "rpc.grpc.status_code"))

_POOL = frozenset(("db.client.connection.pool.name",))
_CACHE = frozenset(("cache.name", "cache.system", "db.namespace", "db.system.name", "server.address", "server.port"))

_MESSAGING = frozenset((
    "celery.task_name", "error.type", "messaging.destination.name", "messaging.operation.name", "messaging.operation.type",
    "messaging.system", "server.address", "server.port",
))  # fmt: skip

_NONE: frozenset[str] = frozenset()
_GENERATION = frozenset(("cpython.gc.generation",))
_THREAD_POOL = frozenset(("platform.thread_pool.kind",))

METRICS: Mapping[str, frozenset[str]] = {
    "container.memory.usage": _NONE,
    "cpython.gc.collected_objects": _GENERATION,
    "cpython.gc.collections": _GENERATION,
    "cpython.gc.uncollectable_objects": _GENERATION,
    "db.client.connection.count": _POOL | {"db.client.connection.state"},
    "db.client.connection.create_time": _POOL,
    "db.client.connection.idle.max": _POOL,
    "db.client.connection.idle.min": _POOL,
    "db.client.connection.max": _POOL,
    "db.client.connection.pending_requests": _POOL,
    "db.client.connection.timeouts": _POOL,
    "db.client.connection.use_time": _POOL,
    "db.client.connection.wait_time": _POOL,
    "db.client.operation.duration": _DATABASE,
    "db.client.response.returned_rows": _DATABASE,
    "http.client.request.body.size": _HTTP_CLIENT,
    "http.client.request.duration": _HTTP_CLIENT,
    "http.client.response.body.size": _HTTP_CLIENT,
    "http.server.active_requests": frozenset(("http.request.method", "url.scheme")),
    "http.server.request.body.size": _HTTP_SERVER,
    "http.server.request.duration": _HTTP_SERVER,
    "http.server.response.body.size": _HTTP_SERVER,
    "messaging.client.consumed.messages": _MESSAGING,
    "messaging.client.operation.duration": _MESSAGING,
    "messaging.client.sent.messages": _MESSAGING,
    "messaging.process.duration": _MESSAGING,
    "platform.asyncio.loop.lag": frozenset(("platform.asyncio.loop.kind",)),
    "platform.asyncio.task.count": _NONE,
    "platform.cache.item.size": _CACHE,
    "platform.cache.items": frozenset(("cache.name", "cache.system")),
    "platform.cache.lookups": _CACHE | {"cache.result"},
    "platform.container.cpu.limit": _NONE,
    "platform.container.memory.limit": _NONE,
    "platform.cpython.gc.pause.duration": _GENERATION,
    "platform.db.client.blocking.duration": _DATABASE,
    "platform.library.info": frozenset(("platform.library.name", "platform.library.version")),
    "platform.process.memory.anonymous": _NONE,
    "platform.process.open_file_descriptor.limit": _NONE,
    "platform.thread_pool.queue.size": _THREAD_POOL,
    "platform.thread_pool.thread.count": _THREAD_POOL,
    "platform.thread_pool.thread.limit": _THREAD_POOL,
    "process.context_switches": frozenset(("process.context_switch.type",)),
    "process.cpu.time": frozenset(("cpu.mode",)),
    "process.disk.io": frozenset(("disk.io.direction",)),
    "process.memory.usage": _NONE,
    "process.memory.virtual": _NONE,
    "process.open_file_descriptor.count": _NONE,
    "process.paging.faults": frozenset(("system.paging.fault.type",)),
    "process.thread.count": _NONE,
    "process.uptime": _NONE,
    "rpc.client.call.duration": _RPC_CLIENT | _RPC_END,
    "rpc.client.request.size": _RPC_CLIENT,
    "rpc.client.requests_per_rpc": _RPC_CLIENT | _RPC_END,
    "rpc.client.response.size": _RPC_CLIENT,
    "rpc.client.responses_per_rpc": _RPC_CLIENT | _RPC_END,
    "rpc.server.call.duration": _RPC_SERVER | _RPC_END,
    "rpc.server.request.size": _RPC_SERVER,
    "rpc.server.requests_per_rpc": _RPC_SERVER | _RPC_END,
    "rpc.server.response.size": _RPC_SERVER,
    "rpc.server.responses_per_rpc": _RPC_SERVER | _RPC_END,
}  # fmt: skip
"""Keys of each instrument's attribute sets; what is not here may have too many values."""


def unconventional(spans: Iterable[Span], durations: Mapping[str, Iterable[Iterable[tuple[str, Any]]]]) -> list[str]:
    """Return what is wrong with the names and types of some spans and of the series of some instruments."""
    wrong = [problem for span in spans for problem in _attributes(span.name, span.attributes)]
    for instrument, series in durations.items():
        allowed = METRICS.get(instrument)
        if allowed is None:
            wrong.append(f"{instrument} is no instrument of the conventions")
            continue
        for keys in series:
            wrong += [f"{instrument} may not be counted by {key}" for key, _ in keys if key not in allowed]
    return wrong


def _attributes(place: str, attributes: Mapping[str, Any]) -> list[str]:
    wrong = []
    for name, value in attributes.items():
        kind = TYPES.get(name) or next((kind for prefix, kind in FAMILIES.items() if name.startswith(prefix)), None)
        if kind is None:
            if not name.startswith("platform."):
                wrong.append(f"{place}: {name} is no attribute of the conventions")
        elif type(value) is not kind:
            wrong.append(f"{place}: {name} is {type(value).__name__} instead of {kind.__name__}")
    return wrong
