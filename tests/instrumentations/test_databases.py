"""What a real process delivers of its databases: each statement and command once, masked, with its duration."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.processes import door, run

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

POOLS = tuple(
    f"db.client.connection.{name}"
    for name in (
        "count",
        "create_time",
        "idle.max",
        "idle.min",
        "max",
        "pending_requests",
        "timeouts",
        "use_time",
        "wait_time",
    )
)

PROGRAM = textwrap.dedent(
    """
    import asyncio, sys
    import redis, redis.asyncio, sqlalchemy
    from sqlalchemy.ext.asyncio import create_async_engine

    file, postgres, cache = sys.argv[1:]
    engine = sqlalchemy.create_engine(postgres)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT 'secret1' AS item WHERE :given = 's3cret'"), {"given": "s3cret"}).all()
    client = redis.Redis.from_url(cache)
    script = client.register_script("return 1")
    script(keys=["cart"], args=["s3cret"])

    async def main():
        asynchronous = create_async_engine(f"sqlite+aiosqlite:///{file}")
        async with asynchronous.begin() as connection:
            await connection.execute(sqlalchemy.text("CREATE TABLE kept (a)"))
        await asynchronous.dispose()
        cached = redis.asyncio.Redis.from_url(cache)
        await cached.set("cart", "s3cret")
        await cached.aclose()

    asyncio.run(main())
    """
)


def test_a_process_delivers_each_call_once(collector: Collector, tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    address = urlsplit(postgres_url)
    port = address.port or 5432
    url = f"postgresql+psycopg://{address.username}:pa55word@{address.hostname}:{port}{address.path}"
    argv, env = door("command", [sys.executable, program, tmp_path / "shop.db", url, redis_url])
    done = run(argv, env=env, collector=collector)
    assert (done.returncode, done.stderr) == (0, "")
    spans = [
        span for span in collector.wait_for(lambda spans: any(span.name == "SET" for span in spans)) if span.name != "SCRIPT LOAD"
    ]
    select, *evaluated, create, put = spans
    assert select.attributes == {
        "db.system.name": "postgresql",
        "db.namespace": address.path.lstrip("/"),
        "server.address": address.hostname,
        "server.port": port,
        "db.query.text": "SELECT ? AS item WHERE %(given)s = ?",
        "db.query.summary": "SELECT",
        "db.response.returned_rows": 1,
    }
    assert {span.name.split()[0] for span in evaluated} == {"EVALSHA"}
    assert len(evaluated[-1].attributes["db.stored_procedure.name"]) == 40
    assert (create.name, create.attributes["db.namespace"]) == ("CREATE TABLE kept", "shop.db")
    assert put.attributes["db.query.text"] == "SET cart ?"
    assert {span.kind for span in spans} == {"CLIENT"}
    assert not [secret for secret in ("s3cret", "secret1", "pa55word") if secret in repr(spans)]
    point = collector.wait_for_histogram("db.client.operation.duration", attributes={"db.operation.name": "SET"})
    assert (point.count, point.unit) == (1, "s")
    assert "db.query.text" not in point.attributes
    server = f"{address.hostname}:{port}{address.path}"
    pools = {
        (name, str(point.attributes["db.client.connection.pool.name"]), point.attributes.get("db.client.connection.state"))
        for name in POOLS
        for point in collector.latest(name)
    }
    assert ("db.client.connection.count", server, "idle") in pools
    assert {name for name, pool, _ in pools if pool == server} == set(POOLS)
    assert "pa55word" not in repr(pools)


FORKING = textwrap.dedent(
    """
    import multiprocessing, os, sys, sqlalchemy

    engine = sqlalchemy.create_engine(f"sqlite:///{sys.argv[1]}", poolclass=sqlalchemy.pool.QueuePool)

    def ask(times):
        for _ in range(times):
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text("SELECT 1"))

    def child(times):
        engine.dispose(close=False)
        ask(times)

    ask(2)
    children = [multiprocessing.get_context("fork").Process(target=child, args=(times,)) for times in (3, 4)]
    for each in children:
        each.start()
    for each in children:
        each.join()
    """
)


def test_the_times_of_a_pool_add_up_over_a_process_and_its_children(collector: Collector, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(FORKING)
    argv, env = door("command", [sys.executable, program, tmp_path / "shop.db"])
    done = run(argv, env=env, collector=collector)
    assert done.returncode == 0, done.stderr
    for name in ("wait_time", "use_time"):
        points = collector.latest(f"db.client.connection.{name}")
        assert sorted(point.count for point in points) == [2, 3, 4]
        assert {point.attributes["db.client.connection.pool.name"] for point in points} == {"shop.db"}


DJANGO = textwrap.dedent(
    """
    import sys
    driver, name, host, port, user = sys.argv[1:]
    sys.modules["psycopg" if driver == "psycopg2" else "psycopg2"] = None  # Django takes the first that it finds
    import django
    from django.conf import settings

    server = {"ENGINE": "django.db.backends.postgresql", "NAME": name, "HOST": host, "PORT": port, "USER": user}
    settings.configure(DATABASES={"default": server}, USE_TZ=True)
    django.setup()
    from django.db import connection, models, transaction

    class Order(models.Model):
        item = models.TextField()
        made = models.DateTimeField(auto_now_add=True)

        class Meta:
            app_label, db_table = "shop", "django_orders"

    assert connection.Database.__name__ == driver
    try:
        with transaction.atomic():
            with connection.schema_editor() as editor:
                editor.create_model(Order)
            Order.objects.bulk_create([Order(item=f"s3cret{number}") for number in range(5)])
            assert Order.objects.filter(item="s3cret1").count() == 1
            assert len(list(Order.objects.iterator(chunk_size=2))) == 5
            with connection.cursor() as cursor:
                cursor.execute("SELECT %s", ["s3cret"])
                assert cursor.fetchone() == ("s3cret",)
                cursor.executemany("UPDATE django_orders SET item = %s WHERE id = %s", [("a", 1), ("b", 2)])
            raise LookupError
    except LookupError:
        pass
    connection.close()
    """
)


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_the_orm_of_django_is_one_span_a_statement(collector: Collector, tmp_path: Path, postgres_url: str, driver: str) -> None:
    pytest.importorskip("django")
    pytest.importorskip(driver)
    program = tmp_path / "program.py"
    program.write_text(DJANGO)
    address = urlsplit(postgres_url)
    where = (address.path.lstrip("/"), address.hostname, str(address.port or 5432), address.username)
    argv, env = door("command", [sys.executable, program, driver, *where])
    done = run(argv, env=env, collector=collector)
    assert (done.returncode, done.stderr) == (0, "")
    spans = collector.wait_for(lambda spans: any(span.name.startswith("BATCH") for span in spans))
    names = [span.name.replace('"', "") for span in spans if "django_orders" in span.name]
    assert [name.partition(" django")[0] for name in names] == ["CREATE TABLE", "INSERT", "SELECT", "SELECT", "BATCH UPDATE"]
    assert {span.scope.name for span in spans} == {f"platform_instrument.{driver}"}
    assert {span.attributes["server.address"] for span in spans} == {address.hostname}
    assert "s3cret" not in repr(spans)


REPEATING = textwrap.dedent(
    """
    import sys, threading, urllib.request
    from wsgiref.simple_server import WSGIRequestHandler, make_server
    import psycopg2

    def orders(environ, start_response):
        connection = psycopg2.connect(sys.argv[1])
        with connection, connection.cursor() as cursor:
            for number in range(4):
                cursor.execute(f"SELECT {number}")
            cursor.execute("SELECT pg_sleep(0.1), query FROM pg_stat_activity WHERE pid = pg_backend_pid()")
            shown = cursor.fetchone()[1]
        connection.close()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [shown.encode()]

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass

    server = make_server("127.0.0.1", 0, orders, handler_class=Quiet)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    print(urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/").read().decode())
    thread.join()
    """
)


def test_a_service_tells_of_its_statements_what_the_settings_ask_for(
    collector: Collector, tmp_path: Path, postgres_url: str
) -> None:
    program = tmp_path / "program.py"
    program.write_text(REPEATING)
    argv, env = door("command", [sys.executable, program, postgres_url])
    asked = {"PLATFORM_SLOW_QUERY_MS": "50", "PLATFORM_SQLCOMMENTER": "true", "PLATFORM_DB_TRANSACTIONS": "true"}
    done = run(argv, env={**env, **asked}, collector=collector)
    assert (done.returncode, done.stderr) == (0, "")
    spans = {span.span_id: span for span in collector.wait_for(lambda spans: any(span.kind == "SERVER" for span in spans))}
    (request,) = [span for span in spans.values() if span.kind == "SERVER"]
    asked_for = [span for span in spans.values() if span.parent_id == request.span_id]
    assert [span.attributes.get("platform.db.repeated") for span in asked_for] == [None, 2, 3, 4, None, None]
    assert request.attributes["platform.db.repeated"] == 4
    slow, commit = asked_for[-2:]
    assert commit.name == "COMMIT"
    assert slow.attributes["code.file.path"] == str(program)
    assert slow.attributes["code.line.number"] == REPEATING[: REPEATING.index("pg_sleep")].count("\n") + 1
    assert slow.attributes["code.function.name"] == "orders"
    assert not [span for span in asked_for[:4] if "code.file.path" in span.attributes]
    assert done.stdout.endswith(f"/*traceparent='00-{request.trace_id}-{slow.span_id}-03'*/\n")
