"""PEP 249: what cursors and connections do, for every driver whose classes keep to it; a driver says which classes those are.

A connection is looked at when it is open, without a question to the server, and remembers its database, until it is opened
anew or led to another one. What a driver asks while it opens a connection is no statement of the application's.
Sources: https://peps.python.org/pep-0249/; https://opentelemetry.io/docs/specs/semconv/database/sql/ and
https://opentelemetry.io/docs/specs/semconv/database/mysql/ (version 1.37.0): the current database may change by `USE`.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from platform_instrument import privacy
from platform_instrument.core.values import CLIENT, UNSEEN, EditResult, Observe, Operation
from platform_instrument.semantics.database import DURATION, KNOWN, Database, batch, database, failure, query, returned_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.core.values import Attributes, Call

TRANSACTIONS = "db_transactions"
"""The setting that asks for commit and rollback as spans."""

_OWN = Operation("connect", CLIENT, {})
_USE = re.compile(r"\s*USE\s+(?:`((?:[^`]|``)+)`|\"((?:[^\"]|\"\")+)\"|\[((?:[^\]]|\]\])+)\]|([\w$]+))\s*(?:;|\Z)", re.IGNORECASE)


class Driver:
    """One driver: where its connections lead, and how the patches of its classes read a call.

    `look(connection)` says which database a connection is open to. `connection` is the attribute of a cursor that holds its
    connection, or `formerly` was, empty where a cursor is its own; `text` and `many` are what the parameters of `execute` and
    `executemany` are called. Where connections are `slotted`, what they remember lies beside them. `commented` says that neither
    the driver nor its server keeps statements by their text.
    """

    __slots__ = ("_beside", "_commented", "_connection", "_formerly", "_look", "_many", "_nowhere", "_text")

    def __init__(  # noqa: PLR0913 - the ways in which drivers differ
        self,
        system: str,
        look: Callable[[Any], Database],
        *,
        connection: str = "connection",
        formerly: str = "",
        text: str = "query",
        many: str = "args",
        slotted: bool = False,
        commented: bool = False,
    ) -> None:
        self._look = look
        self._connection = connection
        self._formerly = formerly or connection
        self._text = text
        self._commented = commented
        self._many = many
        self._nowhere = database(system)
        self._beside: WeakKeyDictionary[Any, Database] | None = WeakKeyDictionary() if slotted else None

    # --- patches --------------------------------------------------------------------------------------------------

    def cursor(self, target: str, *, procedures: bool = True, optional: bool = False) -> tuple[Observe, ...]:
        """Return what is observed of a class of cursors; one without `procedures` has no `callproc`."""
        found = (
            Observe(f"{target}.execute", self.statement, self.rows, failed, optional=optional, comment=self.text_of),
            Observe(f"{target}.executemany", self.batch, error=failed, optional=optional),
        )
        called = Observe(f"{target}.callproc", self.procedure, error=failed, optional=optional)
        return (*found, called) if procedures else found

    def asking(self, target: str) -> Observe:
        """Return what is observed of a connection's own method that takes a statement."""
        return Observe(target, self.asked, self.answered, failed)

    def opening(self, target: str, *, optional: bool = False) -> Observe:
        """Return what is observed of the method that opens a connection: it leaves no span, nor does what it asks."""
        return Observe(target, own_question, self.opened, optional=optional)

    def leading(self, target: str, parameter: str = "db", *, position: int = 1, optional: bool = False) -> EditResult:
        """Return what is observed of the method that leads a connection to another database."""

        def led(call: Call, _result: Any) -> None:  # noqa: ANN401 - the driver's
            self.lead(call.args[0], call.argument(position, parameter))

        return EditResult(target, led, optional=optional)

    # --- calls of cursors -----------------------------------------------------------------------------------------

    def statement(self, call: Call) -> Operation:
        """Return what is executed, and where."""
        return self._statement(call, self.where(call.args[0]))

    def batch(self, call: Call) -> tuple[Operation, Attributes | None] | None:
        """Return what is executed for a list of parameters, and where; for an empty one nothing is."""
        parameters = call.argument(2, self._many)
        if isinstance(parameters, (list, tuple)) and not parameters:
            return None
        return batch(self.where(call.args[0]), call.argument(1, self._text), parameters)

    def procedure(self, call: Call) -> Operation | None:
        """Return which stored procedure is called, and where."""
        name = call.argument(1, "procname") or call.kwargs.get("name")
        return procedure(self.where(call.args[0]), name) if type(name) is str else None

    def rows(self, call: Call, _result: Any) -> Attributes | None:  # noqa: ANN401 - differs from driver to driver
        """Return how many rows there are."""
        cursor = call.args[0]
        if call.state is not None:
            self.lead(self.connection_of(cursor), call.state)
        return returned_rows(cursor)

    def text_of(self, call: Call) -> tuple[int, str] | None:
        """Return where the text of a statement stands that may end in a comment: not that of a prepared one."""
        return (1, self._text) if self._commented and "Prepared" not in type(call.args[0]).__name__ else None

    # --- calls of connections -------------------------------------------------------------------------------------

    def reached(self, call: Call) -> Database:
        """Return the database of the connection whose method is called."""
        return self.known(call.args[0])

    def asked(self, call: Call) -> Operation:
        """Return what a connection executes itself."""
        return self._statement(call, self.known(call.args[0]))

    def answered(self, call: Call, _result: Any) -> None:  # noqa: ANN401 - as above
        """Note where a connection was led."""
        if call.state is not None:
            self.lead(call.args[0], call.state)

    def opened(self, call: Call, _result: Any) -> None:  # noqa: ANN401 - as above
        """Let a connection know its database."""
        self.remember(call.args[0], self._look(call.args[0]))

    # --- databases ------------------------------------------------------------------------------------------------

    def where(self, cursor: Any) -> Database:  # noqa: ANN401 - the driver's
        """Return the database of a cursor, which may be closed and its connection gone."""
        try:
            return self.known(self.connection_of(cursor))
        except ReferenceError:
            return self._nowhere

    def connection_of(self, cursor: Any) -> Any:  # noqa: ANN401 - as above
        """Return the connection of a cursor, None where it has none any more."""
        if not self._connection:
            return cursor
        connection = getattr(cursor, self._connection, None)
        return connection if connection is not None else getattr(cursor, self._formerly, None)

    def known(self, connection: Any) -> Database:  # noqa: ANN401 - as above
        """Return the database of a connection; one that was opened unobserved is looked at now."""
        known = getattr(connection, KNOWN, None) if self._beside is None else self._beside.get(connection)
        if known is not None:
            return known
        if connection is None:
            return self._nowhere
        return self.remember(connection, self._look(connection))

    def remember(self, connection: Any, where: Database) -> Database:  # noqa: ANN401 - as above
        """Let a connection remember its database."""
        if self._beside is None:
            connection.__dict__[KNOWN] = where
        else:
            self._beside[connection] = where
        return where

    def lead(self, connection: Any, name: Any) -> None:  # noqa: ANN401 - as above
        """Note the name of the database that a connection was led to."""
        if connection is not None and isinstance(name, (str, bytes)):
            was = self.known(connection)
            name = name if isinstance(name, str) else name.decode("utf-8", "replace")
            self.remember(connection, database(was.system, name, was.address, was.port, was.peer))

    def _statement(self, call: Call, where: Database) -> Operation:
        text = call.argument(1, self._text)
        if text is None:
            text = call.kwargs.get("sql")  # as PyMySQL's connections call it
        operation = query(where, text)
        if operation.name[:1] in "uU":
            call.state = used(text)
        return operation


def own_question(_call: Call) -> tuple[Operation, Any]:
    """Let what a driver asks by itself go unseen."""
    return _OWN, UNSEEN


def failed(_call: Call, error: BaseException) -> Attributes:
    """Return the database's code."""
    return failure(error)


def transactions(target: str, where: Callable[[Call], Database | None], *, optional: bool = False) -> tuple[Observe, ...]:
    """Return what is observed of a class of connections with `commit` and `rollback`.

    `where(call)` returns the database, None where nothing is sent to it.
    """
    return tuple([ending(f"{target}.{name}", name.upper(), where, optional=optional) for name in ("commit", "rollback")])


def ending(target: str, statement: str, where: Callable[[Call], Database | None], *, optional: bool = False) -> Observe:
    """Return what is observed of one method that ends a transaction by a statement."""
    return Observe(
        target, partial(_ended, statement=statement, where=where), error=failed, optional=optional, setting=TRANSACTIONS
    )


def closing_block(target: str, where: Callable[[Call], Database | None], *, optional: bool = False) -> Observe:
    """Return what is observed of `__exit__` or `__aexit__`, which commits, or rolls back where an exception leaves the block."""
    return Observe(target, partial(_left, where=where), error=failed, optional=optional, setting=TRANSACTIONS)


def _ended(call: Call, statement: str, where: Callable[[Call], Database | None]) -> Operation | None:
    found = where(call)
    return None if found is None else query(found, statement)


def _left(call: Call, where: Callable[[Call], Database | None]) -> Operation | None:
    return _ended(call, "COMMIT" if call.argument(1, "exc_type") is None else "ROLLBACK", where)


def used(text: Any) -> str | None:  # noqa: ANN401 - what the application passes as SQL
    """Return the name in a statement `USE name`, None where it is another one."""
    if isinstance(text, (bytes, bytearray)):
        text = text[:1_000].decode("utf-8", "replace")
    match = _USE.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    ticked, doubled, bracketed, plain = match.groups()
    if plain is not None:
        return str(plain)
    quote, name = next((quote, name) for quote, name in (("`", ticked), ('"', doubled), ("]", bracketed)) if name is not None)
    return str(name.replace(quote * 2, quote))


def procedure(where: Database, name: str) -> Operation:
    """Return the operation of a stored procedure that is called by its name."""
    key = ("CALL", name)
    operation = where.operations.get(key)
    return operation if operation is not None else _procedure(where, key, name)


def _procedure(where: Database, key: object, name: str) -> Operation:
    statement = privacy.known_sql(f"CALL {name}", where.system)
    attributes = {
        **where.attributes(),
        "db.operation.name": "CALL",
        "db.stored_procedure.name": name,
        "db.query.text": statement.text,
        "db.query.summary": statement.summary,
    }
    return where.remember(key, Operation(statement.summary, CLIENT, attributes, DURATION))
