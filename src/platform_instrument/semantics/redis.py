"""Where a Redis client sends its commands, what several together are called, which code an error carries.

Source: https://opentelemetry.io/docs/specs/semconv/database/redis/ (version 1.37.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument import privacy  # loads what knows commands with the first, not at start
from platform_instrument.core.errors import error_type
from platform_instrument.semantics.database import KNOWN, Database, command, database
from platform_instrument.semantics.pools import State, waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platform_instrument.core.values import Operation

PROCEDURES = frozenset(("EVALSHA", "EVALSHA_RO", "FCALL", "FCALL_RO"))
"""Commands whose first argument names a script or a function that the server keeps."""

WAITING = frozenset(("BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH", "BZMPOP", "BZPOPMAX", "BZPOPMIN", "WAIT", "WAITAOF"))
"""Commands that wait until something comes."""

_READING = {"XREAD": 1, "XREADGROUP": 4}
"""Commands that wait where an option asks for it, by the place from which on options stand."""

PARTICULAR = PROCEDURES | WAITING | _READING.keys()
"""Commands whose operation depends on more than their name, or that wait."""

LOOKUPS = {"GET": False, "GETDEL": False, "GETEX": False, "HGET": False, "HMGET": True, "MGET": True}
"""Commands that ask for a value by its key, and whether they ask for several at once: None answers for one that is not there."""

ASIDE = Database("redis", "", "", 0, ("", 0))
"""What stands for the database of a client whose commands are a detail of something else, such as a broker's client."""

_DEFAULT_PORT = 6379
_UNLIMITED = 1 << 31
_QUEUES = ("command_stack", "_command_stack", "_command_queue")
_MOST_SHOWN = 20
_LONGEST_PROCEDURE = 64

_CODES = {
    "AskError": "ASK",
    "BusyLoadingError": "LOADING",
    "ClusterCrossSlotError": "CROSSSLOT",
    "ClusterDownError": "CLUSTERDOWN",
    "ExecAbortError": "EXECABORT",
    "MasterDownError": "MASTERDOWN",
    "MovedError": "MOVED",
    "NoPermissionError": "NOPERM",
    "NoScriptError": "NOSCRIPT",
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
    "TryAgainError": "TRYAGAIN",
}
"""The prefixes that redis-py takes away from the message of an error, by the class that it makes of it."""


def particular(where: Database, name: str, arguments: tuple[Any, ...]) -> Operation:
    """Return the operation of a command in `PARTICULAR`."""
    if name in PROCEDURES:
        return command(where, name, procedure(arguments))
    return command(where, name, blocking=name in WAITING or _waits(arguments[_READING[name] :]))


def _waits(options: tuple[Any, ...]) -> bool:
    """Say whether BLOCK is among the options of a command that reads streams."""
    for option in options[:8]:
        word = option.upper() if isinstance(option, (str, bytes)) else ""
        if word in {"BLOCK", b"BLOCK", "STREAMS", b"STREAMS"}:
            return word in {"BLOCK", b"BLOCK"}
    return False


def procedure(arguments: tuple[Any, ...]) -> str:
    """Return `db.stored_procedure.name` of a command in `PROCEDURES`: the function's name or the script's digest."""
    name = arguments[1] if len(arguments) > 1 else ""
    if isinstance(name, (bytes, bytearray)):
        name = name.decode("utf-8", "replace")
    return name[:_LONGEST_PROCEDURE] if isinstance(name, str) else ""


def together(commands: Sequence[tuple[Any, ...]], named: Sequence[str], *, transaction: bool) -> tuple[str, dict[str, Any]]:
    """Return `db.operation.name` and the attributes of commands that are sent at once; one of them is no batch."""
    names = set(named)
    kind = "MULTI" if transaction else "PIPELINE"
    shown = "\n".join(map(privacy.mask_command, commands[:_MOST_SHOWN], named))
    attributes: dict[str, Any] = {"db.query.text": shown}
    if len(commands) > 1:
        attributes["db.operation.batch.size"] = len(commands)
    return f"{kind} {names.pop()}" if len(names) == 1 else kind, attributes


def items(named: Sequence[str], answers: Sequence[Any]) -> list[Any]:
    """Return what those of some commands answered that ask for values, one a key."""
    found: list[Any] = []
    for name, answer in zip(named, answers, strict=False):
        several = LOOKUPS.get(name)
        if several and isinstance(answer, list):
            found.extend(answer)
        elif several is False:
            found.append(answer)
    return found


def redis_failure(error: BaseException) -> dict[str, Any]:
    """Return what an error of redis-py or one like it says: the server's prefix, such as WRONGTYPE, else its class."""
    code = _code(error)
    return {"db.response.status_code": code, "error.type": code} if code else {"error.type": error_type(error)}


def _code(error: Any) -> str:  # noqa: ANN401 - an exception
    kinds = [kind.__name__ for kind in type(error).__mro__]
    if "RedisError" not in kinds and "ValkeyError" not in kinds:
        return ""
    known = getattr(error, "status_code", None) or next((_CODES[name] for name in kinds if name in _CODES), "")
    text = error.args[0] if error.args else ""
    if known or "ResponseError" not in kinds or not isinstance(text, str):
        return str(known)
    prefix = text.rpartition(" of pipeline caused error: ")[2].partition(" ")[0]
    return prefix if prefix.isupper() and prefix.isascii() and prefix.isalpha() else "ERR"


# --- the shape of redis-py, which valkey-py shares ------------------------------------------------------------------


def client_database(client: Any) -> Database:  # noqa: ANN401 - a client or a pipeline
    """Return the database that a client talks to; a pool belongs to one, and remembers it."""
    pool = getattr(client, "connection_pool", None)
    if pool is None:
        return cluster_database(client)
    known: Database | None = pool.__dict__.get(KNOWN)
    if known is None:
        known = pool.__dict__[KNOWN] = pool_database(pool)
    return known


def unobserved(client: Any) -> None:  # noqa: ANN401 - as above
    """Have the commands of a client, and of all others of its pool, pass unobserved."""
    client.connection_pool.__dict__[KNOWN] = ASIDE


def _system(kept: Any) -> str:  # noqa: ANN401 - a pool or a cluster's client
    """Return `db.system.name`, which is that of the library whose object it is, or an object of a subclass."""
    return "valkey" if any(kind.__module__.startswith("valkey.") for kind in type(kept).__mro__) else "redis"


def pool_database(pool: Any) -> Database:  # noqa: ANN401 - a connection pool
    """Return the database that a pool is for; a sentinel's pool learns the address when it connects."""
    options = pool.connection_kwargs
    system, namespace = _system(pool), str(options.get("db") or 0)
    if options.get("path"):
        return database(system, namespace, str(options["path"]))
    if hasattr(pool, "service_name"):
        return database(system, namespace)
    return database(system, namespace, str(options.get("host") or "localhost"), int(options.get("port") or _DEFAULT_PORT))


def pool_state(pool: Any) -> State:  # noqa: ANN401 - as above
    """Return how a pool is: by its own lists, or by the queue of a blocking one."""
    queue = getattr(pool, "pool", None)
    if queue is None:
        free, busy = tuple(pool._available_connections), _held(pool._in_use_connections)  # noqa: SLF001 - since 4.5
        waiters = getattr(getattr(pool, "_condition", None), "_waiters", None)
    else:
        places = getattr(queue, "queue", None)
        free = tuple([each for each in tuple(queue._queue if places is None else places) if each is not None])  # noqa: SLF001
        busy = tuple([each for each in tuple(pool._connections) if each not in free])  # noqa: SLF001 - as above
        waiters = queue._getters if places is None else queue.not_empty._waiters  # noqa: SLF001 - of the standard library
    most = pool.max_connections if pool.max_connections < _UNLIMITED else None
    return State(_connected(busy), _connected(free), waiting(waiters), most, most)


def _held(connections: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a set, weak from redis-py 5 on in asyncio
    """Return what is in a set that another thread may change: a weak one cannot be gone through meanwhile, a copy can."""
    if isinstance(connections, set):
        return tuple(connections)
    return tuple([each for held in connections.data.copy() if (each := held()) is not None])


def _connected(connections: tuple[Any, ...]) -> int:
    """Return how many of some connections are connected; one with a cache is around another."""
    inner = [getattr(connection, "_conn", connection) for connection in connections]
    return sum([bool(getattr(each, "_sock", None) or getattr(each, "_writer", None)) for each in inner])


def cluster_database(client: Any) -> Database:  # noqa: ANN401 - a cluster's client or pipeline
    """Return a cluster by the node that it was entered through."""
    owner = getattr(client, "_client", client)
    node = getattr(getattr(owner, "nodes_manager", None), "default_node", None)
    system = _system(owner)
    return database(system, "0", str(node.host), int(node.port)) if node is not None else database(system, "0")


def last_used(pool: Any) -> Any:  # noqa: ANN401 - a connection pool, a connection
    """Return the connection that was given back last; another thread may have been faster, to the same server."""
    idle = getattr(pool, "_available_connections", None)
    if idle is None:
        idle = getattr(getattr(pool, "pool", None), "queue", None)
    return idle[-1] if idle else None


def reached(span: Any, client: Any, where: Database) -> None:  # noqa: ANN401 - our span, a client or a pipeline
    """Say which socket answered, where the operation does not say it or says another one."""
    pool = getattr(client, "connection_pool", None)
    connection = getattr(client, "connection", None) or last_used(pool)
    fields = getattr(connection, "__dict__", None)
    if fields is None:
        return
    stream = fields.get("_sock") or getattr(connection, "_writer", None)
    known = fields.get(KNOWN)
    if known is None or known[0] is not stream:
        known = fields[KNOWN] = (stream, peered(where, connection, stream))
    if known[1] is not where:
        pool.__dict__[KNOWN] = known[1]
        _move(span, known[1])


def _move(span: Any, where: Database) -> None:  # noqa: ANN401 - our span
    """Let the operation of a span be the same one at another database."""
    attributes = span.operation.attributes
    blocking = "platform.db.blocking" in attributes
    moved = command(where, attributes["db.operation.name"], attributes.get("db.stored_procedure.name", ""), blocking=blocking)
    if span.name is span.operation.name:
        span.name = moved.name
    span.operation = moved


def peered(where: Database, connection: Any, stream: Any) -> Database:  # noqa: ANN401 - a socket or a stream writer
    """Return the database as it is reached through a socket."""
    name = getattr(stream, "getpeername", None)
    peer = name() if name is not None else stream.get_extra_info("peername") if stream is not None else None
    host, port = getattr(connection, "host", None), getattr(connection, "port", None)
    address, number = (host, int(port)) if isinstance(host, str) and port else (where.address, where.port)
    if isinstance(peer, tuple):
        return database(where.system, where.namespace, address, number, (str(peer[0]), int(peer[1])))
    return database(where.system, where.namespace, address, number, (peer, 0) if isinstance(peer, str) else ("", 0))


def queued(client: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - a pipeline
    """Return the commands that wait in a pipeline."""
    strategy = getattr(client, "_execution_strategy", None)
    queues = [getattr(place, name, None) for place in (client, strategy) for name in _QUEUES]
    queue = next((queue for queue in queues if queue), ())
    return [entry[0] if isinstance(entry, tuple) else tuple(entry.args) for entry in queue]


def in_transaction(client: Any) -> bool:  # noqa: ANN401 - a pipeline
    """Say whether a pipeline is sent between MULTI and EXEC; `transaction` of an asyncio one is a method."""
    if type(getattr(client, "_execution_strategy", None)).__name__ == "TransactionStrategy":
        return True
    return any(getattr(client, name, False) is True for name in ("transaction", "is_transaction", "explicit_transaction"))
