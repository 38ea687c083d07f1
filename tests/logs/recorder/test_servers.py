"""Servers with the flight recorder on: lines of requests that fail or are slow, in the service's own format, and no others."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.logs.printed import without_ids
from tests.processes import BIN, Service, door, free_port, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_instrument.testing.collector import Collector

PROGRAMS = Path(__file__).parent.parent / "programs"
ON = {"PLATFORM_LOG_FLIGHT_RECORDER": "on", "PLATFORM_LOG_FLIGHT_RECORDER_SLOW": "2", "PYTHONUNBUFFERED": "1"}

UVICORN = (BIN / "uvicorn", "shop_recorded:asgi", "--port")
SERVERS: dict[str, tuple[str | Path, ...]] = {
    "uvicorn": UVICORN,
    "gunicorn sync": (BIN / "gunicorn", "shop_recorded:wsgi", "--no-control-socket", "-b"),
    "gunicorn sync, preloaded": (BIN / "gunicorn", "shop_recorded:wsgi", "--preload", "--no-control-socket", "-b"),
    "gunicorn gthread": (BIN / "gunicorn", "shop_recorded:wsgi", "-k", "gthread", "--threads=4", "--no-control-socket", "-b"),
    "gunicorn gevent": (BIN / "gunicorn", "shop_recorded:wsgi", "-k", "gevent", "--no-control-socket", "-b"),
}


@contextlib.contextmanager
def serving(name: str, collector: Collector, **env: str) -> Iterator[Service]:
    port = free_port()
    *command, where = SERVERS[name]
    address = str(port) if name == "uvicorn" else f"127.0.0.1:{port}"
    words, variables = door("command", [*command, where, address])
    with Service(words, port, env={**variables, **ON, **env}, collector=collector, cwd=PROGRAMS) as server:
        yield server


def about(server: Service, number: str) -> list[str]:
    """Return what was printed about an order, without the ids."""
    lines = without_ids(server.stderr).splitlines()
    return [line for line in lines if "shop.orders" in line and (line.endswith(f" {number}") or f" {number} " in line)]


ALL = ["INFO:shop.orders:order {}", "DEBUG:shop.orders:reading order {}", "DEBUG:shop.orders:priced {} for [email]"]


def lines(number: str, count: int = 3) -> list[str]:
    return [line.format(number) for line in ALL[:count]]


@pytest.mark.parametrize("name", SERVERS)
def test_lines_below_the_level_are_printed_of_requests_that_fail_or_are_slow(name: str, collector: Collector) -> None:
    with serving(name, collector) as server:
        with ThreadPoolExecutor(4) as pool:
            paths = ["/pay/1", "/fail/2", "/slow/3", "/pay/4"]
            statuses = list(pool.map(lambda path: server.get(path)[0], paths))
        assert statuses == [200, 500, 200, 200]
        server.wait_for_output("priced 2 ")
        server.wait_for_output("priced 3 ")
        collector.wait_for(4)
        server.terminate()
        assert [about(server, number) for number in "1234"] == [lines("1", 1), lines("2"), lines("3"), lines("4", 1)]
        spans = {str(span.attributes["url.path"]): span for span in collector.spans}
        late = [line for line in server.stderr.splitlines() if "DEBUG:shop.orders" in line]
        assert len(late) == 4
        for line in late:
            span = spans["/fail/2" if " 2 " in line or " 2" in line.partition(" trace_id")[0][-2:] else "/slow/3"]
            assert line.endswith(f" trace_id={span.trace_id} span_id={span.span_id}")


def test_a_stream_that_breaks_off_is_a_failure(collector: Collector) -> None:
    with serving("uvicorn", collector) as server:
        assert server.get("/stream/4")[1] == "onetwo"
        with pytest.raises(AssertionError):
            server.get("/stream/5")
        server.wait_for_output("priced 5 ")
        assert (about(server, "4"), about(server, "5")) == (lines("4", 1), lines("5"))


def test_json_lines_stay_objects_and_tell_their_own_time(collector: Collector) -> None:
    with serving("uvicorn", collector, SHOP_LOGGING="json") as server:
        assert server.get("/fail/2")[0] == 500
        server.wait_for_output("priced 2 ")
        found: list[dict[str, Any]] = [json.loads(line) for line in server.stderr.splitlines() if line.startswith("{")]
    shop = [line for line in found if line["logger"] == "shop.orders"]
    assert [line["message"] for line in shop] == ["order 2", "reading order 2", "priced 2 for [email]"]
    assert [line["level"] for line in shop] == ["INFO", "DEBUG", "DEBUG"]
    order, reading, priced = [line["time"] for line in shop]
    assert reading < order < priced
    assert len({(line["trace_id"], line["span_id"]) for line in shop}) == 1


@pytest.mark.parametrize("name", ["uvicorn", "gunicorn sync"])
def test_exported_logs_have_them_once_and_of_failed_requests_alone(name: str, collector: Collector) -> None:
    with serving(name, collector, OTEL_LOGS_EXPORTER="otlp") as server:
        assert (server.get("/pay/1")[0], server.get("/fail/2")[0]) == (200, 500)
        server.wait_for_output("priced 2 ")
        server.terminate()
    logs = [log for log in collector.logs if log.scope.name == "shop.orders"]
    assert sorted((str(log.body), log.text) for log in logs) == [
        ("order 1", "INFO"), ("order 2", "INFO"), ("priced 2 for [email]", "DEBUG"), ("reading order 2", "DEBUG")
    ]  # fmt: skip
    (span,) = [span for span in collector.spans if span.attributes["url.path"] == "/fail/2"]
    of_two = sorted((log for log in logs if "2" in str(log.body)), key=lambda log: log.time_ns)
    assert [str(log.body) for log in of_two] == ["reading order 2", "order 2", "priced 2 for [email]"]
    assert {(log.trace_id, log.span_id) for log in of_two} == {(span.trace_id, span.span_id)}


SQL = """
import logging, sys
logging.basicConfig(level="INFO", stream=sys.stdout)
logging.getLogger("sqlalchemy").setLevel("WARNING")
from sqlalchemy import create_engine, text
from sqlalchemy.engine.base import Connection
quiet, loud = create_engine("sqlite://"), create_engine("sqlite://", echo={echo!r})

def application(environ, start_response):
    print("asked", quiet._should_log_info(), quiet._should_log_debug(), loud._should_log_info(), loud._should_log_debug())
    for engine in (quiet, loud):
        with engine.connect() as connection:
            result = connection.execute(text("SELECT 1 AS one"))
            print("row", type(result.fetchone()))
            print("echo", connection._echo)
    start_response(environ["PATH_INFO"][1:].replace("-", " "), [])
    return [b"done"]

from wsgiref.simple_server import make_server
from wsgiref.util import setup_testing_defaults
from platform_instrument.web.wsgi import observe_wsgi
for path in ("/200-OK", "/500-Error"):
    environ = {{}}
    setup_testing_defaults(environ)
    environ["PATH_INFO"] = path
    observe_wsgi(application)(environ, lambda *_: None)
"""


def statements(tmp_path: Path, echo: object, **env: str) -> list[str]:
    """Return what a program prints that uses two engines, one with `echo`, within a request that is answered and one that fails."""
    file = tmp_path / "program.py"
    file.write_text(SQL.format(echo=echo))
    argv, variables = door("command", [sys.executable, file])
    off = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "PLATFORM_LOG_TRACE_ID": "false"}
    done = run(argv, env={**variables, **off, **env}, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "fault" not in done.stderr, done.stderr
    return re.sub(r"\d+", "0", done.stdout).splitlines()


@pytest.mark.parametrize("echo", [True, "debug"])
def test_sqlalchemy_is_left_as_it_is(tmp_path: Path, echo: object) -> None:
    plain = statements(tmp_path, echo)
    assert statements(tmp_path, echo, PLATFORM_LOG_FLIGHT_RECORDER="on") == plain
    assert sum("SELECT 0" in line for line in plain) == 4  # by its own handler and the root's, of two requests


def test_sqlalchemy_is_recorded_where_it_is_named_and_echo_prints_as_ever(tmp_path: Path) -> None:
    printed = statements(
        tmp_path, "debug", PLATFORM_LOG_FLIGHT_RECORDER="on", PLATFORM_LOG_FLIGHT_RECORDER_LOGGERS="sqlalchemy.engine"
    )
    assert sum("SELECT 0" in line for line in printed) == 6, printed
    assert printed.count("asked True True True True") == 2


UNPRINTED = """
import logging, sys
from wsgiref.util import setup_testing_defaults
from platform_instrument.web.wsgi import observe_wsgi

logging.basicConfig(level="DEBUG", stream=sys.stdout, format="%(message)s")
logging.getLogger().handlers[0].setLevel("INFO")

def application(environ, start_response):
    logging.getLogger("shop.orders").debug("passed the level")
    logging.getLogger("shop.carts").debug("below the level")
    start_response("500 Error", [])
    return [b"done"]

logging.getLogger("shop.carts").setLevel("INFO")
environ = {}
setup_testing_defaults(environ)
observe_wsgi(application)(environ, lambda *_: None)
"""


def test_what_was_exported_when_it_was_logged_is_not_exported_again(tmp_path: Path, collector: Collector) -> None:
    (tmp_path / "program.py").write_text(UNPRINTED)
    argv, variables = door("command", [sys.executable, tmp_path / "program.py"])
    done = run(argv, env={**variables, **ON, "OTEL_LOGS_EXPORTER": "otlp"}, collector=collector)
    assert without_ids(done.stdout).splitlines() == ["passed the level", "below the level"], done.stderr
    assert sorted(str(log.body) for log in collector.logs if log.scope.name.startswith("shop")) == [
        "below the level",
        "passed the level",
    ]
