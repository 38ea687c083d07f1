"""What the settings ask for beside statements, with real drivers: repetitions, lines of code, comments, transactions."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from platform_instrument.core.values import CONSUMER, INTERNAL, SERVER
from platform_instrument.engine.statements import with_comment
from platform_instrument.telemetry.context import CURRENT, Ambient
from platform_instrument.telemetry.scope import own_scope
from platform_instrument.telemetry.tracer import start
from tests.instrumentations.recording import ids, inside, recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

psycopg2 = pytest.importorskip("psycopg2")
psycopg = pytest.importorskip("psycopg")
asyncpg = pytest.importorskip("asyncpg")

REPEATED = "platform.db.repeated"


@contextlib.contextmanager
def serving(kind: int = SERVER) -> Iterator[Any]:
    """Serve a request: a span of a kind, with an internal one below it that is current."""
    before = CURRENT.get()
    request = start("request", kind, None, None, own_scope("test"), Ambient(7, 7, 1, remote=True), 0)
    CURRENT.set(start("work", INTERNAL, None, None, own_scope("test"), request, 0))
    try:
        yield request
    finally:
        CURRENT.set(before)
        request.end()


def ask(url: str, *statements: str) -> list[Any]:
    """Execute statements with psycopg2, and return their first values."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            found = []
            for statement in statements:
                cursor.execute(statement)
                found.append(cursor.fetchone()[0])
            return found
    finally:
        connection.close()


# --- repetitions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [SERVER, CONSUMER])
def test_a_request_says_how_often_it_executes_the_same_statement(postgres_url: str, kind: int) -> None:
    with recording("psycopg2") as recorded, serving(kind):
        ask(postgres_url, "SELECT 1", "SELECT 2", "SELECT 'a' AS a", "SELECT 3")
    *statements, request = recorded.take()
    assert [span.attributes.get(REPEATED) for span in statements] == [None, 2, None, 3]
    assert request.attributes[REPEATED] == 3


def test_requests_do_not_count_together(postgres_url: str) -> None:
    with recording("psycopg2") as recorded:
        threads = [threading.Thread(target=_request, args=(postgres_url, times)) for times in (1, 2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    spans = recorded.take()
    counted = sorted(span.attributes.get(REPEATED, 0) for span in spans if span.kind == "SERVER")
    assert counted == [0, 2, 3]


def _request(url: str, times: int) -> None:
    with serving():
        ask(url, *["SELECT 1"] * times)


@pytest.mark.parametrize("kind", [INTERNAL, None])
def test_what_is_no_request_is_not_counted(postgres_url: str, kind: int | None) -> None:
    with recording("psycopg2") as recorded, serving(kind) if kind else contextlib.nullcontext():
        ask(postgres_url, "SELECT 1", "SELECT 1")
    assert not [span for span in recorded.take() if REPEATED in span.attributes]


def test_so_many_different_statements_of_a_request_are_counted(postgres_url: str) -> None:
    columns = [f"SELECT 1 AS a{number}" for number in range(250)]
    with recording("psycopg2") as recorded, serving():
        ask(postgres_url, *columns, columns[0], columns[249])
    *_, early, late, request = recorded.take()
    assert (early.attributes[REPEATED], late.attributes.get(REPEATED), request.attributes[REPEATED]) == (2, None, 2)


def test_a_statement_after_the_end_of_the_request_changes_nothing_of_it(postgres_url: str) -> None:
    with recording("psycopg2") as recorded, serving() as request:
        ask(postgres_url, "SELECT 1")
        request.end()
        ask(postgres_url, "SELECT 1")
    assert [span.attributes.get(REPEATED) for span in recorded.take()] == [None, None, 2]


def test_a_cursor_and_a_prepared_statement_of_asyncpg_are_counted_once(postgres_url: str) -> None:
    async def main() -> None:
        connection = await asyncpg.connect(postgres_url)
        async with connection.transaction():
            async for _ in connection.cursor("SELECT generate_series(1, 3)"):
                pass
        prepared = await connection.prepare("SELECT 7 AS seven")
        for _ in range(2):
            await prepared.fetch()
        await connection.close()

    with recording("asyncpg") as recorded, serving():
        asyncio.run(main())
    *spans, request = recorded.take()
    assert [span.attributes.get(REPEATED) for span in spans] == [None, None, 2]
    assert request.attributes[REPEATED] == 2


def test_what_the_application_sets_aside_still_belongs_to_its_request(postgres_url: str) -> None:
    with recording("psycopg2") as recorded, serving() as request:
        CURRENT.set(Ambient(request.trace_id, request.span_id, request.flags, foreign=request))  # as baggage does
        ask(postgres_url, "SELECT 1", "SELECT 1")
    assert recorded.take()[-1].attributes[REPEATED] == 2


def test_nothing_is_counted_where_that_is_switched_off(postgres_url: str) -> None:
    with recording("psycopg2", environ={"PLATFORM_DB_REPEATED": "false"}) as recorded, serving():
        ask(postgres_url, "SELECT 1", "SELECT 1")
    assert not [span for span in recorded.take() if REPEATED in span.attributes]


# --- the line of code -----------------------------------------------------------------------------------------------------

SLOW = {"PLATFORM_SLOW_QUERY_MS": "50"}


def located(span: Any) -> tuple[Any, ...]:
    """Return where a statement was issued, as its span says."""
    names = ("code.file.path", "code.line.number", "code.function.name")
    return tuple(span.attributes.get(name) for name in names)


def line() -> int:
    """Return the number of the caller's line."""
    return sys._getframe(1).f_lineno


def test_a_slow_statement_says_which_line_issued_it(postgres_url: str) -> None:
    with recording("psycopg2", environ=SLOW) as recorded:
        connection = psycopg2.connect(postgres_url)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.execute("SELECT pg_sleep(0.06)")
            expected = (__file__, line() - 1, "test_a_slow_statement_says_which_line_issued_it")
        connection.close()
    fast, slow = recorded.take()
    assert located(fast) == (None, None, None)
    assert located(slow) == expected


def test_a_slow_statement_that_fails_says_it_too(postgres_url: str) -> None:
    with recording("psycopg2", environ=SLOW) as recorded, pytest.raises(psycopg2.Error):
        ask(postgres_url, "SELECT pg_sleep(0.06), 1 / (random()::int * 0)")
    assert located(recorded.one())[2] == "ask"


def test_no_line_is_told_by_default(postgres_url: str) -> None:
    with recording("psycopg2") as recorded:
        ask(postgres_url, "SELECT pg_sleep(0.06)")
    assert located(recorded.one()) == (None, None, None)


def test_the_line_of_a_coroutine_is_found(postgres_url: str) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.fetch("SELECT pg_sleep(0.06)")
        await connection.close()

    with recording("asyncpg", environ=SLOW) as recorded:
        asyncio.run(work())
    assert located(recorded.one())[::2] == (__file__, "work")


def test_the_line_is_found_behind_sqlalchemy_and_its_greenlets(postgres_url: str) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    asynchronous = pytest.importorskip("sqlalchemy.ext.asyncio")
    sleeping = sqlalchemy.text("SELECT pg_sleep(0.06)")

    async def work() -> None:
        engine = asynchronous.create_async_engine(postgres_url.replace("postgresql", "postgresql+asyncpg"))
        async with engine.connect() as connection:
            await connection.execute(sleeping)
        await engine.dispose()

    def plainly() -> None:
        engine = sqlalchemy.create_engine(postgres_url.replace("postgresql", "postgresql+psycopg2"))
        with engine.connect() as connection:
            connection.execute(sleeping)
        engine.dispose()

    with recording("sqlalchemy", "asyncpg", "psycopg2", environ=SLOW) as recorded:
        asyncio.run(work())
        plainly()
    assert [located(span)[::2] for span in recorded.take()] == [(__file__, "work"), (__file__, "plainly")]


LAYERED = {
    "sqlalchemy": "def run(connection):\n    with connection.cursor() as cursor:\n        cursor.execute('SELECT pg_sleep(0.06)')\n",
    "shop": "def order(run, connection):\n    run(connection)\n",
}


def test_an_application_that_is_installed_is_found_behind_the_layers(postgres_url: str, tmp_path: Path) -> None:
    made: dict[str, dict[str, Any]] = {}
    for name, code in LAYERED.items():
        made[name] = {"__name__": name}
        exec(compile(code, f"{tmp_path}/site-packages/{name}/__init__.py", "exec"), made[name])  # noqa: S102 - as if imported
    with recording("psycopg2", environ=SLOW) as recorded:
        connection = psycopg2.connect(postgres_url)
        thread = threading.Thread(target=made["shop"]["order"], args=(made["sqlalchemy"]["run"], connection))
        thread.start()
        thread.join()
        connection.close()
    assert located(recorded.one()) == (f"{tmp_path}/site-packages/shop/__init__.py", 2, "order")


# --- comments -------------------------------------------------------------------------------------------------------------

COMMENTS = {"PLATFORM_SQLCOMMENTER": "true"}
SHOWN = "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()"


def comment(span: Any) -> str:
    """Return the comment that carries a span's context."""
    return f"/*traceparent='00-{span.trace_id}-{span.span_id}-01'*/"


def test_a_statement_carries_its_own_context_in_a_comment(postgres_url: str) -> None:
    with recording("psycopg2", "psycopg", environ=COMMENTS) as recorded, inside() as parent:
        (first,) = ask(postgres_url, SHOWN)
        (second,) = ask(postgres_url, f"{SHOWN} ; ")
        with psycopg.connect(postgres_url, prepare_threshold=None) as connection:
            third = connection.execute(SHOWN.encode()).fetchone()
        with psycopg.connect(postgres_url, cursor_factory=psycopg.ClientCursor) as connection:
            fourth = connection.execute(f"{SHOWN} AND %s", (True,)).fetchone()
    spans = recorded.take()
    assert first == f"{SHOWN} {comment(spans[0])}"
    assert second == f"{SHOWN} {comment(spans[1])};"
    assert third == (f"{SHOWN} {comment(spans[2])}",)
    assert fourth == (f"{SHOWN} AND true {comment(spans[3])}",)
    assert {span.trace_id for span in spans} == {ids(parent)[0]}
    assert {span.attributes["db.query.summary"] for span in spans} == {"SELECT pg_stat_activity"}


def test_statements_that_somebody_keeps_by_their_text_stay_as_they_are(postgres_url: str) -> None:
    async def main() -> list[Any]:
        connection = await asyncpg.connect(postgres_url)
        found = [await connection.fetchval(SHOWN), await connection.fetchval(f"{SHOWN} AND $1", True)]  # noqa: FBT003 - a value
        await connection.execute(f"CREATE TEMPORARY TABLE kept AS {SHOWN}")
        found.append(await connection.fetchval("SELECT query FROM kept"))
        await connection.execute("DELETE FROM kept")
        await connection.execute(f"INSERT INTO kept {SHOWN} AND $1", True)  # noqa: FBT003 - a value
        found.append(await connection.fetchval("SELECT query FROM kept"))
        await connection.close()
        return found

    with recording("psycopg", "asyncpg", environ=COMMENTS) as recorded, inside():
        with psycopg.connect(postgres_url) as connection:
            assert connection.execute(SHOWN).fetchone() == (SHOWN,)
        fetched, with_arguments, executed, inserted = asyncio.run(main())
    assert (fetched, with_arguments, inserted) == (SHOWN, f"{SHOWN} AND $1", f"INSERT INTO kept {SHOWN} AND $1")
    (creating,) = [span for span in recorded.take() if span.name.startswith("CREATE")]
    assert executed.endswith(comment(creating))


def test_statements_stay_as_they_are_by_default_and_where_nothing_is_sampled(postgres_url: str) -> None:
    with recording("psycopg2"):
        assert ask(postgres_url, SHOWN) == [SHOWN]
    with recording("psycopg2", environ={**COMMENTS, "OTEL_TRACES_SAMPLER": "always_off"}):
        assert ask(postgres_url, SHOWN) == [SHOWN]


@pytest.mark.parametrize("text", ["SELECT 1 /* mine */", "/* mine */ SELECT 1", "SELECT 1 -- mine", "", "  ;", None, 7])
def test_what_has_a_comment_already_or_is_no_text_stays_as_it_is(text: Any) -> None:
    with recording(), inside() as span:
        assert with_comment(text, span) is text


def test_bytes_stay_bytes() -> None:
    with recording(), inside() as span:
        made = with_comment("SELECT 'ä'".encode(), span)
    assert made.startswith("SELECT 'ä' /*traceparent='00-".encode())


# --- transactions ---------------------------------------------------------------------------------------------------------

TRANSACTIONS = {"PLATFORM_DB_TRANSACTIONS": "true"}


def transact_with_psycopg2(url: str) -> None:
    """Commit, roll back, and do both again by blocks; where nothing was begun nothing is sent."""
    connection = psycopg2.connect(url)
    cursor = connection.cursor()
    for end in (connection.commit, connection.rollback):
        cursor.execute("SELECT 1")
        end()
        end()
    with connection:
        cursor.execute("SELECT 1")
    with contextlib.suppress(psycopg2.Error), connection:
        cursor.execute("SELECT nothing")
    connection.close()


def transact_with_psycopg(url: str) -> None:
    """Do the same with psycopg 3, whose blocks are transactions of their own."""
    with psycopg.connect(url) as connection:
        for end in (connection.commit, connection.rollback):
            connection.execute("SELECT 1")
            end()
            end()
        with connection.transaction(), connection.transaction():
            connection.execute("SELECT 1")
        with contextlib.suppress(psycopg.Error), connection.transaction():
            connection.execute("SELECT nothing")


def transact_with_asyncpg(url: str) -> None:
    """Do the same with asyncpg."""

    async def main() -> None:
        connection = await asyncpg.connect(url)
        for name in ("commit", "rollback"):
            transaction = connection.transaction()
            await transaction.start()
            await connection.fetch("SELECT 1")
            await getattr(transaction, name)()
        async with connection.transaction(), connection.transaction():
            await connection.fetch("SELECT 1")
        with contextlib.suppress(asyncpg.PostgresError):
            async with connection.transaction():
                await connection.fetch("SELECT nothing")
        await connection.close()

    asyncio.run(main())


def transact_with_sqlite3(_url: str) -> None:
    """Do the same with sqlite3, for which a query begins nothing."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for end in (connection.commit, connection.rollback):
        connection.execute("SELECT 1")
        end()
        connection.execute("BEGIN")
        end()
        end()
    connection.execute("BEGIN")
    with connection:
        connection.execute("SELECT 1")
    connection.execute("BEGIN")
    with contextlib.suppress(sqlite3.Error), connection:
        connection.execute("SELECT nothing")
    connection.close()


DRIVERS = {
    "psycopg2": transact_with_psycopg2,
    "psycopg": transact_with_psycopg,
    "asyncpg": transact_with_asyncpg,
    "sqlite3": transact_with_sqlite3,
}


@pytest.mark.parametrize("name", DRIVERS)
def test_commit_and_rollback_are_spans_where_the_settings_ask_for_them(postgres_url: str, name: str) -> None:
    with recording(name, environ=TRANSACTIONS) as recorded:
        DRIVERS[name](postgres_url)
    spans = recorded.take()
    assert [span.name for span in spans if span.name not in {"SELECT", "BEGIN"}] == ["COMMIT", "ROLLBACK", "COMMIT", "ROLLBACK"]
    (commit, *_) = [span for span in spans if span.name == "COMMIT"]
    assert commit.attributes["db.query.text"] == commit.attributes["db.query.summary"] == "COMMIT"
    assert commit.attributes["db.namespace"] == spans[0].attributes["db.namespace"]
    assert commit.attributes.get("server.address") == spans[0].attributes.get("server.address")
    assert REPEATED not in commit.attributes


@pytest.mark.parametrize("name", DRIVERS)
def test_they_are_none_by_default(postgres_url: str, name: str) -> None:
    with recording(name) as recorded:
        DRIVERS[name](postgres_url)
    assert {span.name for span in recorded.take()} <= {"SELECT", "BEGIN"}


def test_a_commit_that_fails_says_the_sqlstate(postgres_url: str) -> None:
    with recording("psycopg", environ=TRANSACTIONS) as recorded, psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TEMPORARY TABLE one (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        connection.execute("INSERT INTO one VALUES (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.commit()
    assert recorded.take()[2].attributes["error.type"] == "23505"


MYSQL = ("pymysql", "MySQLdb", "mysql.connector")


@pytest.mark.parametrize("name", MYSQL)
def test_drivers_of_mysql_do_all_of_it(mariadb_url: str, name: str) -> None:
    library = pytest.importorskip(name)
    address = urlsplit(mariadb_url)
    module = {"MySQLdb": "mysqldb", "mysql.connector": "mysql_connector"}.get(name, name)
    if name == "MySQLdb":
        import_module("MySQLdb.connections")  # else with the first connection
    with recording(module, environ={**TRANSACTIONS, **COMMENTS, **SLOW}) as recorded, serving():
        connection = library.connect(host=address.hostname, port=address.port or 3306, user=address.username)
        cursor = connection.cursor()
        for end in (connection.commit, connection.rollback):
            cursor.execute("SELECT SLEEP(0.06), info FROM information_schema.processlist WHERE id = CONNECTION_ID()")
            ((_, shown),) = cursor.fetchall()
            end()
        connection.close()
    first, commit, second, rollback, request = recorded.take()
    assert (commit.name, rollback.name) == ("COMMIT", "ROLLBACK")
    assert shown.endswith(comment(second))
    assert located(first)[::2] == (__file__, "test_drivers_of_mysql_do_all_of_it")
    assert (second.attributes[REPEATED], request.attributes[REPEATED]) == (2, 2)


@pytest.mark.parametrize("name", ["aiomysql", "asyncmy"])
def test_asynchronous_drivers_of_mysql_do_all_of_it(mariadb_url: str, name: str) -> None:
    library = pytest.importorskip(name)
    address = urlsplit(mariadb_url)

    async def main() -> str:
        connection = await library.connect(host=address.hostname, port=address.port or 3306, user=address.username)
        async with connection.cursor() as cursor:
            await cursor.execute("SELECT SLEEP(0.06), info FROM information_schema.processlist WHERE id = CONNECTION_ID()")
            ((_, shown),) = await cursor.fetchall()
        await connection.commit()
        await connection.rollback()
        connection.close()
        return str(shown)

    with recording(name, environ={**TRANSACTIONS, **COMMENTS, **SLOW}) as recorded, serving():
        shown = asyncio.run(main())
    asked, commit, rollback, _ = recorded.take()
    assert (commit.name, rollback.name) == ("COMMIT", "ROLLBACK")
    assert shown.endswith(comment(asked))
    assert located(asked)[::2] == (__file__, "main")


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg", "asyncpg"])
def test_sqlalchemy_does_all_of_it_once(postgres_url: str, driver: str) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    asynchronous = pytest.importorskip("sqlalchemy.ext.asyncio")
    if driver == "psycopg" and sqlalchemy.__version__ < "2":
        pytest.skip("SQLAlchemy 1.4 has no dialect for psycopg 3")
    url = postgres_url.replace("postgresql", f"postgresql+{driver}")

    def work(connection: Any) -> str:
        return str(connection.execute(sqlalchemy.text(SHOWN)).scalar())

    async def main() -> str:
        engine = asynchronous.create_async_engine(url)
        async with engine.begin() as connection:
            shown = await connection.run_sync(work)
        await engine.dispose()
        return str(shown)

    with recording("sqlalchemy", driver, environ={**TRANSACTIONS, **COMMENTS}) as recorded, inside():
        if driver == "asyncpg":
            shown = asyncio.run(main())
        else:
            engine = sqlalchemy.create_engine(url)
            with engine.begin() as connection:
                shown = work(connection)
            engine.dispose()
    spans = [span for span in recorded.take() if span.name != "ROLLBACK"]  # which ends what the engine asks at first
    assert [(span.name, span.scope.name.rpartition(".")[2]) for span in spans] == [
        ("SELECT pg_stat_activity", "sqlalchemy"),
        ("COMMIT", driver),
    ]
    assert shown == (f"{SHOWN} {comment(spans[0])}" if driver == "psycopg2" else SHOWN)


def test_sqlalchemy_tells_of_transactions_where_the_driver_cannot() -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine("sqlite://")
    engine.dialect.driver = "other"
    with recording("sqlalchemy", environ=TRANSACTIONS) as recorded, engine.begin() as connection:
        connection.exec_driver_sql("SELECT 1")
    names = [span.name for span in recorded.take()]
    assert [name for name in names if name != "ROLLBACK"] == ["SELECT", "COMMIT"]
    engine.dispose()
