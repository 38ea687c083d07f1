"""uvicorn, however it is started: one span a request, and the last ones arrive when it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.processes import BIN, Service, free_port
from tests.tracebacks import without_our_frames
from tests.web.serving import PROGRAMS, Observed, observed, servers, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

UVICORN = BIN / "uvicorn"
REQUESTS = 20
SLOW_EXPORT = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRIC_EXPORT_INTERVAL": "60000"}

WAYS: dict[str, Callable[[int], Sequence[str | Path]]] = {
    "command": lambda port: [UVICORN, "bare:asgi", "--port", str(port)],
    "module": lambda port: [sys.executable, "-m", "uvicorn", "bare:asgi", "--port", str(port)],
    "run": lambda port: [sys.executable, "run_uvicorn.py", str(port)],
    "factory": lambda port: [UVICORN, "--factory", "bare:factory", "--port", str(port)],
    "workers": lambda port: [UVICORN, "bare:asgi", "--workers", "2", "--port", str(port)],
    "reload": lambda port: [UVICORN, "bare:asgi", "--reload", "--reload-dir", str(PROGRAMS), "--port", str(port)],
}


def status_of(argv: Callable[[int], Sequence[str | Path]], number: int) -> int:
    """Return the exit status that a plain server leaves with after such a signal."""
    port = free_port()
    with Service([str(word) for word in argv(port)], port, cwd=PROGRAMS) as server:
        assert server.get("/plain")[0] == 200
        return server.terminate(number)


@pytest.mark.parametrize("way", [pytest.param(way, marks=[pytest.mark.slow] * (way in {"module", "factory"})) for way in WAYS])
def test_twenty_requests_and_a_kill_leave_twenty_spans_and_the_plain_exit_status(way: str) -> None:
    with observed(WAYS[way], SLOW_EXPORT) as running:
        running.ask_until_the_worker_rests("/items/0")
        for number in range(1, REQUESTS):
            assert running.server.get(f"/items/{number}")[0] == 200
        time.sleep(1 if way == "command" else 0)
        assert len(running.collector.spans) < REQUESTS
        status = running.server.terminate()
        spans = running.collector.wait_for(REQUESTS)
    assert sorted(span.attributes["url.path"] for span in servers(spans)) == sorted(
        f"/items/{number}" for number in range(REQUESTS)
    )
    assert status == status_of(WAYS[way], signal.SIGTERM)


@pytest.mark.parametrize("way", ["command", "workers"])
def test_the_last_spans_leave_without_our_handler_of_the_signal_too(way: str) -> None:
    """uvicorn ends in an orderly way before it dies by the signal, which is our last chance then."""
    with observed(WAYS[way], {**SLOW_EXPORT, "PLATFORM_SIGTERM_HANDLER": "false"}) as running:
        running.ask_until_the_worker_rests("/items/0")
        for number in range(1, REQUESTS):
            assert running.server.get(f"/items/{number}")[0] == 200
        running.server.terminate()
        assert len(servers(running.collector.wait_for(REQUESTS))) == REQUESTS


def test_ctrl_c_leaves_as_without_us() -> None:
    with observed(WAYS["command"], SLOW_EXPORT) as running:
        assert running.server.get("/plain")[0] == 200
        status = running.server.terminate(signal.SIGINT)
        assert len(running.collector.wait_for(1)) == 1
    assert status == status_of(WAYS["command"], signal.SIGINT)


def test_each_worker_has_an_instance_id_of_its_own() -> None:
    with observed(WAYS["workers"]) as running:
        deadline = time.monotonic() + 10
        while len({span.resource["process.pid"] for span in running.spans()}) < 2:
            assert time.monotonic() < deadline
            running.get("/plain")
        instances = {(span.resource["process.pid"], span.resource["service.instance.id"]) for span in running.spans()}
    assert len(instances) == len({instance for _, instance in instances}) == 2


def test_a_hanging_collector_delays_the_end_by_no_more_than_the_setting() -> None:
    with observed(WAYS["command"], {"PLATFORM_FLUSH_TIMEOUT": "0.6"}) as running:
        running.collector.hang()
        assert running.server.get("/plain")[0] == 200
        began = time.monotonic()
        assert running.server.terminate() == -signal.SIGTERM
        assert time.monotonic() - began < 1.8


@pytest.fixture(scope="module")
def bare() -> Iterator[Observed]:
    with observed(lambda port: [UVICORN, "bare:asgi", "--port", str(port)]) as running:
        yield running


def test_an_application_without_a_framework_is_observed_whole(bare: Observed) -> None:
    status, span = bare.get("/a/b", {"Host": "shop.example"})
    assert (status, span.name) == (200, "GET")
    assert without(span, "network.peer.port") == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": "/a/b",
        "server.address": "shop.example",
        "server.port": 80,
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1",
    }


def test_an_application_that_fails_before_it_answers_is_an_error_of_500(bare: Observed) -> None:
    status, span = bare.get("/fails")
    assert (status, span.attributes["http.response.status_code"]) == (500, 500)
    assert (span.status, span.attributes["error.type"], len(span.events)) == ("ERROR", "LookupError", 1)


def test_an_application_that_fails_while_it_answers_is_an_error_of_the_status_it_sent(bare: Observed) -> None:
    before = len(bare.spans())
    assert b"200 OK" in bare.raw(b"GET /late HTTP/1.1\r\nHost: shop\r\n\r\n")
    bare.collector.wait_for(lambda spans: len(servers(spans)) > before)
    (span,) = bare.spans()[before:]
    assert span.attributes["http.response.status_code"] == 200
    assert (span.status, span.attributes["error.type"], len(span.events)) == ("ERROR", "LookupError", 1)


def test_an_application_that_answers_nothing_has_no_status(bare: Observed) -> None:
    status, span = bare.get("/silent")
    assert status == 500
    assert "http.response.status_code" not in span.attributes


def test_http_1_0_without_a_host_falls_back_to_where_the_server_listens(bare: Observed) -> None:
    before = len(bare.spans())
    assert b"200 OK" in bare.raw(b"GET /old HTTP/1.0\r\n\r\n")
    bare.collector.wait_for(lambda spans: len(servers(spans)) > before)
    (span,) = bare.spans()[before:]
    assert span.attributes["network.protocol.version"] == "1.0"
    assert (span.attributes["server.address"], span.attributes["server.port"]) == ("127.0.0.1", bare.server.port)


def test_behind_a_proxy_the_client_is_the_one_it_names_and_the_peer_is_the_proxy() -> None:
    with observed(lambda port: [UVICORN, "asgi_apps:app", "--port", str(port), "--forwarded-allow-ips", "*"]) as running:
        _, span = running.get("/plain", {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "Host": "shop.example"})
        assert span.attributes["client.address"] == "203.0.113.9"
        assert span.attributes["network.peer.address"] == "127.0.0.1"
        assert span.attributes["network.peer.port"] > 0
        assert (span.attributes["url.scheme"], span.attributes["server.port"]) == ("https", 443)
        assert running.server.wait_for_output("203.0.113.9:0")


def test_below_a_root_path_the_route_has_it_too() -> None:
    with observed(lambda port: [UVICORN, "asgi_apps:app", "--port", str(port), "--root-path", "/api"]) as running:
        _, span = running.get("/items/3")
        assert (span.attributes["url.path"], span.attributes["http.route"]) == ("/api/items/3", "/api/items/{item}")
        assert "http.route" not in running.get("/nowhere")[1].attributes


def test_a_wsgi_application_is_observed_in_the_thread_that_runs_it() -> None:
    with observed(lambda port: [UVICORN, "wsgi_apps:app", "--interface", "wsgi", "--port", str(port)]) as running:
        status, span = running.get("/orders/7/lines")
        assert (status, span.name) == (200, "GET /orders/<order>/lines")
        assert len(running.spans()) == 1


def test_a_body_that_the_server_drops_without_closing_it_ends_its_span(tmp_path: Path) -> None:
    """uvicorn's own bridge to WSGI, where a2wsgi is not installed, forgets to close."""
    (tmp_path / "a2wsgi.py").write_text("raise ModuleNotFoundError\n")
    words = ["wsgi_apps:app", "--interface", "wsgi", "--port"]
    with observed(lambda port: [UVICORN, *words, str(port)], {"PYTHONPATH": str(tmp_path)}) as running:
        status, span = running.get("/orders/7/lines")
        assert (status, span.name) == (200, "GET /orders/<order>/lines")
        assert len(running.spans()) == 1


@pytest.mark.parametrize("headers", [{}, {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}])
def test_what_is_left_out_is_kept_from_span_processors_of_the_application(headers: dict[str, str]) -> None:
    """Neither its start nor its end is told, nor those of what it does: a processor would wait for the end for ever."""
    with observed(
        lambda port: [UVICORN, "watched:asgi", "--port", str(port)], {"OTEL_PYTHON_EXCLUDED_URLS": "^/left/"}
    ) as running:
        assert running.server.get("/left/out", headers)[0] == 200
        assert running.server.get("/probed", {**headers, "User-Agent": "kube-probe/1.30"})[0] == 200
        running.get("/seen", headers)
        running.server.wait_for_output("ended GET")
        told = [line for line in running.server.stdout.splitlines() if line.startswith(("starts", "ended"))]
    assert told == [
        "starts GET",
        "starts work for /seen",
        "starts SELECT",
        "ended SELECT",
        "ended work for /seen",
        "ended GET",
    ]


def test_websockets_and_lifespan_pass_untouched() -> None:
    async def talk(port: int) -> str:
        from websockets.asyncio.client import connect

        async with connect(f"ws://127.0.0.1:{port}/socket") as connection:
            await connection.send("hello")
            return str(await connection.recv())

    with observed(lambda port: [UVICORN, "asgi_apps:app", "--port", str(port)]) as running:
        assert asyncio.run(talk(running.server.port)) == "hello"
        assert running.get("/plain")[0] == 200
        time.sleep(0.3)
        assert [span.name for span in running.collector.spans] == ["GET /plain"]
        assert "Application startup complete." in running.server.stderr


def test_the_output_is_that_of_the_plain_server() -> None:
    def printed(env: dict[str, str] | None) -> list[str]:
        port = free_port()
        argv = [str(word) for word in WAYS["command"](port)]
        if env is None:
            with Service(argv, port, cwd=PROGRAMS) as server:
                for path in ("/plain", "/fails", "/nowhere"):
                    server.get(path)
                server.terminate()
                return lines(server, port)
        with observed(WAYS["command"], env) as running:
            for path in ("/plain", "/fails", "/nowhere"):
                running.server.get(path)
            running.server.terminate()
            return lines(running.server, running.server.port)

    def lines(server: Service, port: int) -> list[str]:
        text = without_our_frames(server.stdout + server.stderr).replace(str(port), "PORT").replace(str(server.pid), "PID")
        return [line.partition(" - ")[2] if '"GET ' in line else line for line in text.splitlines()]

    assert printed({"PLATFORM_LOG_TRACE_ID": "false"}) == printed(None)


def test_a_change_restarts_the_worker_under_telemetry(tmp_path: Path) -> None:
    source = tmp_path / "served.py"
    text = (
        "async def app(scope, receive, send):\n"
        "    if scope['type'] != 'http':\n"
        "        raise NotImplementedError\n"
        "    await send({'type': 'http.response.start', 'status': STATUS, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b''})\n"
    )
    source.write_text(text.replace("STATUS", "201"))
    argv = [UVICORN, "served:app", "--reload", "--app-dir", str(tmp_path), "--reload-dir", str(tmp_path)]
    with observed(lambda port: [*argv, "--port", str(port)]) as running:
        assert running.get("/")[0] == 201
        time.sleep(1)
        source.write_text(text.replace("STATUS", "202"))
        os.utime(source)
        deadline = time.monotonic() + 10
        while True:
            try:
                status, _ = running.get("/")
            except AssertionError:
                status = 0
            if status == 202:
                break
            assert time.monotonic() < deadline
            time.sleep(0.2)
        statuses = {span.attributes["http.response.status_code"] for span in running.spans()}
        assert statuses == {201, 202}
