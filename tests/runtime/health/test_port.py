"""The admin port: one for all workers of every server, answered while they are busy, and true of all of them."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from platform_instrument.config.schema import Settings
from platform_instrument.engine.health import HEALTH, Check
from platform_instrument.runtime.health.port import AdminPort
from tests.processes import BIN, HOST, Service, door, free_port
from tests.web.serving import PROGRAMS
from tests.web.test_probes import SERVERS as OF_ONE_PORT
from tests.web.test_scrapes import children

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

NOTHING_SENT = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
SCRIPT = "import sqlite3, socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"
AIOHTTP = "aiohttp_app:app"
SERVERS: dict[str, tuple[int, Callable[[int], Sequence[Any]]]] = {
    "uvicorn": (1, OF_ONE_PORT["uvicorn"]),
    "uvicorn_without_lifespan": (1, lambda port: [*OF_ONE_PORT["uvicorn"](port), "--lifespan", "off"]),
    "uvicorn_workers": (2, OF_ONE_PORT["uvicorn_workers"]),
    "uvicorn_worker": (2, lambda port: [*OF_ONE_PORT["uvicorn_worker"](port), "-w", "2"]),
    "gunicorn_sync": (2, OF_ONE_PORT["gunicorn_sync"]),
    "gunicorn_preload": (2, OF_ONE_PORT["gunicorn_preload"]),
    "gunicorn_gthread": (2, lambda port: [*OF_ONE_PORT["gunicorn_gthread"](port), "-w", "2"]),
    "gunicorn_gevent": (2, lambda port: [*OF_ONE_PORT["gunicorn_gevent"](port), "-w", "2"]),
    "gunicorn_asgi": (2, lambda port: [*OF_ONE_PORT["gunicorn_asgi"](port), "-w", "2"]),
    "aiohttp_worker": (
        2,
        lambda port: [BIN / "gunicorn", "-k", "aiohttp.GunicornWebWorker", "-w", "2", "-b", f"{HOST}:{port}", AIOHTTP],
    ),
    "hypercorn": (1, OF_ONE_PORT["hypercorn"]),
    "werkzeug": (1, OF_ONE_PORT["werkzeug"]),
    "wsgiref": (1, OF_ONE_PORT["wsgiref"]),
    "uwsgi": (2, OF_ONE_PORT["uwsgi"]),
    "uwsgi_lazy": (2, lambda port: [*OF_ONE_PORT["uwsgi"](port), "--lazy-apps"]),
    "granian": (1, OF_ONE_PORT["granian"]),
    "script": (1, lambda port: [sys.executable, "-c", SCRIPT, str(port)]),
}


@dataclass(frozen=True)
class Admin:
    """Where a service is probed."""

    port: int

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        """Return status and body; raise `OSError` where nobody answers."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def wait(self, path: str, enough: Callable[[int, Any], bool], seconds: float = 20) -> Any:
        """Return the first body that is as wanted."""
        deadline = time.monotonic() + seconds
        found: Any = None
        while time.monotonic() < deadline:
            try:
                status, text = self.ask(path)
                found = status, json.loads(text)
                if enough(*found):
                    return found[1]
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        message = f"{path} did not answer as wanted within {seconds} s; last was {found}"
        raise AssertionError(message)

    def wait_for_workers(self, number: int) -> Any:
        """Return what readiness says once so many workers are ready."""
        return self.wait("/readyz", lambda status, body: status == 200 and body["workers"]["ready"] == number)


def probed(argv: Callable[[int], Sequence[Any]], env: Mapping[str, str] | None = None) -> tuple[Service, Admin]:
    """Return a service and where it is probed."""
    port, admin = free_port(), Admin(free_port())
    words, variables = door("command", argv(port))
    env = {**variables, **NOTHING_SENT, "PLATFORM_ADMIN_PORT": str(admin.port), **(env or {})}
    return Service(words, port, env=env, cwd=PROGRAMS), admin


@pytest.mark.parametrize("name", SERVERS)
def test_the_workers_of_every_server_answer_as_one(name: str) -> None:
    number, argv = SERVERS[name]
    if shutil.which(str(argv(0)[0])) is None:
        pytest.skip(f"{argv(0)[0]} is not installed")
    service, admin = probed(argv)
    with service:
        body = admin.wait_for_workers(number)
        assert body == {
            "status": "ready",
            "workers": {"starting": 0, "ready": number, "unready": 0, "draining": 0},
            "process": body["process"],
            "checks": [],
        }
        assert json.loads(admin.ask("/startupz")[1])["status"] == "started"
        assert json.loads(admin.ask("/livez")[1]) == {"status": "alive"}
        if name != "script":
            assert "alive" not in service.get("/livez")[1]
    assert "platform-instrument" not in service.stderr


def test_a_process_that_only_looks_after_workers_does_not_count_and_leaves_the_answers_to_them() -> None:
    service, admin = probed(SERVERS["uvicorn_workers"][1])
    with service:
        admin.wait_for_workers(2)
        found = [json.loads(admin.ask("/readyz")[1]) for _ in range(40)]
        assert service.pid not in {body["process"] for body in found}
    service, admin = probed(SERVERS["gunicorn_preload"][1], {"RECORDS": "1"})  # it has had a thread before it forked
    with service:
        assert admin.wait_for_workers(2)["workers"]["starting"] == 0


def test_it_begins_where_a_process_says_that_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[bool] = []
    opened = AdminPort(Settings(), 1)
    monkeypatch.setattr(opened, "begin", lambda: begun.append(True))
    HEALTH.on_change.append(opened.changed)
    try:
        HEALTH.report(Check("redis"))
        assert begun == []
        HEALTH.load()
        assert begun == [True]
    finally:
        HEALTH.on_change.remove(opened.changed)
        HEALTH.renew()


def test_only_what_is_there_is_answered_and_only_to_who_asks() -> None:
    service, admin = probed(SERVERS["uvicorn"][1])
    with service:
        admin.wait_for_workers(1)
        assert admin.ask("/readyz", "HEAD") == (200, "")
        assert admin.ask("/readyz", "POST")[0] == 405
        assert admin.ask("/nowhere") == (404, "the probes are at /livez, /startupz, /readyz\n")
        service.get("/tell?name=redis&state=down&message=password%3Dhunter2")
        assert "message" not in admin.ask("/readyz")[1]
        (check,) = json.loads(admin.ask("/readyz?verbose")[1])["checks"]
        assert (check["name"], check["state"], check["message"]) == ("redis", "down", "password=[secret]")


def test_it_answers_while_all_workers_are_busy() -> None:
    service, admin = probed(SERVERS["gunicorn_sync"][1])
    with service:
        admin.wait_for_workers(2)
        answered: list[float] = []

        def be_busy() -> None:
            service.get("/busy?3")
            answered.append(time.monotonic())

        threads = [threading.Thread(target=be_busy) for _ in range(6)]  # more than there are workers
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        found = [admin.ask(path)[0] for path in ("/livez", "/startupz", "/readyz")]
        probed_at = time.monotonic()
        for thread in threads:
            thread.join()
    assert found == [200, 200, 200]
    assert probed_at < min(answered)


@pytest.mark.parametrize("name", ["uvicorn", "uvicorn_workers", "uvicorn_worker"])
def test_start_up_is_over_when_the_lifespan_says_so(name: str, tmp_path: Path) -> None:
    sign = tmp_path / "started"
    service, admin = probed(SERVERS[name][1], {"STARTS_WITH": str(sign)})
    found: list[tuple[int, str]] = []
    looking = threading.Thread(target=look, args=(admin, sign, found))
    looking.start()  # one that is alone listens when its start-up is over, and not before
    with service:
        looking.join()
        admin.wait_for_workers(SERVERS[name][0])
        assert admin.ask("/startupz")[0] == 200
    assert found == [(200, "alive"), (503, "starting"), (503, "starting")]


def look(admin: Admin, sign: Path, found: list[tuple[int, str]]) -> None:
    """Look at all probes while the lifespan waits, and let it go on."""
    try:
        admin.wait("/startupz", lambda status, _: status == 503)
        time.sleep(1)
        for path in ("/livez", "/startupz", "/readyz"):
            status, text = admin.ask(path)
            found.append((status, json.loads(text)["status"]))
    finally:
        sign.touch()


def test_one_worker_that_is_unready_makes_the_service_so_until_it_is_gone() -> None:
    service, admin = probed(SERVERS["gunicorn_sync"][1])
    with service:
        admin.wait_for_workers(2)
        process = int(service.get("/tell?name=db&state=down&critical=1")[1].split()[-1])
        body = admin.wait("/readyz", lambda status, _: status == 503)
        assert (body["status"], body["workers"]["ready"], body["workers"]["unready"]) == ("unready", 1, 1)
        assert admin.ask("/startupz")[0] == 200
        os.kill(process, signal.SIGKILL)
        admin.wait_for_workers(2)


def test_a_worker_that_drains_does_not_count_while_others_serve() -> None:
    service, admin = probed(SERVERS["gunicorn_sync"][1])
    with service:
        admin.wait_for_workers(2)
        drained: set[int] = set()
        while not drained:
            drained.add(int(service.get("/tell?drain=1")[1].split()[-1]))
        body = admin.wait("/readyz", lambda _, body: body["workers"]["draining"] == 1)
        assert body["status"] == "ready"
        deadline = time.monotonic() + 10
        while len(drained) < 2:
            assert time.monotonic() < deadline
            drained.add(int(service.get("/tell?drain=1")[1].split()[-1]))
        assert admin.wait("/readyz", lambda status, _: status == 503)["status"] == "draining"


@pytest.mark.parametrize("name", ["uvicorn", "uvicorn_workers", "gunicorn_sync"])
def test_a_service_that_ends_is_unready_at_once_and_alive_until_it_has_drained(name: str) -> None:
    service, admin = probed(SERVERS[name][1], {"PLATFORM_SHUTDOWN": "true", "PLATFORM_SHUTDOWN_DELAY": "2"})
    with service:
        admin.wait_for_workers(SERVERS[name][0])
        service.send_signal(signal.SIGTERM)
        body = admin.wait("/readyz", lambda status, _: status == 503, seconds=1.5)
        found = [admin.ask(path)[0] for path in ("/livez", "/startupz")] + [service.get("/")[0]]
    assert (body["status"], found) == ("draining", [200, 200, 200])


def test_workers_that_are_replaced_one_by_one_leave_no_gap() -> None:
    service, admin = probed(SERVERS["gunicorn_sync"][1])
    with service:
        admin.wait_for_workers(2)
        statuses: set[int] = set()
        for _ in range(4):
            before = set(children(service.pid))
            os.kill(min(before), signal.SIGTERM)

            def replaced(status: int, body: Any, before: set[int] = before) -> bool:
                statuses.add(status)
                return len(set(children(service.pid)) - before) == 1 and bool(body["workers"]["ready"] == 2)

            admin.wait("/readyz", replaced)
        booted = service.stderr.count("Booting worker")
    assert (statuses, booted) == ({200}, 6)


def test_a_port_that_another_has_is_said_once_and_the_service_runs() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        service, _ = probed(SERVERS["gunicorn_sync"][1], {"PLATFORM_ADMIN_PORT": str(port), "PLATFORM_ADMIN_HOST": HOST})
        with service:
            service.wait_for_output("another program listens there", 15)
            assert service.get("/")[0] == 200
        lines = [line for line in service.stderr.splitlines() if line.startswith("platform-instrument:")]
    setting = f"PLATFORM_ADMIN_HOST={HOST} PLATFORM_ADMIN_PORT={port}"
    remedy = "set another port, or end what has it; it is taken over when it is free"
    loss = "another program listens there, so probes are not answered there"
    assert lines == [f"platform-instrument: {setting}: {loss}; {remedy}"]


def test_metrics_and_probes_have_a_port_each() -> None:
    metrics = free_port()
    env = {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": str(metrics)}
    service, admin = probed(SERVERS["gunicorn_sync"][1], env)
    with service:
        admin.wait_for_workers(2)
        assert Admin(metrics).ask("/metrics")[0] == 200
        assert Admin(metrics).ask("/readyz")[0] == 404
        assert admin.ask("/metrics")[0] == 404
