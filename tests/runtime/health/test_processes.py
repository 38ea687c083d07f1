"""Checks in the processes of services: none in a master, anew in each worker, none where there are no probes; bounded at the end."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.testing.collector import Collector
from tests import servers
from tests.own_servers import OwnServer, own
from tests.processes import BIN, Service, door, free_port, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAMS = Path(__file__).parent.parent / "programs"
ON = {
    "PLATFORM_PROBES": "true",
    "PLATFORM_READINESS_INTERVAL": "0.2",
    "PLATFORM_READINESS_TIMEOUT": "0.5",
    "PLATFORM_READINESS_FAILURES": "2",
    "OTEL_METRIC_EXPORT_INTERVAL": "500",
}


@pytest.fixture(scope="module")
def redis() -> Iterator[OwnServer]:
    with own(servers.REDIS) as server:
        yield server


def serve(argv: Any, redis: OwnServer, postgres_url: str, collector: Collector, **env: str) -> Service:
    """Return a service of the program that depends on databases."""
    port = free_port()
    place = ["--bind", f"127.0.0.1:{port}"] if argv[0] == "gunicorn" else ["--port", str(port)]
    argv, environ = door("command", [BIN / argv[0], *argv[1:], *place])
    environ = {**environ, **ON, "TEST_POSTGRES": postgres_url, "TEST_REDIS": redis.url, **env}
    return Service(argv, port, env=environ, collector=collector, cwd=PROGRAMS)


def readiness(service: Service) -> tuple[int, dict[str, str]]:
    """Return the status of `/readyz`, and the state of each check by system and database, or by its name."""
    status, body, _ = service.get("/readyz?verbose")
    return status, {re.sub(r" [^/]+", "", check["name"]): check["state"] for check in json.loads(body)["checks"]}


def told(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(service.get("/told")[1])
    return found


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends
        time.sleep(0.02)
    return found


SYNC = {"postgresql/postgres": "up", "redis/0": "up", "own": "up"}
WELL = {**SYNC, "postgresql/template1": "up", "redis/1": "up"}
UNUSED = {**SYNC, "postgresql/template1": "unknown", "redis/1": "unknown"}
"""Without an event loop."""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_uvicorn_has_its_clients_checked_on_its_loop_before_they_are_used(loop: str, redis: OwnServer, postgres_url: str) -> None:
    """While a server is frozen, probes and requests are answered at once, and the loop is not late."""
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    argv = ("uvicorn", "depending:asgi", "--no-access-log", "--loop", loop)
    with Collector() as collector, serve(argv, redis, postgres_url, collector, PLATFORM_READINESS_CRITICAL="redis") as service:
        until(lambda: readiness(service) == (200, WELL))
        redis.freeze()
        try:
            began = time.monotonic()
            until(lambda: readiness(service)[1]["redis/0"] == "down")
            took = time.monotonic() - began
            until(lambda: readiness(service)[0] == 503 and readiness(service)[1]["redis/1"] == "down")
            lates, answers = [], []
            for _ in range(6):
                told(service)
                time.sleep(0.4)
                lates.append(told(service)["late"])
                began = time.perf_counter()
                status, states = readiness(service)
                answers.append(time.perf_counter() - began)
                assert (status, states) == (503, {**WELL, "redis/0": "down", "redis/1": "down"})
            until(lambda: 0 in {point.value for point in collector.latest("platform.dependency.up")})
        finally:
            redis.thaw()
        until(lambda: readiness(service) == (200, WELL))
        assert service.get("/work")[1] == "done"
        until(lambda: {point.value for point in collector.latest("platform.dependency.up")} == {1})
        assert {span.name for span in collector.spans} <= {"GET", "SELECT", "PING", "GET /work"}
        assert service.terminate() in {0, -15}
    assert took < 0.5 + 3
    assert min(lates) < 0.005, lates
    assert min(answers) < 0.05, answers


WORKERS = {
    "sync, preloaded": ("depending:wsgi", "--preload"),
    "gthread": ("depending:wsgi", "-k", "gthread", "--threads", "2"),
    "gevent": ("depending:wsgi", "-k", "gevent"),
    "uvicorn": ("depending:asgi", "-k", "uvicorn_worker.UvicornWorker"),
}


@pytest.mark.parametrize("kind", WORKERS)
def test_the_master_of_gunicorn_checks_nothing_and_each_worker_for_itself(kind: str, redis: OwnServer, postgres_url: str) -> None:
    """Also where the application was at work already when the master loaded it."""
    well = WELL if kind == "uvicorn" else UNUSED
    argv = ("gunicorn", *WORKERS[kind], "--no-control-socket", "--workers", "2")
    with Collector() as collector, serve(argv, redis, postgres_url, collector, TEST_ASKS="1") as service:
        until(lambda: readiness(service) == (200, well))
        workers: dict[int, dict[str, Any]] = {}
        until(lambda: workers.update({(found := told(service))["pid"]: found}) or len(workers) == 2)
        assert service.pid not in workers
        assert all(found["asked"] for found in workers.values())
        if "preloaded" in kind:
            assert not any(found["asked_before"] for found in workers.values())
        assert len(list(Path(f"/proc/{service.pid}/task").iterdir())) == 1
        sockets = [str(each.readlink()) for each in Path(f"/proc/{service.pid}/fd").iterdir()]
        assert not _established(sockets, redis.port)
        until(lambda: len({point.resource["process.pid"] for point in collector.latest("platform.dependency.up")}) == 2)
        redis.freeze()
        try:
            until(lambda: readiness(service)[1]["redis/0"] == "down")
            answers = []
            for _ in range(5):
                began = time.perf_counter()
                assert service.get("/told")[0] == 200
                answers.append(time.perf_counter() - began)
            assert min(answers) < 0.4  # nobody is kept waiting for what is frozen
        finally:
            redis.thaw()
        until(lambda: readiness(service) == (200, well))
        assert service.terminate() == 0


def _established(sockets: list[str], port: int) -> list[str]:
    """Return the sockets of a process that are connected to a port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    connected = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(f":{port:04X}")}
    return [each for each in sockets if each in connected]


def test_without_probes_nothing_of_it_is_loaded_and_own_checks_are_not_asked(redis: OwnServer, postgres_url: str) -> None:
    argv = ("uvicorn", "depending:asgi")
    with Collector() as collector, serve(argv, redis, postgres_url, collector, PLATFORM_PROBES="false") as service:
        service.get("/work")
        time.sleep(0.5)
        found = told(service)
        assert found["health"] == ["platform_instrument.runtime.health", "platform_instrument.runtime.health.registration"]
        assert found["asked"] == 0
        assert not [name for name in found["threads"] if "check" in name]
        service.terminate()


def test_a_program_forks_while_it_checks(redis: OwnServer, postgres_url: str) -> None:
    """A child knows nothing and has no thread; the parent goes on."""
    argv, env = door("command", [sys.executable, PROGRAMS / "depending.py", "20", "0", "20"])
    env = {**env, **ON, "TEST_POSTGRES": postgres_url, "TEST_REDIS": redis.url}
    with Collector() as collector:
        done = run(argv, env=env, collector=collector, timeout=60)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert [status for status, _ in found["children"]] == [0] * 20
        assert sorted(seconds for _, seconds in found["children"])[10] < 0.3
        assert len(found["at_fork"]) == 20
        assert not [name for names in found["at_fork"] for name in names if "check" in name]


def test_a_frozen_server_keeps_no_process_from_ending(redis: OwnServer, postgres_url: str) -> None:
    argv = ("uvicorn", "depending:asgi", "--no-access-log")
    with Collector() as collector, serve(argv, redis, postgres_url, collector) as service:
        until(lambda: readiness(service) == (200, WELL))
        redis.freeze()
        try:
            until(lambda: readiness(service)[1]["redis/0"] == "down")
            began = time.monotonic()
            assert service.terminate() in {0, -15}
            assert time.monotonic() - began < 5
        finally:
            redis.thaw()


SWITCHED_OFF = """
import sys
before = set(sys.modules)
import platform_instrument
light = set(sys.modules) - before
def tea(): print("asked")
assert platform_instrument.add_readiness_check("tea", tea, critical=True, timeout=2.0) is tea
assert platform_instrument.add_startup_check("tea", timeout=1.0)(tea) is tea
loaded = {name for name in set(sys.modules) - before if name.startswith("platform_instrument")}
import json
print(json.dumps([sorted(light), sorted(loaded - light)]))
"""


@pytest.mark.parametrize("env", [{}, {"PLATFORM_AUTO": "1", "PLATFORM_ENABLED": "false", "PLATFORM_PROBES": "true"}])
def test_where_nothing_is_instrumented_a_check_is_a_name_and_no_more(env: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "plain.py"
    file.write_text(SWITCHED_OFF)
    done = run(
        [sys.executable, "-S", file] if not env else [sys.executable, file], env={"PYTHONPATH": os.pathsep.join(sys.path), **env}
    )
    assert done.stderr == ""
    light, loaded = json.loads(done.stdout)
    assert set(light) <= {"__future__", "platform_instrument", "platform_instrument.core", "platform_instrument.core.lazy"}
    assert set(loaded) <= {
        "platform_instrument.core", "platform_instrument.core.guard", "platform_instrument.core.lazy",
        "platform_instrument.core.report", "platform_instrument.runtime", "platform_instrument.runtime.health",
        "platform_instrument.runtime.health.registration",
    }  # fmt: skip
