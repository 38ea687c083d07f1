"""A service switches upstream's instrumentors on in its own code: they give way where we observe the same, and work elsewhere."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platform_instrument.distro.agents import owned
from tests.processes import HOST, Service, free_port, run

if TYPE_CHECKING:
    from platform_instrument.testing.collector import Collector
    from platform_instrument.testing.received import Span

PROGRAMS = Path(__file__).parent / "programs"

PROGRAM = """
import sqlite3, sys
import sqlalchemy, redis
from opentelemetry import trace
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

if "own" in sys.argv:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
    own = TracerProvider()
    line = lambda span: f"{span.name} {span.instrumentation_scope.name.partition('.')[0]}\\n"
    own.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=line)))
    if "global" in sys.argv:
        trace.set_tracer_provider(own)
RedisInstrumentor().instrument(tracer_provider=own if "own" in sys.argv else None)
driver = trace.get_tracer("opentelemetry.instrumentation.psycopg2")
other = trace.get_tracer("opentelemetry.instrumentation.jinja2")

class Cursor(sqlite3.Cursor):
    def execute(self, *args):
        with driver.start_as_current_span("driver"):
            return super().execute(*args)

class Connection(sqlite3.Connection):
    def cursor(self, kind=Cursor):
        return super().cursor(kind)

engine = sqlalchemy.create_engine("sqlite://", connect_args={"factory": Connection})
SQLAlchemyInstrumentor().instrument(engine=engine, skip_dep_check=True)
client = redis.Redis.from_url(sys.argv[1])
with trace.get_tracer("app").start_as_current_span("app"):
    client.set("key", "value")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT 1"))
    try:
        client.lpush("key", 1)
    except redis.ResponseError as error:
        print(type(error).__name__, file=sys.stderr)
    with driver.start_as_current_span("driver alone"), other.start_as_current_span("other"):
        pass
"""
OURS = {"SET": 1, "LPUSH": 1, "SELECT": 1, "driver alone": 1, "other": 1, "app": 1}


DISTRO = {"OTEL_PYTHON_DISTRO": "platform_instrument", "OTEL_PYTHON_CONFIGURATOR": "platform_instrument"}
"""Upstream's is installed too."""


def work(
    tmp_path: Path,
    redis_url: str,
    *words: str,
    collector: Collector,
    env: dict[str, str] | None = None,
    door: str = "platform-instrument",
) -> list[str]:
    """Run the program; return the lines that it has printed."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    done = run([door, sys.executable, path, redis_url, *words], collector=collector, env={**DISTRO, **(env or {})})
    assert done.returncode == 0
    said = "" if door == "platform-instrument" else done.stderr.partition("ResponseError")[0]  # upstream says what it leaves out
    assert done.stderr == f"{said}ResponseError\n"
    return done.stdout.splitlines()


@pytest.mark.parametrize("door", ["platform-instrument", "opentelemetry-instrument"])
def test_where_we_observe_the_library_its_spans_give_way(door: str, tmp_path: Path, redis_url: str, collector: Collector) -> None:
    assert work(tmp_path, redis_url, collector=collector, door=door) == []
    assert Counter(span.name for span in collector.spans) == OURS
    by_name = {span.name: span for span in collector.spans}
    assert by_name["SET"].scope.name == "platform_instrument.redis"
    assert {by_name[name].parent_id for name in ("SET", "LPUSH", "SELECT", "driver alone")} == {by_name["app"].span_id}
    assert by_name["other"].parent_id == by_name["driver alone"].span_id
    assert (by_name["LPUSH"].status, by_name["app"].status) == ("ERROR", "UNSET")


def test_under_a_provider_of_the_application_too(tmp_path: Path, redis_url: str, collector: Collector) -> None:
    lines = work(tmp_path, redis_url, "own", "global", collector=collector)
    assert Counter(line.split(" platform")[0].split(" opentelemetry")[0].removesuffix(" app") for line in lines) == OURS
    assert "SET platform_instrument" in lines
    assert collector.spans == ()


def test_what_goes_to_a_provider_that_is_not_the_global_one_is_not_double(
    tmp_path: Path, redis_url: str, collector: Collector
) -> None:
    lines = work(tmp_path, redis_url, "own", collector=collector)
    assert lines == ["SET opentelemetry", "LPUSH opentelemetry"]
    assert Counter(span.name for span in collector.spans) == OURS


@pytest.mark.parametrize(("name", "scopes"), [("redis", 1), ("opentelemetry_instrumentation", 2)])
def test_switched_off_theirs_are_kept(name: str, scopes: int, tmp_path: Path, redis_url: str, collector: Collector) -> None:
    work(tmp_path, redis_url, collector=collector, env={f"PLATFORM_INSTRUMENTATION_{name.upper()}": "false"})
    found = {span.scope.name for span in collector.spans if span.name == "SET"}
    assert "opentelemetry.instrumentation.redis" in found
    assert len(found) == scopes


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("aiohttp-client", True),
        ("httpx", True),
        ("wsgi", True),
        ("Flask", True),
        ("jinja2", False),
        ("aiohttp-server", True),
        ("pika", False),
    ],
)
def test_which_instrumentors_observe_what_we_do(name: str, ours: bool) -> None:  # noqa: FBT001 - a parameter
    assert owned(name) is ours


def test_doctor_tells_what_became_of_each(tmp_path: Path, redis_url: str, collector: Collector) -> None:
    path = tmp_path / "program.py"
    path.write_text(f"import opentelemetry.instrumentation.grpc\n{PROGRAM}")
    words = ["platform-instrument", "doctor", "--json", "--", sys.executable, path, redis_url]
    env = {"PLATFORM_INSTRUMENTATION_SQLALCHEMY": "false"}
    found = json.loads(run(words, collector=collector, env=env).stdout)
    (process,) = found["processes"]
    assert process["deferred"] == {"redis": 2}
    who = f"process {process['pid']} (program)"
    kept = f"is loaded in {who}, and we do not observe its library: its spans are kept"
    gave_way = f"is loaded in {who}, and we observe the same library: 2 of its spans gave way to ours"
    said = {(each["code"], each["subject"], each["message"]) for each in found["findings"] if each["code"] in {"PI402", "PI405"}}
    assert said == {
        ("PI402", "opentelemetry-instrumentation-redis", gave_way),
        ("PI405", "opentelemetry-instrumentation-grpc", kept),
        ("PI405", "opentelemetry-instrumentation-sqlalchemy", kept),
    }


def served(
    agents_binaries: Path, server: str, app: str, paths: tuple[str, ...], collector: Collector | None
) -> list[tuple[int, str]]:
    """Return what a server answers, with us where there is a collector."""
    port = free_port()
    place = ["--port", str(port)] if server == "uvicorn" else ["-b", f"{HOST}:{port}"]
    launcher = [str(agents_binaries / "platform-instrument")] if collector is not None else []
    argv = [*launcher, str(agents_binaries / server), *place, app]
    with Service(argv, port, env={"PORT": str(port)}, collector=collector, cwd=PROGRAMS) as running:
        found = [running.get(path)[:2] for path in paths]
        running.terminate()
        assert "platform-instrument:" not in running.stderr
    return found


def described(span: Span) -> tuple[str, str, str]:
    return span.name, span.kind, span.scope.name


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_library_of_a_service_has_one_span(agents_binaries: Path, collector: Collector) -> None:
    paths = ("/calls", "/line", "/fails", "/state", "/leaf")
    plain = served(agents_binaries, "uvicorn", "instrumentors:app", paths, None)
    assert plain[0] == (200, '["leaf","leaf","leaf","leaf","leaf","leaf",7,8,"9"]')
    found = served(agents_binaries, "uvicorn", "instrumentors:app", paths, collector)
    assert found[1] == (200, "1")  # the trace id is printed once, by us
    assert [found[0], *found[2:]] == [plain[0], *plain[2:]]
    own = "platform_instrument."
    assert Counter(described(span) for span in collector.spans) == {
        ("GET /leaf", "SERVER", f"{own}http"): 7,
        ("GET", "CLIENT", f"{own}httpx"): 2,
        ("GET", "CLIENT", f"{own}aiohttp_client"): 1,
        ("GET", "CLIENT", f"{own}requests"): 1,
        ("GET", "CLIENT", f"{own}urllib3"): 1,
        ("GET", "CLIENT", "opentelemetry.instrumentation.httpx"): 1,  # httpx2, which is not ours
        ("SELECT", "CLIENT", f"{own}sqlalchemy"): 1,
        ("SELECT", "CLIENT", f"{own}sqlite3"): 1,
        ("jinja2.compile", "INTERNAL", "opentelemetry.instrumentation.jinja2"): 1,
        ("jinja2.render", "INTERNAL", "opentelemetry.instrumentation.jinja2"): 1,
        ("GET /calls", "SERVER", f"{own}http"): 1,
        ("GET /line", "SERVER", f"{own}http"): 1,
        ("GET /fails", "SERVER", f"{own}http"): 1,
        ("GET /state", "SERVER", f"{own}http"): 1,
    }
    requests = {span.name: span for span in collector.spans if span.kind == "SERVER"}
    calls = requests["GET /calls"]
    assert {"shop.tenant": "ada", "shop.current": "here"}.items() <= calls.attributes.items()
    assert "http.method" not in calls.attributes
    assert len(requests["GET /fails"].events) == 1
    clients = {span.span_id for span in collector.spans if span.kind == "CLIENT" and span.name == "GET"}
    assert {span.parent_id for span in collector.spans if span.trace_id == calls.trace_id and span.name == "GET /leaf"} == clients


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("server", "app"), [("uvicorn", "instrumentors:asgi"), ("gunicorn", "instrumentors:wsgi")])
def test_their_middleware_around_an_application_makes_no_span(
    server: str, app: str, agents_binaries: Path, collector: Collector
) -> None:
    assert served(agents_binaries, server, app, ("/",), collector) == [(200, "bare")]
    assert [described(span) for span in collector.spans] == [("GET", "SERVER", "platform_instrument.http")]
