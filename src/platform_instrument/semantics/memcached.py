"""What a command of memcached is called, where it goes, what it answered, and which code an error carries.

The name of an operation is that of the command in the text protocol, whatever the library calls it: `get_many` is a `get` of
several keys. Equal commands that are sent at once, one a key, are a batch.
Source: https://opentelemetry.io/docs/specs/semconv/database/ (version 1.37.0); memcached's doc/protocol.txt
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from platform_instrument import privacy  # loads what knows commands with the first, not at start
from platform_instrument.core.errors import error_type
from platform_instrument.semantics.caches import known
from platform_instrument.semantics.database import Database, command, database

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platform_instrument.core.values import Operation

RETRIEVALS = frozenset(("gat", "gats", "get", "gets"))
"""Commands that ask for values by their keys."""

_BARE = frozenset(("delete", "get", "gets"))
_MOST_SHOWN = 20
_WORDS = ("CLIENT_ERROR", "ERROR", "SERVER_ERROR")
_CODES = {
    "ClientError": "CLIENT_ERROR",
    "MemcacheClientError": "CLIENT_ERROR",
    "MemcacheServerError": "SERVER_ERROR",
    "MemcacheUnknownCommandError": "ERROR",
    "ServerError": "SERVER_ERROR",
}
"""What the server says, by the class that pymemcache and pylibmc make of it."""


def memcached(address: str = "", port: int = 0) -> Database:
    """Return a server by what it is connected to; a socket file has no port, several servers have no address."""
    return database("memcached", "", address, 0 if address.startswith("/") else port)


def one(where: Database, arguments: tuple[Any, ...]) -> tuple[Operation, dict[str, Any]]:
    """Return one command, from what its text protocol would send; a name that is none is `_OTHER`."""
    text = privacy.mask_memcached(arguments)
    return command(where, text.partition(" ")[0]), {"db.query.text": text}


def keyed(where: Database, name: str, key: object) -> tuple[Operation, dict[str, Any]]:
    """Return a command with one key; that there is a value or a number is all that is said of it."""
    return one(where, (name, key) if name in _BARE else (name, key, None))


def retrieved(where: Database, name: str | bytes, keys: object) -> tuple[Operation, dict[str, Any]]:
    """Return a command that asks for several keys at once; an iterator is left to the library."""
    return one(where, (name, *islice(known(keys), _MOST_SHOWN)))


def several(where: Database, commands: Iterable[tuple[Any, ...]], size: int) -> tuple[Operation, dict[str, Any]] | None:
    """Return `size` equal commands that are sent at once; a single one is no batch, and none is no command."""
    if not size:
        return None
    shown = [privacy.mask_memcached(arguments) for arguments in islice(commands, _MOST_SHOWN)]
    name = shown[0].partition(" ")[0]
    if size == 1:
        return command(where, name), {"db.query.text": shown[0]}
    return command(where, f"BATCH {name}"), {"db.query.text": "\n".join(shown), "db.operation.batch.size": size}


def memcached_failure(error: BaseException) -> dict[str, Any]:
    """Return what an error of a library says: the server's word, such as SERVER_ERROR, else its class."""
    code = _CODES.get(type(error).__name__) or (_told(error) if type(error).__name__ == "ClientException" else "")
    return {"db.response.status_code": code, "error.type": code} if code else {"error.type": error_type(error)}


def _told(error: BaseException) -> str:
    """Return the server's word from the text that aiomcache makes of its answer: `incr failed: b'CLIENT_ERROR cannot'`."""
    answer = str(error.args[0] if error.args else "").rpartition("b'")[2]
    return next((word for word in _WORDS if answer.startswith(word)), "")
