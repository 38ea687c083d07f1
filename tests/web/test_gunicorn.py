"""gunicorn with every worker class: each worker's spans arrive once, and the master holds nothing of ours."""

from __future__ import annotations

import re
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN, Service, free_port
from tests.tracebacks import without_our_frames
from tests.web.serving import PROGRAMS, observed, servers, without

if TYPE_CHECKING:
    from tests.web.serving import Observed

GUNICORN = BIN / "gunicorn"
REQUESTS = 20
SLOW_EXPORT = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRIC_EXPORT_INTERVAL": "60000"}

KINDS = {
    "sync": ["-k", "sync", "bare:wsgi"],
    "gthread": ["-k", "gthread", "--threads", "4", "bare:wsgi"],
    "uvicorn_worker": ["-k", "uvicorn_worker.UvicornWorker", "bare:asgi"],
    "asgi": ["-k", "asgi", "bare:asgi"],
}


def words(port: int, kind: str, *more: str) -> list[str | Path]:
    """Return the command line of a server with two workers."""
    return [GUNICORN, "-w", "2", "-b", f"127.0.0.1:{port}", *more, *KINDS[kind]]


def children(pid: int) -> list[int]:
    """Return the processes that a process has forked and not lost."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def plain_status(kind: str, number: int, *more: str) -> int:
    """Return the exit status of a plain server after a signal."""
    port = free_port()
    with Service([str(word) for word in words(port, kind, *more)], port, cwd=PROGRAMS) as server:
        server.get("/")
        return server.terminate(number)


def ask_until_both_workers_have_answered(running: Observed) -> None:
    """Make requests until each of two workers has served one."""
    deadline = time.monotonic() + 15
    while len({span.resource["process.pid"] for span in running.spans()}) < 2:
        assert time.monotonic() < deadline
        threads = [threading.Thread(target=running.server.get, args=("/",)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    ("kind", "preload"),
    [
        pytest.param(kind, preload, marks=[pytest.mark.slow] * bool(preload and kind != "sync"))
        for kind in KINDS
        for preload in ((), ("--preload",))
    ],
)
def test_a_kill_leaves_every_span_once_and_the_plain_exit_status(kind: str, preload: tuple[str, ...]) -> None:
    with observed(lambda port: words(port, kind, *preload), SLOW_EXPORT) as running:
        running.ask_until_the_worker_rests("/0")
        for number in range(1, REQUESTS):
            assert running.server.get(f"/{number}")[0] == 200
        assert len(running.collector.spans) < REQUESTS
        status = running.server.terminate()
        spans = servers(running.collector.wait_for(REQUESTS))
        points = running.collector.latest("http.server.request.duration")
    assert sorted(span.attributes["url.path"] for span in spans) == sorted(f"/{number}" for number in range(REQUESTS))
    instances = {(span.resource["process.pid"], span.resource["service.instance.id"]) for span in spans}
    assert len({instance for _, instance in instances}) == len(instances)
    assert sum(point.count for point in points) == REQUESTS
    assert status == plain_status(kind, signal.SIGTERM, *preload)
    assert "Traceback" not in running.server.stderr


@pytest.mark.parametrize("preload", [(), ("--preload",)])
@pytest.mark.parametrize("kind", ["sync", "uvicorn_worker"])
@pytest.mark.parametrize("given", ["", "shop-1"])
def test_each_worker_has_an_instance_id_of_its_own(kind: str, preload: tuple[str, ...], given: str) -> None:
    env = {"OTEL_RESOURCE_ATTRIBUTES": f"service.instance.id={given}"} if given else {}
    with observed(lambda port: words(port, kind, *preload), env) as running:
        ask_until_both_workers_have_answered(running)
        workers = set(children(running.server.pid))
        instances = {(span.resource["process.pid"], span.resource["service.instance.id"]) for span in running.spans()}
    assert {process for process, _ in instances} == workers
    assert len({instance for _, instance in instances}) == 2
    if given:
        assert {instance for _, instance in instances} == {given, f"{given}.1"}


@pytest.mark.parametrize(
    "kind", ["sync", "uvicorn_worker", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("gthread", "asgi"))]
)
def test_the_master_has_no_thread_and_no_connection_of_ours(kind: str) -> None:
    def belongings(server: Service) -> tuple[int, int]:
        process = Path(f"/proc/{server.pid}")
        links = [str(link.readlink()) for link in (process / "fd").iterdir()]
        return len(list((process / "task").iterdir())), sum(link.startswith("socket:") for link in links)

    port = free_port()
    with Service([str(word) for word in words(port, kind, "--preload")], port, cwd=PROGRAMS, env={"AT_IMPORT": "1"}) as server:
        server.get("/")
        time.sleep(0.3)
        plain = belongings(server)
    with observed(lambda port: words(port, kind, "--preload"), {"AT_IMPORT": "1"}) as running:
        running.get("/")
        time.sleep(0.3)
        assert belongings(running.server) == plain
        names = [span.name for span in running.collector.spans]
        assert names.count("SELECT") == 1  # what was recorded while the application was loaded


@pytest.mark.parametrize("preload", [(), ("--preload",)])
def test_workers_whose_threads_are_greenlets_answer_and_end(preload: tuple[str, ...]) -> None:
    def command(port: int) -> list[str | Path]:
        return [GUNICORN, "-w", "2", "-b", f"127.0.0.1:{port}", *preload, "-k", "gevent", "bare:wsgi"]

    with observed(command, {"AT_IMPORT": "1"}) as running:
        ask_until_both_workers_have_answered(running)  # before, gunicorn's own worker may miss the signal
        running.server.get("/last")
        assert running.server.terminate() == 0
        paths = [span.attributes["url.path"] for span in servers(running.collector.spans)]
    assert paths.count("/last") == 1
    assert "Traceback" not in running.server.stderr
    assert "platform-instrument" not in running.server.stderr


@pytest.mark.parametrize("kind", ["sync", "uvicorn_worker"])
def test_the_last_spans_leave_without_our_handler_of_the_signal_too(kind: str) -> None:
    with observed(lambda port: words(port, kind), {**SLOW_EXPORT, "PLATFORM_SIGTERM_HANDLER": "false"}) as running:
        running.ask_until_the_worker_rests("/0")
        for number in range(1, REQUESTS):
            assert running.server.get(f"/{number}")[0] == 200
        running.server.terminate()
        assert len(servers(running.collector.wait_for(REQUESTS))) == REQUESTS


def test_a_reload_ends_the_old_workers_orderly() -> None:
    with observed(lambda port: words(port, "sync"), SLOW_EXPORT) as running:
        assert running.server.get("/old")[0] == 200
        old = set(children(running.server.pid))
        running.server.send_signal(signal.SIGHUP)
        running.collector.wait_for(1)
        deadline = time.monotonic() + 10
        while old & set(children(running.server.pid)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert running.server.get("/new")[0] == 200
        running.server.terminate()
        spans = running.collector.wait_for(2)
    assert [span.attributes["url.path"] for span in spans] == ["/old", "/new"]
    assert spans[0].resource["process.pid"] != spans[1].resource["process.pid"]


@pytest.mark.parametrize("kind", ["sync", "uvicorn_worker", pytest.param("gthread", marks=pytest.mark.slow)])
def test_recycled_workers_lose_nothing(kind: str) -> None:
    with observed(lambda port: words(port, kind, "--max-requests", "5"), SLOW_EXPORT) as running:
        for number in range(REQUESTS):
            for _ in range(50):
                try:
                    status = running.server.get(f"/{number}")[0]
                    break
                except AssertionError:  # nobody accepts while a worker takes over
                    time.sleep(0.1)
            assert status == 200
        deadline = time.monotonic() + 10
        while running.server.stderr.count("Booting worker") <= 2:
            assert time.monotonic() < deadline, "no worker was recycled"
            time.sleep(0.05)
        running.server.terminate()
        spans = running.collector.wait_for(REQUESTS)
        points = running.collector.latest("http.server.request.duration")
    paths = [span.attributes["url.path"] for span in spans]
    assert len(paths) == len(set(paths)) == REQUESTS
    assert sum(point.count for point in points) == REQUESTS


def test_a_worker_that_takes_too_long_reports_what_it_was_at() -> None:
    argv = [GUNICORN, "-w", "1", "-t", "1", "wsgi_apps:app"]
    with observed(lambda port: [*argv, "-b", f"127.0.0.1:{port}"], SLOW_EXPORT) as running:
        assert running.server.get("/plain")[0] == 200
        running.raw(b"GET /slow?seconds=30 HTTP/1.1\r\nHost: shop\r\n\r\n")
        spans = running.collector.wait_for(2)
        assert running.server.get("/plain")[0] == 200
    assert {span.name: span.attributes.get("error.type") for span in spans} == {"GET /plain": None, "GET /slow": "SystemExit"}
    assert "WORKER TIMEOUT" in running.server.stderr


def test_ctrl_c_leaves_as_without_us() -> None:
    with observed(lambda port: words(port, "sync"), SLOW_EXPORT) as running:
        running.server.get("/")
        status = running.server.terminate(signal.SIGINT)
        assert len(running.collector.wait_for(1)) == 1
    assert status == plain_status("sync", signal.SIGINT)


def test_a_hanging_collector_delays_the_end_by_no_more_than_the_setting() -> None:
    with observed(lambda port: words(port, "sync"), {"PLATFORM_FLUSH_TIMEOUT": "0.6"}) as running:
        running.collector.hang()
        assert running.server.get("/")[0] == 200
        began = time.monotonic()
        assert running.server.terminate() == 0
        assert time.monotonic() - began < 2.5


def test_a_request_is_described_whole() -> None:
    with observed(lambda port: [GUNICORN, "-b", f"127.0.0.1:{port}", "wsgi_apps:app"]) as running:
        status, span = running.get("/items/7?q=1", {"User-Agent": "tests/1.0", "Host": "shop.example:8443"})
    assert (status, span.name, span.status) == (200, "GET /items/<int:item>", "UNSET")
    assert without(span, "network.peer.port") == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/items/<int:item>",
        "url.scheme": "http",
        "url.path": "/items/7",
        "url.query": "q=1",
        "server.address": "shop.example",
        "server.port": 8443,
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "tests/1.0",
    }


def test_a_worker_class_of_somebody_else_gets_the_application_it_expects() -> None:
    with observed(
        lambda port: [GUNICORN, "-b", f"127.0.0.1:{port}", "-k", "aiohttp.GunicornWebWorker", "aiohttp_app:app"]
    ) as running:
        assert running.server.get("/")[:2] == (200, "aiohttp")


def test_the_output_is_that_of_the_plain_server() -> None:
    def printed(server: Service) -> list[str]:
        server.get("/")
        server.get("/fails")
        server.terminate()
        text = re.sub(r"\[20[^]]*\] \[\d+\]|\bpid: ?\d+|\(\d+\)", "", server.stdout + server.stderr)
        lines = without_our_frames(text).replace(str(server.port), "PORT").splitlines()
        return [line for line in lines if "Control socket" not in line]  # a thread of its own prints it, sooner or later

    argv = [GUNICORN, "-w", "1", "bare:wsgi"]
    port = free_port()
    with Service([str(word) for word in [*argv, "-b", f"127.0.0.1:{port}"]], port, cwd=PROGRAMS) as server:
        plain = printed(server)
    with observed(lambda port: [*argv, "-b", f"127.0.0.1:{port}"], {"PLATFORM_LOG_TRACE_ID": "false"}) as running:
        assert printed(running.server) == plain
    assert "LookupError: /fails" in plain
