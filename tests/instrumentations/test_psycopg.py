"""One span a statement of psycopg, sync and async, whatever the cursor."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from platform_instrument.instrumentations.psycopg import _text as shown
from tests.instrumentations.recording import Recording, ids, inside, recording

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording("psycopg") as running:
        yield running


@pytest.fixture
def db(postgres_url: str, recorded: Recording) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE orders (id int PRIMARY KEY, item text)")
        recorded.take()
        yield connection


def run(postgres_url: str, work: Callable[[psycopg.AsyncConnection[Any]], Awaitable[Any]]) -> Any:
    """Return what `work` answers on an asyncio connection."""

    async def main() -> Any:
        async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
            return await work(connection)

    return asyncio.run(main())


def where(url: str) -> dict[str, Any]:
    """Return the attributes that say where a statement went."""
    address = urlsplit(url)
    return {
        "db.system.name": "postgresql",
        "db.namespace": address.path.lstrip("/"),
        "server.address": address.hostname,
        "server.port": address.port or 5432,
    }


def test_a_statement_carries_every_attribute_of_the_conventions_and_no_value(
    recorded: Recording, db: psycopg.Connection[Any], postgres_url: str
) -> None:
    with inside() as parent:
        assert db.execute("SELECT %s, 'secret'", ("s3cret",)).fetchone() == ("s3cret", "secret")
    span = recorded.one()
    assert span.attributes == {
        **where(postgres_url),
        "db.query.text": "SELECT %s, ?",
        "db.query.summary": "SELECT",
        "db.response.returned_rows": 1,
    }
    assert span.name == "SELECT"
    assert span.kind == "CLIENT"
    assert span.status == "UNSET"
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert span.scope.name == "platform_instrument.psycopg"
    assert ({**where(postgres_url), "db.query.summary": "SELECT"}, 1) in recorded.counted()


def test_every_way_to_execute_is_one_span(recorded: Recording, db: psycopg.Connection[Any]) -> None:
    cursor, named = db.cursor(), db.cursor("named", withhold=True)
    ways: list[Callable[[], Any]] = [
        lambda: cursor.execute("INSERT INTO orders VALUES (1, 'a')"),
        lambda: db.execute("SELECT 1"),
        lambda: list(cursor.stream("SELECT * FROM orders")),
        lambda: psycopg.ClientCursor(db).execute("SELECT %s", ("x",)),
        lambda: named.execute("SELECT * FROM orders"),
        lambda: cursor.executemany("INSERT INTO orders VALUES (%s, %s)", [(2, "b")]),
        lambda: cursor.execute(b"SELECT 1"),
    ]
    for way in ways:
        way()
        span = recorded.one()
        assert span.name.split()[0] in {"SELECT", "INSERT"}
        assert "db.operation.batch.size" not in span.attributes
    named.close()


def test_a_batch_says_its_size(recorded: Recording, db: psycopg.Connection[Any]) -> None:
    db.cursor().executemany("INSERT INTO orders VALUES (%s, %s)", [(1, "a"), (2, "b"), (3, "c")])
    span = recorded.one()
    assert span.name.startswith("BATCH INSERT")
    assert span.attributes["db.query.summary"] == span.name
    assert span.attributes["db.operation.batch.size"] == 3
    assert "db.response.returned_rows" not in span.attributes


def test_a_copy_is_one_span_over_its_block(recorded: Recording, db: psycopg.Connection[Any]) -> None:
    with db.cursor().copy("COPY orders FROM STDIN") as copy:
        for number in range(100):
            copy.write_row((number, "x"))
        assert recorded.spans == ()
    assert recorded.one().name.startswith("COPY")
    with db.cursor().copy("COPY orders TO STDOUT") as copy:
        assert len(list(copy.rows())) == 100
    assert recorded.one().status == "UNSET"


def test_an_unfinished_stream_ends_its_span(recorded: Recording, db: psycopg.Connection[Any]) -> None:
    rows = db.cursor().stream("SELECT generate_series(1, 100)")
    assert recorded.spans == ()
    assert next(rows) == (1,)
    rows.close()  # type: ignore[attr-defined] # a generator
    assert recorded.one().status == "UNSET"


def test_rows_are_counted_only_where_the_driver_knows_them(recorded: Recording, db: psycopg.Connection[Any]) -> None:
    db.execute("INSERT INTO orders SELECT n, 'x' FROM generate_series(1, 5) n")
    db.execute("SELECT * FROM orders")
    db.execute("UPDATE orders SET item = 'y' WHERE id < 3 RETURNING id")
    with db.transaction(), db.cursor("named") as named:
        named.execute("SELECT * FROM orders")
        assert len(named.fetchall()) == 5
    assert [span.attributes.get("db.response.returned_rows") for span in recorded.take()] == [None, 5, 2, None]
    assert recorded.rows() == [("SELECT orders", 1, 5), ("UPDATE orders", 1, 2)]


def test_rows_are_measured_with_the_attributes_of_the_duration(
    recorded: Recording, db: psycopg.Connection[Any], postgres_url: str
) -> None:
    recorded.clear()
    for count in (3, 0, 40):
        db.execute("SELECT generate_series(1, %s)", (count,))

    async def work(connection: psycopg.AsyncConnection[Any]) -> None:
        await connection.execute("SELECT generate_series(1, %s)", (7,))

    run(postgres_url, work)
    assert recorded.rows() == [("SELECT", 4, 50)]
    assert recorded.counted("db.client.response.returned_rows") == [({**where(postgres_url), "db.query.summary": "SELECT"}, 4)]


def test_a_failed_statement_says_the_sqlstate(recorded: Recording, db: psycopg.Connection[Any], postgres_url: str) -> None:
    db.execute("INSERT INTO orders VALUES (1, 'a')")
    recorded.take()
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.execute("INSERT INTO orders VALUES (1, 'b')")
    span = recorded.one()
    assert span.status == "ERROR"
    assert span.attributes["db.response.status_code"] == span.attributes["error.type"] == "23505"
    failed = [attributes for attributes, _ in recorded.counted() if "error.type" in attributes]
    assert [
        {**where(postgres_url), "db.response.status_code": "23505", "error.type": "23505"}.items() <= each.items()
        for each in failed
    ] == [True]


def test_a_connection_that_is_closed_already_is_the_application_s_error(recorded: Recording, postgres_url: str) -> None:
    cursor = psycopg.connect(postgres_url).cursor()
    cursor.connection.close()
    with pytest.raises(psycopg.OperationalError, match="the connection is closed"):
        cursor.execute("SELECT 1")
    span = recorded.one()
    assert (span.attributes["db.system.name"], span.attributes["error.type"]) == ("postgresql", "psycopg.OperationalError")


def test_composed_queries_show_names_and_no_values(recorded: Recording, db: psycopg.Connection[Any]) -> None:
    query = sql.SQL("SELECT {} FROM {} WHERE id = {} AND item = {}").format(
        sql.SQL(", ").join([sql.Identifier("id"), sql.Identifier("item")]),
        sql.Identifier("pg_temp", "orders"),
        sql.Literal("s3cret"),
        sql.Placeholder("item"),
    )
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        db.execute(query, {"item": "x"})
    text = recorded.one().attributes["db.query.text"]
    assert "s3cret" not in text
    assert text.endswith("AND item = %(item)s")


def test_fields_of_a_template_are_names_or_question_marks() -> None:
    class Field:
        def __init__(self, value: Any, format_spec: str = "") -> None:
            self.value = value
            self.format_spec = format_spec

    class Template(tuple[Any, ...]):  # as `string.templatelib` of Python 3.14 has it
        __slots__ = ()

    inner = Template(["item = ", Field("s3cret")])
    template = Template(["SELECT * FROM ", Field("orders", "i"), " WHERE ", Field(inner, "q"), " AND id = ", Field(7, "l")])
    assert shown(template) == 'SELECT * FROM "orders" WHERE item = ? AND id = ?'


def test_what_is_no_query_is_the_library_s_to_refuse(recorded: Recording, db: psycopg.Connection[Any]) -> None:
    with pytest.raises((TypeError, psycopg.ProgrammingError)):
        db.execute(7)  # type: ignore[call-overload]
    db.execute("")
    assert recorded.spans == ()


def test_a_pipeline_gives_each_statement_its_span(recorded: Recording, db: psycopg.Connection[Any]) -> None:
    with db.pipeline():
        for number in range(3):
            db.execute("INSERT INTO orders VALUES (%s, 'x')", (number,))
    assert len(recorded.take()) == 3


def test_classes_and_signatures_stay_as_they_are(db: psycopg.Connection[Any], recorded: Recording) -> None:
    assert type(db) is psycopg.Connection
    assert type(db.cursor()) is psycopg.Cursor
    assert db.cursor().connection is db
    assert list(inspect.signature(psycopg.Cursor.execute).parameters)[:3] == ["self", "query", "params"]
    assert inspect.iscoroutinefunction(psycopg.AsyncCursor.execute)
    assert inspect.isasyncgenfunction(psycopg.AsyncCursor.stream)
    assert db.execute("SELECT 1").fetchall() == [(1,)]
    assert len(recorded.take()) == 1


def test_a_cursor_class_of_the_application_is_observed_once(recorded: Recording, db: psycopg.Connection[Any]) -> None:
    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
            return super().execute(query, *args, **kwargs)

    db.cursor_factory = Cursor
    db.execute("SELECT 1")
    assert len(recorded.take()) == 1


def test_waiting_for_notifications_is_no_statement(recorded: Recording, db: psycopg.Connection[Any], postgres_url: str) -> None:
    db.execute("LISTEN news")
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("NOTIFY news, 'x'")
    recorded.take()
    waiting = db.notifies()
    assert next(waiting).payload == "x"
    waiting.close()
    assert recorded.spans == ()


def test_a_socket_file_is_an_address_without_a_port(recorded: Recording) -> None:
    folder = "/var/run/postgresql"
    if not Path(folder, ".s.PGSQL.5432").exists():
        pytest.skip("no PostgreSQL socket here")
    try:
        connection = psycopg.connect(host=folder, user="postgres", dbname="postgres")
    except psycopg.OperationalError:
        pytest.skip("the socket wants another user")
    with connection:
        connection.execute("SELECT 1")
    attributes = recorded.one().attributes
    assert attributes["server.address"] == folder
    assert "server.port" not in attributes


def test_asyncio_is_observed_alike(recorded: Recording, postgres_url: str) -> None:
    async def work(db: psycopg.AsyncConnection[Any]) -> None:
        await db.execute("CREATE TEMPORARY TABLE orders (id int, item text)")
        cursor = db.cursor()
        await cursor.executemany("INSERT INTO orders VALUES (%s, %s)", [(1, "a"), (2, "b")])
        async with cursor.copy("COPY orders FROM STDIN") as copy:
            await copy.write_row((3, "c"))
        assert [row async for row in cursor.stream("SELECT id FROM orders")] == [(1,), (2,), (3,)]
        async with db.transaction(), db.cursor("named") as named:
            await named.execute("SELECT * FROM orders")
            assert len(await named.fetchall()) == 3
        with pytest.raises(psycopg.errors.UndefinedTable):
            await db.execute("SELECT * FROM nowhere")

    with inside() as parent:
        run(postgres_url, work)
    spans = recorded.take()
    assert [span.name.split()[0] for span in spans] == ["CREATE", "BATCH", "COPY", "SELECT", "SELECT", "SELECT"]
    assert {span.parent_id for span in spans} == {ids(parent)[1]}
    assert [span.attributes.get("error.type") for span in spans] == [None] * 5 + ["42P01"]


def test_a_cancelled_statement_ends_its_span_once(recorded: Recording, postgres_url: str) -> None:
    async def work(db: psycopg.AsyncConnection[Any]) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(db.execute("SELECT pg_sleep(30)"), 0.2)

    with inside() as parent:
        run(postgres_url, work)
    span = recorded.one()
    assert span.parent_id == ids(parent)[1]
    assert span.status == "ERROR"


def test_concurrent_tasks_keep_their_parents(recorded: Recording, postgres_url: str) -> None:
    async def one() -> str:
        async with await psycopg.AsyncConnection.connect(postgres_url) as db:
            with inside() as parent:
                await db.execute("SELECT pg_sleep(0.02)")
                await db.execute("SELECT 1")
            return ids(parent)[1]

    async def main() -> list[str]:
        return await asyncio.gather(*(one() for _ in range(5)))

    parents = asyncio.run(main())
    assert sorted(span.parent_id for span in recorded.take()) == sorted(parents * 2)


def test_pools_work_as_before(recorded: Recording, postgres_url: str) -> None:
    pools = pytest.importorskip("psycopg_pool")
    with pools.ConnectionPool(postgres_url, min_size=1, max_size=2, check=pools.ConnectionPool.check_connection) as pool:
        with pool.connection() as db:
            db.execute("SELECT 1")
        with pool.connection() as db:
            db.execute("SELECT 2")
    assert len(recorded.take()) == 2


def test_types_that_are_looked_up_are_no_statements(recorded: Recording, db: psycopg.Connection[Any], postgres_url: str) -> None:
    from psycopg.types import TypeInfo

    async def work(connection: psycopg.AsyncConnection[Any]) -> None:
        assert await TypeInfo.fetch(connection, "nothing") is None

    found = TypeInfo.fetch(db, "int4")
    assert found is not None
    assert found.oid == 23
    run(postgres_url, work)
    assert recorded.spans == ()


def test_undo_restores_every_method() -> None:
    names = ("execute", "executemany", "stream", "copy")
    classes = (psycopg.Cursor, psycopg.AsyncCursor, psycopg.ServerCursor, psycopg.AsyncServerCursor)
    before = [{name: vars(kind).get(name) for name in names} for kind in classes]
    with recording("psycopg"):
        assert [{name: vars(kind).get(name) for name in names} for kind in classes] != before
    assert [{name: vars(kind).get(name) for name in names} for kind in classes] == before


@pytest.mark.faults
def test_a_fault_of_ours_is_invisible(recorded: Recording, db: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    monkeypatch.setattr("platform_instrument.instrumentations.psycopg.returned_rows", broken)
    assert db.execute("SELECT 7").fetchone() == (7,)
    monkeypatch.setattr("platform_instrument.instrumentations.psycopg.query", broken)
    monkeypatch.setattr("platform_instrument.instrumentations.psycopg.failure", broken)
    assert db.execute("SELECT 7").fetchone() == (7,)
    with pytest.raises(psycopg.errors.SyntaxError):
        db.execute("SELEC")
    with db.cursor().copy("COPY orders FROM STDIN") as copy:
        copy.write_row((1, "x"))
    assert db.execute("SELECT count(*) FROM orders").fetchone() == (1,)
    assert len(recorded.take()) == 1
