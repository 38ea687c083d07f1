"""What the drivers of PostgreSQL share: which database a pool or a connection is for, and the text of a composed query."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.semantics.database import configured_database, database

if TYPE_CHECKING:
    from platform_instrument.semantics.database import Database


def pool_database(pool: Any) -> Database | None:  # noqa: ANN401 - psycopg_pool.ConnectionPool, or one like it
    """Return the database of a pool, None where only a callable knows it, and for nonsense."""
    kwargs = pool.kwargs or {}
    if callable(pool.conninfo) or callable(kwargs):
        return None
    try:
        known = sys.modules["psycopg.conninfo"].conninfo_to_dict(pool.conninfo, **kwargs)
    except sys.modules["psycopg"].Error:
        return None
    port = str(known.get("port") or "")
    return configured_database("postgresql", known.get("host"), int(port) if port.isdecimal() else None, known.get("dbname"))


def asyncpg_database(connection: Any) -> Database:  # noqa: ANN401 - asyncpg.Connection
    """Return the database that a connection of asyncpg is open to; a socket file has no port, and asyncpg no public way to it."""
    address = connection._addr  # noqa: SLF001 - as above
    namespace = connection._params.database or ""  # noqa: SLF001 - as above
    if type(address) is tuple:
        return database("postgresql", namespace, address[0], address[1], transport="tcp")
    return database("postgresql", namespace, str(address), transport="unix")


def query_text(sql: Any, composing: str) -> str:  # noqa: ANN401 - str, bytes, Composable, string.templatelib.Template
    """Return the text of a query; the values that a composed one holds are left out, and nothing of them is called.

    `composing` names the module of such queries: `psycopg.sql` or `psycopg2.sql`. Empty for what is no query, as the driver
    will say.
    """
    if isinstance(sql, (str, bytes)):
        return str.__str__(sql) if isinstance(sql, str) else sql.decode("utf-8", "replace")
    module = sys.modules.get(composing)
    if module is not None and isinstance(sql, module.Composable):
        return _composed(sql, module)
    if type(sql).__name__ == "Template":
        return "".join([part if isinstance(part, str) else _interpolated(part, composing) for part in sql])
    return ""


def _composed(sql: Any, module: Any) -> str:  # noqa: ANN401 - Composable, its module
    if isinstance(sql, module.Composed):
        return "".join([query_text(part, module.__name__) for part in sql])
    if isinstance(sql, module.Identifier):  # `as_string` needs a connection
        return ".".join([quoted(name) for name in (sql._obj if hasattr(sql, "_obj") else sql.strings)])  # noqa: SLF001 - psycopg 3
    return "?" if isinstance(sql, module.Literal) else str(sql.as_string(None))


def _interpolated(part: Any, composing: str) -> str:  # noqa: ANN401 - string.templatelib.Interpolation
    """Return a field of a template: names and nested queries as they are, values as a question mark."""
    if part.format_spec == "i" and isinstance(part.value, str):
        return quoted(part.value)
    return query_text(part.value, composing) if part.format_spec in {"i", "q"} else "?"


def quoted(name: str) -> str:
    """Return a name in quotes."""
    return '"' + name.replace('"', '""') + '"'


def named(*names: Any) -> str:  # noqa: ANN401 - str, None for one that is not given
    """Return the name of a table, of which the parts have quotes where they need them."""
    parts = [str(name) for name in names if name]
    return ".".join([part if part.isidentifier() and part.islower() else quoted(part) for part in parts])
