"""pymemcache: commands of plain, pooled, hashing and retrying clients, each to one server; values never leave.

All clients send by three methods of the plain one. Keys of several servers are one command each, and so is each attempt of a
retrying client. Span: the command's name. Metrics: those of operations and of lookups in a cache.
Source: https://opentelemetry.io/docs/specs/semconv/database/ (version 1.37.0); pymemcache/client/base.py (3.0 to 4.0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument.core import families
from platform_instrument.core.values import Instrumentation, Observe, Operation
from platform_instrument.engine.caches import looked_up
from platform_instrument.semantics.caches import found, known
from platform_instrument.semantics.database import KNOWN, Database
from platform_instrument.semantics.memcached import RETRIEVALS, memcached, memcached_failure, retrieved, several

if TYPE_CHECKING:
    from platform_instrument.core.values import Attributes, Call


def fetching(call: Call) -> tuple[Operation, Attributes]:
    """Return a command that asks for keys, or for statistics."""
    where = call.state = _where(call.instance)
    return retrieved(where, call.argument(1, "name"), call.argument(2, "keys"))


def fetched(call: Call, result: Any) -> Attributes | None:  # noqa: ANN401 - a dict of what was there
    """Count lookups; an error that the client is to ignore is one all the same, of which only the closed socket is left."""
    if call.instance.sock is None:
        return {"error.type": "_OTHER"}
    if call.span.operation.attributes["db.operation.name"] in RETRIEVALS:
        answered = {key: value[0] for key, value in result.items()} if call.argument(3, "expect_cas") else result
        looked_up(call.state, found(call.argument(2, "keys"), answered))
    return None


def storing(call: Call) -> tuple[Operation, Attributes] | None:
    """Return a command that stores values, or as many as there are values."""
    name, values = call.argument(1, "name"), known(call.argument(2, "values"))
    return several(_where(call.instance), ((name, key, None) for key in values), len(values))


def sending(call: Call) -> tuple[Operation, Attributes] | None:
    """Return any other command, or as many as are sent at once, as the library wrote them."""
    lines = known(call.argument(1, "cmds"))
    return several(_where(call.instance), map(_words, lines), len(lines))


def failed(_call: Call, error: BaseException) -> Attributes:
    """Return the server's word, such as SERVER_ERROR, where it gave one."""
    return memcached_failure(error)


def _words(line: bytes) -> tuple[bytes, ...]:
    words = line.partition(b"\r\n")[0].split()
    return tuple(words[:-1] if words[-1:] == [b"noreply"] else words)


def _where(client: Any) -> Database:  # noqa: ANN401 - pymemcache.Client
    where: Database | None = client.__dict__.get(KNOWN)
    if where is None:
        server = client.server
        where = client.__dict__[KNOWN] = (
            memcached(str(server[0]), int(server[1])) if isinstance(server, tuple) else memcached(server)
        )
    return where


INSTRUMENTATION = Instrumentation(
    name="pymemcache",
    requires="pymemcache>=3,<5",
    patches=(
        Observe("pymemcache.client.base:Client._fetch_cmd", fetching, fetched, failed),
        Observe("pymemcache.client.base:Client._store_cmd", storing, error=failed),
        Observe("pymemcache.client.base:Client._misc_cmd", sending, error=failed),
    ),
    family=families.DB_CLIENT,
    statements=False,
    modules=("pymemcache",),
)
