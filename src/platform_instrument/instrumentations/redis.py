"""redis-py: commands, pipelines and transactions, sync and async, of clients, clusters and sentinels; values never leave.

Waiting for messages of a subscription is no command. `db.namespace` is the index with which the connection was made.
Span: the command's name. Metric: `db.client.operation.duration`; redis-py's own, where the application asks for it,
goes without its commands, which else were counted twice.
Source: https://opentelemetry.io/docs/specs/semconv/database/redis/ (version 1.37.0);
redis/client.py, redis/cluster.py, redis/asyncio (4.5 to 8.1), redis/observability/config.py (7.2 to 8.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument import privacy  # loads what knows commands with the first, not at start
from platform_instrument.core import families
from platform_instrument.core.values import EditCall, Instrumentation, Observe, Operation
from platform_instrument.semantics.database import KNOWN, Database, command
from platform_instrument.semantics.redis import (
    PROCEDURES,
    client_database,
    in_transaction,
    last_used,
    peered,
    procedure,
    queued,
    redis_failure,
    together,
)

if TYPE_CHECKING:
    from platform_instrument.core.values import Attributes, Call


def single(call: Call) -> tuple[Operation, Attributes]:
    """Return one command."""
    arguments = call.args[1:]
    where = call.state = client_database(call.args[0])
    name = privacy.command_name(arguments)
    operation = command(where, name, procedure(arguments)) if name in PROCEDURES else where.operations.get(name)
    return operation or command(where, name), {"db.query.text": privacy.mask_command(arguments, name)}


def pipeline(call: Call) -> tuple[Operation, Attributes] | None:
    """Return the commands that are sent together; none is no call."""
    commands = queued(call.instance)
    if not commands:
        return None
    name, attributes = together(commands, transaction=in_transaction(call.instance))
    where = call.state = client_database(call.instance)
    return command(where, name), attributes


def answered(call: Call, _result: Any) -> None:  # noqa: ANN401 - the command's answer
    """Say which socket answered, where the operation does not say it or says another one."""
    client = call.args[0]
    pool = getattr(client, "connection_pool", None)
    connection = getattr(client, "connection", None) or last_used(pool)
    fields = getattr(connection, "__dict__", None)
    if fields is None:
        return
    stream = fields.get("_sock") or getattr(connection, "_writer", None)
    known = fields.get(KNOWN)
    if known is None or known[0] is not stream:
        known = fields[KNOWN] = (stream, peered(call.state, connection, stream))
    if known[1] is not call.state:
        pool.__dict__[KNOWN] = known[1]
        _move(call.span, known[1])


def all_answered(call: Call, result: Any) -> Attributes | None:  # noqa: ANN401 - a list of answers
    """Return the first error that a pipeline hands over as an answer."""
    answered(call, result)
    errors = [item for item in result if isinstance(item, Exception)] if isinstance(result, list) else ()
    return redis_failure(errors[0]) if errors else None


def failed(_call: Call, error: BaseException) -> Attributes:
    """Return the server's error prefix, such as WRONGTYPE, where it gave one."""
    return redis_failure(error)


def _move(span: Any, where: Database) -> None:  # noqa: ANN401 - our span
    """Let the operation of a span be the same one at another database."""
    attributes = span.operation.attributes
    moved = command(where, attributes["db.operation.name"], attributes.get("db.stored_procedure.name", ""))
    if span.name is span.operation.name:
        span.name = moved.name
    span.operation = moved


def without_commands(call: Call) -> None:
    """Take the durations of commands out of what redis-py is to measure itself."""
    call.argument(1, "config").metric_groups &= ~type(call.argument(1, "config").metric_groups).COMMAND


def _client(module: str) -> tuple[Observe, ...]:
    return (
        Observe(f"{module}.client:Redis.execute_command", single, answered, failed),
        Observe(f"{module}.client:Pipeline.immediate_execute_command", single, answered, failed),
        Observe(f"{module}.client:Pipeline.execute", pipeline, all_answered, failed),
        Observe(f"{module}.cluster:RedisCluster.execute_command", single, None, failed, optional=True),
        Observe(f"{module}.cluster:ClusterPipeline.execute", pipeline, None, failed, optional=True),
    )


INSTRUMENTATION = Instrumentation(
    name="redis",
    requires="redis>=4.5,<9",
    patches=(
        *_client("redis"),
        *_client("redis.asyncio"),
        EditCall("redis.observability.providers:ObservabilityInstance.init", without_commands, optional=True),
    ),
    family=families.DB_CLIENT,
    modules=("redis",),
)
