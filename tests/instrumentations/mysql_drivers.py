"""The drivers of MySQL and MariaDB behind one face, sync and async, so that one promise is kept by each of them."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


class Kind:
    """One driver: our module for it, its own modules, how it connects, and which classes of cursors it has."""

    def __init__(  # noqa: PLR0913 - the ways in which drivers differ
        self,
        module: str,
        imports: tuple[str, ...],
        connect: str,
        *,
        cursors: tuple[str, ...] = (),
        options: dict[str, Any] | None = None,
        kinds: tuple[dict[str, Any], ...] = (),
        buffered: bool = True,
        database: str = "database",
    ) -> None:
        self.module = module
        self.imports = imports
        self.connect = connect
        self.cursors = cursors
        self.options = options or {}
        self.kinds = kinds
        """Arguments of `connection.cursor`, where cursors are not told apart by their classes."""
        self.buffered = buffered
        """Whether the plain cursor knows how many rows there are."""
        self.database = database


_CURSORS = ("Cursor", "DictCursor", "SSCursor", "SSDictCursor")
_KINDS: tuple[dict[str, Any], ...] = ({}, {"buffered": True}, {"dictionary": True}, {"raw": True}, {"prepared": True})

KINDS = {
    "pymysql": Kind("pymysql", ("pymysql", "pymysql.cursors"), "connect", cursors=_CURSORS),
    "mysqlclient": Kind(
        "mysqldb", ("MySQLdb", "MySQLdb.cursors", "MySQLdb.connections"), "connect", cursors=_CURSORS, database="db"
    ),
    "mysql": Kind("mysql_connector", ("mysql.connector",), "connect", options={"use_pure": True}, kinds=_KINDS, buffered=False),
    "mysql-c": Kind(
        "mysql_connector", ("mysql.connector",), "connect", options={"use_pure": False}, kinds=_KINDS, buffered=False
    ),
    "mysql-aio": Kind(
        "mysql_connector",
        ("mysql.connector", "mysql.connector.aio"),
        "aio.connect",
        options={"ssl_disabled": True},  # against a server without TLS, it fails where it only prefers it
        kinds=_KINDS,
        buffered=False,
    ),
    "aiomysql": Kind("aiomysql", ("aiomysql", "aiomysql.cursors"), "connect", cursors=_CURSORS, database="db"),
    "asyncmy": Kind("asyncmy", ("asyncmy", "asyncmy.cursors"), "connect", cursors=_CURSORS),
}


class Driver:
    """A driver and the connections that it made, in an event loop of its own where it is asynchronous."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.kind = KINDS[name]
        try:
            self.library, *_ = [importlib.import_module(module) for module in self.kind.imports]
        except ImportError as missing:
            pytest.skip(str(missing))
        if name == "mysql-c" and not self.library.HAVE_CEXT:
            pytest.skip("this mysql-connector-python comes without its C extension")
        self.address = urlsplit(url)
        self.loop = asyncio.new_event_loop() if self.is_async else None
        self.opened: list[Any] = []

    @property
    def is_async(self) -> bool:
        """Say whether it is asynchronous."""
        return self.name in {"mysql-aio", "aiomysql", "asyncmy"}

    def do(self, result: Any) -> Any:
        """Return what a call answers, awaited where it is to be."""
        if self.loop is None or not inspect.isawaitable(result):
            return result

        async def main() -> Any:
            return await result

        return self.loop.run_until_complete(main())

    def start(self, call: Callable[[], Any]) -> Any:
        """Return what a call answers that is made where a loop runs."""

        async def main() -> Any:
            result = call()
            return await result if inspect.isawaitable(result) else result

        return call() if self.loop is None else self.loop.run_until_complete(main())

    def connect(self, **options: Any) -> Any:
        """Open a connection to the server."""
        connect: Any = self.library
        for step in self.kind.connect.split("."):
            connect = getattr(connect, step)
        where = {"host": self.address.hostname, "port": self.address.port or 3306}
        given = {**self.kind.options, "user": self.address.username, **({} if "unix_socket" in options else where), **options}
        if "database" in given:
            given[self.kind.database] = given.pop("database")
        connection = self.start(lambda: connect(**given))
        self.opened.append(connection)
        return connection

    def cursor(self, connection: Any, kind: Any = None) -> Any:
        """Open a cursor of the plain class, of one with a name, or with arguments."""
        if isinstance(kind, dict):
            return self.start(lambda: connection.cursor(**kind))
        if kind is None:
            return self.start(connection.cursor)
        return self.start(lambda: connection.cursor(getattr(self.library.cursors, kind)))

    def execute(self, connection: Any, *statement: Any, kind: Any = None) -> list[Any]:
        """Return the rows of a statement."""
        cursor = self.cursor(connection, kind)
        try:
            self.do(cursor.execute(*statement))
            return list(self.do(cursor.fetchall())) if cursor.description else []
        finally:
            self.do(cursor.close())

    def close(self) -> None:
        """Close every connection."""
        for connection in self.opened:
            if self.name in {"aiomysql", "asyncmy"}:
                self.do(connection.ensure_closed())
            elif self.name == "mysqlclient":
                if connection.open:
                    connection.close()
            elif self.name != "pymysql" or connection.open:
                self.do(connection.close())
        if self.loop is not None:
            self.loop.run_until_complete(asyncio.sleep(0.01))  # transports are closed by the loop
            self.loop.close()
