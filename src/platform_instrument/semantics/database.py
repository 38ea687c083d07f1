"""What a database call is called, and which attributes its span and its metrics carry.

Source: https://opentelemetry.io/docs/specs/semconv/database/ (version 1.37.0, stable names only).
"""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

from platform_instrument.core.errors import error_type
from platform_instrument.core.values import CLIENT, Duration, Operation
from platform_instrument.privacy.sql import Statement, known_sql

DURATION = Duration(
    "db.client.operation.duration",
    "Duration of database client operations.",
    constant=(
        "db.system.name",
        "db.namespace",
        "db.operation.name",
        "db.collection.name",
        "db.query.summary",
        "server.address",
        "server.port",
    ),
    varying=("db.response.status_code", "error.type"),
    bounds=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0),
)

_MOST_OPERATIONS = 2_000
_MOST_DATABASES = 1_000


class Database:
    """One database as a client sees it; equal ones are the same object, so that it serves as a key.

    `system` is `db.system.name`; an absent part is empty or 0.
    """

    __slots__ = ("address", "namespace", "operations", "port", "system")

    def __init__(self, system: str, namespace: str, address: str, port: int) -> None:
        self.system = system
        self.namespace = namespace
        self.address = address
        self.port = port
        self.operations: dict[Any, Operation] = {}
        """What was done with it, by statement or command."""

    def attributes(self) -> dict[str, Any]:
        """Return the attributes that every operation on it carries."""
        attributes: dict[str, Any] = {"db.system.name": self.system}
        if self.namespace:
            attributes["db.namespace"] = self.namespace
        if self.address:
            attributes["server.address"] = self.address
            if self.port:
                attributes["server.port"] = self.port
        return attributes

    def remember(self, key: Any, operation: Operation) -> Operation:  # noqa: ANN401 - a statement or a command's name
        """Keep an operation; a full cache starts anew, its series are found again by their attributes."""
        if len(self.operations) >= _MOST_OPERATIONS:
            self.operations.clear()
        self.operations[key] = operation
        return operation


_databases: dict[tuple[str, str, str, int], Database] = {}


def database(system: str, namespace: str = "", address: str = "", port: int = 0) -> Database:
    """Return the one object for a database."""
    key = (system, namespace, address, port)
    found = _databases.get(key)
    if found is None:
        if len(_databases) >= _MOST_DATABASES:
            _databases.clear()
        found = _databases.setdefault(key, Database(*key))
    return found


def query(where: Database, text: str) -> Operation:
    """Return the operation of a SQL statement, sanitized: two dictionary lookups once it is known."""
    statement = known_sql(text, where.system)
    operation = where.operations.get(statement)
    return operation if operation is not None else _statement(where, statement, statement, "")


def batch(where: Database, text: str, parameters: object) -> tuple[Operation, dict[str, Any] | None]:
    """Return the operation of `executemany`; one set of parameters is no batch, an iterator's size is unknown."""
    size = len(parameters) if isinstance(parameters, Sized) else 0
    if size == 1:
        return query(where, text), None
    statement = known_sql(text, where.system)
    key = (statement, "batch")
    operation = where.operations.get(key) or _statement(where, key, statement, "BATCH ")
    return operation, {"db.operation.batch.size": size} if size else None


def returned_rows(cursor: Any) -> dict[str, Any] | None:  # noqa: ANN401 - a DB-API cursor
    """Return how many rows a query has, where the driver knows before they are fetched."""
    if cursor.description is None or cursor.rowcount < 0:
        return None
    return {"db.response.returned_rows": cursor.rowcount}


def failure(error: BaseException) -> dict[str, Any]:
    """Return what a driver's exception says: the server's code where there is one, else the exception's class.

    PEP 249 gives no name to the code: `sqlstate` (psycopg, asyncpg), `pgcode` (psycopg2), `sqlite_errorname`, or the
    first argument of MySQL's drivers. SQLAlchemy keeps the driver's exception in `orig`.
    """
    original = getattr(error, "orig", None) or error
    code = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    code = code or getattr(original, "sqlite_errorname", None)
    if not code and original.args and type(original.args[0]) is int:
        code = str(original.args[0])
    if not isinstance(code, str):
        return {"error.type": error_type(error)}
    return {"db.response.status_code": code, "error.type": code}


def _statement(where: Database, key: object, statement: Statement, prefix: str) -> Operation:
    attributes = where.attributes()
    for name, value in (
        ("db.query.text", statement.text),
        ("db.query.summary", statement.summary),
        ("db.operation.name", prefix + statement.operation if statement.operation else ""),
        ("db.collection.name", statement.collection),
    ):
        if value:
            attributes[name] = value
    name = statement.summary or where.namespace or where.system
    return where.remember(key, Operation(name, CLIENT, attributes, DURATION))


def command(where: Database, name: str) -> Operation:
    """Return the operation of a command with a name, such as Redis'."""
    operation = where.operations.get(name)
    if operation is not None:
        return operation
    return where.remember(name, Operation(name, CLIENT, {**where.attributes(), "db.operation.name": name}, DURATION))
