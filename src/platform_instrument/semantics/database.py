"""What a database call is called, and which attributes its span and its metrics carry.

Names of operation and collection are not taken from the text of a query: SQL may hold several of each, so the summary
stands for them. `db.namespace` and `server.*` are those with which the connection was made.
Source: https://opentelemetry.io/docs/specs/semconv/database/ (version 1.37.0, stable names only).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_instrument import privacy  # loads the sanitizer with the first statement, not at start
from platform_instrument.core.errors import error_type
from platform_instrument.core.values import CLIENT, Instrument, Operation

_CONSTANT = (
    "db.system.name",
    "db.namespace",
    "db.operation.name",
    "db.query.summary",
    "db.stored_procedure.name",
    "server.address",
    "server.port",
    "network.peer.address",
    "network.peer.port",
)
_VARYING = ("db.response.status_code", "error.type")

RETURNED_ROWS = Instrument(
    "db.client.response.returned_rows",
    "Rows that the database returned, where the driver knows before they are fetched.",
    unit="{row}",
    constant=_CONSTANT,
    varying=_VARYING,
    bounds=(1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0),
    value="db.response.returned_rows",
)

if TYPE_CHECKING:
    from platform_instrument.privacy import Statement

DURATION = Instrument(
    "db.client.operation.duration",
    "Duration of database client operations.",
    constant=_CONSTANT,
    varying=_VARYING,
    bounds=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0),
    along=(RETURNED_ROWS,),
)

BLOCKING = Instrument(
    "platform.db.client.blocking.duration",
    "Duration of commands that wait until something comes, such as BLPOP: no operation is slow for that.",
    constant=_CONSTANT,
    varying=_VARYING,
    bounds=(0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0),
)

KNOWN = "_platform_instrument_database"
"""Where a connection, a dialect or a pool remembers its database."""

SYSTEMS = {"oracle": "oracle.db", "mssql": "microsoft.sql_server"}
"""`db.system.name` by what a dialect calls itself, where it is another name."""

PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "oracle.db": 1521, "microsoft.sql_server": 1433}
"""The port that a system listens on where none is given."""

_UNKNOWN_ROWS = 1 << 63
_MOST_OPERATIONS, _MOST_DATABASES = 2_000, 1_000
_LONGEST_PLAIN, _MOST_DIGITS = 128, 12
_SIGNS = frozenset("@%&+=\\")


class Database:
    """One database as a client sees it; equal ones are the same object, so that it serves as a key.

    `system` is `db.system.name`, `peer` the address and port of the socket, `transport` the network's; absent is empty or 0.
    """

    __slots__ = ("address", "namespace", "operations", "peer", "port", "system", "transport")

    def __init__(  # noqa: PLR0913 - the parts of a database
        self, system: str, namespace: str, address: str, port: int, peer: tuple[str, int], transport: str = ""
    ) -> None:
        self.system = system
        self.namespace = namespace
        self.address = address
        self.port = port
        self.peer = peer
        self.transport = transport
        self.operations: dict[Any, Operation] = {}
        """What was done with it, by statement or command; a text is a key only where it holds no literal."""

    def attributes(self) -> dict[str, Any]:
        """Return the attributes that every operation on it carries."""
        attributes: dict[str, Any] = {"db.system.name": self.system}
        if self.namespace:
            attributes["db.namespace"] = self.namespace
        for name, address, port in (("server", self.address, self.port), ("network.peer", *self.peer)):
            if address:
                attributes[f"{name}.address"] = address
                if port:
                    attributes[f"{name}.port"] = port
        return {**attributes, "network.transport": self.transport} if self.transport else attributes

    def remember(self, key: Any, operation: Operation) -> Operation:  # noqa: ANN401 - a statement or a command's name
        """Keep an operation; a full cache starts anew, its series are found again by their attributes."""
        if len(self.operations) >= _MOST_OPERATIONS:
            self.operations.clear()
        self.operations[key] = operation
        return operation


_databases: dict[tuple[str, str, str, int, tuple[str, int], str], Database] = {}


def database(  # noqa: PLR0913 - as above
    system: str, namespace: str = "", address: str = "", port: int = 0, peer: tuple[str, int] = ("", 0), transport: str = ""
) -> Database:
    """Return the one object for a database: two whose names leave as one are one, so that their series are one too."""
    key = (system, namespace, address, port, peer, transport)
    found = _databases.get(key)
    if found is None:
        if len(_databases) >= _MOST_DATABASES:
            _databases.clear()
        name, host = _as_it_leaves("db.namespace", namespace), _as_it_leaves("server.address", address)
        leaving = (system, name, host, port, peer, transport)
        found = _databases.setdefault(key, _databases.setdefault(leaving, Database(*leaving)))
    return found


def _as_it_leaves(key: str, name: str) -> str:
    """Return a name masked; what is needed for that is not loaded for names that hold no sign of an address and few digits."""
    if len(name) <= _LONGEST_PLAIN and not _SIGNS.intersection(name) and sum(map(str.isdigit, name)) <= _MOST_DIGITS:
        return name
    from platform_instrument.privacy.text import mask_attribute  # as above

    masked: str = mask_attribute(key, name)
    return masked


def databases() -> list[Database]:
    """Return every database that is known."""
    return list(dict.fromkeys(_databases.values()))


def sqlite_database(path: str) -> Database:
    """Return the database of a file, named without its folders; of memory and of a temporary file as SQLite writes it."""
    name = path.removeprefix("file:").partition("?")[0] if path.startswith("file:") else path
    return database("sqlite", name.replace("\\", "/").rpartition("/")[2])


def configured_database(name: str, host: str | None, port: int | None, namespace: str | None) -> Database | None:
    """Return the database of a URL, None where it names none; `name` is that of its dialect, such as `mssql`."""
    system = SYSTEMS.get(name, name)
    if system == "sqlite":
        return sqlite_database(namespace) if namespace else None
    return database(system, namespace or "", host, port or PORTS.get(system, 0)) if host else None


def as_mariadb(where: Database) -> Database:
    """Return a database whose server was taken for one of MySQL."""
    return database("mariadb", where.namespace, where.address, where.port, where.peer) if where.system == "mysql" else where


def connected_database(connection: Any, system: str) -> Database:  # noqa: ANN401 - a driver's connection
    """Return the database that a connection is open to, as far as it says; one with room for it remembers.

    `system` is what it is called by whoever asks. An engine of SQLite without a file is in memory.
    """
    known = getattr(connection, KNOWN, None)
    if isinstance(known, Database):
        return known
    info = None if getattr(connection, "closed", False) else getattr(connection, "info", None)  # else asking it is an error
    if not isinstance(getattr(info, "dbname", None), str):  # no driver of libpq's, or a stand-in of a test's
        return sqlite_database(":memory:") if system == "sqlite" else database(SYSTEMS.get(system, system))
    where = _postgresql_database(info)
    if hasattr(connection, "__dict__"):
        connection.__dict__[KNOWN] = where
    return where


def _postgresql_database(info: Any) -> Database:  # noqa: ANN401 - `connection.info` of psycopg and psycopg2
    """Return the database of libpq's connection; a socket file has no port."""
    system = "cockroachdb" if getattr(info, "vendor", "") == "CockroachDB" else "postgresql"
    host = info.host or ""
    return database(system, info.dbname or "", host, 0 if host.startswith(("/", "@")) else int(info.port or 0))


def query(where: Database, text: Any) -> Operation:  # noqa: ANN401 - what the application passes as SQL
    """Return the operation of a SQL statement, sanitized: one dictionary lookup once it is known."""
    operation = where.operations.get(text) if type(text) is str else None
    return operation if operation is not None else _query(where, text)


def _query(where: Database, text: object) -> Operation:
    statement = privacy.known_sql(text, where.system)
    operation = where.operations.get(statement) or _statement(where, statement, statement, "")
    return where.remember(text, operation) if type(text) is str and statement.text == text else operation


def batch(where: Database, text: object, parameters: object) -> tuple[Operation, dict[str, Any] | None]:
    """Return the operation of `executemany`; one set of parameters is no batch. Others than these may run a query for a size."""
    size = len(parameters) if isinstance(parameters, (list, tuple)) else None
    if size == 1:
        return query(where, text), None
    statement = privacy.known_sql(text, where.system)
    key = (statement, "batch")
    operation = where.operations.get(key) or _statement(where, key, statement, "BATCH ")
    return operation, None if size is None else {"db.operation.batch.size": size}


def _statement(where: Database, key: object, statement: Statement, prefix: str) -> Operation:
    attributes = where.attributes()
    if statement.text:
        attributes["db.query.text"] = statement.text
    summary = (prefix + statement.summary).rstrip()
    if summary:
        attributes["db.query.summary"] = summary
    return where.remember(key, Operation(summary or _target(where), CLIENT, attributes, DURATION))


def _target(where: Database) -> str:
    """Return the name of a span about which nothing else is known."""
    if where.namespace or not where.address:
        return where.namespace or where.system
    return f"{where.address}:{where.port}" if where.port else where.address


def command(where: Database, name: str, procedure: str = "", *, blocking: bool = False) -> Operation:
    """Return the operation of a command with a name, such as Redis'; `procedure` names the stored one that it calls.

    One that is `blocking` waits until something comes, and is measured apart from those that are slow.
    """
    key = (name, procedure, blocking) if procedure or blocking else name
    operation = where.operations.get(key)
    return operation if operation is not None else _command(where, key, name, procedure, blocking=blocking)


def _command(where: Database, key: object, name: str, procedure: str, *, blocking: bool) -> Operation:
    attributes = {**where.attributes(), "db.operation.name": name}
    if where.address:
        attributes["network.transport"] = "unix" if where.address.startswith(("/", "@")) else "tcp"
    if procedure:
        attributes["db.stored_procedure.name"] = procedure
    if blocking:
        attributes["platform.db.blocking"] = True
    return where.remember(key, Operation(f"{name} {procedure}".rstrip(), CLIENT, attributes, BLOCKING if blocking else DURATION))


def returned_rows(cursor: Any) -> dict[str, Any] | None:  # noqa: ANN401 - a DB-API cursor
    """Return how many rows a query has, where the driver knows before they are fetched.

    One that does not know says -1, as a signed or an unsigned number; some say how many were fetched, none yet. psycopg makes
    its `description` anew each time, a call to libpq a column; its result says the number of columns.
    """
    count = cursor.rowcount
    if count is None or not 0 <= count < _UNKNOWN_ROWS:
        return None
    if count == 0 and _counts_fetched(cursor):
        return None
    result = getattr(cursor, "pgresult", cursor)
    has_rows = cursor.description is not None if result is cursor else result is not None and result.nfields > 0
    return {"db.response.returned_rows": count} if has_rows else None


def _counts_fetched(cursor: Any) -> bool:  # noqa: ANN401 - as above
    """Say whether a cursor counts what was fetched: oracledb's, and mysql-connector's in C where it keeps no rows itself."""
    if type(cursor).__module__.partition(".")[0] in {"oracledb", "cx_Oracle"}:
        return True
    return hasattr(cursor, "_affected_rows") and getattr(cursor, "_rows", None) is None


def failure(error: BaseException) -> dict[str, Any]:
    """Return what a driver's exception says: the database's code where there is one, else the exception's class.

    PEP 249 gives no name to the code: it is `sqlstate` (psycopg, asyncpg), `pgcode` (psycopg2), `sqlite_errorname`,
    `errno` (mysql-connector), `code` (clickhouse-connect) or the first argument: a number (the other MySQL drivers, pymssql),
    an object (oracledb) or the SQLSTATE (pyodbc). SQLAlchemy keeps the exception in `orig`.
    """
    original = getattr(error, "orig", None) or error
    code = _code(original)
    if code:
        return {"db.response.status_code": code, "error.type": code}
    return {"error.type": error_type(original)}


def _code(error: Any) -> str:  # noqa: ANN401 - a driver's exception
    if not any(kind.__name__ == "Error" for kind in type(error).__mro__) and not hasattr(error, "sqlstate"):
        return ""  # not a driver's exception: an OSError has an `errno`, a KeyError a number for its argument
    if getattr(error, "sqlite_errorname", None):
        return str(error.sqlite_errorname)
    first = error.args[0] if error.args else None
    for number in (getattr(error, "errno", None), getattr(error, "code", None), first):
        if type(number) is int and number > 0:
            return str(number)
    if type(error).__module__ == "pyodbc" and type(first) is str:
        return first
    return str(getattr(first, "full_code", None) or getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "")
