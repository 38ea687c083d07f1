"""Drivers whose servers cannot be had here: what they are patched with fits, and a server that is not there is told as it is."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.core.values import Call
from platform_instrument.instrumentations.pymssql import connected, described
from platform_instrument.semantics.database import failure, returned_rows
from platform_instrument.semantics.oracle import oracle_database
from tests.instrumentations.recording import Recording, recording

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def recorded(request: Any) -> Iterator[Recording]:
    pytest.importorskip(request.param)
    with recording(request.param) as running:
        yield running


@pytest.mark.parametrize("recorded", ["oracledb"], indirect=True)
def test_who_cannot_connect_to_oracle_gets_its_own_error_and_no_span(recorded: Recording, free_port: int) -> None:
    oracledb = importlib.import_module("oracledb")
    with pytest.raises(oracledb.OperationalError) as raised:
        oracledb.connect(user="u", password="s3cret", dsn=f"127.0.0.1:{free_port}/shop")
    code = raised.value.args[0].full_code
    assert failure(raised.value) == {"db.response.status_code": code, "error.type": code}

    async def main() -> None:
        with pytest.raises(oracledb.OperationalError):
            await oracledb.connect_async(user="u", password="s3cret", dsn=f"127.0.0.1:{free_port}/shop")

    asyncio.run(main())
    assert recorded.spans == ()


@pytest.mark.parametrize("recorded", ["oracledb"], indirect=True)
def test_a_cursor_of_oracle_that_is_not_open_is_the_application_s_error(recorded: Recording) -> None:
    oracledb = importlib.import_module("oracledb")
    cursor = oracledb.Cursor.__new__(oracledb.Cursor)
    cursor._impl = None
    with pytest.raises(oracledb.InterfaceError, match="DPY-1006"):
        cursor.execute("SELECT 's3cret' FROM dual")
    with pytest.raises(oracledb.InterfaceError, match="DPY-1006"):
        cursor.callproc("ordered", keyword_parameters={"item": "s3cret"})
    first, second = recorded.take()
    assert first.attributes == {
        "db.system.name": "oracle.db",
        "db.query.text": "SELECT ? FROM dual",
        "db.query.summary": "SELECT dual",
        "db.response.status_code": "DPY-1006",
        "error.type": "DPY-1006",
    }
    assert (second.name, second.attributes["db.stored_procedure.name"]) == ("CALL ordered", "ordered")
    cursor.__dict__.clear()


def test_a_cursor_that_counts_what_was_fetched_does_not_know_how_many_rows_there_are() -> None:
    cursor = type("Cursor", (), {"__module__": "oracledb.cursor", "rowcount": 0, "description": [()]})
    assert returned_rows(cursor()) is None


@pytest.mark.parametrize(
    ("dsn", "address"),
    [
        ("db.example.com:1522/shop", ("db.example.com", 1522)),
        ("tcps://db.example.com/shop", ("db.example.com", 1521)),
        ("[::1]:1521/shop", ("::1", 1521)),
        ("shop", ("", 0)),
        (None, ("", 0)),
        ("(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)( host = db1 )(PORT = 1530))(CONNECT_DATA=(SERVICE_NAME=x)))", ("db1", 1530)),
        ("(DESCRIPTION=(ADDRESS=(HOST=db1)(PORT=1530))(ADDRESS=(HOST=db2)(PORT=1530)))", ("", 0)),
    ],
)
def test_an_address_is_what_a_connect_string_says(dsn: str | None, address: tuple[str, int]) -> None:
    where = oracle_database(dsn, "ORCL1", None, "shop")
    assert (where.address, where.port, where.namespace, where.system) == (*address, "ORCL1|shop", "oracle.db")


@pytest.mark.parametrize("recorded", ["clickhouse_connect"], indirect=True)
def test_who_cannot_connect_to_clickhouse_gets_its_own_error_and_no_span(recorded: Recording, free_port: int) -> None:
    clickhouse = importlib.import_module("clickhouse_connect")
    with pytest.raises(clickhouse.driver.exceptions.OperationalError):
        clickhouse.get_client(host="127.0.0.1", port=free_port, password="s3cret", connect_timeout=1)
    assert recorded.spans == ()


@pytest.mark.parametrize("recorded", ["clickhouse_connect"], indirect=True)
def test_a_client_of_clickhouse_that_is_not_connected_tells_each_call_once(recorded: Recording, free_port: int) -> None:
    clients = importlib.import_module("clickhouse_connect.driver.asyncclient")

    async def main() -> None:
        client = clients.AsyncClient(
            interface="http",
            host="127.0.0.1",
            port=free_port,
            username="u",
            password="s3cret",
            database="shop",
        )
        for call in (
            client.query("SELECT 's3cret'"),
            client.command("DROP TABLE orders"),
            client.insert("orders", [[1, "s3cret"], [2, "b"]], column_names=["id", "item"]),
        ):
            with pytest.raises(Exception):  # noqa: B017, PT011 - what each of them makes of a server that is not there
                await call
        await client.close()

    asyncio.run(main())
    spans = recorded.take()
    where = {
        "db.system.name": "clickhouse",
        "db.namespace": "shop",
        "server.address": "127.0.0.1",
        "server.port": free_port,
    }
    assert [span.name for span in spans] == ["SELECT", "DROP TABLE orders", "BATCH INSERT orders"]
    assert all(where.items() <= span.attributes.items() for span in spans)
    assert [span.status for span in spans] == ["ERROR"] * 3
    assert spans[2].attributes["db.operation.batch.size"] == 2
    assert "s3cret" not in repr(spans)


@pytest.mark.parametrize("recorded", ["pymssql"], indirect=True)
def test_who_cannot_connect_to_sql_server_gets_its_own_error_and_no_span(recorded: Recording, free_port: int) -> None:
    pymssql = importlib.import_module("pymssql")
    with pytest.raises(pymssql.OperationalError):
        pymssql.connect("127.0.0.1", "u", "s3cret", "shop", port=str(free_port), login_timeout=1)
    assert recorded.spans == ()


@pytest.mark.parametrize("recorded", ["pymssql"], indirect=True)
def test_a_connection_to_sql_server_that_is_closed_is_the_application_s_error(recorded: Recording) -> None:
    pymssql = importlib.import_module("pymssql")
    closed = pymssql.Connection(None, as_dict=False, autocommit=True)
    connection: Any = connected(Call(("db.example.com:1434", "u", "s3cret", "shop"), {}), closed)
    cursor = connection.cursor(as_dict=True)
    assert isinstance(connection, pymssql.Connection)
    assert isinstance(cursor, pymssql.Cursor)
    assert cursor.connection is connection
    with pytest.raises(pymssql.InterfaceError, match="closed"):
        cursor.execute("SELECT * FROM orders WHERE item = N's3cret'")
    with pytest.raises(pymssql.InterfaceError, match="closed"):
        cursor.executemany("INSERT INTO orders VALUES (%s)", [("a",), ("b",)])
    with pytest.raises(pymssql.InterfaceError, match="closed"):
        cursor.callproc("ordered", ("s3cret",))
    first, second, third = recorded.take()
    where = {
        "db.system.name": "microsoft.sql_server",
        "db.namespace": "shop",
        "server.address": "db.example.com",
        "server.port": 1434,
    }
    assert where.items() <= first.attributes.items()
    assert (first.name, second.name, third.name) == ("SELECT orders", "BATCH INSERT orders", "CALL ordered")
    assert {span.attributes["error.type"].rpartition(".")[2] for span in (first, second, third)} == {"InterfaceError"}
    assert "s3cret" not in repr([first, second, third])


@pytest.mark.parametrize(
    ("call", "address"),
    [
        (Call((), {"server": r"db\SQLEXPRESS"}), ("db", 1433)),
        (Call((), {"host": "db", "port": 1500}), ("db", 1500)),
        (Call(("db:1501",), {}), ("db", 1501)),
        (Call((), {}), ("", 0)),
    ],
)
def test_a_server_is_what_pymssql_was_asked_for(call: Call, address: tuple[str, int]) -> None:
    assert (described(call).address, described(call).port) == address
