"""Which database a pool of psycopg is for, as far as it says so before it is asked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.semantics.database import configured_database

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
