"""One span a statement of asyncpg, prepared or not; the same file holds for 0.27 to 0.32."""

from __future__ import annotations

import asyncio
import inspect
import io
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from asyncpg.connection import Connection
from asyncpg.prepared_stmt import PreparedStatement

from platform_instrument.testing.contract import InstrumentationContract
from tests.instrumentations.recording import Recording, ids, inside, recording

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

needs_fetchmany = pytest.mark.skipif(not hasattr(Connection, "fetchmany"), reason="came with asyncpg 0.30")


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording("asyncpg") as running:
        yield running


@pytest.fixture
def run(postgres_url: str, recorded: Recording) -> Callable[[Callable[[Any], Awaitable[Any]]], Any]:
    """Return what does some work with a connection, to a database with a table `orders`; only that is recorded."""

    def do(work: Callable[[Any], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            connection = await asyncpg.connect(postgres_url)
            await connection.execute("CREATE TEMPORARY TABLE orders (id int PRIMARY KEY, item text)")
            recorded.clear()
            try:
                return await work(connection)
            finally:
                await connection.close(timeout=5)

        return asyncio.run(main())

    return do


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
    recorded: Recording, run: Any, postgres_url: str
) -> None:
    async def work(db: Any) -> None:
        assert await db.fetch("SELECT $1::text AS a, 'secret' AS b", "s3cret") == [("s3cret", "secret")]

    with inside() as parent:
        run(work)
    span = recorded.one()
    assert span.attributes == {
        **where(postgres_url),
        "db.query.text": "SELECT $1::text AS a, ? AS b",
        "db.query.summary": "SELECT",
        "db.response.returned_rows": 1,
        "network.transport": "tcp",
    }
    assert (span.name, span.kind, span.status) == ("SELECT", "CLIENT", "UNSET")
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert span.scope.name == "platform_instrument.asyncpg"
    assert recorded.counted() == [({**where(postgres_url), "db.query.summary": "SELECT"}, 1)]
    assert recorded.rows() == [("SELECT", 1, 1)]


def test_every_way_to_execute_is_one_span_with_the_rows_that_are_known(recorded: Recording, run: Any) -> None:
    ways: dict[str, tuple[Any, int | None]] = {
        "execute": (lambda db: db.execute("INSERT INTO orders SELECT n, 'x' FROM generate_series(1, 5) n"), None),
        "execute with arguments": (lambda db: db.execute("UPDATE orders SET item = $1", "s3cret"), None),
        "fetch": (lambda db: db.fetch("SELECT * FROM orders"), 5),
        "fetchrow": (lambda db: db.fetchrow("SELECT * FROM orders"), 1),
        "fetchrow without": (lambda db: db.fetchrow("SELECT * FROM orders WHERE id = $1", 9), 0),
        "fetchval": (lambda db: db.fetchval("SELECT count(*) FROM orders"), None),
        "by name": (lambda db: db.fetch(query="SELECT * FROM orders LIMIT 2"), 2),
    }

    async def work(db: Any) -> None:
        for way, rows in ways.values():
            await way(db)
            span = recorded.one()
            assert span.attributes.get("db.response.returned_rows") == rows
            assert "orders" in span.name
            assert "s3cret" not in repr(span)

    run(work)


def test_a_batch_says_its_size(recorded: Recording, run: Any) -> None:
    async def work(db: Any) -> None:
        insert = "INSERT INTO orders VALUES ($1, $2)"
        await db.executemany(insert, [(1, "a"), (2, "b"), (3, "c")])
        await db.executemany(command=insert, args=[(4, "d")])
        await (await db.prepare(insert)).executemany([(5, "e"), (6, "f")])
        await db.executemany(insert, iter([(7, "g")]))

    run(work)
    spans = recorded.take()
    assert [span.name for span in spans] == ["BATCH INSERT orders", "INSERT orders", "BATCH INSERT orders", "BATCH INSERT orders"]
    assert [span.attributes.get("db.operation.batch.size") for span in spans] == [3, None, 2, None]


@needs_fetchmany
def test_a_batch_that_returns_rows_says_how_many(recorded: Recording, run: Any) -> None:
    async def work(db: Any) -> None:
        insert = "INSERT INTO orders VALUES ($1, $2) RETURNING id"
        assert len(await db.fetchmany(insert, [(1, "a"), (2, "b")])) == 2
        assert len(await (await db.prepare(insert)).fetchmany([(3, "c"), (4, "d"), (5, "e")])) == 3

    run(work)
    assert [
        (span.attributes["db.operation.batch.size"], span.attributes["db.response.returned_rows"]) for span in recorded.take()
    ] == [(2, 2), (3, 3)]


def test_a_prepared_statement_is_a_span_each_time_it_is_executed(recorded: Recording, run: Any, postgres_url: str) -> None:
    async def work(db: Any) -> None:
        prepared = await db.prepare("SELECT generate_series(1, $1::int)")
        assert type(prepared) is PreparedStatement
        assert recorded.spans == ()
        assert len(await prepared.fetch(3)) == 3
        assert await prepared.fetchval(3) == 1
        assert await prepared.fetchrow(3) == (1,)
        await prepared.explain(3)

    run(work)
    *executed, explained = recorded.take()
    assert [span.attributes.get("db.response.returned_rows") for span in executed] == [3, None, 1]
    assert {span.attributes["db.query.text"] for span in executed} == {"SELECT generate_series(?, $1::int)"}
    assert where(postgres_url).items() <= executed[0].attributes.items()
    assert explained.name.startswith("EXPLAIN")


def test_what_cannot_be_prepared_is_a_failed_span(recorded: Recording, run: Any) -> None:
    async def work(db: Any) -> None:
        with pytest.raises(asyncpg.UndefinedTableError):
            await db.prepare("SELECT * FROM nowhere")
        async with db.transaction():
            with pytest.raises(asyncpg.PostgresSyntaxError):
                async for _ in db.cursor("SELEC"):
                    pass

    run(work)
    assert [(span.status, span.attributes["error.type"]) for span in recorded.take()] == [("ERROR", "42P01"), ("ERROR", "42601")]


def test_a_cursor_is_one_span_however_much_is_fetched(recorded: Recording, run: Any) -> None:
    async def work(db: Any) -> None:
        async with db.transaction():
            numbers = "SELECT generate_series(1, $1::int)"
            assert len([row async for row in db.cursor(numbers, 100, prefetch=10)]) == 100
            assert recorded.one().status == "UNSET"
            cursor = await db.cursor(numbers, 100)
            assert len(await cursor.fetch(10)) == 10
            assert await cursor.forward(5) == 5
            assert await cursor.fetchrow() == (16,)
            assert recorded.one().attributes["db.query.text"] == "SELECT generate_series(?, $1::int)"
            prepared = await db.prepare(numbers)
            assert len([row async for row in prepared.cursor(60)]) == 60
            assert len(recorded.take()) == 1
            async for _ in db.cursor(numbers, 100):
                break
            assert len(recorded.take()) == 1
        with pytest.raises(asyncpg.NoActiveSQLTransactionError):
            await db.cursor(numbers, 100)
        assert recorded.one().status == "ERROR"

    run(work)


def test_a_copy_is_one_span(recorded: Recording, run: Any) -> None:
    async def work(db: Any) -> None:
        await db.copy_records_to_table("orders", records=[(1, "a"), (2, "s3cret")])
        await db.copy_to_table("orders", source=io.BytesIO(b"3\tc\n"))
        await db.copy_from_table("orders", output=io.BytesIO())
        await db.copy_from_query("SELECT item FROM orders WHERE item <> $1 AND id < 7", "s3cret", output=io.BytesIO())
        await db.copy_from_table("pg_Class", schema_name="pg_catalog", output=io.BytesIO())

    with pytest.raises(asyncpg.UndefinedTableError):
        run(work)
    assert [span.attributes["db.query.text"] for span in recorded.spans] == [
        "COPY orders FROM STDIN",
        "COPY orders FROM STDIN",
        "COPY orders TO STDOUT",
        "COPY (SELECT item FROM orders WHERE item <> $1 AND id < ?) TO STDOUT",
        'COPY pg_catalog."pg_Class" TO STDOUT',
    ]
    assert [span.attributes.get("error.type") for span in recorded.take()] == [None] * 4 + ["42P01"]


def test_a_failed_statement_says_the_sqlstate(recorded: Recording, run: Any, postgres_url: str) -> None:
    async def work(db: Any) -> None:
        await db.execute("INSERT INTO orders VALUES (1, 'a')")
        recorded.take()
        with pytest.raises(asyncpg.UniqueViolationError) as raised:
            await db.execute("INSERT INTO orders VALUES (1, 's3cret')")
        assert raised.value.sqlstate == "23505"

    run(work)
    span = recorded.one()
    assert span.status == "ERROR"
    assert span.attributes["db.response.status_code"] == span.attributes["error.type"] == "23505"
    expected = {**where(postgres_url), "db.response.status_code": "23505", "error.type": "23505"}
    assert any(expected.items() <= attributes.items() for attributes, _ in recorded.counted())


def test_a_closed_connection_is_the_application_s_error(recorded: Recording, run: Any) -> None:
    async def work(db: Any) -> None:
        await db.close()
        with pytest.raises(asyncpg.InterfaceError):
            await db.fetch("SELECT 1")

    run(work)
    assert recorded.one().attributes["error.type"] == "asyncpg.exceptions._base.InterfaceError"


@pytest.mark.parametrize("way", ["timeout", "cancelled"])
def test_a_statement_that_is_given_up_ends_its_span_once(recorded: Recording, run: Any, way: str) -> None:
    async def work(db: Any) -> None:
        sleeping = "SELECT pg_sleep(30)"
        with pytest.raises(asyncio.TimeoutError):
            await (db.fetch(sleeping, timeout=0.2) if way == "timeout" else asyncio.wait_for(db.fetch(sleeping), 0.2))
        assert await db.fetchval("SELECT 1") == 1

    run(work)
    given_up, after = recorded.take()
    assert given_up.status == "ERROR"
    assert given_up.attributes["error.type"].rpartition(".")[2] == ("TimeoutError" if way == "timeout" else "CancelledError")
    assert after.status == "UNSET"


def test_begin_commit_and_rollback_are_no_statements(recorded: Recording, run: Any) -> None:
    async def work(db: Any) -> None:
        async with db.transaction():
            await db.execute("INSERT INTO orders VALUES (1, 'a')")
            inner = db.transaction()
            await inner.start()
            await db.execute("INSERT INTO orders VALUES (2, 'b')")
            await inner.rollback()
        transaction = db.transaction(isolation="serializable", readonly=True)
        await transaction.start()
        assert await db.fetchval("SELECT count(*) FROM orders") == 1
        await transaction.rollback()
        await db.execute("BEGIN")
        await db.execute("COMMIT")

    run(work)
    assert [span.name for span in recorded.take()] == ["INSERT orders", "INSERT orders", "SELECT orders", "BEGIN", "COMMIT"]


def test_what_a_pool_asks_by_itself_is_no_statement(recorded: Recording, postgres_url: str) -> None:
    async def main() -> None:
        async with asyncpg.create_pool(postgres_url, min_size=1, max_size=2) as pool:
            async with pool.acquire() as connection, connection.transaction():
                assert isinstance(connection, Connection)
                assert await connection.fetchval("SELECT 1") == 1
            assert await pool.fetch("SELECT 2") == [(2,)]
            await pool.execute("SELECT 3")
            await pool.executemany("SELECT $1::int", [(1,), (2,)])
            connection = await pool.acquire()
            await connection.execute("BEGIN")
            await pool.release(connection)

    asyncio.run(main())
    assert [span.name for span in recorded.take()] == ["SELECT", "SELECT", "SELECT", "BATCH SELECT", "BEGIN"]


def test_types_that_have_to_be_looked_up_are_no_statements(recorded: Recording, run: Any) -> None:
    async def work(db: Any) -> None:
        await db.execute("CREATE TYPE pg_temp.mood AS ENUM ('sad', 'happy')")
        assert await db.fetchval("SELECT 'sad'::pg_temp.mood") == "sad"

    run(work)
    assert len(recorded.take()) == 2


def test_concurrent_tasks_keep_their_parents(recorded: Recording, postgres_url: str) -> None:
    async def one(pool: Any) -> str:
        with inside() as parent:
            async with pool.acquire() as connection:
                await connection.execute("SELECT pg_sleep(0.02)")
            await pool.fetch("SELECT 1")
        return ids(parent)[1]

    async def main() -> list[str]:
        async with asyncpg.create_pool(postgres_url, min_size=2, max_size=3) as pool:
            return await asyncio.gather(*[one(pool) for _ in range(6)])

    parents = asyncio.run(main())
    assert sorted(span.parent_id for span in recorded.take()) == sorted(parents * 2)


def test_a_connection_class_of_the_application_is_observed_once(recorded: Recording, postgres_url: str) -> None:
    class Own(Connection):
        async def fetch(self, query: Any, *args: Any, **kwargs: Any) -> Any:
            return await super().fetch(query, *args, **kwargs)

    async def main() -> None:
        connection = await asyncpg.connect(postgres_url, connection_class=Own)
        assert type(connection) is Own
        assert await connection.fetch("SELECT 1") == [(1,)]
        await connection.close()

    asyncio.run(main())
    assert recorded.one().name == "SELECT"


def test_functions_stay_what_they_are(recorded: Recording) -> None:
    assert inspect.iscoroutinefunction(Connection.fetch)
    assert list(inspect.signature(Connection.execute).parameters) == ["self", "query", "args", "timeout"]
    assert not recorded.spans


def test_undo_restores_every_method() -> None:
    before = dict(vars(Connection)), dict(vars(PreparedStatement))
    with recording("asyncpg"):
        assert vars(Connection)["fetch"] is not before[0]["fetch"]
    assert (dict(vars(Connection)), dict(vars(PreparedStatement))) == before


@pytest.mark.faults
def test_a_fault_of_ours_is_invisible(recorded: Recording, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    async def work(db: Any) -> None:
        for name in ("semantics.dbapi.failure", "instrumentations.asyncpg.batch", "instrumentations.asyncpg.query"):
            monkeypatch.setattr(f"platform_instrument.{name}", broken)
            assert await db.fetchval("SELECT 7") == 7
            with pytest.raises(asyncpg.PostgresSyntaxError):
                await db.fetch("SELEC")
            await db.executemany("INSERT INTO orders VALUES ($1, $2) ON CONFLICT DO NOTHING", [(1, "a"), (2, "b")])
            async with db.transaction():
                assert len([row async for row in db.cursor("SELECT * FROM orders")]) == 2

    run(work)
    assert recorded.spans


class TestContract(InstrumentationContract):
    """What holds for every instrumentation."""

    declared_in = "platform_instrument.instrumentations.asyncpg"

    @pytest.fixture(autouse=True)
    def _server(self, postgres_url: str) -> None:
        self.url = postgres_url

    def exercise(self) -> None:
        async def main() -> None:
            async with asyncpg.create_pool(self.url, min_size=1, max_size=1) as pool:
                await pool.fetch("SELECT 1")

        asyncio.run(main())
