"""What a database call is called: the names, attributes and codes of the conventions."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest

from platform_instrument.core.values import CLIENT
from platform_instrument.semantics import database as databases
from platform_instrument.semantics.database import (
    DURATION,
    batch,
    command,
    configured_database,
    connected_database,
    database,
    failure,
    query,
    returned_rows,
    sqlite_database,
)

SHOP = ("postgresql", "shop", "db.internal", 5433)


def test_a_query_is_named_by_its_summary_and_shows_no_literal() -> None:
    operation = query(database(*SHOP), "SELECT * FROM orders WHERE item = 'secret' AND id = 7")
    assert operation.name == "SELECT orders"
    assert operation.kind == CLIENT
    assert operation.duration is DURATION
    assert operation.attributes == {
        "db.system.name": "postgresql",
        "db.namespace": "shop",
        "db.query.text": "SELECT * FROM orders WHERE item = ? AND id = ?",
        "db.query.summary": "SELECT orders",
        "server.address": "db.internal",
        "server.port": 5433,
    }


def test_a_command_is_named_by_itself() -> None:
    where = database("redis", "3", "cache", 6379, ("10.1.2.3", 6379))
    assert command(where, "GET").attributes == {
        "db.system.name": "redis",
        "db.namespace": "3",
        "db.operation.name": "GET",
        "server.address": "cache",
        "server.port": 6379,
        "network.peer.address": "10.1.2.3",
        "network.peer.port": 6379,
        "network.transport": "tcp",
    }
    called = command(where, "FCALL", "checkout")
    assert called.name == "FCALL checkout"
    assert called.attributes["db.stored_procedure.name"] == "checkout"
    assert command(where, "FCALL").name == "FCALL"


def test_equal_calls_share_one_operation_and_literals_are_no_keys() -> None:
    where = database(*SHOP)
    assert query(where, "SELECT a FROM t WHERE b = 'secret1'") is query(where, "SELECT a FROM t WHERE b = 'secret2'")
    assert query(where, "SELECT a FROM t WHERE b = %s") is query(where, "SELECT a FROM t WHERE b = %s")
    assert command(where, "GET") is command(where, "GET")
    assert database(*SHOP) is where
    assert not [key for key in where.operations if "secret" in str(key)]


def test_a_batch_has_two_or_more_operations() -> None:
    where = database(*SHOP)
    text = "INSERT INTO orders VALUES (%s)"
    several, attributes = batch(where, text, [(1,), (2,)])
    assert several.name == several.attributes["db.query.summary"] == "BATCH INSERT orders"
    assert attributes == {"db.operation.batch.size": 2}
    assert batch(where, text, [(1,)]) == (query(where, text), None)
    assert batch(where, text, iter([(1,), (2,)])) == (several, None)
    assert batch(where, text, []) == (several, {"db.operation.batch.size": 0})

    class QuerySet:
        def __len__(self) -> int:
            raise AssertionError("this runs a query")

    assert batch(where, text, QuerySet()) == (several, None)


@pytest.mark.parametrize("text", ["", None, 7, b"\xff\xfe", "SELECT '", "\ud800"])
def test_whatever_is_passed_as_sql_has_an_operation(text: Any) -> None:
    assert query(database(*SHOP), text).name


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (SHOP, "shop"),
        (("mysql", "", "db", 3306), "db:3306"),
        (("mysql", "", "/run/my.sock", 0), "/run/my.sock"),
        (("other_sql",), "other_sql"),
    ],
)
def test_a_statement_without_a_summary_is_named_by_its_target(where: Any, name: str) -> None:
    assert query(database(*where), "").name == name


def test_caches_stay_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "_MOST_OPERATIONS", 5)
    where = database("postgresql", "bounded")
    for number in range(50):
        query(where, f"SELECT a{number} FROM t")
        assert len(where.operations) <= 6


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/srv/data/shop.db", "shop.db"),
        ("shop.db", "shop.db"),
        (r"C:\data\shop.db", "shop.db"),
        (":memory:", ":memory:"),
        ("", ""),
        ("file:shop.db?mode=ro", "shop.db"),
        ("file:///srv/shop.db?cache=shared", "shop.db"),
        ("what?.db", "what?.db"),
    ],
)
def test_a_file_is_named_without_its_folders(path: str, name: str) -> None:
    assert sqlite_database(path).namespace == name


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (("postgresql", "db", None, "shop"), ("postgresql", "shop", "db", 5432)),
        (("mssql", "db", 1500, "shop"), ("microsoft.sql_server", "shop", "db", 1500)),
        (("oracle", "db", None, None), ("oracle.db", "", "db", 1521)),
        (("clickhouse", "db", None, "shop"), ("clickhouse", "shop", "db", 0)),
        (("sqlite", None, None, "/srv/shop.db"), ("sqlite", "shop.db", "", 0)),
    ],
)
def test_a_url_names_its_database(url: Any, expected: Any) -> None:
    assert configured_database(*url) is database(*expected)


@pytest.mark.parametrize("url", [("postgresql", None, None, "shop"), ("sqlite", None, None, None)])
def test_a_url_without_a_place_names_none(url: Any) -> None:
    assert configured_database(*url) is None


def test_a_connection_says_where_it_is_open_to_and_remembers() -> None:
    info = SimpleNamespace(host="db", port=5433, dbname="shop", vendor="PostgreSQL")
    connection = SimpleNamespace(info=info)
    where = connected_database(connection, "postgresql")
    assert where is database("postgresql", "shop", "db", 5433)
    info.dbname = "other"
    assert connected_database(connection, "postgresql") is where
    assert connected_database(SimpleNamespace(info=info), "postgresql").namespace == "other"
    info.vendor, info.host = "CockroachDB", "/run/postgresql"
    assert connected_database(SimpleNamespace(info=info), "postgresql") is database("cockroachdb", "other", "/run/postgresql")
    assert connected_database(object(), "mssql") is database("microsoft.sql_server")
    assert connected_database(None, "sqlite").namespace == ":memory:"


class Error(Exception):
    """An exception as PEP 249 wants it."""


class DatabaseError(Error):
    """What drivers raise."""


def _error(*args: Any, **attributes: Any) -> DatabaseError:
    error = DatabaseError(*args)
    error.__dict__.update(attributes)
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (_error("x", sqlstate="23505"), "23505"),
        (_error("x", pgcode="42P01"), "42P01"),
        (_error(1062, "Duplicate entry"), "1062"),
        (_error("x", errno=1146, sqlstate="42S02"), "1146"),
        (_error("x", sqlite_errorname="SQLITE_BUSY"), "SQLITE_BUSY"),
    ],
)
def test_the_code_of_a_driver_s_error_is_status_and_type(error: BaseException, code: str) -> None:
    wrapped = RuntimeError("wrapped")
    wrapped.orig = error  # type: ignore[attr-defined] # as SQLAlchemy does
    assert failure(error) == failure(wrapped) == {"db.response.status_code": code, "error.type": code}


@pytest.mark.parametrize("error", [ConnectionRefusedError(111, "refused"), KeyError(5), TimeoutError(), ValueError("x")])
def test_what_is_no_driver_s_error_has_no_code(error: BaseException) -> None:
    assert failure(error) == {"error.type": type(error).__name__}


def test_an_error_without_a_code_is_named_by_its_class() -> None:
    assert failure(sqlite3.InterfaceError("x")) == {"error.type": "sqlite3.InterfaceError"}


@pytest.mark.parametrize(
    ("cursor", "rows"),
    [
        (SimpleNamespace(rowcount=3, description=[("a",)]), {"db.response.returned_rows": 3}),
        (SimpleNamespace(rowcount=0, description=[("a",)]), {"db.response.returned_rows": 0}),
        (SimpleNamespace(rowcount=2**64 - 1, description=[("a",)]), None),
        (SimpleNamespace(rowcount=3, description=None), None),
        (SimpleNamespace(rowcount=-1, description=[("a",)]), None),
        (SimpleNamespace(rowcount=None, description=[("a",)]), None),
        (SimpleNamespace(rowcount=2, pgresult=SimpleNamespace(nfields=1)), {"db.response.returned_rows": 2}),
        (SimpleNamespace(rowcount=2, pgresult=SimpleNamespace(nfields=0)), None),
        (SimpleNamespace(rowcount=2, pgresult=None), None),
    ],
)
def test_rows_are_counted_where_there_is_a_result_of_known_size(cursor: Any, rows: Any) -> None:
    assert returned_rows(cursor) == rows
