"""One span a statement of sqlite3, and connections that behave as the library's own."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import sqlite3
import sqlite3.dbapi2
import sys
import threading
import traceback
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.engine.apply import APPLIED
from tests.instrumentations.recording import Recording, ids, inside, recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording("sqlite3") as running:
        yield running


@pytest.fixture
def db(recorded: Recording) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT UNIQUE)")
    recorded.take()
    yield connection
    connection.close()


def test_a_statement_carries_every_attribute_of_the_conventions_and_no_literal(recorded: Recording, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection, inside() as parent:
        connection.execute("SELECT 'secret' WHERE ? = 7", ("s3cret",))
    connection.close()
    span = recorded.one()
    assert span.attributes == {
        "db.system.name": "sqlite",
        "db.namespace": "shop.db",
        "db.query.text": "SELECT ? WHERE ? = ?",
        "db.query.summary": "SELECT",
    }
    assert span.name == "SELECT"
    assert span.kind == "CLIENT"
    assert span.status == "UNSET"
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert span.scope.name == "platform_instrument.sqlite3"
    assert recorded.counted() == [({"db.system.name": "sqlite", "db.namespace": "shop.db", "db.query.summary": "SELECT"}, 1)]


@pytest.mark.parametrize(
    ("path", "options", "namespace"),
    [(":memory:", {}, ":memory:"), ("file:shop?mode=memory&cache=shared", {"uri": True}, "shop"), (b":memory:", {}, ":memory:")],
)
def test_the_database_is_named_without_its_folders(recorded: Recording, path: Any, options: Any, namespace: str) -> None:
    connection = sqlite3.connect(path, **options)
    connection.execute("SELECT 1")
    connection.close()
    assert recorded.one().attributes["db.namespace"] == namespace


def test_every_way_to_execute_is_one_span(recorded: Recording, db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO orders VALUES (1, 'a')")
    db.executemany("INSERT INTO orders VALUES (?, ?)", [(2, "b"), (3, "c")])
    db.executescript("CREATE TABLE a (x); CREATE TABLE b (x);")
    cursor = db.cursor()
    cursor.execute("INSERT INTO orders VALUES (4, 'd')")
    cursor.executemany("INSERT INTO orders VALUES (?, ?)", [(5, "e"), (6, "f"), (7, "g")])
    cursor.executescript("CREATE TABLE c (x)")
    spans = recorded.take()
    starts = ("INSERT", "BATCH INSERT", "CREATE", "INSERT", "BATCH INSERT", "CREATE")
    assert all(span.name.startswith(start) for span, start in zip(spans, starts, strict=True))
    assert [span.attributes.get("db.operation.batch.size") for span in spans] == [None, 2, None, None, 3, None]


def test_a_cursor_of_a_shortcut_is_observed_when_it_is_used_again(recorded: Recording, db: sqlite3.Connection) -> None:
    db.execute("SELECT 1").execute("SELECT 2").executemany("INSERT INTO orders VALUES (?, ?)", [(1, "a"), (2, "b")])
    assert len(recorded.take()) == 3


def test_one_set_of_parameters_is_no_batch(recorded: Recording, db: sqlite3.Connection) -> None:
    db.executemany("INSERT INTO orders VALUES (?, ?)", [(1, "a")])
    db.executemany("INSERT INTO orders VALUES (?, ?)", ((number, str(number)) for number in (2, 3)))
    first, second = recorded.take()
    assert "db.operation.batch.size" not in {**first.attributes, **second.attributes}
    assert not first.name.startswith("BATCH")
    assert second.name.startswith("BATCH")


def test_a_failed_statement_says_the_code(recorded: Recording, db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO orders VALUES (1, 'a')")
    recorded.take()
    with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE constraint failed: orders\.item"):
        db.execute("INSERT INTO orders VALUES (2, 'a')")
    span = recorded.one()
    assert span.status == "ERROR"
    if sys.version_info >= (3, 11):
        assert span.attributes["db.response.status_code"] == span.attributes["error.type"] == "SQLITE_CONSTRAINT_UNIQUE"
    else:
        assert span.attributes["error.type"] == "sqlite3.IntegrityError"
    assert {"error.type": span.attributes["error.type"]}.items() <= recorded.counted()[-1][0].items()


def test_tracebacks_hold_no_frame_of_ours(recorded: Recording, db: sqlite3.Connection) -> None:
    for fail in (db.execute, db.cursor().execute, db.executescript):
        with pytest.raises(sqlite3.OperationalError) as raised:
            fail("SELEC")
        frames = [frame.filename for frame in traceback.extract_tb(raised.value.__traceback__)]
        assert frames[0] == __file__
        assert len(frames) == 1 or sys.version_info < (3, 11)  # where an exception that is raised again gets its frame back
    assert len(recorded.take()) == 3


def test_a_connection_behaves_as_a_plain_one(recorded: Recording, db: sqlite3.Connection) -> None:
    cursor = db.cursor()
    assert isinstance(db, sqlite3.Connection)
    assert isinstance(cursor, sqlite3.Cursor)
    assert cursor.connection is db
    assert (type(db).__name__, type(db).__module__, type(db).__qualname__) == ("Connection", "sqlite3", "Connection")
    assert repr(db).startswith("<sqlite3.Connection object at ")
    with db:
        db.execute("INSERT INTO orders VALUES (1, 'a')")
    with pytest.raises(sqlite3.IntegrityError), db:
        db.executemany("INSERT INTO orders VALUES (?, ?)", [(2, "b"), (3, "b")])
    assert db.execute("SELECT count(*) FROM orders").fetchone() == (1,)
    copied = sqlite3.connect(":memory:")
    db.backup(copied)
    assert list(copied.iterdump()) == list(db.iterdump())
    copied.close()
    db.row_factory = sqlite3.Row
    assert dict(db.execute("SELECT id, item FROM orders").fetchone()) == {"id": 1, "item": "a"}
    assert weakref.ref(db)() is db
    assert recorded.names


def test_what_cannot_be_pickled_says_so_in_the_same_words(db: sqlite3.Connection) -> None:
    for thing, name in ((db, "Connection"), (db.cursor(), "Cursor")):
        for refused in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=rf"^cannot pickle 'sqlite3\.{name}' object$"):
                refused(thing)


@pytest.mark.usefixtures("recorded")
def test_the_function_that_connects_is_pickled_and_copied_by_its_name_and_never_bound() -> None:
    class Uses:
        connect = sqlite3.connect

    partial = functools.partial(sqlite3.connect, ":memory:")
    assert pickle.loads(pickle.dumps(partial)).func is copy.deepcopy(partial).func is sqlite3.connect  # noqa: S301 - our own
    assert copy.copy(sqlite3.connect) is weakref.ref(sqlite3.connect)() is sqlite3.connect
    assert Uses().connect(":memory:").execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(TypeError, match=r"takes no keyword arguments$"):
        Uses().connect(":memory:").execute("SELECT 1", nothing=2)  # type: ignore[call-arg]


def test_positional_arguments_reach_the_library(recorded: Recording) -> None:
    class Mine(sqlite3.Connection):
        pass

    with pytest.warns(DeprecationWarning, match="positional") if sys.version_info >= (3, 13) else pytest.MonkeyPatch.context():
        connection = sqlite3.connect(":memory:", 5.0, sqlite3.PARSE_COLNAMES, None, False, Mine)  # noqa: FBT003
    assert isinstance(connection, Mine)
    assert connection.isolation_level is None
    connection.execute("SELECT 1 AS 'a [int]'")
    connection.close()
    assert len(recorded.take()) == 1


def test_a_connection_may_be_used_in_another_thread_as_far_as_the_library_allows(recorded: Recording) -> None:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    other = sqlite3.connect(":memory:")
    problems: list[BaseException] = []

    def work() -> None:
        connection.execute("SELECT 1")
        try:
            other.execute("SELECT 1")
        except sqlite3.ProgrammingError as problem:
            problems.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    connection.close()
    other.close()
    assert len(problems) == 1
    assert len(recorded.spans) in {1, 2}  # 3.10 refuses the statement, 3.11 the cursor


def test_factories_of_the_application_keep_their_ways(recorded: Recording) -> None:
    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, *parameters: Any) -> Any:
            return super().execute(sql.replace("FROM_HERE", "1"), *parameters)

    class Connection(sqlite3.Connection):
        def __init__(self, path: str, **options: Any) -> None:
            super().__init__(path, **options)
            self.opened = path
            self.execute("PRAGMA foreign_keys = 1")

        def cursor(self) -> Cursor:  # type: ignore[override]
            return super().cursor(Cursor)

    connection = sqlite3.connect(":memory:", factory=Connection)
    recorded.take()
    assert connection.opened == ":memory:"
    assert isinstance(connection, Connection)
    assert type(connection).__name__ == "Connection"
    assert isinstance(connection.cursor(), Cursor)
    assert connection.cursor().execute("SELECT FROM_HERE").fetchone() == (1,)
    assert recorded.one().attributes["db.query.text"] == "SELECT ?"
    connection.close()


def test_a_factory_that_is_a_function_is_called_as_it_is(recorded: Recording) -> None:
    def make(path: str, **_options: Any) -> sqlite3.Connection:
        return sqlite3.Connection(path)

    connection = sqlite3.connect(":memory:", factory=make)  # type: ignore[arg-type] # typeshed wants a class
    assert type(connection) is sqlite3.Connection
    connection.close()
    assert recorded.spans == ()


def test_classes_made_for_a_factory_go_with_it() -> None:
    with recording("sqlite3"):

        class Connection(sqlite3.Connection):
            pass

        sqlite3.connect(":memory:", factory=Connection).close()
        gone = weakref.ref(Connection)
        del Connection
        gc.collect()
        assert gone() is None


@pytest.mark.skipif(sys.version_info < (3, 12), reason="`autocommit` came with Python 3.12")
def test_autocommit_is_passed_on(recorded: Recording) -> None:
    connection = sqlite3.connect(":memory:", autocommit=True)  # type: ignore[call-overload,unused-ignore] # 3.12
    assert connection.autocommit is True
    connection.close()
    assert recorded.spans == ()


def test_undo_restores_the_library_and_leaves_open_connections_working() -> None:
    connect, dbapi_connect = sqlite3.connect, sqlite3.dbapi2.connect
    with recording("sqlite3") as recorded:
        assert sqlite3.connect is not connect
        connection = sqlite3.connect(":memory:")
        cursor = connection.cursor()
        assert APPLIED["sqlite3"].status == "patched"
    assert sqlite3.connect is connect
    assert sqlite3.dbapi2.connect is dbapi_connect
    assert connection.execute("SELECT 1").fetchone() == cursor.execute("SELECT 1").fetchone() == (1,)
    connection.close()
    assert recorded.spans == ()


@pytest.mark.faults
def test_a_fault_of_ours_is_invisible(recorded: Recording, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    monkeypatch.setattr("platform_instrument.instrumentations.sqlite3.query", broken)
    monkeypatch.setattr("platform_instrument.instrumentations.sqlite3.failure", broken)
    assert db.execute("SELECT 7").fetchone() == (7,)
    with pytest.raises(sqlite3.OperationalError):
        db.execute("SELEC")
    assert recorded.spans == ()


async def _with_aiosqlite() -> list[Any]:
    import aiosqlite

    async with aiosqlite.connect(":memory:") as connection:
        await connection.execute("CREATE TABLE t (a)")
        await connection.execute_insert("INSERT INTO t VALUES (?)", (1,))
        async with connection.execute("SELECT a FROM t") as cursor:
            return list(await cursor.fetchall())


def test_statements_of_aiosqlite_belong_to_the_task_that_waits_for_them() -> None:
    import asyncio

    with recording("sqlite3", "aiosqlite") as recorded, inside() as parent:
        assert asyncio.run(_with_aiosqlite()) == [(1,)]
    spans = recorded.take()
    assert [span.attributes["db.query.text"].split()[0] for span in spans] == ["CREATE", "INSERT", "SELECT", "SELECT"]
    assert {span.parent_id for span in spans} == {ids(parent)[1]}
