"""Probes on every server's own port: in front of the application, without a trace, and whatever hangs."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import BIN, HOST, door, run
from tests.web.serving import Observed, observed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ON = {"PLATFORM_PROBES": "true"}
WSGIREF = (
    "import sys, wsgiref.simple_server as s, probed; s.make_server('127.0.0.1', int(sys.argv[1]), probed.wsgi).serve_forever()"
)
WERKZEUG = "import sys, werkzeug.serving as s, probed; s.run_simple('127.0.0.1', int(sys.argv[1]), probed.wsgi)"
UWSGI = [
    BIN / "uwsgi",
    "--master",
    "-p",
    "2",
    "--die-on-term",
    "--enable-threads",
    "--virtualenv",
    sys.prefix,
    "--pythonpath",
    ".",
]
SERVERS: dict[str, Callable[[int], Sequence[Any]]] = {
    "uvicorn": lambda port: [BIN / "uvicorn", "probed:asgi", "--port", str(port)],
    "uvicorn_workers": lambda port: [BIN / "uvicorn", "probed:asgi", "--port", str(port), "--workers", "2"],
    "uvicorn_wsgi": lambda port: [BIN / "uvicorn", "probed:wsgi", "--port", str(port), "--interface", "wsgi"],
    "gunicorn_sync": lambda port: [BIN / "gunicorn", "-w", "2", "-b", f"{HOST}:{port}", "probed:wsgi"],
    "gunicorn_preload": lambda port: [BIN / "gunicorn", "-w", "2", "-b", f"{HOST}:{port}", "--preload", "probed:wsgi"],
    "gunicorn_gthread": lambda port: [BIN / "gunicorn", "-k", "gthread", "--threads", "2", "-b", f"{HOST}:{port}", "probed:wsgi"],
    "gunicorn_gevent": lambda port: [BIN / "gunicorn", "-k", "gevent", "-b", f"{HOST}:{port}", "probed:wsgi"],
    "gunicorn_asgi": lambda port: [BIN / "gunicorn", "-k", "asgi", "-b", f"{HOST}:{port}", "probed:asgi"],
    "uvicorn_worker": lambda port: [
        BIN / "gunicorn",
        "-k",
        "uvicorn_worker.UvicornWorker",
        "-b",
        f"{HOST}:{port}",
        "probed:asgi",
    ],
    "hypercorn": lambda port: [BIN / "hypercorn", "probed:asgi", "-b", f"{HOST}:{port}"],
    "werkzeug": lambda port: [sys.executable, "-c", WERKZEUG, str(port)],
    "wsgiref": lambda port: [sys.executable, "-c", WSGIREF, str(port)],
    "uwsgi": lambda port: [*UWSGI, "--http-socket", f"{HOST}:{port}", "--module", "wsgi_apps:app"],
    "waitress": lambda port: [BIN / "waitress-serve", "--listen", f"{HOST}:{port}", "probed:wsgi"],
    "granian": lambda port: [BIN / "granian", "--interface", "asgi", "--port", str(port), "probed:asgi"],
    "granian_wsgi": lambda port: [BIN / "granian", "--interface", "wsgi", "--port", str(port), "probed:wsgi"],
    "daphne": lambda port: [BIN / "daphne", "-p", str(port), "probed:asgi"],
}
FRAMEWORK = {"uwsgi"}
"""Those that are observed by their framework."""
KEEP_ALIVE = {
    "uvicorn",
    "uvicorn_workers",
    "uvicorn_worker",
    "gunicorn_gthread",
    "gunicorn_gevent",
    "hypercorn",
    "waitress",
    "granian",
    "granian_wsgi",
    "daphne",
}


@pytest.fixture(scope="module", params=SERVERS)
def probed(request: pytest.FixtureRequest) -> Iterator[tuple[str, Observed]]:
    name: str = request.param
    program = SERVERS[name](0)[0]
    if shutil.which(str(program)) is None:
        pytest.skip(f"{program} is not installed")
    with observed(SERVERS[name], {**ON, "OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_METRIC_EXPORT_INTERVAL": "300"}) as running:
        yield name, running


def test_probes_are_answered_and_leave_no_trace(probed: tuple[str, Observed]) -> None:
    name, running = probed
    service = running.server
    requests = len(running.spans())
    for path, word in {"/livez": "alive", "/startupz": "started", "/readyz?verbose": "ready"}.items():
        status, body, headers = service.get(path)
        assert (status, json.loads(body)["status"]) == (200, word)
        assert (headers["content-type"], headers["cache-control"]) == ("application/json", "no-store")
        head_status, nothing, head = service.request("HEAD", path)
        assert (head_status, nothing, head["content-length"]) == (200, "", headers["content-length"])
    status, _, span = running.exchange("/livez", method="POST")
    assert status == (404 if name in FRAMEWORK else 200)
    assert span.attributes["url.path"] == "/livez"
    running.exchange("/livez/")
    assert len(running.spans()) == requests + 2
    methods = {"GET": 1, "POST": 1}
    for method, count in methods.items():
        running.collector.wait_for_metric("http.server.request.duration", attributes={"http.request.method": method})
        points = running.collector.latest("http.server.request.duration")
        assert sum(point.count for point in points if point.attributes["http.request.method"] == method) == count
    assert not any(point.attributes["http.request.method"] == "HEAD" for point in points)


def test_a_connection_goes_on_after_a_probe_that_had_a_body(probed: tuple[str, Observed]) -> None:
    name, running = probed
    if name not in KEEP_ALIVE:
        pytest.skip("it closes connections")
    probe = b"GET /livez HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc"
    plain = b"GET /livez/ HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
    with socket.create_connection((HOST, running.server.port), 10) as connection:
        connection.sendall(probe)
        answer = connection.recv(65_536)
        while b'"alive"' not in answer:
            answer += connection.recv(65_536)
        connection.sendall(plain)
        rest = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert rest.startswith(b"HTTP/1.1 404" if name in FRAMEWORK else b"HTTP/1.1 200")


# --- health -----------------------------------------------------------------------------------------------------------


def test_start_up_waits_for_its_checks_and_draining_ends_readiness_alone() -> None:
    with observed(SERVERS["uvicorn"], {**ON, "TELLS": "startup=1&name=warm&state=unknown"}) as running:
        server = running.server
        starting = [server.get(path)[0] for path in ("/livez", "/startupz", "/readyz", "/")]
        server.get("/tell?startup=1&name=warm&state=up")
        started = [server.get(path)[0] for path in ("/livez", "/startupz", "/readyz", "/")]
        server.get("/tell?name=redis&state=down")
        reported = server.get("/readyz")
        server.get("/tell?name=redis&state=down&critical=1")
        gated = [server.get(path)[0] for path in ("/livez", "/startupz", "/readyz", "/")]
        server.get("/tell?name=redis&state=up&critical=1")
        again = server.get("/readyz")[0]
        server.get("/tell?drain=1")
        draining = [server.get(path)[0] for path in ("/livez", "/startupz", "/readyz", "/")]
        last = json.loads(server.get("/readyz")[1])["status"]
    assert (starting, started) == ([200, 503, 503, 200], [200, 200, 200, 200])
    assert (reported[0], json.loads(reported[1])["checks"][0]["state"]) == (200, "down")
    assert (gated, again, draining, last) == ([200, 200, 503, 200], 200, [200, 200, 503, 200], "draining")


def test_no_probe_waits_for_a_check_that_hangs() -> None:
    with observed(SERVERS["uvicorn"], {**ON, "HANGS": "true", "PLATFORM_READINESS_TIMEOUT": "30"}) as running:
        seconds = []
        for _ in range(50):
            began = time.perf_counter()
            body = json.loads(running.server.get("/readyz")[1])
            seconds.append(time.perf_counter() - began)
        assert [check["name"] for check in body["checks"]] == ["hangs"]
    assert min(seconds) < 0.005  # others at work on this machine make any request take longer
    assert max(seconds) < 5


# --- where ------------------------------------------------------------------------------------------------------------


def test_paths_are_below_the_root_of_the_service() -> None:
    with observed(lambda port: [*SERVERS["uvicorn"](port), "--root-path", "/api"], ON) as running:
        assert json.loads(running.server.get("/livez")[1])["status"] == "alive"
        assert running.server.get("/api/livez/")[1].startswith("GET")
    with observed(SERVERS["gunicorn_sync"], {**ON, "SCRIPT_NAME": "/api"}) as running:
        assert json.loads(running.server.get("/api/livez")[1])["status"] == "alive"


def test_paths_are_those_of_the_settings() -> None:
    paths = {"PLATFORM_PROBES_LIVENESS_PATH": "/health/live", "PLATFORM_PROBES_READINESS_PATH": "/"}
    with observed(SERVERS["uvicorn"], {**ON, **paths}) as running:
        assert json.loads(running.server.get("/health/live")[1])["status"] == "alive"
        assert json.loads(running.server.get("/")[1])["status"] == "ready"
        assert running.server.get("/livez")[1].startswith("GET /livez")


def test_a_websocket_at_the_path_of_a_probe_reaches_the_application() -> None:
    async def talk(port: int) -> str:
        from websockets.asyncio.client import connect

        async with connect(f"ws://{HOST}:{port}/livez") as connection:
            return str(await connection.recv())

    with observed(SERVERS["uvicorn"], ON) as running:
        assert asyncio.run(talk(running.server.port)) == "/livez"


def test_probes_are_answered_over_http_2() -> None:
    import httpx

    with observed(SERVERS["hypercorn"], ON) as running, httpx.Client(http1=False, http2=True) as client:
        answers = [client.request(method, f"{running.server.url}/readyz", content=b"abc") for method in ("GET", "HEAD", "GET")]
    assert [(answer.http_version, answer.status_code) for answer in answers] == [("HTTP/2", 200)] * 3


OWN = {
    "fastapi": [BIN / "uvicorn", "own_routes:fastapi", "--port"],
    "starlette": [BIN / "uvicorn", "own_routes:starlette", "--port"],
    "flask": [BIN / "gunicorn", "own_routes:flask_fixed", "-b"],
    "django": [BIN / "gunicorn", "own_routes:django_wsgi", "-b"],
    "django_asgi": [BIN / "uvicorn", "own_routes:django_asgi", "--port"],
}


@pytest.mark.parametrize("framework", OWN)
def test_a_route_of_the_application_wins_unless_set_otherwise(framework: str) -> None:
    *words, option = OWN[framework]

    def argv(port: int) -> Sequence[Any]:
        return [*words, option, f"{HOST}:{port}" if option == "-b" else str(port)]

    with observed(argv, ON) as running:
        assert running.server.get("/readyz")[1].strip('"').startswith("the application's own")
        assert json.loads(running.server.get("/livez")[1])["status"] == "alive"
    with observed(argv, {**ON, "PLATFORM_PROBES_OVERRIDE": "true"}) as running:
        assert json.loads(running.server.get("/readyz")[1])["status"] == "ready"


# --- on and off -------------------------------------------------------------------------------------------------------


def test_off_is_off() -> None:
    with observed(SERVERS["gunicorn_sync"]) as running:
        assert running.get("/livez")[0] == 200
    script = (
        "import sys, uvicorn, starlette.applications, flask\n"
        "uvicorn.Config(lambda scope: None, interface='asgi3').load()\n"
        "print(sorted(name for name in sys.modules if name.startswith('platform') and name.endswith(('probes', 'health', 'probing'))))\n"
    )
    argv, env = door("command", [sys.executable, "-c", script])
    assert run(argv, env={**env, "OTEL_TRACES_EXPORTER": "none"}).stdout == "[]\n"


def test_a_bad_setting_is_said_in_a_line_and_the_service_is_up() -> None:
    bad = {"PLATFORM_PROBES_LIVENESS_PATH": "livez", "PLATFORM_PROBES_READINESS_PATH": "/startupz", "PLATFORM_ADMIN_PORT": "x"}
    with observed(SERVERS["uvicorn"], {**ON, **bad}) as running:
        assert [running.server.get(path)[0] for path in ("/livez", "/startupz", "/readyz")] == [200, 200, 200]
        lines = [line for line in running.server.stderr.splitlines() if line.startswith("platform-instrument:")]
    assert sorted(line.split()[1].partition("=")[0] for line in lines) == sorted(bad)


def test_the_access_lines_of_the_server_are_its_own() -> None:
    with observed(SERVERS["uvicorn"], ON) as running:
        running.server.get("/livez")
        line = next(line for line in running.server.wait_for_output("GET /livez").splitlines() if "GET /livez" in line)
    assert line.endswith('"GET /livez HTTP/1.1" 200 OK')
