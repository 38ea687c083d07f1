"""pylibmc: commands of its client, whose methods are C code; values never leave.

Its class is Python's and stays, and takes ours in place of what it inherits. Which of several servers a key belongs to only
libmemcached knows: then the span has no address. Span: the command's name. Metrics: those of operations and of lookups in a
cache; a value that is the very default that was asked with counts as a miss.
Source: https://opentelemetry.io/docs/specs/semconv/database/ (version 1.37.0); pylibmc/client.py (1.6)
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Instrumentation, Observe, Operation
from platform_instrument.engine.caches import looked_up
from platform_instrument.semantics.caches import found, known, lookup, lookup_with_token
from platform_instrument.semantics.database import KNOWN, Database
from platform_instrument.semantics.memcached import keyed, memcached, memcached_failure, one, retrieved, several

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Attributes, Call

_KEYED = ("add", "append", "cas", "decr", "delete", "incr", "prepend", "replace", "set", "touch")
_MANY = ("add", "delete", "incr", "set")
_PLAIN = {"flush_all": "flush_all", "get_stats": "stats"}


def _single(name: str) -> Callable[[Call], tuple[Operation, Attributes]]:
    def begin(call: Call) -> tuple[Operation, Attributes]:
        where = call.state = _where(call.instance)
        return keyed(where, name, call.argument(1, "key"))

    return begin


def _batch(name: str) -> Callable[[Call], tuple[Operation, Attributes] | None]:
    def begin(call: Call) -> tuple[Operation, Attributes] | None:
        keys = known(call.argument(1, "keys"))
        value = () if name == "delete" else (None,)
        return several(_where(call.instance), ((name, key, *value) for key in keys), len(keys))

    return begin


def _bare(name: str) -> Callable[[Call], tuple[Operation, Attributes]]:
    return lambda call: one(_where(call.instance), (name,))


def asking(call: Call) -> tuple[Operation, Attributes]:
    """Return a `get` of several keys."""
    where = call.state = _where(call.instance)
    return retrieved(where, "get", call.argument(1, "keys"))


def got(call: Call, result: Any) -> None:  # noqa: ANN401 - the value
    """Count a lookup."""
    looked_up(call.state, lookup(result, call.argument(2, "default")))


def got_token(call: Call, result: Any) -> None:  # noqa: ANN401 - the value and its token
    """Count a lookup."""
    looked_up(call.state, lookup_with_token(result))


def got_many(call: Call, result: Any) -> None:  # noqa: ANN401 - a dict of what was there
    """Count lookups."""
    looked_up(call.state, found(call.argument(1, "keys"), result))


def failed(_call: Call, error: BaseException) -> Attributes:
    """Return the server's word, such as SERVER_ERROR, where it gave one."""
    return memcached_failure(error)


def _where(client: Any) -> Database:  # noqa: ANN401 - pylibmc.Client
    where: Database | None = client.__dict__.get(KNOWN)
    if where is None:
        servers = sys.modules["pylibmc.client"].translate_server_specs(client.addresses)
        where = client.__dict__[KNOWN] = memcached(*servers[0][1:3]) if len(servers) == 1 else memcached()
    return where


_CLIENT = "pylibmc.client:Client"

INSTRUMENTATION = Instrumentation(
    name="pylibmc",
    requires="pylibmc>=1.6,<2",
    patches=(
        Observe(f"{_CLIENT}.get", _single("get"), got, failed),
        Observe(f"{_CLIENT}.gets", _single("gets"), got_token, failed),
        Observe(f"{_CLIENT}.get_multi", asking, got_many, failed),
        *[Observe(f"{_CLIENT}.{name}", _single(name), error=failed) for name in _KEYED],
        *[Observe(f"{_CLIENT}.{name}_multi", _batch(name), error=failed) for name in _MANY],
        *[Observe(f"{_CLIENT}.{method}", _bare(name), error=failed) for method, name in _PLAIN.items()],
    ),
    family=families.DB_CLIENT,
    statements=False,
    modules=("pylibmc",),
)
