"""One span a statement of each driver of MySQL and MariaDB, sync and async, whatever the cursor."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from platform_instrument.semantics.dbapi import used
from platform_instrument.semantics.mysql import mysql_database
from tests.instrumentations.mysql_drivers import KINDS, Driver
from tests.instrumentations.recording import Recording, ids, inside, recording

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore::Warning:aiomysql", "ignore::DeprecationWarning:mysql")

SOCKETS = ("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/tmp/mysql.sock")  # noqa: S108 - where servers put it


@pytest.fixture(params=KINDS)
def driver(request: Any, mariadb_url: str) -> Iterator[Driver]:
    made = Driver(request.param, mariadb_url)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def recorded(driver: Driver) -> Iterator[Recording]:
    with recording(driver.kind.module) as running:
        yield running


@pytest.fixture(scope="module")
def shop(mariadb_url: str) -> Iterator[str]:
    """Return the name of a database of our own, with a table and a stored procedure."""
    pymysql = pytest.importorskip("pymysql")
    name = f"shop_{os.getpid()}"
    address = urlsplit(mariadb_url)
    connection = pymysql.connect(host=address.hostname, port=address.port or 3306, user=address.username, autocommit=True)
    with connection, connection.cursor() as cursor:
        for statement in (
            f"DROP DATABASE IF EXISTS {name}",
            f"CREATE DATABASE {name}",
            f"CREATE TABLE {name}.orders (id INT PRIMARY KEY, item VARCHAR(50))",
            f"CREATE PROCEDURE {name}.ordered(IN least INT) BEGIN SELECT id FROM {name}.orders WHERE id > least; END",
        ):
            cursor.execute(statement)
        yield name
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture
def db(driver: Driver, recorded: Recording, shop: str) -> Any:
    """Return a connection to the database, with an empty table."""
    connection = driver.connect(database=shop, autocommit=True)
    driver.execute(connection, "DELETE FROM orders")
    recorded.take()
    return connection


def where(driver: Driver, shop: str) -> dict[str, Any]:
    """Return the attributes that say where a statement went."""
    return {
        "db.system.name": "mariadb",
        "db.namespace": shop,
        "server.address": driver.address.hostname,
        "server.port": driver.address.port or 3306,
    }


def test_a_statement_carries_every_attribute_of_the_conventions_and_no_value(
    driver: Driver, recorded: Recording, db: Any, shop: str
) -> None:
    with inside() as parent:
        assert driver.execute(db, "SELECT %s, 'secret'", ("s3cret",)) == [("s3cret", "secret")]
    span = recorded.one()
    rows = {"db.response.returned_rows": 1} if driver.kind.buffered else {}
    assert span.attributes == {
        **where(driver, shop),
        "db.query.text": "SELECT %s, ?",
        "db.query.summary": "SELECT",
        **rows,
    }
    assert (span.name, span.kind, span.status) == ("SELECT", "CLIENT", "UNSET")
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert span.scope.name == f"platform_instrument.{driver.name.partition('-')[0]}"
    assert ({**where(driver, shop), "db.query.summary": "SELECT"}, 1) in recorded.counted()


def test_every_kind_of_cursor_is_one_span(driver: Driver, recorded: Recording, db: Any) -> None:
    for kind in (*driver.kind.cursors, *driver.kind.kinds):
        rows = driver.execute(db, "SELECT 7 AS seven UNION SELECT %s", (8,), kind=kind)
        assert len(rows) == 2
        span = recorded.one()
        assert (span.name, span.status) == ("SELECT SELECT", "UNSET")
        assert span.attributes["db.query.text"] == "SELECT ? AS seven UNION SELECT %s"
        is_known = kind in ("Cursor", "DictCursor", {"buffered": True})
        assert span.attributes.get("db.response.returned_rows") == (2 if is_known else None)


def test_what_changes_rows_returns_none(driver: Driver, recorded: Recording, db: Any) -> None:
    driver.execute(db, "INSERT INTO orders VALUES (1, 'a'), (2, 'b')")
    assert "db.response.returned_rows" not in recorded.one().attributes
    assert recorded.rows() == []


@pytest.mark.parametrize("statement", ["INSERT INTO orders VALUES (%s, %s)", "UPDATE orders SET id = %s WHERE item = %s"])
def test_a_batch_is_one_span_and_says_its_size(driver: Driver, recorded: Recording, db: Any, shop: str, statement: str) -> None:
    cursor = driver.cursor(db)
    driver.do(cursor.executemany(statement, [(1, "a"), (2, "b"), (3, "s3cret")]))
    span = recorded.one()
    summary = f"BATCH {statement.split(maxsplit=1)[0]} orders"
    assert span.name == summary
    assert span.attributes == {
        **where(driver, shop),
        "db.query.text": statement,
        "db.query.summary": summary,
        "db.operation.batch.size": 3,
    }
    driver.do(cursor.executemany(statement, [(4, "d")]))
    assert "db.operation.batch.size" not in recorded.one().attributes
    driver.do(cursor.executemany(statement, []))
    assert recorded.spans == ()


def test_a_stored_procedure_is_one_span_with_its_name(driver: Driver, recorded: Recording, db: Any, shop: str) -> None:
    cursor = driver.cursor(db)
    driver.do(cursor.callproc("ordered", (7,)))
    driver.do(cursor.close())
    span = recorded.one()
    assert span.name == "CALL ordered"
    assert span.attributes == {
        **where(driver, shop),
        "db.operation.name": "CALL",
        "db.stored_procedure.name": "ordered",
        "db.query.text": "CALL ordered",
        "db.query.summary": "CALL ordered",
    }
    series = {"db.operation.name": "CALL", "db.stored_procedure.name": "ordered", "db.query.summary": "CALL ordered"}
    assert ({**where(driver, shop), **series}, 1) in recorded.counted()


def test_a_failed_statement_says_the_number_of_the_error(driver: Driver, recorded: Recording, db: Any, shop: str) -> None:
    driver.execute(db, "INSERT INTO orders VALUES (1, 'a')")
    recorded.take()
    with pytest.raises(Exception, match="1062"):
        driver.execute(db, "INSERT INTO orders VALUES (1, 'b')")
    span = recorded.one()
    assert span.status == "ERROR"
    assert span.attributes["db.response.status_code"] == span.attributes["error.type"] == "1062"
    series = {**where(driver, shop), "db.query.summary": "INSERT orders", "db.response.status_code": "1062", "error.type": "1062"}
    assert (series, 1) in recorded.counted()


def test_a_failed_batch_and_a_failed_procedure_say_it_too(driver: Driver, recorded: Recording, db: Any) -> None:
    cursor = driver.cursor(db)
    with pytest.raises(Exception, match="1062"):
        driver.do(cursor.executemany("INSERT INTO orders VALUES (%s, %s)", [(1, "a"), (1, "b")]))
    with pytest.raises(Exception, match="1305"):
        driver.do(cursor.callproc("nowhere"))
    assert [span.attributes["error.type"] for span in recorded.take()] == ["1062", "1305"]


def test_a_closed_cursor_is_the_application_s_error(driver: Driver, recorded: Recording, db: Any) -> None:
    cursor = driver.cursor(db)
    driver.do(cursor.close())
    with pytest.raises(Exception, match=r"(?i)closed|not connected") as raised:
        driver.do(cursor.execute("SELECT 1"))
    span = recorded.one()
    assert span.attributes["db.system.name"] == "mysql"
    assert span.attributes["error.type"].rpartition(".")[2] in {type(raised.value).__name__, "2055"}


def test_a_cursor_whose_connection_is_gone_is_the_application_s_error(driver: Driver, recorded: Recording) -> None:
    if driver.name not in {"mysql", "mysql-c"}:
        pytest.skip("its cursors keep their connection")
    cursor = driver.cursor(driver.connect())
    driver.opened.pop().close()
    gc.collect()
    with pytest.raises(driver.library.Error):
        cursor.execute("SELECT 1")
    span = recorded.one()
    assert (span.attributes["db.system.name"], span.status) == ("mysql", "ERROR")


@pytest.mark.parametrize("way", ["USE mysql", " use `mysql` ;", "select_db", "database"])
def test_a_connection_that_is_led_elsewhere_says_where(driver: Driver, recorded: Recording, db: Any, shop: str, way: str) -> None:
    if way == "database":
        if not driver.name.startswith("mysql"):
            pytest.skip("no such property")
        if driver.name == "mysqlclient":
            pytest.skip("an attribute that leads nowhere")
        if driver.is_async:
            driver.do(db.set_database("mysql"))
        else:
            db.database = "mysql"
    elif way == "select_db":
        driver.do(db.cmd_init_db("mysql") if driver.kind.module == "mysql_connector" else db.select_db("mysql"))
    else:
        driver.execute(db, way)
        assert recorded.one().attributes["db.namespace"] == shop
    assert recorded.spans == ()
    assert driver.execute(db, "SELECT DATABASE()")[0][0] in {"mysql", b"mysql"}
    assert recorded.one().attributes == {
        **where(driver, "mysql"),
        "db.query.text": "SELECT DATABASE()",
        "db.query.summary": "SELECT",
        **({"db.response.returned_rows": 1} if driver.kind.buffered else {}),
    }


def test_a_failed_use_leads_nowhere(driver: Driver, recorded: Recording, db: Any, shop: str) -> None:
    with pytest.raises(Exception, match="1049"):
        driver.execute(db, "USE nowhere")
    driver.execute(db, "SELECT 1")
    assert recorded.take()[-1].attributes["db.namespace"] == shop


def test_a_connection_that_is_opened_anew_is_where_it_began(driver: Driver, recorded: Recording, db: Any, shop: str) -> None:
    if driver.name in {"mysqlclient", "aiomysql", "asyncmy"}:
        pytest.skip("it is not opened twice")
    driver.execute(db, "USE mysql")
    if driver.name == "pymysql":
        db.close()
        db.connect()
    else:
        driver.do(db.reconnect())
    recorded.take()
    driver.execute(db, "SELECT 1")
    assert recorded.one().attributes["db.namespace"] == shop


def test_a_connection_to_no_database_has_no_namespace(driver: Driver, recorded: Recording) -> None:
    driver.execute(driver.connect(), "SELECT 1")
    assert "db.namespace" not in recorded.one().attributes


def test_a_socket_file_is_an_address_without_a_port(driver: Driver, recorded: Recording, shop: str) -> None:
    file = next((file for file in SOCKETS if Path(file).exists()), None)
    if file is None:
        pytest.skip("no socket of a MariaDB here")
    try:
        connection = driver.connect(unix_socket=file, database=shop)
    except Exception as refused:  # noqa: BLE001 - of any driver
        pytest.skip(f"the socket wants another account: {refused}")
    driver.execute(connection, "SELECT 1")
    attributes = recorded.one().attributes
    assert (attributes["server.address"], attributes["db.namespace"]) == (file, shop)
    assert "server.port" not in attributes


def test_a_connection_s_own_query_is_one_span(driver: Driver, recorded: Recording, db: Any, shop: str) -> None:
    if driver.kind.module == "mysql_connector":
        pytest.skip("it has no such method")
    driver.do(db.query("INSERT INTO orders VALUES (1, 's3cret')"))
    assert recorded.one().attributes == {
        **where(driver, shop),
        "db.query.text": "INSERT INTO orders VALUES (?, ?)",
        "db.query.summary": "INSERT orders",
    }
    with pytest.raises(Exception, match="1062"):
        driver.do(db.query("INSERT INTO orders VALUES (1, 's3cret')"))
    assert recorded.one().attributes["error.type"] == "1062"
    if driver.name != "mysqlclient":
        driver.do(db.query(sql="DO 's3cret'"))
        assert recorded.one().attributes["db.query.text"] == "DO ?"
    driver.do(db.query("USE mysql"))
    driver.do(db.query("DO 1"))
    assert [span.attributes["db.namespace"] for span in recorded.take()] == [shop, "mysql"]


def test_what_a_driver_asks_by_itself_is_no_statement(driver: Driver, recorded: Recording, shop: str) -> None:
    options = {} if driver.name == "mysql-aio" else {"sql_mode": "'ANSI'" if driver.name in {"aiomysql", "asyncmy"} else "ANSI"}
    connection = driver.connect(
        database=shop, charset="utf8mb4", init_command="SET @item = 's3cret'", autocommit=False, **options
    )
    driver.do(connection.commit())
    driver.do(connection.rollback())
    driver.do(connection.ping())
    if hasattr(connection, "begin"):
        driver.do(connection.begin())
    if driver.kind.module == "mysql_connector":
        driver.do(connection.get_database() if driver.is_async else connection.info_query("SELECT DATABASE()"))
    assert recorded.spans == ()
    assert driver.execute(connection, "SELECT @item")[0][0] == "s3cret"
    assert len(recorded.take()) == 1


def test_who_cannot_connect_leaves_no_span_and_no_trace_of_us(driver: Driver, recorded: Recording, free_port: int) -> None:
    with pytest.raises(Exception, match=r"(?i)can't connect|111"):
        driver.connect(port=free_port)
    assert recorded.spans == ()
    with inside() as parent:
        driver.execute(driver.connect(), "SELECT 1")
    assert recorded.one().parent_id == ids(parent)[1]


def test_a_connection_from_before_is_observed_with_its_database(driver: Driver, shop: str) -> None:
    connection = driver.connect(database=shop)
    with recording(driver.kind.module) as recorded:
        driver.execute(connection, "SELECT 1")
        attributes = recorded.one().attributes
    expected = where(driver, shop)
    if driver.name == "mysqlclient" and not hasattr(connection, "database"):
        del expected["db.namespace"]  # before 2.2 only the arguments tell
    assert expected.items() <= attributes.items()


def test_a_statement_may_be_bytes_or_nonsense(driver: Driver, recorded: Recording, db: Any) -> None:
    if driver.name not in {"aiomysql", "asyncmy"}:
        driver.execute(db, b"SELECT 's3cret'")
        assert recorded.one().attributes["db.query.text"] == "SELECT ?"
    with pytest.raises(Exception):  # noqa: B017, PT011 - what each of them makes of it
        driver.execute(db, 7)
    recorded.take()
    driver.execute(db, "SELECT 1")
    assert len(recorded.take()) == 1


def test_a_statement_that_takes_too_long_ends_its_span_once(driver: Driver, recorded: Recording, shop: str) -> None:
    if driver.name in {"mysql", "mysql-c"} and "read_timeout" not in driver.library.constants.DEFAULT_CONFIGURATION:
        pytest.skip("this version has no timeout")
    if driver.is_async:
        connection = driver.connect(database=shop)
        cursor = driver.cursor(connection)

        async def work() -> None:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(cursor.execute("SELECT SLEEP(30)"), 0.2)

        with inside() as parent:
            driver.do(work())
        driver.opened.clear()  # in the middle of a statement
        if driver.name == "mysql-aio":
            connection._socket._writer.transport.abort()
        else:
            connection.close()
    else:
        connection = driver.connect(database=shop, read_timeout=1)
        with inside() as parent, pytest.raises(Exception, match=r"2013|3024|[Tt]ime"):
            driver.execute(connection, "SELECT SLEEP(30)")
    span = recorded.one()
    assert (span.parent_id, span.status) == (ids(parent)[1], "ERROR")
    assert "error.type" in span.attributes


def test_concurrent_callers_keep_their_parents(driver: Driver, recorded: Recording, shop: str) -> None:
    connections = [driver.connect(database=shop) for _ in range(5)]
    parents: list[str] = []

    def thread(connection: Any) -> None:
        with inside() as parent:
            driver.execute(connection, "SELECT SLEEP(0.02)")
            driver.execute(connection, "SELECT 1")
        parents.append(ids(parent)[1])

    async def task(connection: Any) -> None:
        with inside() as parent:
            for statement in ("SELECT SLEEP(0.02)", "SELECT 1"):
                cursor = connection.cursor()
                cursor = await cursor if inspect.isawaitable(cursor) else cursor
                await cursor.execute(statement)
                await cursor.fetchall()
        parents.append(ids(parent)[1])

    async def main() -> None:
        await asyncio.gather(*(task(connection) for connection in connections))

    if driver.is_async:
        driver.do(main())
    else:
        threads = [threading.Thread(target=thread, args=(connection,)) for connection in connections]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert sorted(span.parent_id for span in recorded.take()) == sorted(parents * 2)


def test_classes_and_signatures_stay_as_they_are(driver: Driver, recorded: Recording, db: Any) -> None:
    cursor = driver.cursor(db)
    assert cursor.connection is db if hasattr(cursor, "connection") else cursor.__dict__.keys() & {"_connection", "_cnx"}
    for kind in driver.kind.cursors:
        made, wanted = driver.cursor(db, kind), getattr(driver.library.cursors, kind)
        assert isinstance(made, wanted)
        assert type(made) is wanted or driver.name == "asyncmy"
        assert (type(made).__name__, type(made).__module__) == (wanted.__name__, wanted.__module__)
    assert inspect.iscoroutinefunction(type(cursor).execute) == driver.is_async
    driver.do(cursor.execute("SELECT 1"))
    assert driver.do(cursor.fetchone()) == (1,)
    assert len(recorded.take()) == 1


def test_a_cursor_class_of_the_application_is_observed_once(driver: Driver, recorded: Recording, db: Any) -> None:
    if not driver.kind.cursors:
        pytest.skip("it takes none")
    base: Any = driver.library.cursors.DictCursor

    class Own(base):  # type: ignore[misc]
        def execute(self, query: Any, args: Any = None) -> Any:
            return super().execute(query, args)

    cursor = driver.start(lambda: db.cursor(Own))
    assert isinstance(cursor, Own)
    driver.do(cursor.execute("SELECT 1 AS one"))
    assert list(driver.do(cursor.fetchall())) == [{"one": 1}]
    assert len(recorded.take()) == 1


def test_undo_restores_every_method(driver: Driver) -> None:
    kinds = [type(driver.cursor(driver.connect()))]
    kinds += [kind for each in kinds for kind in each.__mro__ if kind is not object]
    before = [dict(vars(kind)) for kind in kinds]
    with recording(driver.kind.module):
        assert driver.name == "asyncmy" or [dict(vars(kind)) for kind in kinds] != before
    assert [dict(vars(kind)) for kind in kinds] == before
    assert type(driver.cursor(driver.connect())) is kinds[0]


@pytest.mark.faults
def test_a_fault_of_ours_is_invisible(driver: Driver, recorded: Recording, db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    for name in ("returned_rows", "failure", "query"):
        monkeypatch.setattr(f"platform_instrument.semantics.dbapi.{name}", broken)
        assert driver.execute(db, "SELECT 7") == [(7,)]
        with pytest.raises(Exception, match="1064"):
            driver.execute(db, "SELEC")
    monkeypatch.setattr("platform_instrument.semantics.dbapi.database", broken)
    monkeypatch.setattr("platform_instrument.semantics.mysql.database", broken)
    assert driver.execute(driver.connect(), "SELECT 7") == [(7,)]
    assert len(recorded.take()) == 4


def test_the_server_says_whether_it_is_mysql_or_mariadb() -> None:
    for version, system in (
        ("5.5.5-10.11.19-MariaDB-0+deb12u1", "mariadb"),
        (b"11.4.2-mariadb", "mariadb"),
        ("8.4.0", "mysql"),
        ("8.0.36-28 Percona Server", "mysql"),
        (None, "mysql"),
    ):
        assert mysql_database(version, b"shop", "db", 3306).system == system
    assert mysql_database("8", None, "db", 3306, b"/run/mysqld.sock").attributes() == {
        "db.system.name": "mysql",
        "server.address": "/run/mysqld.sock",
    }


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("USE shop", "shop"),
        (" use `my``shop` ;", "my`shop"),
        ('USE "shop"', "shop"),
        ("USE [my]]shop]", "my]shop"),
        (b"USE shop; SELECT 1", "shop"),
        ("USE shop extra", None),
        ("UPDATE shop SET a = 1", None),
        ("USER", None),
        (7, None),
    ],
)
def test_a_use_is_told_from_what_is_none(statement: Any, name: str | None) -> None:
    assert used(statement) == name
