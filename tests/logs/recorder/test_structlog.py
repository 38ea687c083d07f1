"""structlog under the flight recorder: over the standard library, and by its own filtering loggers."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import io
import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars

from platform_instrument.core.report import forget
from platform_instrument.telemetry.context import CURRENT
from tests.instrumentations.recording import ids, recording
from tests.logs.recorder.shop import ON, failing, request
from tests.processes import door, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_instrument.testing.collector import Collector
    from tests.logs.recorder.shop import Shop


@pytest.fixture(autouse=True)
def _structlog_as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    clear_contextvars()


@contextlib.contextmanager
def recorder(**environ: str) -> Iterator[None]:
    forget()
    with recording("std_recorder", "std_logging", "structlog_recorder", "structlog", environ={**ON, **environ}):
        yield


def native(*processors: Any, level: int = logging.INFO) -> tuple[Any, io.StringIO]:
    """Return a filtering logger of structlog's own, and what it prints to."""
    stream = io.StringIO()
    last = processors or (structlog.processors.JSONRenderer(),)
    structlog.configure(
        processors=[merge_contextvars, structlog.processors.add_log_level, structlog.processors.TimeStamper("iso"), *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    return structlog.get_logger(), stream


def said(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_events_of_filtering_loggers_are_printed_where_the_request_fails() -> None:
    log, stream = native()
    told: list[tuple[str, str]] = []

    def act() -> None:
        bind_contextvars(tenant="acme")
        bound = log.bind(order=17)
        bound.debug("priced %d", 3, mail="bob@example.com")
        clear_contextvars()
        log.info("order")
        told.append(ids(CURRENT.get()))  # type: ignore[arg-type]

    with recorder():
        request(act)
        assert [line["event"] for line in said(stream)] == ["order"]
        failing(act)
    *_, order, priced = said(stream)
    assert priced["timestamp"] < order["timestamp"]
    assert {key: value for key, value in priced.items() if key != "timestamp"} == {
        "event": "priced 3", "level": "debug", "order": 17, "mail": "[email]", "tenant": "acme",
        "trace_id": told[1][0], "span_id": told[1][1],
    }  # fmt: skip
    assert len(said(stream)) == 3


def test_outside_of_requests_nothing_is_made() -> None:
    asked: list[str] = []

    def asking(_logger: object, name: str, event: Any) -> Any:
        asked.append(name)
        return event

    log, stream = native(asking, structlog.processors.JSONRenderer())
    with recorder():
        assert log.debug("never") is None
        assert not log.is_enabled_for(10)
        request(lambda: asked.append(str(log.is_enabled_for(10))))
    assert (asked, stream.getvalue()) == (["True"], "")
    request(lambda: log.debug("taken back"))
    assert asked == ["True"]


def test_values_are_those_of_the_moment_and_an_exception_is_a_text() -> None:
    items = [1]

    def act() -> None:
        try:
            {}["order"]
        except KeyError:
            log.debug("caught", items=items, exc_info=True)
        items.append(2)

    log, stream = native()
    with recorder():
        failing(act)
    (line,) = said(stream)
    assert line["items"] == [1]
    assert line["exception"].endswith("KeyError: 'order'")
    assert "exc_info" not in line


def test_an_event_that_a_processor_drops_is_dropped_and_one_that_fails_harms_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    def strict(_logger: object, _name: str, event: Any) -> Any:
        if event["event"] == "drop":
            raise structlog.DropEvent
        if event["event"] == "fail":
            raise ValueError
        return event

    log, stream = native(strict, structlog.processors.JSONRenderer())
    with recorder():
        failing(lambda: [log.debug(event) for event in ("drop", "fail", "keep", "%d wrong")])
        failing(lambda: log.debug("%d wrong", "no number"))
    assert [line["event"] for line in said(stream)] == ["keep", "%d wrong"]
    assert "a processor of structlog raised ValueError" in capfd.readouterr().err


def test_coroutine_methods_are_kept_too() -> None:
    log, stream = native()
    with recorder():
        failing(lambda: asyncio.run(log.adebug("awaited")))
    assert [line["event"] for line in said(stream)] == ["awaited"]


def test_lines_that_gave_way_are_told_in_the_logger_s_format() -> None:
    log, stream = native()
    with recorder(PLATFORM_LOG_FLIGHT_RECORDER_SIZE="16384"):
        failing(lambda: [log.debug("line", number=number) for number in range(100)])
    first, *rest = said(stream)
    assert (first["event"], first["level"]) == (f"… {100 - len(rest)} earlier lines left out", "debug")
    assert [line["number"] for line in rest] == list(range(100 - len(rest), 100))


def test_over_the_standard_library_both_levels_count(shop: Shop) -> None:
    for handler in shop.log.handlers:
        handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=structlog.processors.JSONRenderer()))
    with recorder():
        structlog.configure(
            processors=[structlog.stdlib.filter_by_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            wrapper_class=structlog.stdlib.BoundLogger,
            logger_factory=structlog.stdlib.LoggerFactory(),
            cache_logger_on_first_use=False,
        )
        failing(lambda: structlog.get_logger("shop").bind(order=17).debug("priced", parts=[1, 2]))
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
        failing(lambda: structlog.get_logger("shop").debug("filtered twice"))
        shop.log.setLevel(logging.DEBUG)
        request(lambda: structlog.get_logger("shop").debug("never"))
        failing(lambda: structlog.get_logger("shop").debug("filtered once"))
    lines = [json.loads(line) for line in shop.stream.getvalue().splitlines()]
    assert [(line["event"], line.get("parts"), "trace_id" in line) for line in lines] == [
        ("priced", [1, 2], True), ("filtered twice", None, True), ("filtered once", None, True)
    ]  # fmt: skip


PROGRAM = """
import logging, sys, structlog
from wsgiref.util import setup_testing_defaults
from platform_instrument.web.wsgi import observe_wsgi

logging.basicConfig(level="INFO", stream=sys.stdout, format="%(message)s")
structlog.configure(
    processors=[structlog.stdlib.filter_by_level, structlog.stdlib.add_logger_name, structlog.processors.JSONRenderer()],
    wrapper_class=structlog.stdlib.BoundLogger, logger_factory=structlog.stdlib.LoggerFactory())
log = structlog.get_logger("shop")

def application(environ, start_response):
    log.debug("below", order=17)
    start_response(environ["PATH_INFO"][1:].replace("-", " "), [])
    return [b"done"]

log.debug("outside")
for path in ("/200-OK", "/500-Error"):
    environ = {}
    setup_testing_defaults(environ)
    environ["PATH_INFO"] = path
    observe_wsgi(application)(environ, lambda *_: None)
"""


def test_the_chain_over_the_standard_library_is_reached_in_a_program(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    argv, variables = door("command", [sys.executable, tmp_path / "program.py"])
    done = run(argv, env={**variables, **ON, "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"})
    (line,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert {key: line[key] for key in line if not key.endswith("_id")} == {"event": "below", "order": 17, "logger": "shop"}
    assert "trace_id" in line


def test_what_a_processor_has_taken_out_does_not_come_back() -> None:
    def without_card(_logger: object, _name: str, event: Any) -> Any:
        del event["number"]
        return event

    log, stream = native(without_card, structlog.processors.JSONRenderer())
    with recorder():
        failing(lambda: log.bind(number=17).debug("paid"))
    assert [(line["event"], "number" in line) for line in said(stream)] == [("paid", False)]


def test_levels_names_and_the_end_of_a_request_hold_here_too() -> None:
    log, stream = native(level=logging.WARNING)
    left: list[contextvars.Context] = []

    def act() -> None:
        log.debug("debug")
        log.info("info")
        left.append(contextvars.copy_context())

    with recorder(PLATFORM_LOG_FLIGHT_RECORDER_LEVEL="info"):
        failing(act)
        assert left[0].run(log.is_enabled_for, 20) is False
        left[0].run(log.info, "afterwards")
    assert [line["event"] for line in said(stream)] == ["info"]
    with recorder(PLATFORM_LOG_FLIGHT_RECORDER_LOGGERS="shop"):
        failing(act)
    assert len(said(stream)) == 1


def test_a_chain_that_renders_before_its_end_is_not_kept(capfd: pytest.CaptureFixture[str]) -> None:
    log, stream = native(structlog.processors.JSONRenderer(), lambda _logger, _name, line: line)
    with recorder():
        failing(lambda: log.debug("rendered"))
    assert (stream.getvalue(), capfd.readouterr().err) == ("", "")


NATIVE = PROGRAM.replace("structlog.stdlib.filter_by_level, structlog.stdlib.add_logger_name, ", "").replace(
    "structlog.stdlib.BoundLogger, logger_factory=structlog.stdlib.LoggerFactory()", "structlog.make_filtering_bound_logger(20)"
).replace('log.debug("below", order=17)', '[log.debug("below", order=17) for _ in range(3)]')  # fmt: skip


def test_nothing_is_exported_before_and_nothing_thinned_afterwards(tmp_path: Path, collector: Collector) -> None:
    (tmp_path / "program.py").write_text(NATIVE)
    argv, variables = door("command", [sys.executable, tmp_path / "program.py"])
    thin = {
        "PLATFORM_LOG_SAMPLE": "true",
        "PLATFORM_LOG_SAMPLE_BURST": "1",
        "PLATFORM_LOG_SAMPLE_RATE": "0.001",
        "PLATFORM_LOG_SAMPLE_KEEP_TRACES": "false",
    }
    done = run(argv, env={**variables, **ON, **thin, "OTEL_LOGS_EXPORTER": "otlp"}, collector=collector)
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()] == ["below"] * 3, done.stderr
    assert [(log.body, log.text, log.attributes["order"]) for log in collector.logs] == [("below", "DEBUG", 17)] * 3
