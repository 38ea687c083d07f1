"""One span a statement of pyodbc, with MariaDB's driver of ODBC."""

from __future__ import annotations

import gc
import sys
import traceback
import weakref
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from platform_instrument.instrumentations.pyodbc import connected_to
from platform_instrument.testing.contract import InstrumentationContract
from tests.instrumentations.recording import Recording, ids, inside, recording

if TYPE_CHECKING:
    from collections.abc import Iterator


def _text(mariadb_url: str) -> str:
    pyodbc = pytest.importorskip("pyodbc", exc_type=ImportError)
    driver = next((name for name in pyodbc.drivers() if name.startswith("MariaDB")), None)
    if driver is None:
        pytest.skip("no driver of ODBC for MariaDB here")
    address = urlsplit(mariadb_url)
    where = f"SERVER={address.hostname};PORT={address.port or 3306};UID={address.username};PWD={{}};DATABASE=mysql"
    return f"DRIVER={{{driver}}};{where}"


@pytest.fixture
def text(mariadb_url: str) -> str:
    """Return the connection string of the server."""
    return _text(mariadb_url)


@pytest.fixture
def recorded(text: str) -> Iterator[Recording]:
    del text
    with recording("pyodbc") as running:
        yield running


@pytest.fixture
def db(recorded: Recording, text: str) -> Iterator[Any]:
    connection = sys.modules["pyodbc"].connect(text, autocommit=True)
    connection.execute("CREATE TEMPORARY TABLE shelf (id INT PRIMARY KEY, item VARCHAR(50))")
    recorded.take()
    yield connection
    connection.close()


def where(mariadb_url: str) -> dict[str, Any]:
    address = urlsplit(mariadb_url)
    return {
        "db.system.name": "mariadb",
        "db.namespace": "mysql",
        "server.address": address.hostname,
        "server.port": address.port or 3306,
    }


def test_a_statement_carries_every_attribute_of_the_conventions_and_no_value(
    recorded: Recording, db: Any, mariadb_url: str
) -> None:
    with inside() as parent:
        row = db.cursor().execute("SELECT ?, 's3cret'", "s3cret").fetchone()
    assert tuple(row) == ("s3cret", "s3cret")
    span = recorded.one()
    assert span.attributes == {
        **where(mariadb_url),
        "db.query.text": "SELECT ?, ?",
        "db.query.summary": "SELECT",
        "db.response.returned_rows": 1,
    }
    assert (span.name, span.kind, span.status) == ("SELECT", "CLIENT", "UNSET")
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert ({**where(mariadb_url), "db.query.summary": "SELECT"}, 1) in recorded.counted()


def test_every_way_to_execute_is_one_span(recorded: Recording, db: Any) -> None:
    cursor = db.cursor()
    cursor.executemany("INSERT INTO shelf VALUES (?, ?)", [(1, "a"), (2, "s3cret")])
    span = recorded.one()
    assert (span.name, span.attributes["db.operation.batch.size"]) == ("BATCH INSERT shelf", 2)
    assert [row.id for row in db.execute("SELECT id FROM shelf WHERE id > ?", 0)] == [1, 2]
    with db.cursor() as entered:
        entered.execute("SELECT 1")
    with db as connection:
        connection.execute("SELECT 2")
    assert [span.name for span in recorded.take()] == ["SELECT shelf", "SELECT", "SELECT"]


def test_a_failed_statement_says_the_sqlstate_and_shows_the_application_s_lines(recorded: Recording, db: Any) -> None:
    with pytest.raises(sys.modules["pyodbc"].ProgrammingError) as raised:
        db.cursor().execute("SELECT * FROM nowhere")
    assert [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)] == [sys._getframe().f_code.co_name]
    span = recorded.one()
    assert (span.status, span.attributes["db.response.status_code"], span.attributes["error.type"]) == ("ERROR", "42S02", "42S02")


def test_a_connection_that_is_led_elsewhere_says_where(recorded: Recording, db: Any) -> None:
    db.execute("USE test")
    db.execute("SELECT 1")
    assert [span.attributes["db.namespace"] for span in recorded.take()] == ["mysql", "test"]


def test_stand_ins_pass_for_the_originals(recorded: Recording, db: Any) -> None:
    pyodbc = sys.modules["pyodbc"]
    cursor = db.cursor()
    assert isinstance(db, pyodbc.Connection)
    assert isinstance(cursor, pyodbc.Cursor)
    assert cursor.connection is db
    assert cursor.execute("SELECT 1") is cursor
    assert cursor.execute("SELECT 7 AS seven").description[0][0] == "seven"
    assert [tuple(row) for row in cursor] == [(7,)]
    db.autocommit = False
    assert db.autocommit is False
    assert "fetchval" in dir(cursor)
    cursor.arraysize = 3
    assert cursor.arraysize == 3
    db.commit()
    with pytest.raises(AttributeError):
        cursor.nonsense  # noqa: B018 - the attribute is what is tested
    assert len(recorded.take()) == 2


def test_nothing_is_kept_of_a_connection_that_is_gone(recorded: Recording, text: str) -> None:
    connection = sys.modules["pyodbc"].connect(text)
    gone = weakref.ref(connection)
    connection.cursor().execute("SELECT 1")
    del connection
    gc.collect()
    assert gone() is None
    assert len(recorded.take()) == 1


def test_undo_leaves_what_was_made_working_and_makes_no_more(text: str) -> None:
    pyodbc = pytest.importorskip("pyodbc", exc_type=ImportError)
    before = pyodbc.connect
    with recording("pyodbc") as recorded:
        connection = pyodbc.connect(text)
        connection.execute("SELECT 1").fetchall()
        assert len(recorded.take()) == 1
    assert pyodbc.connect is before
    with recording() as recorded:
        assert tuple(connection.execute("SELECT 1").fetchone()) == (1,)
        assert type(pyodbc.connect(text)) is pyodbc.Connection
        assert recorded.spans == ()


@pytest.mark.faults
def test_a_fault_of_ours_is_invisible(recorded: Recording, text: str, db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    monkeypatch.setattr("platform_instrument.semantics.dbapi.query", broken)
    assert tuple(db.execute("SELECT 7").fetchone()) == (7,)
    monkeypatch.setattr("platform_instrument.instrumentations.pyodbc.connected_to", broken)
    assert type(sys.modules["pyodbc"].connect(text)) is sys.modules["pyodbc"].Connection
    assert recorded.spans == ()


@pytest.mark.parametrize(
    ("text", "given", "name", "attributes"),
    [
        (
            "Driver={ODBC Driver 18 for SQL Server};Server=tcp:db.example.com,1434;Database=shop;UID=u;PWD={s3;cret}",
            {},
            "Microsoft SQL Server",
            ("microsoft.sql_server", "shop", "db.example.com", 1434),
        ),
        ("DSN=shop;PWD=s3cret", {}, "PostgreSQL", ("postgresql", "", "", 0)),
        ("", {"server": r"db\SQLEXPRESS", "database": "shop", "autocommit": True}, "Microsoft SQL Server", (
            "microsoft.sql_server", "shop", "db", 1433)),
        ("SERVER=db;PORT=50000", {}, "DB2/LINUX", ("other_sql", "", "db", 50000)),
    ],
)  # fmt: skip
def test_a_connection_string_says_server_and_database_and_nothing_more(
    text: str, given: dict[str, Any], name: str, attributes: tuple[Any, ...]
) -> None:
    known = connected_to(text, given, name)
    assert (known.system, known.namespace, known.address, known.port) == attributes


class TestContract(InstrumentationContract):
    declared_in = "platform_instrument.instrumentations.pyodbc"

    @pytest.fixture(autouse=True)
    def _there(self) -> None:
        pytest.importorskip("pyodbc", exc_type=ImportError)

    test_what_it_records_is_conventional = None  # type: ignore[assignment] # compared with a literal above
