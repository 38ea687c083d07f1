"""One span a statement of DuckDB, in memory and in files."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.instrumentations import duckdb as ours
from tests.instrumentations.recording import Recording, ids, inside, recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

duckdb = pytest.importorskip("duckdb")


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording("duckdb") as running:
        yield running


@pytest.fixture
def db(recorded: Recording) -> Iterator[Any]:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item VARCHAR)")
    recorded.take()
    yield connection
    connection.close()


def test_a_statement_carries_every_attribute_of_the_conventions_and_no_value(recorded: Recording, db: Any) -> None:
    with inside() as parent:
        assert db.execute("SELECT ?, 's3cret'", ["s3cret"]).fetchall() == [("s3cret", "s3cret")]
    span = recorded.one()
    where = {"db.system.name": "duckdb", "db.namespace": "memory", "db.query.summary": "SELECT"}
    assert span.attributes == {**where, "db.query.text": "SELECT ?, ?"}
    assert (span.name, span.kind, span.status) == ("SELECT", "CLIENT", "UNSET")
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert span.scope.name == "platform_instrument.duckdb"
    assert (where, 1) in recorded.counted()


def test_a_batch_is_one_span_and_says_its_size(recorded: Recording, db: Any) -> None:
    db.executemany("INSERT INTO orders VALUES (?, ?)", [(1, "a"), (2, "b"), (3, "s3cret")])
    span = recorded.one()
    assert (span.name, span.attributes["db.operation.batch.size"]) == ("BATCH INSERT orders", 3)
    assert db.execute("SELECT count(*) FROM orders").fetchone() == (3,)


def test_a_failed_statement_says_what_it_raised(recorded: Recording, db: Any) -> None:
    with pytest.raises(duckdb.CatalogException) as raised:
        db.execute("SELECT * FROM nowhere")
    span = recorded.one()
    assert (span.status, span.attributes["error.type"]) == ("ERROR", f"{type(raised.value).__module__}.CatalogException")
    assert "db.response.status_code" not in span.attributes
    assert "nowhere" in str(raised.value)


def test_the_name_of_a_database_is_that_of_its_file_until_it_is_led_elsewhere(recorded: Recording, tmp_path: Path) -> None:
    connection = duckdb.connect(str(tmp_path / "shop.v2.duckdb"))
    assert connection.execute("SELECT current_database()").fetchall() == [("shop",)]
    connection.execute("ATTACH ':memory:' AS other")
    connection.execute("USE other")
    assert connection.execute("SELECT current_database()").fetchall() == [("other",)]
    cursor = connection.cursor()
    assert cursor.execute("SELECT current_database()").fetchall() == [("shop",)]
    spans = [span for span in recorded.take() if span.name == "SELECT"]
    assert [span.attributes["db.namespace"] for span in spans] == ["shop", "other", "shop"]
    cursor.close()
    connection.close()


def test_a_connection_from_before_has_no_name(tmp_path: Path) -> None:
    connection = duckdb.connect(str(tmp_path / "shop.db"))
    with recording("duckdb") as recorded:
        connection.execute("SELECT 1").fetchall()
        connection.cursor().execute("SELECT 1")
        assert {span.attributes.get("db.namespace") for span in recorded.take()} == {None}
    connection.close()


def test_the_module_s_own_connection_and_one_that_it_is_given(recorded: Recording, tmp_path: Path) -> None:
    shop = duckdb.connect(str(tmp_path / "shop.db"))
    duckdb.execute("SELECT 's3cret'").fetchall()
    duckdb.execute("SELECT 1", connection=shop).fetchall()
    duckdb.executemany("SELECT ?", [[1], [2]])
    spans = recorded.take()
    assert [(span.name, span.attributes["db.namespace"]) for span in spans] == [
        ("SELECT", "memory"),
        ("SELECT", "shop"),
        ("BATCH SELECT", "memory"),
    ]
    assert "s3cret" not in repr(spans)
    with pytest.raises(duckdb.Error):
        duckdb.execute("SELEC")
    assert recorded.one().status == "ERROR"
    shop.close()


def test_a_relation_is_no_statement(recorded: Recording, db: Any) -> None:
    assert db.sql("SELECT 7").fetchall() == [(7,)]
    assert recorded.spans == ()


def test_threads_with_cursors_of_their_own_keep_their_parents(recorded: Recording, db: Any) -> None:
    parents: list[str] = []

    def work() -> None:
        with inside() as parent, db.cursor() as cursor:
            cursor.execute("SELECT sum(n) FROM range(100000) t(n)").fetchall()
        parents.append(ids(parent)[1])

    threads = [threading.Thread(target=work) for _ in range(5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(span.parent_id for span in recorded.take()) == sorted(parents)


def test_nothing_is_remembered_of_a_connection_that_is_gone(recorded: Recording) -> None:
    gc.collect()
    before = len(ours._FIRST)
    for _ in range(5):
        duckdb.connect().cursor().execute("SELECT 1").fetchall()
    gc.collect()
    assert len(ours._FIRST) == before
    assert len(recorded.take()) == 5


def test_classes_stay_as_they_are(recorded: Recording, db: Any) -> None:
    assert type(db) is type(db.cursor()) is duckdb.DuckDBPyConnection
    assert db.execute("SELECT 1") is db
    assert db.fetchone() == (1,)
    assert len(recorded.take()) == 1


def test_undo_restores_every_function() -> None:
    before = dict(vars(duckdb)), dict(vars(duckdb.DuckDBPyConnection))
    with recording("duckdb"):
        assert (dict(vars(duckdb)), dict(vars(duckdb.DuckDBPyConnection))) != before
    assert (dict(vars(duckdb)), dict(vars(duckdb.DuckDBPyConnection))) == before


@pytest.mark.faults
def test_a_fault_of_ours_is_invisible(recorded: Recording, db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    for name in ("query", "batch", "database"):
        monkeypatch.setattr(f"platform_instrument.instrumentations.duckdb.{name}", broken)
    monkeypatch.setattr("platform_instrument.semantics.dbapi.query", broken)
    assert db.execute("SELECT 7").fetchall() == [(7,)]
    assert duckdb.execute("SELECT 7").fetchall() == [(7,)]
    connection = duckdb.connect()
    assert connection.cursor().execute("SELECT 7").fetchall() == [(7,)]
    assert recorded.spans == ()
