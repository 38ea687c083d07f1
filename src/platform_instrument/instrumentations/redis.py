"""redis-py: commands and pipelines, sync and async; values never leave.

Span: the command's name. Metric: `db.client.operation.duration`.
Source: https://opentelemetry.io/docs/specs/semconv/database/redis/ (version 1.37.0);
redis/client.py, redis/asyncio/client.py (4.5 to 8.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.errors import error_type
from platform_instrument.core.values import Attributes, Instrumentation, Observe, Operation
from platform_instrument.privacy.commands import command_name, mask_command
from platform_instrument.semantics.database import Database, command, database

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_MOST_SHOWN = 20


def single(call: Call) -> tuple[Operation, Attributes]:
    """Return one command."""
    arguments = call.args[1:]
    return command(_where(call.instance), command_name(arguments)), {"db.query.text": mask_command(arguments)}


def pipeline(call: Call) -> tuple[Operation, Attributes] | None:
    """Return the commands that are sent together; none is no call."""
    stack = call.instance.command_stack
    if not stack:
        return None
    transaction = getattr(call.instance, "is_transaction", None) or call.instance.explicit_transaction
    if transaction is not True:
        transaction = getattr(call.instance, "transaction", False) is True
    commands = [entry[0] for entry in stack[:_MOST_SHOWN]]
    attributes: dict[str, Any] = {"db.query.text": "\n".join([mask_command(arguments) for arguments in commands])}
    if len(stack) > 1:
        attributes["db.operation.batch.size"] = len(stack)
    return command(_where(call.instance), "MULTI" if transaction else "PIPELINE"), attributes


def failed(_call: Call, error: BaseException) -> Attributes:
    """Return the server's error prefix, such as WRONGTYPE, where it gave one."""
    kind = error_type(error)
    text = error.args[0] if error.args else ""
    prefix = text.partition(" ")[0] if isinstance(text, str) else ""
    if kind.startswith("redis.") and prefix.isupper() and prefix.isalpha():
        return {"db.response.status_code": prefix, "error.type": prefix}
    return {"error.type": kind}


def _where(client: Any) -> Database:  # noqa: ANN401 - a client or a pipeline
    """Return the server and the index of the database."""
    pool = getattr(client, "connection_pool", None)
    options = pool.connection_kwargs if pool is not None else {}
    namespace = str(options.get("db") or 0)
    path = options.get("path")
    if path:
        return database("redis", namespace, str(path))
    return database("redis", namespace, options.get("host") or "localhost", options.get("port") or 6379)


INSTRUMENTATION = Instrumentation(
    name="redis",
    requires="redis>=4.5",
    patches=(
        Observe("redis.client:Redis.execute_command", single, error=failed),
        Observe("redis.client:Pipeline.execute", pipeline, error=failed),
        Observe("redis.client:Pipeline.immediate_execute_command", single, error=failed),
        Observe("redis.asyncio.client:Redis.execute_command", single, error=failed),
        Observe("redis.asyncio.client:Pipeline.execute", pipeline, error=failed),
        Observe("redis.asyncio.client:Pipeline.immediate_execute_command", single, error=failed),
    ),
    family=families.DB_CLIENT,
    modules=("redis",),
)
