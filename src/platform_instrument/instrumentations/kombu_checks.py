"""kombu: whether its brokers answer, RabbitMQ and Redis, by a connection of our own that is closed at once; not observed.

Only with probes. Another transport is no dependency: what stands behind it is not known, or no server. A broker is there with the
first `Connection` that knows its address, connected or not, and is asked with the credentials and options of it; where it has
alternates, one that answers is enough. No connection and no channel of the application's is touched, nor its transport.
Source: kombu/connection.py, kombu/transport/pyamqp.py, kombu/transport/redis.py, amqp/transport.py (5.3 to 5.7).
"""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, Any

from platform_instrument.core.families import SUPPRESSED
from platform_instrument.core.values import Custom, EditResult, Instrumentation
from platform_instrument.runtime.health.dependencies import Clients, lose
from platform_instrument.runtime.health.traffic import Place
from platform_instrument.semantics.messaging import CLIENT_DURATION
from platform_instrument.telemetry.context import CURRENT

if TYPE_CHECKING:
    from platform_instrument.core.values import Call

_BROKERS = {
    "amqp": ("rabbitmq", 5672),
    "amqps": ("rabbitmq", 5671),
    "pyamqp": ("rabbitmq", 5672),
    "redis": ("redis", 6379),
    "rediss": ("redis", 6379),
}
"""System and usual port, by what kombu calls a transport."""
_TIMES = {
    "rabbitmq": ("read_timeout", "write_timeout"),
    "redis": ("socket_timeout", "socket_connect_timeout"),
}
"""Options of a transport that are times, by system."""
_TAKEN_OVER = ("userid", "password", "virtual_host", "port", "ssl", "login_method", "credential_provider", "uri_prefix")


def ask(connection: Any, seconds: float) -> None:  # noqa: ANN401 - kombu.Connection
    """Connect as a connection would, log in, and close; the library's errors where that fails."""
    ends = monotonic() + seconds
    own = _like(connection, seconds)
    for left in range(max(len(own.alt), 1), 0, -1):
        try:
            _connect(own.transport, seconds)
        except own.recoverable_connection_errors:
            if left == 1 or monotonic() >= ends:
                raise
            own.maybe_switch_next()
        else:
            return


def _like(connection: Any, seconds: float) -> Any:  # noqa: ANN401 - as above
    """Return a connection to the same broker; the library's own way would make a transport for the application's."""
    system, _ = _BROKERS[connection.transport_cls]
    prefix, host = connection.uri_prefix, connection.hostname
    return sys.modules["kombu.connection"].Connection(
        f"{prefix}+{host}" if prefix else host,
        transport=connection.transport_cls,
        connect_timeout=seconds,
        transport_options={**(connection.transport_options or {}), **dict.fromkeys(_TIMES[system], seconds)},
        failover_strategy=connection._failover_strategy,  # noqa: SLF001 - the public attribute is what was made of it
        alternates=list(connection.alt),
        **{name: getattr(connection, name) for name in _TAKEN_OVER if hasattr(connection, name)},
    )


def _connect(transport: Any, seconds: float) -> None:  # noqa: ANN401 - of kombu
    made = transport.establish_connection()
    sock = getattr(made, "sock", None)
    if sock is not None:
        sock.settimeout(seconds)  # py-amqp waits for the end of a connection without a limit
    transport.close_connection(made)


def room(_connection: Any) -> bool:  # noqa: ANN401 - as above
    """Say that it can be asked: one that is closed can be opened again."""
    return True


def made(call: Call, _result: None) -> None:
    """Take a connection that was made, unless it is ours."""
    connection, current = call.instance, CURRENT.get()
    known = _BROKERS.get(connection.transport_cls) if isinstance(connection.transport_cls, str) else None
    if known is None or (current is not None and current.families == SUPPRESSED):
        return
    system, port = known
    namespace = str(connection.virtual_host or "").strip("/") or ("0" if system == "redis" else "")
    address = connection.hostname or "localhost"
    if "/" in address or "@" in address:  # a socket's file, or whatever else, such as a secret
        address, port = "", 0
    where = Place(system, address, int(connection.port or port) if port else 0, namespace if address else "", CLIENT_DURATION)
    CLIENTS.found(connection, system, where)


def pooled(_call: Call, pool: Any) -> Any:  # noqa: ANN401 - redis.ConnectionPool
    """Leave out a pool that is a detail of a connection: what fails in it has effects on the channel."""
    lose(pool)
    return pool


CLIENTS = Clients("kombu", room, ask)

INSTRUMENTATION = Instrumentation(
    name="kombu_checks",
    requires="kombu>=5.3,<6",
    patches=(
        Custom("kombu.connection", CLIENTS.watch),
        EditResult("kombu.connection:Connection.__init__", made),
        EditResult("kombu.transport.redis:Channel._get_pool", pooled, optional=True),
    ),
    modules=("kombu",),
    settings=("probes", "admin_port"),
)
