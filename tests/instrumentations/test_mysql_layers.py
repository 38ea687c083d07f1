"""One span a statement through what stands on the drivers of MySQL and MariaDB: SQLAlchemy, Django, peewee."""

from __future__ import annotations

import asyncio
import importlib
import sys
import textwrap
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.instrumentations.recording import Recording, ids, inside, recording
from tests.processes import door, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

DRIVERS = {
    "pymysql": ("pymysql", "pymysql"),
    "mysqldb": ("MySQLdb.connections", "mysqldb"),
    "mysqlconnector": ("mysql.connector", "mysql_connector"),
    "aiomysql": ("aiomysql", "aiomysql"),
    "asyncmy": ("asyncmy", "asyncmy"),
}
"""What SQLAlchemy calls a driver → what is imported for it, and our module."""


def _recording(driver: str) -> Any:
    pytest.importorskip("sqlalchemy")
    imported, module = DRIVERS[driver]
    try:
        importlib.import_module(imported)
    except ImportError as missing:
        pytest.skip(str(missing))
    return recording("sqlalchemy", module)


def _url(mariadb_url: str, driver: str) -> str:
    address = urlsplit(mariadb_url)
    return f"mysql+{driver}://{address.username}@{address.hostname}:{address.port or 3306}/mysql"


@pytest.fixture(params=["pymysql", "mysqldb", "mysqlconnector"])
def driver(request: Any) -> str:
    return str(request.param)


@pytest.fixture
def recorded(driver: str) -> Iterator[Recording]:
    with _recording(driver) as running:
        yield running


def where(mariadb_url: str) -> dict[str, Any]:
    """Return the attributes that say where a statement went."""
    address = urlsplit(mariadb_url)
    return {
        "db.system.name": "mariadb",
        "db.namespace": "mysql",
        "server.address": address.hostname,
        "server.port": address.port or 3306,
    }


def test_sqlalchemy_is_one_span_a_statement(recorded: Recording, mariadb_url: str, driver: str) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(_url(mariadb_url, driver), pool_pre_ping=True, isolation_level="READ COMMITTED")
    for _ in range(2):
        with inside() as parent, engine.begin() as connection:
            connection.execute(sa.text("CREATE TEMPORARY TABLE shelf (id INT PRIMARY KEY)"))
            connection.execute(sa.text("INSERT INTO shelf VALUES (:id)"), [{"id": 1}, {"id": 2}])
            assert connection.execute(sa.text("SELECT id FROM shelf WHERE id > :least"), {"least": 0}).all() == [(1,), (2,)]
            with pytest.raises(sa.exc.DBAPIError):
                connection.execute(sa.text("SELECT * FROM nowhere"))
            connection.execute(sa.text("DROP TEMPORARY TABLE shelf"))
        spans = recorded.take()
        assert [span.name for span in spans] == [
            "CREATE TABLE shelf",
            "BATCH INSERT shelf",
            "SELECT shelf",
            "SELECT nowhere",
            "DROP TABLE shelf",
        ]
        assert {span.scope.name for span in spans} == {"platform_instrument.sqlalchemy"}
        assert {span.parent_id for span in spans} == {ids(parent)[1]}
        assert [span.attributes.get("db.response.returned_rows") for span in spans] == [None, None, 2, None, None]
        assert spans[3].attributes["db.response.status_code"] == spans[3].attributes["error.type"] == "1146"
        assert where(mariadb_url).items() <= spans[0].attributes.items()
    engine.dispose()


@pytest.mark.parametrize("driver", ["pymysql", "mysqldb"])
def test_a_stream_of_sqlalchemy_does_not_know_how_many_rows_there_are(recorded: Recording, mariadb_url: str, driver: str) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(_url(mariadb_url, driver))
    with engine.connect() as connection:
        streamed = connection.execution_options(stream_results=True).execute(sa.text("SELECT 1 UNION SELECT 2"))
        assert len(streamed.all()) == 2
    assert "db.response.returned_rows" not in recorded.one().attributes
    engine.dispose()


def test_what_goes_past_sqlalchemy_is_observed_by_the_driver(recorded: Recording, mariadb_url: str, driver: str) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(_url(mariadb_url, driver))
    connection = engine.raw_connection()
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    assert list(cursor.fetchall()) == [(1,)]
    cursor.close()
    connection.close()
    span = recorded.one()
    assert span.scope.name != "platform_instrument.sqlalchemy"
    assert where(mariadb_url).items() <= span.attributes.items()
    engine.dispose()


@pytest.mark.parametrize("driver", ["aiomysql", "asyncmy"])
def test_asyncio_keeps_parents_across_greenlets_and_is_one_span_a_statement(
    recorded: Recording, mariadb_url: str, driver: str
) -> None:
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import create_async_engine

    async def request(engine: Any) -> str:
        with inside() as parent:
            async with engine.connect() as connection:
                await connection.execute(sa.text("SELECT SLEEP(0.01)"))
                result = await connection.stream(sa.text("SELECT 2"))
                assert [row[0] async for row in result] == [2]
                with pytest.raises(sa.exc.DBAPIError):
                    await connection.execute(sa.text("SELECT * FROM nowhere"))
            return ids(parent)[1]

    async def main() -> list[str]:
        engine = create_async_engine(_url(mariadb_url, driver), pool_pre_ping=True)
        try:
            return await asyncio.gather(*(request(engine) for _ in range(3)))
        finally:
            await engine.dispose()

    parents = asyncio.run(main())
    spans = recorded.take()
    assert {span.scope.name for span in spans} == {"platform_instrument.sqlalchemy"}
    assert sorted(span.parent_id for span in spans) == sorted(parents * 3)
    assert [span.attributes["error.type"] for span in spans if span.name == "SELECT nowhere"] == ["1146"] * 3


def test_peewee_is_one_span_a_statement(
    recorded: Recording, mariadb_url: str, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    peewee = pytest.importorskip("peewee")
    address = urlsplit(mariadb_url)
    options = {"host": address.hostname, "port": address.port or 3306, "user": address.username}
    if driver == "mysqlconnector":
        kind = importlib.import_module("playhouse.mysql_ext").MySQLConnectorDatabase
    else:
        kind = peewee.MySQLDatabase
        monkeypatch.setattr(peewee, "mysql", importlib.import_module(DRIVERS[driver][0].partition(".")[0]))
    database = kind("mysql", **options)
    with inside() as parent, database.connection_context():
        database.execute_sql("CREATE TEMPORARY TABLE shelf (id INT PRIMARY KEY)")
        with database.atomic():
            database.execute_sql("INSERT INTO shelf VALUES (%s)", (1,))
        assert list(database.execute_sql("SELECT id FROM shelf WHERE id = %s", (1,)).fetchall()) == [(1,)]
        with pytest.raises(peewee.ProgrammingError):
            database.execute_sql("SELECT * FROM nowhere")
    spans = [
        span for span in recorded.take() if span.name != "SELECT" and "version" not in span.attributes["db.query.text"].lower()
    ]
    assert [span.name for span in spans] == [
        "CREATE TABLE shelf",
        "BEGIN",
        "INSERT shelf",
        "COMMIT",
        "SELECT shelf",
        "SELECT nowhere",
    ]
    assert {span.parent_id for span in spans} == {ids(parent)[1]}
    assert where(mariadb_url).items() <= spans[0].attributes.items()
    assert spans[5].attributes["error.type"] == "1146"


def test_peewee_over_sqlite_is_one_span_a_statement(tmp_path: Path) -> None:
    peewee = pytest.importorskip("peewee")
    with recording("sqlite3") as recorded:
        database = peewee.SqliteDatabase(tmp_path / "shop.db", pragmas={"foreign_keys": 1})

        class Item(peewee.Model):  # type: ignore[misc,name-defined,unused-ignore]
            name = peewee.CharField(unique=True)

            class Meta:
                pass

        Item.bind(database)
        with inside() as parent, database.connection_context():
            recorded.take()
            database.create_tables([Item])
            Item.insert_many([{"name": "tea"}, {"name": "s3cret"}]).execute()
            assert [item.name for item in Item.select().order_by(Item.id)] == ["tea", "s3cret"]
            with pytest.raises(peewee.IntegrityError):
                Item.create(name="tea")
        spans = recorded.take()
    names = [span.name for span in spans if not span.name.startswith(("CREATE", "BEGIN"))]
    assert names == ['INSERT "item"', 'SELECT "item"', 'INSERT "item"']
    assert {span.parent_id for span in spans} == {ids(parent)[1]}
    assert {span.attributes["db.namespace"] for span in spans} == {"shop.db"}
    assert "s3cret" not in repr(spans)


DJANGO = textwrap.dedent(
    """
    import sys
    from django.conf import settings

    engine, host, port, user, client = sys.argv[1:]
    if client == "pymysql":
        import pymysql

        pymysql.install_as_MySQLdb()
    database = {"ENGINE": engine, "NAME": "mysql", "HOST": host, "PORT": port, "USER": user}
    settings.configure(DATABASES={"default": database}, INSTALLED_APPS=[], USE_TZ=True)
    import django

    django.setup()
    from django.db import IntegrityError, connection, models, transaction


    class Item(models.Model):
        name = models.CharField(max_length=50, unique=True)

        class Meta:
            app_label = "shop"
            db_table = "shelf"


    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE shelf (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) UNIQUE)")
    Item.objects.create(name="tea")
    Item.objects.bulk_create([Item(name="s3cret"), Item(name="salt")])
    assert Item.objects.filter(name__startswith="s").count() == 2
    try:
        with transaction.atomic():
            Item.objects.create(name="tea")
    except IntegrityError:
        pass
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE shelf SET name = %s WHERE id = %s", [("a", 1), ("b", 2)])
        cursor.execute("SELECT 'the end'")
    """
)


@pytest.mark.parametrize("client", ["mysqlclient", "pymysql"])
def test_django_is_one_span_a_statement(collector: Collector, tmp_path: Path, mariadb_url: str, client: str) -> None:
    pytest.importorskip("django")
    pytest.importorskip("MySQLdb" if client == "mysqlclient" else client)
    address = urlsplit(mariadb_url)
    program = tmp_path / "program.py"
    program.write_text(DJANGO)
    engine = "django.db.backends.mysql"
    argv, env = door(
        "command",
        [sys.executable, program, engine, str(address.hostname), str(address.port or 3306), str(address.username), client],
    )
    done = run(argv, env=env, collector=collector)
    assert (done.returncode, done.stderr) == (0, "")
    spans = collector.wait_for(lambda spans: bool(spans) and spans[-1].attributes.get("db.query.text") == "SELECT ?")
    began = next(at for at, span in enumerate(spans) if span.name.startswith("CREATE"))
    own = [span.name for span in spans[:began]]
    assert own in (["SELECT", "SET", "SET"], ["SELECT", "SET"], ["SET"], ["SELECT"]), own  # Django's own, of a new connection
    names = [span.name for span in spans[began:] if "SAVEPOINT" not in span.name]
    assert names == [
        "CREATE TABLE shelf",
        "INSERT `shelf`",
        "INSERT `shelf`",
        "SELECT `shelf`",
        "INSERT `shelf`",
        "BATCH UPDATE shelf",
        "SELECT",
    ]
    failed = spans[began + 4]
    assert failed.attributes["error.type"] == "1062"
    assert {span.scope.name for span in spans} == {f"platform_instrument.{client}"}
    assert where(mariadb_url).items() <= spans[began].attributes.items()
    assert "s3cret" not in repr(spans)


INSTRUMENTORS = textwrap.dedent(
    """
    import sys
    import mysql.connector, pymysql
    from mysql.connector.opentelemetry.instrumentation import MySQLInstrumentor
    from opentelemetry import trace
    import opentelemetry.instrumentation

    host, port, user = sys.argv[1:]
    where = {"host": host, "port": int(port), "user": user}
    driver = trace.get_tracer("opentelemetry.instrumentation.pymysql")
    with driver.start_as_current_span("upstream"):
        pymysql.connect(**where).cursor().execute("SELECT 1")
    MySQLInstrumentor().instrument()
    connection = mysql.connector.connect(**where)
    cursor = connection.cursor()
    cursor.execute("SELECT 2")
    cursor.fetchall()
    cursor.close()
    connection.close()
    """
)


@pytest.mark.parametrize(("off", "names"), [("", ["SELECT", "SELECT"]), ("mysql,pymysql", ["upstream", "SELECT", "connection"])])
def test_instrumentors_of_others_give_way(
    collector: Collector, tmp_path: Path, mariadb_url: str, off: str, names: list[str]
) -> None:
    pytest.importorskip("mysql.connector.opentelemetry.instrumentation")
    address = urlsplit(mariadb_url)
    program = tmp_path / "program.py"
    program.write_text(INSTRUMENTORS)
    argv, env = door(
        "command", [sys.executable, program, str(address.hostname), str(address.port or 3306), str(address.username)]
    )
    done = run(argv, env={**env, "PLATFORM_DISABLED_INSTRUMENTATIONS": off}, collector=collector)
    assert done.returncode == 0, done.stderr
    assert off or done.stderr == ""  # else the driver warns that its server takes no trace context
    assert sorted(span.name for span in collector.spans) == sorted(names)
    assert {span.scope.name.startswith("platform_instrument") for span in collector.spans} == {not off}
