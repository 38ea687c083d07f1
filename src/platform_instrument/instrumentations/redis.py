"""redis-py: commands, pipelines and transactions, sync and async, of clients, clusters and sentinels; values never leave.

Waiting for messages of a subscription is no command; commands that wait until something comes are measured apart.
`db.namespace` is the index with which the connection was made.
Span: the command's name. Metrics: those of operations, of lookups in a cache and of connection pools (`redis_pool`);
redis-py's own, where the application asks for them, go without these, which else were counted twice.
Source: https://opentelemetry.io/docs/specs/semconv/database/redis/ (version 1.37.0);
redis/client.py, redis/cluster.py, redis/asyncio (4.5 to 8.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument import privacy  # loads what knows commands with the first, not at start
from platform_instrument.core import families
from platform_instrument.core.values import Instrumentation, Observe, Operation
from platform_instrument.engine.caches import looked_up
from platform_instrument.instrumentations.redis_pool import pooled
from platform_instrument.semantics.database import command
from platform_instrument.semantics.redis import (
    ASIDE,
    LOOKUPS,
    PARTICULAR,
    client_database,
    in_transaction,
    items,
    particular,
    queued,
    reached,
    redis_failure,
    together,
)

if TYPE_CHECKING:
    from platform_instrument.core.values import Attributes, Call


def single(call: Call) -> tuple[Operation, Attributes] | None:
    """Return one command."""
    arguments = call.args[1:]
    where = call.state = client_database(call.args[0])
    if where is ASIDE:
        return None
    name, text = privacy.read_command(arguments)
    operation = particular(where, name, arguments) if name in PARTICULAR else where.operations.get(name)
    return operation or command(where, name), {"db.query.text": text}


def pipeline(call: Call) -> tuple[Operation, Attributes] | None:
    """Return the commands that are sent together; none is no call."""
    commands = queued(call.instance)
    if not commands:
        return None
    where = client_database(call.instance)
    if where is ASIDE:
        return None
    named = [privacy.command_name(arguments) for arguments in commands]
    name, attributes = together(commands, named, transaction=in_transaction(call.instance))
    call.state = where, named
    return command(where, name), attributes


def answered(call: Call, result: Any) -> None:  # noqa: ANN401 - the command's answer
    """Say which socket answered, and count a lookup."""
    reached(call.span, call.args[0], call.state)
    looked(call, result)


def looked(call: Call, result: Any) -> None:  # noqa: ANN401 - as above
    """Count a lookup."""
    several = LOOKUPS.get(call.span.operation.name)
    if several is not None:
        looked_up(call.state, result if several else (result,))


def all_answered(call: Call, result: Any) -> Attributes | None:  # noqa: ANN401 - a list of answers
    """Return the first error that a pipeline hands over as an answer."""
    reached(call.span, call.args[0], call.state[0])
    return all_looked(call, result)


def all_looked(call: Call, result: Any) -> Attributes | None:  # noqa: ANN401 - as above
    """Count lookups; return the first error."""
    if not isinstance(result, list):
        return None
    where, named = call.state
    looked_up(where, items(named, result))
    error = next((item for item in result if isinstance(item, Exception)), None)
    return redis_failure(error) if error is not None else None


def failed(_call: Call, error: BaseException) -> Attributes:
    """Return the server's error prefix, such as WRONGTYPE, where it gave one."""
    return redis_failure(error)


def clients(library: str, kind: str) -> tuple[Observe, ...]:
    """Return what is observed of a library of this shape, by its name and that of its clients' class, sync and async."""
    return (*_client(library, kind), *_client(f"{library}.asyncio", kind))


def _client(module: str, kind: str) -> tuple[Observe, ...]:
    return (
        Observe(f"{module}.client:{kind}.execute_command", single, answered, failed),
        Observe(f"{module}.client:Pipeline.immediate_execute_command", single, answered, failed),
        Observe(f"{module}.client:Pipeline.execute", pipeline, all_answered, failed),
        Observe(f"{module}.cluster:{kind}Cluster.execute_command", single, looked, failed, optional=True),
        Observe(f"{module}.cluster:ClusterPipeline.execute", pipeline, all_looked, failed, optional=True),
    )


INSTRUMENTATION = Instrumentation(
    name="redis",
    requires="redis>=4.5,<9",
    patches=(*clients("redis", "Redis"), *pooled("redis")),
    family=families.DB_CLIENT,
    statements=False,
    modules=("redis",),
)
