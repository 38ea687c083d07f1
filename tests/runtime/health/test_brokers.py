"""Brokers of Celery and kombu are what a process depends on: asked by connections of their own, with no secret shown."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("celery", reason="not in this environment: the matrix has it")

import kombu
import redis
from celery import Celery
from celery.contrib.testing.worker import start_worker

from platform_instrument.engine.health import DOWN, HEALTH, UP
from platform_instrument.instrumentations import kombu_checks
from platform_instrument.runtime.health import dependencies
from platform_instrument.runtime.health.dependencies import Clients
from platform_instrument.testing.collector import Collector
from tests import servers
from tests.own_servers import OwnServer, own
from tests.processes import BIN, HOST, door, environment, free_port, run
from tests.runtime.health.checking import checking, checks, counted, exported, probe, states, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::PendingDeprecationWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
"""What Celery calls and leaves open is none of ours."""
for module in ("celery.app.base", "celery.app.trace", "celery.worker.consumer.consumer", "kombu.transport.redis"):
    import_module(module)  # what the patches wait for

LIBRARIES = ("celery", "celery_worker", "redis", "redis_checks", "kombu_checks", "celery_checks")
SYSTEMS = ("rabbitmq", "redis")
GATE = {"PLATFORM_READINESS": "gate", "PLATFORM_READINESS_TIMEOUT": "0.5"}


@pytest.fixture(scope="session")
def rabbitmq_url() -> Iterator[str]:
    with servers.running(servers.RABBITMQ) as url:
        yield url


@pytest.fixture(params=SYSTEMS)
def url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(f"{request.param}_url")  # type: ignore[no-any-return] # of pytest


def system_of(url: str) -> str:
    """Return the system of the broker at a URL."""
    return "rabbitmq" if url.startswith("amqp:") else "redis"


def named(url: str) -> str:
    """Return what the broker at a URL is called."""
    address = urlsplit(url)
    namespace = address.path.strip("/")
    return f"{system_of(url)} {address.hostname}:{address.port}" + (f"/{namespace}" if namespace else "")


def asked(times: int) -> None:
    """Wait until all were asked some times."""
    seen = HEALTH.version
    until(lambda: HEALTH.version > seen + times)


def connected(port: int) -> int:
    """Return how many sockets of this process are connected to a port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    there = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(f":{port:04X}") and row[3] == "01"}
    held = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sum(each in there for each in held)


def test_a_broker_is_a_dependency_before_it_is_connected_and_gone_with_its_last_connection(url: str) -> None:
    with checking(None, *LIBRARIES) as recorder:
        connections = [kombu.Connection(url) for _ in range(3)]
        check = until(lambda: states() == {named(url): UP} and checks()[named(url)])
        assert len(dependencies._clients) == 3
        assert not check.critical
        assert exported() == {(named(url), system_of(url)): 1}
        asked(5)
        assert not any(connection.connected for connection in connections)
        assert not any(connection._transport for connection in connections)
        assert recorder.spans == ()
        assert counted() == {}
        del connections
        until(lambda: gc.collect() >= 0 and states() == {})
        assert exported() == {}
        assert dependencies._clients == {}
        assert dependencies._dependencies == {}


def test_asking_ends_its_connection_and_makes_no_client(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = urlsplit(url).port or 0
    gc.collect()
    others = connected(port)  # of tests before this one
    found: list[Any] = []
    find = Clients.found

    def noted(clients: Clients, client: Any, *arguments: Any, **options: Any) -> None:
        found.append(client)
        find(clients, client, *arguments, **options)

    monkeypatch.setattr(Clients, "found", noted)
    with checking(None, "redis_checks", "kombu_checks"):
        connection = kombu.Connection(url)
        until(lambda: set(states().values()) == {UP})
        asked(5)
        assert [each for each in found if isinstance(each, kombu.Connection)] == [connection]
        HEALTH.drain()  # nothing is asked any more
        until(lambda: connected(port) <= others)
        gc.disable()  # what would be closed with the garbage
        try:
            kombu_checks.ask(connection, 10)
            assert connected(port) <= others
        finally:
            gc.enable()


def test_the_connection_and_the_channel_in_use_are_not_touched(url: str) -> None:
    with checking(None, *LIBRARIES), kombu.Connection(url) as connection:
        queue = connection.SimpleQueue(f"checked-{os.getpid()}", queue_opts={"auto_delete": True})
        until(lambda: states() == {named(url): UP})
        before = (connection._connection, connection._transport, connection.default_channel, queue.channel)
        ends = time.monotonic() + 1
        while time.monotonic() < ends:
            queue.put({"tea": 1})
            assert queue.get(timeout=10).payload == {"tea": 1}
            queue.clear()
        asked(3)
        assert before == (connection._connection, connection._transport, connection.default_channel, queue.channel)
        assert states() == {named(url): UP}
        queue.close()


def test_an_application_s_broker_is_known_before_the_first_task(url: str) -> None:
    with checking(None, *LIBRARIES):
        app = Celery("shop", broker=url, set_as_current=False)
        until(lambda: states() == {named(url): UP})
        assert not app.configured  # its settings are loaded when it wants them
        assert app.conf.broker_url == url
        asked(3)
        assert states() == {named(url): UP}
        assert len(dependencies._clients) == 1
        app.close()
        del app
        until(lambda: gc.collect() >= 0 and states() == {})


def test_an_application_is_known_by_what_its_settings_say(redis_url: str) -> None:
    with checking(None, *LIBRARIES):
        configuration = {"broker_url": redis_url}
        app = Celery("shop", set_as_current=False)
        app.config_from_object(configuration)
        assert states() == {}
        assert app.conf.timezone is None
        until(lambda: states() == {named(redis_url): UP})
        eager = Celery("eager", broker=f"redis://{HOST}:{free_port()}", set_as_current=False)
        eager.conf.task_always_eager = True
        assert eager.conf.task_always_eager
        without = Celery("without", set_as_current=False)
        assert without.conf.broker_url is None
        until(lambda: gc.collect() >= 0 and states() == {named(redis_url): UP})
        app.close()


@pytest.mark.parametrize("system", SYSTEMS)
def test_secrets_of_a_broker_are_never_shown(system: str, capfd: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    scheme = "amqp" if system == "rabbitmq" else "redis"
    with checking(None, *LIBRARIES):
        connection = kombu.Connection(f"{scheme}://bob:hunter2@{HOST}:{port}/3")
        until(lambda: states() == {f"{system} {HOST}:{port}/3": DOWN})
        assert "hunter2" not in repr(HEALTH.snapshot())
        assert "efused" in checks()[f"{system} {HOST}:{port}/3"].message
    del connection
    assert capfd.readouterr() == ("", "")


def test_a_login_that_is_refused_is_down_and_shows_no_secret(rabbitmq_url: str) -> None:
    with checking(None, *LIBRARIES):
        connection = kombu.Connection(rabbitmq_url.replace("guest:guest", "guest:hunter2"))
        until(lambda: set(states().values()) == {DOWN})
        (check,) = checks().values()
        assert "ACCESS_REFUSED" in check.message
        assert "hunter2" not in repr(HEALTH.snapshot())
    del connection


def test_a_broker_behind_a_socket_s_file_is_called_by_its_system(tmp_path: Path) -> None:
    """What stands for its address may hold a secret."""
    with checking(None, *LIBRARIES):
        connection = kombu.Connection(f"redis+socket://:hunter2@{tmp_path}/no.sock")
        until(lambda: states() == {"redis": DOWN})
        assert "hunter2" not in repr(HEALTH.snapshot())
    del connection


def test_transports_without_a_server_are_no_dependencies() -> None:
    with checking(None, *LIBRARIES):
        connections = [kombu.Connection(url) for url in ("memory://", "filesystem://", "kombu.transport.memory:Transport://")[:2]]
        connections.append(kombu.Connection(transport="kombu.transport.memory:Transport"))
        assert states() == {}
    del connections


def test_of_alternates_one_that_answers_is_enough(rabbitmq_url: str) -> None:
    with checking({"PLATFORM_READINESS_TIMEOUT": "2"}, *LIBRARIES):
        gone = f"amqp://guest:guest@{HOST}:{free_port()}//"
        connection = kombu.Connection(f"{gone};{rabbitmq_url}")
        until(lambda: states() == {named(gone): UP})
        assert connection.port == urlsplit(gone).port  # the application's has not moved on
    del connection


def test_what_is_sent_is_check_enough(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    questions: list[Any] = []
    ask = kombu_checks.CLIENTS.asks
    assert ask is not None

    def noted(connection: Any, seconds: float) -> None:
        questions.append(threading.current_thread().name)
        ask(connection, seconds)

    monkeypatch.setattr(kombu_checks.CLIENTS, "asks", noted)
    with checking(None, *LIBRARIES):
        app = Celery("shop", broker=url, set_as_current=False)
        app.conf.task_default_queue = f"checked-{os.getpid()}"
        until(lambda: len(questions) > 2)
        app.send_task("shop.add")
        before, ends = len(questions), time.monotonic() + 1.5
        while time.monotonic() < ends:
            app.send_task("shop.add")
            time.sleep(0.01)
        assert len(questions) - before <= 2
        assert set(questions) == {"platform-instrument-check"}
        with app.connection_for_write() as connection:
            app.amqp.queues[app.conf.task_default_queue](connection.default_channel).delete()
        app.close()


def test_a_worker_is_asked_beside_its_consumer(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never in the thread that consumes; and it goes on consuming."""
    threads: set[Any] = set()
    ask = kombu_checks.CLIENTS.asks
    assert ask is not None

    def noted(connection: Any, seconds: float) -> None:
        threads.add(threading.current_thread().name)
        ask(connection, seconds)

    monkeypatch.setattr(kombu_checks.CLIENTS, "asks", noted)
    url = f"{redis_url.rpartition('/')[0]}/9"
    with checking(None, *LIBRARIES):
        app = Celery("shop", broker=url, backend=url, set_as_current=False)
        app.conf.task_default_queue = f"checked-{os.getpid()}"

        @app.task(name="shop.add", shared=False)
        def add(one: int, other: int) -> int:
            return one + other

        with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=20):
            until(lambda: states().get(named(url)) == UP)
            asked(5)
            assert add.delay(1, 2).get(timeout=20) == 3
        assert threads == {"platform-instrument-check"}
        assert set(states()) == {named(url)}  # the store of results is the same database
        app.close()


@pytest.fixture(scope="module")
def broker() -> Iterator[OwnServer]:
    with own(servers.REDIS) as server:
        yield server


def outage(server: OwnServer, seconds: float = 20) -> None:
    """Freeze a broker, and let it go on; stop it, and start it again: a gate follows, and messages pass afterwards."""
    with checking(GATE, *LIBRARIES), kombu.Connection(server.url) as connection:
        queue = connection.SimpleQueue("tea")
        until(lambda: set(states().values()) == {UP} and HEALTH.ready(), seconds)
        server.freeze()
        try:
            began = time.monotonic()
            until(lambda: set(states().values()) == {DOWN})
            assert time.monotonic() - began < 0.5 + 5  # and whatever else this machine does
            assert not HEALTH.ready()
            threads = threading.active_count()
            asked(5)
            assert threading.active_count() <= threads + 1
        finally:
            server.thaw()
        until(lambda: set(states().values()) == {UP} and HEALTH.ready(), seconds)
        queue.put("tea")
        assert queue.get(timeout=20).payload == "tea"
        queue.close()
        connection.release()
        server.stop()
        try:
            until(lambda: set(states().values()) == {DOWN} and not HEALTH.ready())
        finally:
            server.start()
        until(lambda: set(states().values()) == {UP} and HEALTH.ready(), seconds)


def test_redis_that_freezes_or_ends_is_down_in_time_and_up_again(broker: OwnServer) -> None:
    outage(broker)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_rabbitmq_that_freezes_or_ends_is_down_in_time_and_up_again() -> None:
    with own(servers.RABBITMQ) as server:
        outage(server, 60)


def test_one_of_the_critical_list_gates_after_its_failures_and_comes_back(broker: OwnServer) -> None:
    gates = {
        "PLATFORM_READINESS_CRITICAL": f"redis:{HOST}:{broker.port}",
        "PLATFORM_READINESS_FAILURES": "3",
        "PLATFORM_READINESS_SUCCESSES": "2",
    }
    told: list[tuple[str, bool]] = []
    with checking(gates, *LIBRARIES):
        connection, other = kombu.Connection(broker.url), kombu.Connection(f"amqp://{HOST}:{free_port()}")
        name = named(broker.url)
        until(lambda: sorted(states().values()) == [DOWN, UP])
        assert HEALTH.ready()
        HEALTH.on_change.append(lambda: told.append((states()[name], HEALTH.ready())))
        broker.stop()
        try:
            until(lambda: not HEALTH.ready())
        finally:
            broker.start()
        until(HEALTH.ready)
    assert told.index((DOWN, True)) < told.index((DOWN, False))
    del connection, other


def test_switched_off_no_connection_is_looked_at(redis_url: str) -> None:
    with checking(None, "celery", "redis"):
        app = Celery("shop", broker=redis_url, set_as_current=False)
        assert app.conf.broker_url == redis_url
        with kombu.Connection(redis_url) as connection:
            connection.connect()
            assert states() == {}
        app.close()


def test_pools_of_a_broker_s_connection_are_left_to_it(redis_url: str) -> None:
    """A failure in one of them would reach its channel; other pools of the same database are asked."""
    with checking(None, *LIBRARIES), kombu.Connection(redis_url) as connection:
        connection.default_channel.client.ping()
        assert connection.default_channel.pool is not None
        assert len(dependencies._clients) == 1
        client = redis.Redis.from_url(redis_url)
        assert len(dependencies._clients) == 2
        until(lambda: states() == {named(redis_url): UP})
        client.close()


SHOP = """
import os
from celery import Celery
app = Celery("broker_shop", broker=os.environ["BROKER"])
app.conf.task_default_queue = "checked-worker"
app.conf.broker_connection_retry_on_startup = True
"""


@pytest.mark.slow
def test_a_worker_says_how_its_broker_is_while_that_is_frozen(tmp_path: Path) -> None:
    """At a port of its own, and at once."""
    (tmp_path / "broker_shop.py").write_text(SHOP)
    port = free_port()
    words, variables = door("command", [BIN / "celery", "-A", "broker_shop", "worker", "-P", "solo", "-l", "ERROR"])
    variables |= {
        "PLATFORM_ADMIN_PORT": str(port),
        "PLATFORM_READINESS_CRITICAL": "redis",
        "PLATFORM_READINESS_INTERVAL": "0.2",
        "PLATFORM_READINESS_TIMEOUT": "0.5",
        "PLATFORM_READINESS_FAILURES": "2",
    }
    with own(servers.REDIS) as server, Collector() as collector:
        name = named(server.url)
        env = environment({**variables, "BROKER": server.url}, collector)
        with subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                until(lambda: probe(port)[:2] == (200, {name: "up"}), 40)
                server.freeze()
                try:
                    until(lambda: probe(port)[:2] == (503, {name: "down"}))
                    assert min(probe(port)[2] for _ in range(20)) < 0.005
                finally:
                    server.thaw()
                until(lambda: probe(port)[:2] == (200, {name: "up"}))
            finally:
                process.kill()
        assert collector.spans == ()


LOADED = """
import sys
import celery, kombu, grpc
kombu.Connection("memory://")
celery.Celery("shop", broker="memory://").conf.timezone
grpc.insecure_channel("localhost:1").close()
print([name for name in sys.modules if name.startswith("platform_instrument") and name.endswith("_checks")],
      kombu.Connection.__init__.__module__, celery.Celery.__init__.__module__, hasattr(kombu.Connection.__init__, "__wrapped__"))
"""


def test_without_probes_nothing_of_it_is_loaded_or_patched() -> None:
    pytest.importorskip("grpc", reason="not in this environment")
    argv, env = door("command", [sys.executable, "-c", LOADED])
    with Collector() as collector:
        env = environment(env, collector)
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "[] kombu.connection celery.app.base False\n", done.stderr


FORKING = """
import json, os, sys, time
import kombu
import platform_instrument
from platform_instrument.engine.health import HEALTH

platform_instrument.add_readiness_check("own", lambda: None)
frozen, other = kombu.Connection(sys.argv[1]), kombu.Connection(sys.argv[2])
deadline = time.monotonic() + 20
while {check.state for check in HEALTH.snapshot().checks} != {"up", "down"} and time.monotonic() < deadline:
    time.sleep(0.01)
    HEALTH.load()
ended = []
for _ in range(10):
    time.sleep(0.05)
    pid = os.fork()
    if not pid:
        known = {check.state for check in HEALTH.snapshot().checks}
        os._exit(0 if known == {"unknown"} and other.connect() is not None else 1)
    ended.append(os.waitpid(pid, 0)[1])
print(json.dumps([ended, sorted({check.state for check in HEALTH.snapshot().checks})]))
"""


def test_a_program_forks_while_a_frozen_broker_is_asked(tmp_path: Path, redis_url: str, broker: OwnServer) -> None:
    file = tmp_path / "forking.py"
    file.write_text(FORKING)
    argv, env = door("command", [sys.executable, file, broker.url, redis_url])
    checked = {"PLATFORM_PROBES": "true", "PLATFORM_READINESS_INTERVAL": "0.1", "PLATFORM_READINESS_TIMEOUT": "0.5"}
    broker.freeze()
    try:
        done = run(argv, env={**env, **checked}, timeout=90)
    finally:
        broker.thaw()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[0] * 10, ["down", "up"]]
