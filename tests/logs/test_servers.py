"""Servers with the logging they come with, and with that of services: each line about a request carries its ids."""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platform_instrument.testing.collector import Collector
from tests.logs.printed import plain_of, without_ids
from tests.processes import BIN, Service, door, free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from platform_instrument.testing.received import Span

PROGRAMS = Path(__file__).parent / "programs"

Words = list[str | Path]

GUNICORN: Words = [BIN / "gunicorn", "-b", "127.0.0.1:{port}", "--access-logfile", "-", "--no-control-socket"]
UVICORN: Words = [BIN / "uvicorn", "shop_fastapi:app", "--port", "{port}"]
DJANGO: Words = [sys.executable, "shop_django.py", "runserver", "--noreload", "127.0.0.1:{port}"]
FLASK: Words = [BIN / "flask", "--app", "shop_flask", "run", "-p", "{port}"]
JSON_ACCESS = '{"path": "%(U)s", "status": %(s)s, "agent": "%(a)s"}'

TEXT: dict[str, tuple[Words, int]] = {
    "flask run": (FLASK, 4),
    "flask run, basicConfig": (FLASK, 4),
    "django runserver": (DJANGO, 4),
    "uvicorn": (UVICORN, 4),
    "uvicorn --log-config ini": ([*UVICORN, "--log-config", "logging.ini"], 4),
    "gunicorn": ([*GUNICORN, "shop_flask:app"], 4),
    "gunicorn, errors of its own": ([*GUNICORN, "shop_flask:raw"], 4),
    "gunicorn gthread, errors of its own": ([*GUNICORN, "-k", "gthread", "shop_flask:raw"], 4),
    "gunicorn gevent": ([*GUNICORN, "-k", "gevent", "shop_flask:app"], 4),
    "gunicorn asgi": ([*GUNICORN, "-k", "asgi", "shop_fastapi:app"], 3),
    "gunicorn asgi, errors of its own": ([*GUNICORN, "-k", "asgi", "shop_asgi:app"], 4),
    "uvicorn, errors of its own": ([BIN / "uvicorn", "shop_asgi:app", "--port", "{port}"], 4),
    "hypercorn": ([BIN / "hypercorn", "--bind", "127.0.0.1:{port}", "--access-logfile", "-", "shop_fastapi:app"], 4),
    "gunicorn uvicorn worker": ([*GUNICORN, "-k", "uvicorn_worker.UvicornWorker", "shop_fastapi:app"], 4),
}
"""Lines of text: the command, and how many lines about the two requests there are at least."""

JSON: dict[str, tuple[Words, int]] = {
    "uvicorn --log-config json": ([*UVICORN, "--log-config", "logging.json"], 4),
    "django LOGGING json": (DJANGO, 4),
    "gunicorn --access-logformat": ([*GUNICORN, "--access-logformat", JSON_ACCESS, "shop_flask:app"], 2),
    "gunicorn --logger-class": ([*GUNICORN, "--logger-class", "own_logger.JsonLogger", "shop_flask:raw"], 3),
    "gunicorn --log-config-json": ([*GUNICORN, "--log-config-json", "logging.json", "shop_flask:raw"], 4),
}
"""As above, where lines about requests that begin with a brace are JSON objects."""

ENVIRONMENT = {"flask run, basicConfig": {"SHOP_LOGGING": "basic"}, "django LOGGING json": {"SHOP_LOGGING": "json"}}
REPORTS = ("Exception in ASGI application", "Error in ASGI", "Exception on /fail", "no money")


def served(name: str, argv: Iterable[str | Path], collector: Collector | None) -> str:
    """Return what a server printed about a request that is answered and one that fails."""
    port = free_port()
    words = [str(word).replace("{port}", str(port)) for word in argv]
    env = {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **ENVIRONMENT.get(name, {})}
    if collector is not None:
        words, variables = door("command", words)
        env.update(variables)
    with Service(words, port, env=env, collector=collector, cwd=PROGRAMS) as server:
        assert server.get("/pay")[0] == 200
        assert server.get("/fail")[0] == 500
        if collector is not None:
            collector.wait_for(2)
        server.terminate()
        return server.stdout + server.stderr


def about(line: str) -> str:
    """Return the path of the request that a line is about, empty where it is about none."""
    if line.startswith((" ", "Traceback", "ValueError")):
        return ""  # a stack
    return next((path for path in ("/pay", "/fail") if path in line), "/fail" if any(text in line for text in REPORTS) else "")


@pytest.mark.parametrize("name", [*TEXT, *JSON])
def test_each_line_about_a_request_carries_its_ids(name: str) -> None:
    argv, least = {**TEXT, **JSON}[name]
    plain = served(name, argv, None)
    with Collector() as collector:
        printed = served(name, argv, collector)
        spans: Mapping[str, Span] = {str(span.attributes["url.path"]): span for span in collector.spans if span.kind == "SERVER"}
    told = [(about(line), line) for line in printed.splitlines()]
    lines = [(path, line) for path, line in told if path]
    assert len(lines) >= least, printed
    for path, line in lines:
        assert (line.count(spans[path].trace_id), line.count(spans[path].span_id)) == (1, 1), printed
        if name in JSON and line.startswith("{"):
            assert json.loads(line)["span_id"] == spans[path].span_id
    assert not [line for path, line in told if not path and "trace_id" in line]
    assert sorted(steps(without_ids(printed))) == sorted(steps(plain))


def steps(printed: str) -> list[str]:
    """Return the lines that are no step of a stack, which names the wrappers around the application."""
    return [plain_of(line) for line in printed.splitlines() if not line.startswith(" ") and '"exc_info"' not in line]


def test_requests_on_one_connection_to_the_asgi_worker_have_their_own_ids() -> None:
    port = free_port()
    argv, env = door("command", [str(word).replace("{port}", str(port)) for word in [*GUNICORN, "-k", "asgi", "shop_asgi:app"]])
    with (
        Collector() as collector,
        Service(argv, port, env={**env, "OTEL_PYTHON_EXCLUDED_URLS": "/quiet"}, collector=collector, cwd=PROGRAMS) as server,
    ):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for path in ("/pay/1", "/quiet", "/pay/2"):
            client.request("GET", path)
            assert client.getresponse().read() == b"paid"
        client.close()
        spans = {span.attributes["url.path"]: span for span in collector.wait_for(2)}
        server.terminate()
        printed = server.stdout + server.stderr
    for path, span in spans.items():
        lines = [line for line in printed.splitlines() if span.trace_id in line]
        assert len(lines) == 2, printed
        assert all(path in line and span.span_id in line for line in lines)
