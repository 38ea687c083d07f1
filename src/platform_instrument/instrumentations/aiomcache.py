"""aiomcache: commands of its clients, the wait for a connection of their pool included; values never leave.

Span: the command's name. Metrics: those of operations and of lookups in a cache; a value that is the very default that was
asked with counts as a miss.
Source: https://opentelemetry.io/docs/specs/semconv/database/ (version 1.37.0); aiomcache/client.py, aiomcache/pool.py (0.8)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Instrumentation, Observe, Operation
from platform_instrument.engine.caches import looked_up
from platform_instrument.semantics.caches import lookup, lookup_with_token
from platform_instrument.semantics.memcached import keyed, memcached, memcached_failure, one, retrieved

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Attributes, Call
    from platform_instrument.semantics.database import Database

_KEYED = ("add", "append", "cas", "decr", "delete", "incr", "prepend", "replace", "set", "touch")
_PLAIN = ("flush_all", "stats", "version")


def _single(name: str) -> Callable[[Call], tuple[Operation, Attributes]]:
    def begin(call: Call) -> tuple[Operation, Attributes]:
        where = call.state = _where(call.instance)
        return keyed(where, name, call.argument(1, "key"))

    return begin


def _bare(name: str) -> Callable[[Call], tuple[Operation, Attributes]]:
    return lambda call: one(_where(call.instance), (name,))


def asking(call: Call) -> tuple[Operation, Attributes] | None:
    """Return a `gets` of several keys; none is no command."""
    where = call.state = _where(call.instance)
    return retrieved(where, "gets", call.args[1:]) if len(call.args) > 1 else None


def got(call: Call, result: Any) -> None:  # noqa: ANN401 - the value
    """Count a lookup."""
    looked_up(call.state, lookup(result, call.argument(2, "default")))


def got_token(call: Call, result: Any) -> None:  # noqa: ANN401 - the value and its token
    """Count a lookup."""
    looked_up(call.state, lookup_with_token(result))


def got_many(call: Call, result: Any) -> None:  # noqa: ANN401 - a value a key
    """Count lookups."""
    looked_up(call.state, result)


def failed(_call: Call, error: BaseException) -> Attributes:
    """Return the server's word, such as SERVER_ERROR, where it gave one."""
    return memcached_failure(error)


def _where(client: Any) -> Database:  # noqa: ANN401 - aiomcache.FlagClient
    pool = client._pool  # noqa: SLF001 - nothing else knows
    return memcached(str(pool._host), int(pool._port))  # noqa: SLF001 - as above


_CLIENT = "aiomcache.client:FlagClient"

INSTRUMENTATION = Instrumentation(
    name="aiomcache",
    requires="aiomcache>=0.8,<1",
    patches=(
        Observe(f"{_CLIENT}.get", _single("get"), got, failed),
        Observe(f"{_CLIENT}.gets", _single("gets"), got_token, failed),
        Observe(f"{_CLIENT}.multi_get", asking, got_many, failed),
        *[Observe(f"{_CLIENT}.{name}", _single(name), error=failed) for name in _KEYED],
        *[Observe(f"{_CLIENT}.{name}", _bare(name), error=failed) for name in _PLAIN],
    ),
    family=families.DB_CLIENT,
    statements=False,
    modules=("aiomcache",),
)
