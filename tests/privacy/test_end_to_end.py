"""Values planted wherever a service may put them, real databases and servers behind it: none of them leaves.

Searched are the whole OTLP, the lines on standard output and error, what the console exporter prints, and what a span
processor of somebody else's is handed. That they would be found is shown by the same with every mask taken off.
"""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pymysql
import pytest
from sqlalchemy.engine import make_url

from platform_instrument.core.masking import KINDS
from platform_instrument.testing.collector import Collector
from tests.privacy.planted import EMAIL, KINDS_SOUGHT, MARKER, ONE_LINE, VALUES, found_in
from tests.processes import Service, door, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from platform_instrument.testing.received import Span

PROGRAMS = Path(__file__).parent / "programs"
UVICORN = ("uvicorn", "planted_fastapi:app", "--port")
GUNICORN = ("gunicorn", "planted_flask:app", "--access-logfile", "-", "--bind")
PASSING = {
    *(
        f"{database}_{name}"
        for database in ("sqlite", "postgres", "mariadb")
        for name in ("literal", "parameter", "batch", "comment")
    ),
    *(
        "sqlite_data",
        "sqlite_data_literal",
        "psycopg_direct",
        "redis_values",
        "redis_key",
        "log_lines",
        "api",
        "baggage_to_outside",
    ),
    *("httpx_url_and_headers", "httpx_async", "requests_url_and_headers"),
}
"""Places that do not raise; SQLite takes any value for a number."""
TELLING = {
    *("exception", "exception_chained", "exception_group", "exception_repr", "api", "redis_key", "psycopg_raised"),
    *("httpx_url_and_headers", "httpx_status", "httpx_refused", "httpx_async"),
    *("requests_url_and_headers", "requests_status", "requests_refused", EMAIL),
}
"""Places whose values are in the telemetry where no mask is on; elsewhere they are left out at once."""
NEVER_OUTSIDE = {"baggage"}
CAPTURED = {
    f"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_{side}_{what}": ".*"
    for side in ("SERVER", "CLIENT")
    for what in ("REQUEST", "RESPONSE")
}


@dataclass
class Outcome:
    """What a service let out while every place was visited."""

    spans: tuple[Span, ...] = ()
    otlp: str = ""
    printed: str = ""
    processed: str = ""
    statuses: dict[str, int] = field(default_factory=dict)
    outside: list[dict[str, str]] = field(default_factory=list)


class _Other(BaseHTTPRequestHandler):
    """Another service, which answers with headers that hold values."""

    received: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.send_response(404 if self.path.startswith("/missing") else 200)
        for name, value in (("x-note", ONE_LINE), ("set-cookie", f"session={MARKER}"), ("location", f"/?token={MARKER}")):
            self.send_header(name, value)
        self.send_header("content-length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the inherited name
        """Print nothing."""


@contextlib.contextmanager
def other_service() -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """Run another service; yield its URL and what it is sent."""
    received: list[tuple[str, dict[str, str]]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Other", (_Other,), {"received": received}))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Servers:
    """Where the databases are."""

    environment: Mapping[str, str]
    folder: Path

    def visit(self, argv: tuple[str, ...], env: Mapping[str, str] | None = None) -> Outcome:
        """Plant every value in every place of a service; return what came out."""
        outcome = Outcome()
        port = free_port()
        address = str(port) if argv is UVICORN else f"127.0.0.1:{port}"
        words, variables = door("command", [*argv, address])
        seen = self.folder / f"seen-{port}"
        seen.touch()
        with Collector() as collector, other_service() as (url, received):
            environment = {**self.environment, **CAPTURED, **variables, "OTHER_URL": url, "SEEN": str(seen), **(env or {})}
            environment["OTEL_TRACES_EXPORTER"] = environment["OTEL_METRICS_EXPORTER"] = "otlp,console"
            with Service(words, port, env=environment, collector=collector, cwd=PROGRAMS, timeout=30) as service:
                for name in json.loads(service.get("/places")[1]):
                    outcome.statuses[name] = service.request("POST", f"/plant/{name}", json.dumps(VALUES), JSON)[0]
                service.request("GET", INBOUND, headers=INBOUND_HEADERS)
                service.request("BREW", f"/nowhere/{EMAIL}?password={MARKER}", headers={"host": f"{EMAIL}"})
                collector.wait_for(lambda spans: sum(span.kind == "SERVER" for span in spans) >= len(outcome.statuses) + 3)
                collector.wait_for_histogram("http.server.request.duration", attributes={"http.response.status_code": 404})
                service.terminate()
            outcome.spans = collector.spans
            outcome.otlp = "\n".join(request.body.decode("utf-8", "replace") for request in collector.requests)
            outcome.printed = service.stdout + service.stderr
            outcome.processed = seen.read_text("utf-8")
            outcome.outside = [headers for path, headers in received if path == "/outside"]
        return outcome


JSON = {"content-type": "application/json"}
INBOUND = f"/inbound/{EMAIL}?token={MARKER}&card=4539%201488%200343%206467&mail={EMAIL.replace('@', '%40')}"
INBOUND_HEADERS = {
    "authorization": f"Bearer {MARKER}",
    "cookie": f"session={MARKER}",
    "x-api-key": MARKER,
    "x-note": ONE_LINE,
    "user-agent": f"shop of {EMAIL}",
    "referer": f"https://shop.example/?token={MARKER}&mail={EMAIL}",
    "x-forwarded-for": EMAIL,
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": f"vendor={EMAIL}",
    "baggage": f"mail={EMAIL.replace('@', '%40')},token={MARKER}",
}


@pytest.fixture(scope="module")
def servers(postgres_url: str, mariadb_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Return where the databases are; the table that the places fill is gone afterwards."""
    url = make_url(mariadb_url)
    environment = {
        "POSTGRES_URL": postgres_url,
        "MARIADB_URL": url.set(database="telemetry_test").render_as_string(),
        "REDIS_URL": redis_url,
    }
    with (
        pymysql.connect(host=url.host or "127.0.0.1", port=url.port or 3306, user=url.username) as mariadb,
        psycopg.connect(postgres_url, autocommit=True) as postgres,
    ):
        mariadb.cursor().execute("create database if not exists telemetry_test")
        yield Servers(environment, tmp_path_factory.mktemp("planted"))
        mariadb.cursor().execute("drop table if exists telemetry_test.telemetry_planted")
        postgres.execute("drop table if exists telemetry_planted")


def check(outcome: Outcome, *, printed: bool = True) -> None:
    """Fail where a value came out, or where a place was not visited as it should have been."""
    assert found_in(outcome.otlp) == []
    assert found_in(outcome.processed) == []
    if printed:
        assert found_in(outcome.printed) == []
    assert {name for name, status in outcome.statuses.items() if status == HTTPStatus.OK} == PASSING
    assert len(outcome.statuses) > len(PASSING) + 30
    assert [sorted(NEVER_OUTSIDE.intersection(headers)) for headers in outcome.outside] == [[], []]


def test_nothing_leaves_a_service_under_uvicorn(servers: Servers) -> None:
    outcome = servers.visit(UVICORN)
    check(outcome)
    assert "trace " in outcome.printed
    assert "http.client.request.duration " in outcome.printed
    assert servers_of_literals(outcome) == {"sqlite", "postgresql", "mariadb"}


def test_nothing_leaves_a_service_under_gunicorn(servers: Servers) -> None:
    check(servers.visit(GUNICORN))


def test_nothing_of_upstreams_instrumentors_leaves(servers: Servers) -> None:
    disabled = "sqlalchemy,sqlite3,psycopg,redis,httpx"
    outcome = servers.visit(UVICORN, {"UPSTREAM": "1", "PLATFORM_DISABLED_INSTRUMENTATIONS": disabled})
    check(outcome)
    scopes = {span.scope.name for span in outcome.spans}
    assert {f"opentelemetry.instrumentation.{name}" for name in ("httpx", "redis", "sqlalchemy")} <= scopes


def test_telemetry_is_masked_where_log_lines_are_not(servers: Servers) -> None:
    outcome = servers.visit(UVICORN, {"PLATFORM_LOG_MASK": "false"})
    check(outcome, printed=False)
    assert {finding.kind for finding in found_in(outcome.printed)} == set(KINDS_SOUGHT)


def test_without_masks_the_search_finds_every_kind_in_every_place(servers: Servers) -> None:
    off = ",".join(f"{kind}=off" for kind in KINDS)
    outcome = servers.visit(UVICORN, {"PLATFORM_MASK": off, "PLATFORM_LOG_MASK": "false"})
    sought = set(KINDS_SOUGHT).difference({"marker"})
    for text in (outcome.otlp, outcome.processed, outcome.printed):
        assert sought <= {finding.kind for finding in found_in(text)}
    places = {
        span.trace_id: str(span.attributes["url.path"]).rpartition("/")[2] for span in outcome.spans if span.kind == "SERVER"
    }
    telling = {places[span.trace_id] for span in outcome.spans if found_in(repr(span), "email")}
    assert telling >= TELLING


def servers_of_literals(outcome: Outcome) -> set[Any]:
    """Return the databases of which a statement with a literal was recorded."""
    return {
        span.attributes["db.system.name"]
        for span in outcome.spans
        if str(span.attributes.get("db.query.text", "")).startswith("select a from telemetry_planted where a in (?")
    }
