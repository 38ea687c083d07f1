"""What a process depends on is found by its clients, checked over them without being in their way, and gone with the last."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
import redis.sentinel
import sqlalchemy

from platform_instrument.config.read import read
from platform_instrument.core import report
from platform_instrument.engine.health import DOWN, HEALTH, UP
from platform_instrument.instrumentations import redis_checks, sqlalchemy_checks
from platform_instrument.runtime.health import dependencies
from platform_instrument.runtime.health.dependencies import BUSY, is_critical, spare
from platform_instrument.semantics.database import database
from tests import servers
from tests.own_servers import own
from tests.processes import HOST, accepts, free_port
from tests.runtime.health.checking import LIBRARIES, checking, checks, counted, exported, states, until, until_soon
from tests.runtime.health.clients import DRIVER, KINDS, using

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def urls(postgres_url: str, redis_url: str) -> dict[str, str]:
    return {"postgresql": postgres_url, "redis": redis_url}


@pytest.fixture
def _checking() -> Iterator[None]:
    with checking(None, *LIBRARIES):
        yield


usual = pytest.mark.usefixtures("_checking")
every = pytest.mark.parametrize("kind", KINDS)


def named(system: str, url: str) -> str:
    address = urlsplit(url)
    return f"{system} {address.hostname}:{address.port}{address.path}"


@usual
@every
def test_a_client_is_a_dependency_that_is_checked_and_gone_with_it(kind: str, urls: dict[str, str]) -> None:
    system = KINDS[kind].system
    name = named(system, urls[system])
    with using(kind, urls[system]) as used:
        check = until(lambda: states() == {name: UP} and checks()[name])
        assert not check.critical
        assert 0 < check.latency_seconds < 5
        assert exported() == {(name, system): 1}
        used.close()
    until(lambda: gc.collect() >= 0 and states() == {})
    assert exported() == {}
    assert dependencies._clients == {}
    assert dependencies._dependencies == {}


@every
def test_nothing_of_a_check_is_observed(kind: str, urls: dict[str, str]) -> None:
    system = KINDS[kind].system
    with checking(None, *LIBRARIES) as recorder, using(kind, urls[system]) as used:
        with used.borrowing(1) as work:
            work()
        before = counted()
        recorder.clear()
        asked = HEALTH.version
        until(lambda: HEALTH.version > asked + 10)
        assert recorder.spans == ()
        assert set(before) <= {"db.client.operation.duration", "db.client.response.returned_rows", *POOLED}
        assert set(counted()) <= (
            {"db.client.connection.create_time"} if "psycopg_pool" in kind else set()
        )  # made by its own thread


POOLED = {f"db.client.connection.{name}" for name in ("create_time", "use_time", "wait_time")}


@every
def test_a_saturated_pool_stays_up_and_is_never_exceeded(kind: str, urls: dict[str, str]) -> None:
    system = KINDS[kind].system
    with checking({"PLATFORM_READINESS": "gate"}, *LIBRARIES), using(kind, urls[system], 3) as used:
        until(lambda: set(states().values()) == {UP})
        with used.borrowing(3):
            seen = HEALTH.version
            until(lambda: HEALTH.version > seen + 10)
            assert set(states().values()) == {UP}
            assert HEALTH.ready()
            with pytest.raises(Exception, match=r".*"):  # noqa: SIM117 - of the library: there is really none left
                with used.borrowing(1):
                    pass
        with used.borrowing(2):
            seen = HEALTH.version
            until(lambda: HEALTH.version > seen + 5)
            with used.borrowing(1):  # the last one was left
                pass


@usual
@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].system == "postgresql"])
def test_no_connection_is_left_in_a_transaction_or_open_beyond_the_pool(kind: str, postgres_url: str) -> None:
    name = f"checked_{os.getpid()}"
    with psycopg.connect(postgres_url, autocommit=True) as watcher:
        watcher.execute(f"CREATE DATABASE {name}")
        try:
            with using(kind, postgres_url.rpartition("/")[0] + f"/{name}", 2) as used:
                until(lambda: set(states().values()) == {UP})
                stays = "state LIKE 'idle in%' AND state_change < now() - interval '0.3 s'"
                count = f"SELECT count(*), count(*) FILTER (WHERE {stays}) FROM pg_stat_activity WHERE datname = '{name}'"
                for _ in range(20):
                    seen = HEALTH.version
                    until(lambda seen=seen: HEALTH.version > seen)
                    opened, _ = watcher.execute(count).fetchone() or (0, 0)
                    assert opened <= 2
                    until(lambda: watcher.execute(count).fetchone() in [(0, 0), (1, 0), (2, 0)])  # soon, on a busy machine
                with used.borrowing(2) as work:
                    work()
        finally:
            watcher.execute(f"DROP DATABASE {name} WITH (FORCE)")


@usual
def test_clients_of_one_database_are_one_dependency(postgres_url: str) -> None:
    url = postgres_url.replace("postgresql://", f"postgresql+{DRIVER}://")
    with using("psycopg_pool", postgres_url):
        engines = [sqlalchemy.create_engine(url) for _ in range(5)]
        until(lambda: states() == {named("postgresql", postgres_url): UP})
        assert len(dependencies._clients) == 6
        for engine in engines:
            engine.dispose()
        del engines, engine
        until(lambda: gc.collect() >= 0 and len(dependencies._clients) == 1)
        assert states() == {named("postgresql", postgres_url): UP}


@usual
def test_clients_that_come_and_go_leave_nothing(redis_url: str) -> None:
    port = urlsplit(redis_url).port
    for database_index in range(10):
        for _ in range(30):
            redis.Redis(port=port, db=database_index).close()
    until(lambda: gc.collect() >= 0 and states() == {} and not dependencies._clients)
    assert dependencies._dependencies == {}


@usual
def test_more_dependencies_than_are_bearable_are_not_checked_and_said_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], redis_url: str
) -> None:
    report.forget()
    monkeypatch.setattr(dependencies, "_MOST_DEPENDENCIES", 2)
    clients = [redis.Redis(port=urlsplit(redis_url).port, db=number) for number in range(5)]
    until(lambda: len(states()) == 2 and set(states().values()) == {UP})
    assert len(dependencies._clients) == 2
    assert capfd.readouterr().err == (
        "platform-instrument: this process depends on more than 2 servers; further ones are not checked\n"
    )
    for client in clients:
        client.close()


@usual
def test_a_client_whose_server_is_not_there_is_down_before_it_was_ever_used() -> None:
    port = free_port()
    client = redis.Redis(HOST, port)
    engine = sqlalchemy.create_engine(f"postgresql+{DRIVER}://bob:hunter2@{HOST}:{port}/shop")
    until(lambda: states() == {f"redis {HOST}:{port}/0": DOWN, f"postgresql {HOST}:{port}/shop": DOWN})
    assert "hunter2" not in repr(HEALTH.snapshot())
    assert "refused" in checks()[f"postgresql {HOST}:{port}/shop"].message
    assert HEALTH.ready()
    client.close()
    engine.dispose()


@usual
def test_what_is_no_server_is_no_dependency_and_a_pool_that_shares_its_connection_is_not_asked(
    tmp_path: Any, postgres_url: str
) -> None:
    url = postgres_url.replace("postgresql://", f"postgresql+{DRIVER}://")
    lite = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/x")
    shared = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.StaticPool)
    until(lambda: states() == {named("postgresql", postgres_url): UP})  # by knocking
    assert "connection" not in vars(shared.pool)
    lite.dispose()
    shared.dispose()


def test_operations_that_succeed_are_check_enough(postgres_url: str) -> None:
    url = postgres_url.replace("postgresql://", f"postgresql+{DRIVER}://")
    with checking(None, "sqlalchemy", "sqlalchemy_checks"):
        engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
        pings = 0

        def count(*_: Any) -> None:
            nonlocal pings
            pings += 1

        sqlalchemy.event.listen(engine, "checkout", count)
        until(lambda: pings > 2)
        with engine.connect() as connection:
            ends, before = time.monotonic() + 1.5, pings
            while time.monotonic() < ends:
                connection.execute(sqlalchemy.text("SELECT 1"))
            while_busy = pings - before
            ends = time.monotonic() + 1.5
            while time.monotonic() < ends:
                connection.execute(sqlalchemy.text("SELECT 1"))
                with pytest.raises(sqlalchemy.exc.ProgrammingError):
                    connection.execute(sqlalchemy.text("SELECT nothing"))
            while_failing = pings - before - while_busy
        assert while_busy <= 2
        assert while_failing > 2
        engine.dispose()


def test_an_engine_takes_its_options_and_one_with_others_is_the_same(postgres_url: str) -> None:
    with checking(None, "sqlalchemy_checks"):
        url = postgres_url.replace("postgresql://", f"postgresql+{DRIVER}://")
        engine = sqlalchemy.create_engine(url, echo=False, hide_parameters=True, query_cache_size=10)
        for _ in range(3):
            engine.execution_options(isolation_level="AUTOCOMMIT")
        gc.collect()
        until(lambda: states() == {named("postgresql", postgres_url): UP})
        assert len(dependencies._clients) == 1
        engine.dispose()


def test_an_engine_that_is_disposed_of_while_it_is_asked_keeps_no_connection(postgres_url: str) -> None:
    engine = sqlalchemy.create_engine(postgres_url.replace("postgresql://", f"postgresql+{DRIVER}://"))
    pool = engine.pool
    sqlalchemy.event.listen(engine, "checkout", lambda *_: engine.dispose())
    sqlalchemy_checks.ask(engine, 5)
    assert engine.pool is not pool
    assert (pool.checkedin(), pool.checkedout()) == (0, 0)


@pytest.mark.parametrize(
    ("critical", "expected"),
    [
        ("postgresql", True), ("postgres", True), ("POSTGRESQL", True), ("postgresql:db", True), ("postgres:db:5432", True),
        ("postgresql:db/shop", True), ("postgresql:db:5432/shop", True), ("postgresql db:5432/shop", True), ("redis,postgres", True),
        ("redis", False), ("postgresql:other", False), ("postgresql:db:5433", False), ("db", False), ("postgresql:db/tea", False),
    ],
)  # fmt: skip
def test_a_critical_list_names_by_system_host_port_or_database(critical: str, expected: bool) -> None:  # noqa: FBT001 - a row
    settings, problems = read({"PLATFORM_READINESS_CRITICAL": critical})
    assert problems == []
    where = database("postgresql", "shop", "db", 5432)
    assert is_critical(settings, "postgresql db:5432/shop", "postgresql", where) is expected


@pytest.mark.parametrize(
    ("environ", "ready"),
    [
        ({}, True),
        ({"PLATFORM_READINESS": "report"}, True),
        ({"PLATFORM_READINESS_CRITICAL": "postgresql"}, True),
        ({"PLATFORM_READINESS_CRITICAL": "redis"}, False),
        ({"PLATFORM_READINESS": "gate"}, False),
    ],
)
def test_both_modes_and_the_critical_list(environ: dict[str, str], ready: bool) -> None:  # noqa: FBT001 - a row
    with checking(environ, "redis_checks"):
        port = free_port()
        client = redis.Redis(HOST, port)
        until(lambda: states() == {f"redis {HOST}:{port}/0": DOWN})
        assert HEALTH.ready() is ready
        client.close()


def test_switched_off_no_client_is_looked_at() -> None:
    with checking():
        client = redis.Redis()
        assert states() == {}
        client.close()


@pytest.mark.parametrize(
    ("used", "most", "waits", "expected"),
    [
        (0, None, True, True), (10_000, None, False, True), (0, 1, True, True), (0, 1, False, False), (1, 1, True, False), (1, 2, True, False),
        (1, 3, True, True), (2, 3, True, False), (14, 20, True, True), (15, 20, True, False), (0, 2, False, True),
    ],
)  # fmt: skip
def test_a_connection_is_spared_by_a_pool_that_has_enough(used: int, most: int | None, waits: bool, expected: bool) -> None:  # noqa: FBT001 - a row
    assert spare(used, most, waits=waits) is expected


@pytest.mark.parametrize("used", [True, False])
def test_a_client_whose_first_loop_is_over_is_asked_on_the_one_that_serves(redis_url: str, used: bool) -> None:  # noqa: FBT001 - a row
    with checking(None, *LIBRARIES, serve=False):

        async def make() -> Any:
            client = redis.asyncio.Redis.from_url(redis_url)
            if used:
                await client.ping()
                await client.connection_pool.disconnect()
            return client

        async def serve() -> None:
            HEALTH.load()
            await until_soon(lambda: states() == {named("redis", redis_url): UP})
            await client.connection_pool.disconnect()

        client = asyncio.run(make())
        asyncio.run(serve())
        until(lambda: states() == {named("redis", redis_url): DOWN})
        assert {check.message for check in checks().values()} == {"the event loop of its client is closed"}


@usual
def test_mysql_is_asked_and_not_knocked_at(mariadb_url: str) -> None:
    """It locks hosts out that connect and do not log in; so a saturated pool keeps its state."""
    pytest.importorskip("pymysql")
    engine = sqlalchemy.create_engine(f"{mariadb_url.replace('mysql://', 'mysql+pymysql://')}mysql", pool_size=2, max_overflow=0)
    name = named("mysql", mariadb_url) + "mysql"
    until(lambda: states() == {name: UP})
    with engine.connect(), engine.connect():
        until(lambda: checks()[name].message == BUSY)
        assert states() == {name: UP}
    until(lambda: checks()[name].message == "")
    engine.dispose()


SENTINEL = """
port {port}
bind 127.0.0.1
sentinel monitor tea 127.0.0.1 {redis} 1
"""


@usual
def test_the_service_of_a_sentinel_is_a_dependency_by_its_name(tmp_path: Path) -> None:
    with own(servers.REDIS) as server:
        port = free_port()
        file = tmp_path / "sentinel.conf"
        file.write_text(SENTINEL.format(port=port, redis=server.port))
        programs = servers._programs(servers.REDIS)
        quiet = subprocess.DEVNULL
        with subprocess.Popen(
            [programs["redis-server"], file, "--sentinel"], cwd=tmp_path, stdout=quiet, stderr=quiet
        ) as process:
            try:
                until(lambda: accepts(port))
                sentinel = redis.sentinel.Sentinel([(HOST, port)])
                master, replica = sentinel.master_for("tea"), sentinel.slave_for("tea", db=3)
                until(lambda: {"redis tea/0": UP, "redis tea/3 replica": UP}.items() <= states().items())
                server.stop()
                until(lambda: states()["redis tea/0"] == DOWN)
                for client in (master, replica, *sentinel.sentinels):
                    client.connection_pool.disconnect()
            finally:
                process.kill()


@usual
def test_each_client_is_asked_on_the_loop_that_it_lives_on(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[Any, set[Any]] = {}
    ask = redis_checks.CLIENTS.asks_soon
    assert ask is not None

    def noted(pool: Any, seconds: float) -> Any:
        asked.setdefault(pool, set()).add(asyncio.get_running_loop())
        return ask(pool, seconds)

    monkeypatch.setattr(redis_checks.CLIENTS, "asks_soon", noted)
    base = redis_url.rpartition("/")[0]
    with using("redis async", f"{base}/0") as one, using("redis async", f"{base}/1") as other:
        until(lambda: len(asked) == 2 and set(states().values()) == {UP})
        lives = {used.client.connection_pool: {used.loop.loop} for used in (one, other) if used.loop is not None}
        assert asked == lives
        asked.clear()
