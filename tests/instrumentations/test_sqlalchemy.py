"""One span a statement of SQLAlchemy, never two, with any driver; the same file holds for 1.4, 2.0 and 2.1."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.orm import Session, declarative_base
from sqlalchemy.pool import NullPool, StaticPool

from tests.instrumentations.recording import Recording, ids, inside, recording
from tests.processes import SITE, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:sqlalchemy", "ignore:.*:sqlalchemy.exc.MovedIn20Warning")

VERSION = tuple(int(part) for part in version("sqlalchemy").split(".")[:2])
ALL = ("sqlalchemy", "sqlite3", *[name for name in ("psycopg", "psycopg2", "asyncpg", "aiosqlite") if find_spec(name)])


class _Tables:
    def __init__(self) -> None:
        self.metadata = sa.MetaData()
        self.orders = sa.Table(
            "orders",
            self.metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("item", sa.String(50), unique=True),
            prefixes=["TEMPORARY"],
        )


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording(*ALL) as running:
        yield running


@pytest.fixture
def orders() -> sa.Table:
    return _Tables().orders


@pytest.fixture
def sqlite(recorded: Recording, tmp_path: Path) -> Iterator[sa.engine.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.db")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE kept (id INTEGER PRIMARY KEY, item TEXT UNIQUE)"))
    recorded.take()
    yield engine
    engine.dispose()


def postgres(url: str, driver: str) -> str:
    """Return SQLAlchemy's URL of the server, with a password, which the server does not ask for."""
    address = urlsplit(url)
    return f"postgresql+{driver}://{address.username}:s3cret@{address.hostname}:{address.port or 5432}{address.path}"


needs_psycopg = pytest.mark.skipif(VERSION < (2, 0), reason="SQLAlchemy 1.4 has no dialect for psycopg 3")


def test_a_statement_carries_every_attribute_of_the_conventions_and_no_value(
    recorded: Recording, sqlite: sa.engine.Engine
) -> None:
    with inside() as parent, sqlite.connect() as connection:
        connection.execute(sa.text("SELECT 'secret', :given"), {"given": "s3cret"})
    span = recorded.one()
    assert span.attributes == {
        "db.system.name": "sqlite",
        "db.namespace": "shop.db",
        "db.query.text": "SELECT ?, ?",
        "db.query.summary": "SELECT",
    }
    assert span.name == "SELECT"
    assert span.kind == "CLIENT"
    assert span.status == "UNSET"
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert span.scope.name == "platform_instrument.sqlalchemy"
    keys = {"db.system.name": "sqlite", "db.namespace": "shop.db", "db.query.summary": "SELECT"}
    assert (keys, 1) in recorded.counted()


@needs_psycopg
def test_postgresql_over_psycopg_is_one_span_with_its_server_and_rows(recorded: Recording, postgres_url: str) -> None:
    engine = sa.create_engine(postgres(postgres_url, "psycopg"))
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT generate_series(1, :last)"), {"last": 3}).all() == [(1,), (2,), (3,)]
    span = recorded.one()
    engine.dispose()
    address = urlsplit(postgres_url)
    assert span.attributes.pop("db.query.text").startswith("SELECT generate_series(?, %(last)s")  # 2.0 adds a cast
    assert span.attributes == {
        "db.system.name": "postgresql",
        "db.namespace": address.path.lstrip("/"),
        "server.address": address.hostname,
        "server.port": address.port or 5432,
        "db.query.summary": "SELECT",
        "db.response.returned_rows": 3,
    }
    assert "s3cret" not in repr(span)
    assert recorded.rows() == [("SELECT", 1, 3)]


def test_postgresql_over_psycopg2_is_one_span_a_statement(recorded: Recording, postgres_url: str, orders: sa.Table) -> None:
    pytest.importorskip("psycopg2")
    engine = sa.create_engine(postgres(postgres_url, "psycopg2"), pool_pre_ping=True)
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT generate_series(1, :last)"), {"last": 3}).all() == [(1,), (2,), (3,)]
        span = recorded.one()
        orders.create(connection)
        connection.execute(orders.insert(), [{"id": number, "item": str(number)} for number in range(250)])
        connection.execute(orders.insert(), {"id": 999, "item": "z"})
        streamed = sa.select(orders.c.id).execution_options(stream_results=True)
        assert len(connection.execute(streamed).all()) == 251
        with pytest.raises(sa.exc.IntegrityError):
            connection.execute(orders.insert(), {"id": 999, "item": "s3cret"})
    engine.dispose()
    address = urlsplit(postgres_url)
    assert span.attributes == {
        "db.system.name": "postgresql",
        "db.namespace": address.path.lstrip("/"),
        "server.address": address.hostname,
        "server.port": address.port or 5432,
        "db.query.text": "SELECT generate_series(?, %(last)s)",
        "db.query.summary": "SELECT",
        "db.response.returned_rows": 3,
    }
    create, *spans = recorded.take()
    assert create.name.startswith("CREATE")
    assert [span.name.replace("BATCH ", "").split()[0] for span in spans] == ["INSERT", "INSERT", "SELECT", "INSERT"]
    if VERSION < (2, 0):  # later ones write the rows into the statement
        assert spans[0].attributes["db.operation.batch.size"] == 250
    assert [span.attributes.get("db.response.status_code") for span in spans] == [None, None, None, "23505"]
    assert {span.scope.name for span in spans} == {"platform_instrument.sqlalchemy"}


def test_a_driver_that_does_not_know_how_many_rows_there_are_says_a_number_that_is_none(
    recorded: Recording, mariadb_url: str
) -> None:
    pytest.importorskip("pymysql")
    address = urlsplit(mariadb_url)
    engine = sa.create_engine(f"mysql+pymysql://{address.username}@{address.hostname}:{address.port or 3306}/")
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1 UNION SELECT 2")).all()
        streaming = connection.execution_options(stream_results=True)
        assert len(streaming.execute(sa.text("SELECT 1 UNION SELECT 2")).all()) == 2
    engine.dispose()
    assert [span.attributes.get("db.response.returned_rows") for span in recorded.take()] == [2, None]
    assert [(count, total) for _, count, total in recorded.rows()] == [(1, 2)]


def test_core_and_orm_are_one_span_a_statement(recorded: Recording, sqlite: sa.engine.Engine) -> None:
    base = declarative_base()

    class Kept(base):  # type: ignore[valid-type,misc,unused-ignore]
        __tablename__ = "kept"
        id = sa.Column(sa.Integer, primary_key=True)
        item = sa.Column(sa.String)

    with sqlite.begin() as connection:
        connection.execute(sa.select(sa.func.count()).select_from(sa.text("kept")))
        connection.exec_driver_sql("SELECT 1")
    assert len(recorded.take()) == 2
    with Session(sqlite) as session:
        session.add(Kept(item="a"))
        session.flush()
        assert session.query(Kept).filter_by(item="a").count() == 1
        session.commit()
    names = [span.name.split()[0] for span in recorded.take()]
    assert names == ["INSERT", "SELECT"]


def test_many_parameters_are_one_batch(recorded: Recording, sqlite: sa.engine.Engine, orders: sa.Table) -> None:
    with sqlite.begin() as connection:
        orders.create(connection)
        recorded.take()
        connection.execute(orders.insert(), [{"id": number, "item": str(number)} for number in range(5)])
        connection.execute(
            orders.update().where(orders.c.id == sa.bindparam("key")), [{"key": 1, "item": "x"}, {"key": 2, "item": "y"}]
        )
        connection.execute(orders.insert(), [{"id": 9, "item": "z"}])
    first, second, third = recorded.take()
    assert (first.name.split()[:2], first.attributes["db.operation.batch.size"]) == (["BATCH", "INSERT"], 5)
    assert (second.name.split()[:2], second.attributes["db.operation.batch.size"]) == (["BATCH", "UPDATE"], 2)
    assert third.name.split()[0] == "INSERT"
    assert "db.operation.batch.size" not in third.attributes


@pytest.mark.skipif(VERSION < (2, 0), reason="came with SQLAlchemy 2.0")
def test_each_statement_of_insertmanyvalues_is_one_span(recorded: Recording, sqlite: sa.engine.Engine, orders: sa.Table) -> None:
    if sqlite.dialect.insert_returning is False:  # type: ignore[attr-defined]
        pytest.skip("this SQLite knows no RETURNING")
    with sqlite.begin() as connection:
        orders.create(connection)
        recorded.take()
        statement = orders.insert().returning(orders.c.id)
        rows = connection.execution_options(insertmanyvalues_page_size=4).execute(
            statement, [{"item": str(n)} for n in range(10)]
        )
        assert len(rows.all()) == 10
    spans = recorded.take()
    assert len(spans) == 3
    assert {span.name.split()[0] for span in spans} == {"INSERT"}


def test_a_failed_statement_says_the_driver_s_code(recorded: Recording, sqlite: sa.engine.Engine) -> None:
    with sqlite.connect() as connection, pytest.raises(sa.exc.OperationalError):
        connection.execute(sa.text("SELECT * FROM nowhere"))
    span = recorded.one()
    assert span.status == "ERROR"
    assert span.attributes["error.type"] in {"SQLITE_ERROR", "sqlite3.OperationalError"}


@needs_psycopg
def test_a_failed_statement_of_postgresql_says_the_sqlstate(recorded: Recording, postgres_url: str) -> None:
    engine = sa.create_engine(postgres(postgres_url, "psycopg"), poolclass=NullPool)
    with engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError) as raised:
        connection.execute(sa.text("SELECT * FROM nowhere"))
    span = recorded.one()
    assert span.attributes["db.response.status_code"] == span.attributes["error.type"] == "42P01"
    assert raised.value.orig is not None
    engine.dispose()


@needs_psycopg
def test_a_server_side_cursor_is_one_span_however_much_is_fetched(recorded: Recording, postgres_url: str) -> None:
    engine = sa.create_engine(postgres(postgres_url, "psycopg"))
    with engine.connect() as connection:
        result = connection.execution_options(stream_results=True, max_row_buffer=10).execute(
            sa.text("SELECT generate_series(1, 100)")
        )
        assert len(list(result)) == 100
    assert "db.response.returned_rows" not in recorded.one().attributes
    engine.dispose()


def test_events_of_the_application_still_fire_and_may_change_the_statement(recorded: Recording, sqlite: sa.engine.Engine) -> None:
    fired: list[str] = []

    @event.listens_for(sqlite, "before_cursor_execute", retval=True)
    def before(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any) -> tuple[str, Any]:
        fired.append("before")
        return f"{statement} /* mine */", parameters

    @event.listens_for(sqlite, "after_cursor_execute")
    def after(*_: Any) -> None:
        fired.append("after")

    @event.listens_for(sqlite, "handle_error")
    def handle(_context: Any) -> None:
        fired.append("error")

    with sqlite.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
        with pytest.raises(sa.exc.OperationalError):
            connection.execute(sa.text("SELEC"))
    assert fired == ["before", "after", "before", "error"]
    assert len(recorded.take()) == 2


def test_a_statement_that_an_event_answers_itself_is_no_call(recorded: Recording, sqlite: sa.engine.Engine) -> None:
    @event.listens_for(sqlite, "do_execute")
    def instead(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:  # noqa: ARG001 - the event's
        return statement == "SELECT nothing"

    with sqlite.connect() as connection:
        connection.exec_driver_sql("SELECT nothing")
        connection.exec_driver_sql("SELECT 1")
    assert [span.attributes["db.query.text"] for span in recorded.take()] == ["SELECT ?"]


def test_a_creator_s_database_is_named_as_far_as_it_says(recorded: Recording, tmp_path: Path) -> None:
    import sqlite3

    engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(tmp_path / "made.db"), poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    assert recorded.one().attributes["db.namespace"] == "made.db"


@needs_psycopg
def test_a_creator_s_server_is_named(recorded: Recording, postgres_url: str) -> None:
    import psycopg

    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(postgres_url), poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    attributes = recorded.one().attributes
    assert (attributes["server.address"], attributes["db.namespace"]) == (urlsplit(postgres_url).hostname, "postgres")


@pytest.mark.parametrize("pool", [NullPool, StaticPool])
def test_any_pool_is_observed(recorded: Recording, pool: Any) -> None:
    engine = sa.create_engine("sqlite://", poolclass=pool)
    for _ in range(2):
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    assert [span.attributes["db.namespace"] for span in recorded.take()] == [":memory:"] * 2
    engine.dispose()


@needs_psycopg
def test_what_sqlalchemy_asks_by_itself_is_no_span(recorded: Recording, postgres_url: str) -> None:
    engine = sa.create_engine(postgres(postgres_url, "psycopg"), pool_pre_ping=True, isolation_level="SERIALIZABLE")
    for _ in range(2):
        with engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("SELECT 1")
    assert len(recorded.take()) == 2
    engine.dispose()


def test_engines_with_options_share_their_database(recorded: Recording, sqlite: sa.engine.Engine) -> None:
    with sqlite.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    assert recorded.one().attributes["db.namespace"] == "shop.db"


def test_a_dialect_that_executes_in_its_own_way_is_observed_once(recorded: Recording) -> None:
    from sqlalchemy.dialects import registry
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

    class Own(SQLiteDialect_pysqlite):
        supports_statement_cache = True

        def do_execute(self, cursor: Any, statement: Any, parameters: Any, context: Any = None) -> None:  # noqa: ARG002
            cursor.execute(statement, parameters)

    class Below(Own):
        supports_statement_cache = True

        def do_execute(self, cursor: Any, statement: Any, parameters: Any, context: Any = None) -> None:
            super().do_execute(cursor, statement, parameters, context)

    registry.impls["sqlite.own"] = lambda: Below
    own, below = Own.do_execute, Below.do_execute
    for _ in range(2):
        engine = sa.create_engine("sqlite+own://")
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
        assert len(recorded.take()) == 1
        engine.dispose()
    assert Own.do_execute is not own
    assert Below.do_execute is not below


def asyncio_engine(url: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    """Return what `work` answers on an asyncio engine."""
    from sqlalchemy.ext.asyncio import create_async_engine

    async def main() -> Any:
        engine = create_async_engine(url)
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    return asyncio.run(main())


@pytest.mark.parametrize("driver", ["aiosqlite", "asyncpg", pytest.param("psycopg", marks=needs_psycopg)])
def test_asyncio_keeps_parents_across_greenlets_and_is_one_span_a_statement(
    recorded: Recording, postgres_url: str, tmp_path: Path, driver: str
) -> None:
    pytest.importorskip(driver)
    url = f"sqlite+aiosqlite:///{tmp_path}/async.db" if driver == "aiosqlite" else postgres(postgres_url, driver)

    async def request(engine: Any) -> str:
        with inside() as parent:
            async with engine.connect() as connection:
                await connection.execute(sa.text("SELECT 1"))
                await asyncio.sleep(0.01)
                result = await connection.stream(sa.text("SELECT 2"))
                assert [row[0] async for row in result] == [2]
            with pytest.raises(sa.exc.DBAPIError):
                async with engine.connect() as connection:
                    await connection.execute(sa.text("SELECT * FROM nowhere"))
        return ids(parent)[1]

    async def work(engine: Any) -> list[str]:
        async with engine.connect() as connection:
            await connection.execute(sa.text("SELECT 0"))
        recorded.take()
        return list(await asyncio.gather(*(request(engine) for _ in range(4))))

    parents = asyncio_engine(url, work)
    spans = [span for span in recorded.take() if "SELECT ?" in span.attributes["db.query.text"] or span.status == "ERROR"]
    assert sorted(span.parent_id for span in spans) == sorted(parents * 3)
    assert {span.scope.name for span in spans} == {"platform_instrument.sqlalchemy"}
    assert {span.attributes["error.type"] for span in spans if span.status == "ERROR"} <= {
        "42P01",
        "SQLITE_ERROR",
        "sqlite3.OperationalError",
    }


def test_asyncio_orm_is_one_span_a_statement(recorded: Recording, tmp_path: Path) -> None:
    from sqlalchemy.ext.asyncio import AsyncSession

    base = declarative_base()

    class Kept(base):  # type: ignore[valid-type,misc,unused-ignore]
        __tablename__ = "kept"
        id = sa.Column(sa.Integer, primary_key=True)
        item = sa.Column(sa.String)

    async def work(engine: Any) -> None:
        async with engine.begin() as connection:
            await connection.run_sync(base.metadata.create_all)
        recorded.take()
        async with AsyncSession(engine) as session:
            session.add(Kept(item="a"))
            await session.commit()
            assert (await session.execute(sa.select(Kept.item))).scalars().all() == ["a"]

    asyncio_engine(f"sqlite+aiosqlite:///{tmp_path}/orm.db", work)
    assert [span.name.split()[0] for span in recorded.take()] == ["INSERT", "SELECT"]


def test_an_engine_from_before_is_observed_too(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/before.db")
    with recording("sqlalchemy", "sqlite3") as recorded, engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    assert recorded.one().attributes["db.namespace"] == "before.db"
    engine.dispose()


def test_undo_restores_every_method() -> None:
    names = ("do_execute", "do_execute_no_params", "do_executemany")
    before = [vars(DefaultDialect)[name] for name in names], vars(sa.engine.base.Engine)["__init__"]
    with recording("sqlalchemy"):
        assert vars(DefaultDialect)["do_execute"] is not before[0][0]
        sa.create_engine("sqlite://").dispose()
    assert ([vars(DefaultDialect)[name] for name in names], vars(sa.engine.base.Engine)["__init__"]) == before


@pytest.mark.faults
def test_a_fault_of_ours_is_invisible(recorded: Recording, sqlite: sa.engine.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    place = "platform_instrument.instrumentations.sqlalchemy"
    for name in ("returned_rows", "failure", "query"):
        monkeypatch.setattr(f"{place}.{name}", broken)
        with sqlite.connect() as connection:
            assert connection.execute(sa.text("SELECT 7")).scalar() == 7
            with pytest.raises(sa.exc.OperationalError):
                connection.execute(sa.text("SELEC"))
    monkeypatch.setattr(f"{place}._remember", broken)
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT 7")).scalar() == 7
    engine.dispose()
    assert recorded.spans


OPTIONS = """
import sys, sqlalchemy
assert "platform_instrument.instrumentations.sqlalchemy" in sys.modules
engine = sqlalchemy.create_engine(
    "sqlite://", echo=True, echo_pool=True, hide_parameters=True, query_cache_size=7, logging_name="one", pool_logging_name="two",
    execution_options={"stream_results": True}, poolclass=sqlalchemy.pool.StaticPool)
print(engine.echo, engine.hide_parameters, engine.logging_name, dict(engine.get_execution_options()))
"""


def test_engines_take_every_option_that_they_take_without_us(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(OPTIONS)
    env = {"PLATFORM_PROBES": "true", "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
    place = os.pathsep.join((str(SITE), *sys.path))  # the command is not in each environment that this file runs in
    done = run([sys.executable, tmp_path / "program.py"], env={**env, "PYTHONPATH": place})
    assert done.stdout == "True True one {'stream_results': True}\n", done.stderr
