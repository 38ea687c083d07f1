"""Which database a connection to MySQL or MariaDB leads to, as its driver knows it: nothing is asked for it.

Source: https://opentelemetry.io/docs/specs/semconv/database/mysql/ and …/mariadb/ (version 1.37.0).
"""

from __future__ import annotations

from typing import Any

from platform_instrument.semantics.database import Database, database


def mysql_database(version: Any, namespace: Any, host: Any, port: Any, socket: Any = None) -> Database:  # noqa: ANN401 - str or bytes
    """Return a database; `version` is what the server said of itself in its greeting, a `socket` file has no port."""
    system = "mariadb" if "mariadb" in _text(version).lower() else "mysql"
    if socket:
        return database(system, _text(namespace), _text(socket))
    return database(system, _text(namespace), _text(host), int(port or 0))


def _text(value: Any) -> str:  # noqa: ANN401 - str, bytes or None
    return value.decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value or "")
