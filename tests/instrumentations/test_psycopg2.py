"""One span a statement of psycopg2, and connections and cursors that behave as the library's own."""

from __future__ import annotations

import copy
import gc
import io
import logging
import pickle
import sys
import threading
import traceback
import weakref
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg2
import psycopg2.extensions
import psycopg2.extras
import psycopg2.pool
import pytest
from psycopg2 import sql

from platform_instrument.testing.contract import InstrumentationContract
from tests.instrumentations.recording import Recording, ids, inside, recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def recorded() -> Iterator[Recording]:
    with recording("psycopg2") as running:
        yield running


@pytest.fixture
def db(postgres_url: str, recorded: Recording) -> Iterator[Any]:
    connection = psycopg2.connect(postgres_url)
    connection.autocommit = True
    connection.cursor().execute("CREATE TEMPORARY TABLE orders (id int PRIMARY KEY, item text)")
    recorded.take()
    yield connection
    connection.close()


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
    recorded: Recording, db: Any, postgres_url: str
) -> None:
    with inside() as parent, db.cursor() as cursor:
        cursor.execute("SELECT %s, 'secret'", ("s3cret",))
        assert cursor.fetchone() == ("s3cret", "secret")
    span = recorded.one()
    assert span.attributes == {
        **where(postgres_url),
        "db.query.text": "SELECT %s, ?",
        "db.query.summary": "SELECT",
        "db.response.returned_rows": 1,
    }
    assert (span.name, span.kind, span.status) == ("SELECT", "CLIENT", "UNSET")
    assert (span.trace_id, span.parent_id) == ids(parent)
    assert span.scope.name == "platform_instrument.psycopg2"
    assert ({**where(postgres_url), "db.query.summary": "SELECT"}, 1) in recorded.counted()
    assert ("SELECT", 1, 1) in recorded.rows()


def test_every_way_to_execute_is_one_span(recorded: Recording, db: Any) -> None:
    cursor = db.cursor()
    ways: dict[str, Callable[[], Any]] = {
        "INSERT orders": lambda: cursor.execute("INSERT INTO orders VALUES (1, 'a')"),
        "SELECT orders": lambda: cursor.execute(b"SELECT * FROM orders"),
        "BATCH INSERT orders": lambda: cursor.executemany("INSERT INTO orders VALUES (%s, %s)", [(2, "b"), (3, "c")]),
        "CALL lower": lambda: cursor.callproc("lower", ("S3CRET",)),
        "COPY orders": lambda: cursor.copy_from(io.StringIO("4\td\n"), "orders"),
        "COPY pg_temp.orders": lambda: cursor.copy_expert("COPY pg_temp.orders TO STDOUT", io.StringIO()),
    }
    for name, way in ways.items():
        way()
        assert recorded.one().name == name
    cursor.copy_to(io.StringIO(), table="orders")
    span = recorded.one()
    assert (span.name, span.attributes["db.query.text"]) == ("COPY orders", "COPY orders TO STDOUT")
    cursor.execute(query="SELECT %s", vars=("s3cret",))
    assert recorded.one().attributes["db.query.text"] == "SELECT %s"


def test_a_procedure_is_named_and_its_arguments_stay(recorded: Recording, db: Any, postgres_url: str) -> None:
    cursor = db.cursor()
    assert cursor.callproc("upper", ["s3cret"]) == ["s3cret"]
    assert cursor.fetchone() == ("S3CRET",)
    assert recorded.one().attributes == {
        **where(postgres_url),
        "db.operation.name": "CALL",
        "db.stored_procedure.name": "upper",
        "db.query.text": "CALL upper",
        "db.query.summary": "CALL upper",
        "db.response.returned_rows": 1,
    }


@pytest.mark.parametrize("name", ["execute_values", "execute_batch"])
def test_rows_that_go_in_pages_are_one_batch(recorded: Recording, db: Any, name: str) -> None:
    placeholders = "%s" if name == "execute_values" else "(%s, %s)"
    rows = [(number, f"s3cret{number}") for number in range(250)]
    getattr(psycopg2.extras, name)(db.cursor(), f"INSERT INTO orders VALUES {placeholders}", rows)
    span = recorded.one()
    assert (span.name, span.attributes["db.query.text"]) == (
        "BATCH INSERT orders",
        f"INSERT INTO orders VALUES {placeholders}",
    )
    assert span.attributes["db.operation.batch.size"] == 250
    with db.cursor() as cursor:
        cursor.execute("SELECT count(*), min(item) FROM orders")
        assert cursor.fetchone() == (250, "s3cret0")


def test_fetched_rows_of_execute_values_are_counted(recorded: Recording, db: Any) -> None:
    rows = [(number, "x") for number in range(7)]
    found = psycopg2.extras.execute_values(
        db.cursor(), "INSERT INTO orders VALUES %s RETURNING id", rows, page_size=3, fetch=True
    )
    assert found == [(number,) for number in range(7)]
    assert recorded.one().attributes["db.response.returned_rows"] == 7
    psycopg2.extras.execute_values(db.cursor(), "INSERT INTO orders VALUES %s", [(8, "x")])
    span = recorded.one()
    assert span.name == "INSERT orders"
    assert "db.operation.batch.size" not in span.attributes


def test_rows_are_counted_only_where_the_driver_knows_them(recorded: Recording, db: Any) -> None:
    cursor = db.cursor()
    cursor.execute("INSERT INTO orders SELECT n, 'x' FROM generate_series(1, 5) n")
    cursor.execute("SELECT * FROM orders")
    cursor.execute("UPDATE orders SET item = 'y' WHERE id < 3 RETURNING id")
    db.autocommit = False
    with db.cursor("named") as named:
        named.itersize = 2
        named.execute("SELECT * FROM orders")
        assert len(list(named)) == 5
    assert [span.attributes.get("db.response.returned_rows") for span in recorded.take()] == [None, 5, 2, None]
    assert recorded.rows() == [("SELECT orders", 1, 5), ("UPDATE orders", 1, 2)]


def test_a_failed_statement_says_the_sqlstate(recorded: Recording, db: Any, postgres_url: str) -> None:
    cursor = db.cursor()
    cursor.execute("INSERT INTO orders VALUES (1, 'a')")
    recorded.take()
    with pytest.raises(psycopg2.errors.UniqueViolation) as raised:
        cursor.execute("INSERT INTO orders VALUES (1, 's3cret')")
    assert raised.value.pgcode == "23505"
    assert raised.value.cursor is cursor
    span = recorded.one()
    assert span.status == "ERROR"
    assert span.attributes["db.response.status_code"] == span.attributes["error.type"] == "23505"
    expected = {**where(postgres_url), "db.response.status_code": "23505", "error.type": "23505"}
    assert any(expected.items() <= attributes.items() for attributes, _ in recorded.counted())


def test_a_statement_that_takes_too_long_says_so(recorded: Recording, db: Any) -> None:
    cursor = db.cursor()
    cursor.execute("SET statement_timeout = 100")
    recorded.take()
    with pytest.raises(psycopg2.errors.QueryCanceled):
        cursor.execute("SELECT pg_sleep(30)")
    assert recorded.one().attributes["error.type"] == "57014"


def test_a_statement_may_be_cancelled_from_another_thread(recorded: Recording, db: Any) -> None:
    timer = threading.Timer(0.2, db.cancel)
    timer.start()
    with pytest.raises(psycopg2.extensions.QueryCanceledError):
        db.cursor().execute("SELECT pg_sleep(30)")
    timer.join()
    assert recorded.one().status == "ERROR"


def test_threads_keep_their_parents(recorded: Recording, db: Any) -> None:
    parents: list[str] = []

    def work() -> None:
        with inside() as parent:
            for _ in range(3):
                with db.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.01)")
        parents.append(ids(parent)[1])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(span.parent_id for span in recorded.take()) == sorted(parents * 3)


def test_tracebacks_hold_no_frame_of_ours(recorded: Recording, db: Any) -> None:
    closed = psycopg2.connect(db.dsn)
    closed.close()
    for fail in (lambda: db.cursor().execute("SELEC"), closed.cursor, lambda: psycopg2.connect("host=nowhere.invalid")):
        with pytest.raises(psycopg2.Error) as raised:
            fail()
        frames = [frame.filename for frame in traceback.extract_tb(raised.value.__traceback__)]
        assert frames[0] == __file__
        if sys.version_info >= (3, 11):  # before, an exception that is raised again gets its frame back
            assert not [name for name in frames if "<platform_instrument" in name or "/platform_instrument/" in name]
    assert len(recorded.take()) == 1


def test_connections_and_cursors_pass_for_plain_ones(recorded: Recording, db: Any) -> None:
    cursor = db.cursor()
    assert isinstance(db, psycopg2.extensions.connection)
    assert isinstance(cursor, psycopg2.extensions.cursor)
    assert cursor.connection is db
    assert db.cursor_factory is None
    assert repr(db).startswith("<connection object at ")
    assert repr(cursor).startswith("<cursor object at ")
    for thing, name in ((db, "connection"), (cursor, "cursor")):
        kind = type(thing)
        assert (kind.__name__, kind.__module__, kind.__qualname__) == (name, "psycopg2.extensions", name)
        assert kind.__doc__ == kind.__base__.__doc__
        assert weakref.ref(thing)() is thing
        for refused in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=rf"^cannot pickle 'psycopg2\.extensions\.{name}' object$"):
                refused(thing)
    assert recorded.spans == ()


def test_what_the_library_registers_and_quotes_works_on_them(recorded: Recording, db: Any) -> None:
    cursor = db.cursor()
    floats = psycopg2.extensions.new_type((1700,), "FLOATS", lambda value, _cursor: None if value is None else float(value))
    psycopg2.extensions.register_type(floats, db)
    psycopg2.extensions.register_type(psycopg2.extensions.UNICODE, cursor)
    psycopg2.extras.register_uuid(conn_or_curs=db)
    psycopg2.extras.register_default_jsonb(cursor, loads=lambda text: ("loaded", text))
    psycopg2.extras.register_composite("information_schema.sql_features", cursor)
    assert recorded.spans == ()
    cursor.execute("SELECT 1.5::numeric, '{}'::jsonb")
    assert cursor.fetchone() == (1.5, ("loaded", "{}"))
    assert psycopg2.extensions.quote_ident('a"b', db) == '"a""b"'
    assert psycopg2.extensions.quote_ident("a", cursor) == '"a"'
    assert sql.SQL("SELECT {}").format(sql.Identifier("a")).as_string(db) == 'SELECT "a"'
    adapted = psycopg2.extensions.adapt("x'y")
    adapted.prepare(db)
    assert adapted.getquoted() == b"'x''y'"
    assert len(recorded.take()) == 1


def test_composed_queries_show_names_and_no_values(recorded: Recording, db: Any) -> None:
    query = sql.SQL("SELECT {} FROM {} WHERE id = {} AND item = {}").format(
        sql.SQL(", ").join([sql.Identifier("id"), sql.Identifier("item")]),
        sql.Identifier("pg_temp", "orders"),
        sql.Literal(7),
        sql.Placeholder("item"),
    )
    db.cursor().execute(query, {"item": "s3cret"})
    text = recorded.one().attributes["db.query.text"]
    assert text == 'SELECT "id", "item" FROM "pg_temp"."orders" WHERE id = ? AND item = %(item)s'


def test_what_is_no_query_is_the_library_s_to_refuse(recorded: Recording, db: Any) -> None:
    for nonsense in (7, None, ""):
        with pytest.raises((TypeError, psycopg2.ProgrammingError)):
            db.cursor().execute(nonsense)
    assert recorded.spans == ()


EXTRAS = ["DictCursor", "RealDictCursor", "NamedTupleCursor"]


@pytest.mark.parametrize("name", EXTRAS)
@pytest.mark.parametrize("way", ["connection", "default", "cursor", "positional", "attribute"])
def test_cursors_of_psycopg2_extras_keep_their_ways(recorded: Recording, postgres_url: str, name: str, way: str) -> None:
    kind = getattr(psycopg2.extras, name)
    connection_class = getattr(psycopg2.extras, name.replace("Cursor", "Connection"))
    options: dict[str, Any] = {"connection": {"connection_factory": connection_class}, "default": {"cursor_factory": kind}}.get(
        way, {}
    )
    connection = psycopg2.connect(postgres_url, **options)
    assert not options.get("connection_factory") or isinstance(connection, connection_class)
    if way == "attribute":
        connection.cursor_factory = kind
    cursor = {
        "cursor": lambda: connection.cursor(cursor_factory=kind),
        "positional": lambda: connection.cursor("named", kind),
    }.get(way, connection.cursor)()
    assert isinstance(cursor, kind)
    assert type(cursor).__name__ == name
    cursor.execute("SELECT 1 AS one, 2 AS two")
    row = cursor.fetchone()
    assert (row.one if name == "NamedTupleCursor" else row["one"]) == 1
    assert recorded.one().name == "SELECT"
    connection.close()


def test_a_logging_connection_of_psycopg2_extras_logs(recorded: Recording, postgres_url: str) -> None:
    connection = psycopg2.connect(postgres_url, connection_factory=psycopg2.extras.LoggingConnection)
    lines = io.StringIO()
    connection.initialize(lines)
    connection.cursor().execute("SELECT 1")
    assert lines.getvalue() == "SELECT 1\n"
    assert recorded.one().name == "SELECT"
    connection.initialize(logging.getLogger("shop"))
    connection.close()


def test_factories_of_the_application_keep_their_ways(recorded: Recording, postgres_url: str) -> None:
    class Cursor(psycopg2.extensions.cursor):
        def execute(self, query: Any, *args: Any) -> Any:
            return super().execute(query.replace("FROM_HERE", "1"), *args)

    class Connection(psycopg2.extensions.connection):
        def __init__(self, dsn: str, *args: Any, **options: Any) -> None:
            super().__init__(dsn, *args, **options)
            self.opened = dsn
            with super().cursor() as cursor:
                cursor.execute("SET application_name = 'shop'")

        def cursor(self, *args: Any, **kwargs: Any) -> Any:
            kwargs.setdefault("cursor_factory", Cursor)
            return super().cursor(*args, **kwargs)

    connection: Any = psycopg2.connect(postgres_url, connection_factory=Connection)
    assert recorded.one().name.startswith("SET")
    assert connection.opened == postgres_url
    assert isinstance(connection, Connection)
    assert type(connection).__qualname__ == Connection.__qualname__
    cursor = connection.cursor()
    assert isinstance(cursor, Cursor)
    cursor.execute("SELECT FROM_HERE")
    assert cursor.fetchone() == (1,)
    assert recorded.one().attributes["db.query.text"] == "SELECT ?"
    connection.close()


def test_classes_made_for_a_factory_go_with_it(postgres_url: str) -> None:
    with recording("psycopg2"):

        class Connection(psycopg2.extensions.connection):
            pass

        psycopg2.connect(postgres_url, connection_factory=Connection).close()
        gone = weakref.ref(Connection)
        del Connection
        gc.collect()
        assert gone() is None


def test_plain_connections_that_a_function_makes_are_observed(recorded: Recording, postgres_url: str) -> None:
    def make(dsn: str, **options: Any) -> Any:
        return psycopg2.extensions.connection(dsn, **options)

    connection = psycopg2.connect(postgres_url, connection_factory=make)
    assert type(connection) is psycopg2.extensions.connection
    connection.cursor().execute("SELECT 1")
    assert recorded.one().name == "SELECT"
    connection.close()

    def make_dictionaries(dsn: str, **options: Any) -> Any:
        return psycopg2.extras.DictConnection(dsn, **options)

    connection = psycopg2.connect(postgres_url, connection_factory=make_dictionaries)
    assert type(connection) is psycopg2.extras.DictConnection
    with connection.cursor() as cursor:
        assert type(cursor) is psycopg2.extras.DictCursor
        cursor.execute("SELECT 1")
    connection.close()


def test_a_replication_connection_is_made_as_before(recorded: Recording, postgres_url: str) -> None:
    connection = psycopg2.connect(postgres_url, connection_factory=psycopg2.extras.LogicalReplicationConnection)
    cursor = connection.cursor()
    assert isinstance(cursor, psycopg2.extras.ReplicationCursor)
    cursor.execute("IDENTIFY_SYSTEM")
    assert len(cursor.fetchone()) == 4
    assert recorded.one().status == "UNSET"
    connection.close()


def test_an_asynchronous_connection_works_as_before(recorded: Recording, postgres_url: str) -> None:
    connection = psycopg2.connect(postgres_url, async_=True)
    psycopg2.extras.wait_select(connection)
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    psycopg2.extras.wait_select(connection)
    assert cursor.fetchone() == (1,)
    assert recorded.one().attributes["server.address"] == urlsplit(postgres_url).hostname
    connection.close()


@pytest.mark.parametrize("kind", [psycopg2.pool.SimpleConnectionPool, psycopg2.pool.ThreadedConnectionPool])
def test_pools_work_as_before(recorded: Recording, postgres_url: str, kind: Any) -> None:
    pool = kind(1, 2, postgres_url, cursor_factory=psycopg2.extras.DictCursor)
    first, second = pool.getconn(), pool.getconn("named")
    for connection in (first, second):
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 AS one")
            assert cursor.fetchone()["one"] == 1
    with pytest.raises(psycopg2.pool.PoolError):
        pool.getconn()
    pool.putconn(first)
    assert pool.getconn() is first
    pool.closeall()
    assert first.closed
    assert len(recorded.take()) == 2


def test_transactions_work_as_before(recorded: Recording, postgres_url: str) -> None:
    connection = psycopg2.connect(postgres_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE kept (id int UNIQUE)")
    with pytest.raises(psycopg2.errors.UniqueViolation), connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO kept VALUES (1), (1)")
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM kept")
        assert cursor.fetchall() == []
    connection.set_session(readonly=True)
    connection.cursor().execute("SELECT 1")
    connection.rollback()
    connection.close()
    assert len(recorded.take()) == 4


def test_notifications_are_no_statements(recorded: Recording, db: Any) -> None:
    db.cursor().execute("LISTEN news")
    db.cursor().execute("NOTIFY news, 'x'")
    recorded.take()
    db.poll()
    assert db.notifies.pop().payload == "x"
    assert recorded.spans == ()


def test_undo_restores_the_library_and_leaves_open_connections_working(postgres_url: str) -> None:
    connect, values = psycopg2._connect, psycopg2.extras.execute_values
    with recording("psycopg2") as recorded:
        assert psycopg2._connect is not connect
        connection = psycopg2.connect(postgres_url)
        cursor = connection.cursor()
    assert (psycopg2._connect, psycopg2.extras.execute_values) == (connect, values)
    for each in (cursor, connection.cursor()):
        each.execute("SELECT 1")
        assert each.fetchone() == (1,)
    connection.close()
    plain = psycopg2.connect(postgres_url)
    assert type(plain) is psycopg2.extensions.connection
    plain.close()
    assert recorded.spans == ()


@pytest.mark.faults
def test_a_fault_of_ours_is_invisible(recorded: Recording, db: Any, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        message = "planted"
        raise RuntimeError(message)

    place = "platform_instrument.instrumentations.psycopg2_cursor"
    cursor = db.cursor()
    for name in (f"{place}.returned_rows", f"{place}.query", "platform_instrument.semantics.dbapi.failure", f"{place}.batch"):
        monkeypatch.setattr(name, broken)
        cursor.execute("SELECT 7")
        assert cursor.fetchone() == (7,)
        with pytest.raises(psycopg2.errors.SyntaxError):
            cursor.execute("SELEC")
        cursor.executemany("INSERT INTO orders VALUES (%s, %s) ON CONFLICT DO NOTHING", [(1, "a"), (2, "b")])
    monkeypatch.setattr("platform_instrument.engine.subclasses.Subclasses.between", broken)
    connection = psycopg2.connect(postgres_url)
    for each in (connection, db):
        plain = each.cursor()
        plain.execute("SELECT 7")
        assert plain.fetchone() == (7,)
    assert type(connection) is psycopg2.extensions.connection
    connection.close()
    assert recorded.spans


class TestContract(InstrumentationContract):
    """What holds for every instrumentation."""

    declared_in = "platform_instrument.instrumentations.psycopg2"

    @pytest.fixture(autouse=True)
    def _server(self, postgres_url: str) -> None:
        self.url = postgres_url

    def exercise(self) -> None:
        connection = psycopg2.connect(self.url)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            psycopg2.extras.execute_values(cursor, "SELECT * FROM (VALUES %s) AS rows", [(1,), (2,)])
        connection.close()
