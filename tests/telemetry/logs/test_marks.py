"""Errors that are logged: with the exception that is handled, on the span that they are about, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.instrumentations.test_std_logs import ran

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

ERRORS = """
from opentelemetry import trace
tracer = trace.get_tracer("shop")
def fails():
    with tracer.start_as_current_span("query") as span:
        raise KeyError("bob@example.com")
def layer():
    try:
        fails()
    except KeyError:
        log.error("of %s", "layer")
        raise
with tracer.start_as_current_span("request"):
    try:
        layer()
    except KeyError as error:
        log.exception("at the top")
        log.warning("no error")
        log.error("told", exc_info=error)
"""


def test_an_error_carries_the_exception_that_is_handled_and_marks_its_span_once(tmp_path: Path, collector: Collector) -> None:
    ran(tmp_path, collector, ERRORS)
    layer, top, warning, told = collector.logs
    for log in (layer, top, told):
        assert log.attributes["exception.type"] == "KeyError"
        assert log.attributes["exception.message"] == "'[email]'"
        assert "in fails" in log.attributes["exception.stacktrace"]
        assert "platform_instrument" not in log.attributes["exception.stacktrace"]
    assert "exception.type" not in warning.attributes
    request = next(span for span in collector.spans if span.name == "request")
    assert request.status == "ERROR"
    assert [event.attributes["exception.type"] for event in request.events] == ["KeyError"]


def test_an_error_that_is_printed_marks_its_span_where_logs_are_not_exported_too(tmp_path: Path, collector: Collector) -> None:
    ran(tmp_path, collector, "logging.basicConfig()\n" + ERRORS, {"OTEL_LOGS_EXPORTER": "none"})
    request = next(span for span in collector.spans if span.name == "request")
    assert request.status == "ERROR"
    assert [event.attributes["exception.type"] for event in request.events] == ["KeyError"]
    assert not collector.logs


def test_errors_without_an_exception_leave_their_span_as_it_is(tmp_path: Path, collector: Collector) -> None:
    program = """
    from opentelemetry import trace
    with trace.get_tracer("shop").start_as_current_span("work"):
        log.error("nothing was raised")
        try: 1 / 0
        except ZeroDivisionError: log.warning("expected", exc_info=True)
    """
    ran(tmp_path, collector, program)
    (span,) = collector.spans
    assert (span.status, span.events) == ("UNSET", ())


SERVED = """
import threading, time, urllib.error, urllib.request, uvicorn
async def app(scope, receive, send):
    log.info("in the request")
    raise LookupError("of the application")
server = uvicorn.Server(uvicorn.Config(app, port=PORT, lifespan="off"))
thread = threading.Thread(target=server.run)
thread.start()
while not server.started: time.sleep(0.01)
try: urllib.request.urlopen("http://127.0.0.1:PORT/")
except urllib.error.HTTPError: pass
server.should_exit = True
thread.join()
"""


def test_what_a_server_says_of_a_request_that_failed_has_its_ids(tmp_path: Path, collector: Collector, free_port: int) -> None:
    ran(tmp_path, collector, "log.setLevel(10)\n" + SERVED.replace("PORT", str(free_port)))
    (span,) = [span for span in collector.spans if span.kind == "SERVER"]
    (inside,) = [log for log in collector.logs if log.body == "in the request"]
    (failed,) = [log for log in collector.logs if log.attributes.get("exception.type")]
    assert inside.span_id == failed.span_id == span.span_id
    assert failed.scope.name == "uvicorn.error"
    assert [event.attributes["exception.type"] for event in span.events] == ["LookupError"]


TALKATIVE = """
from opentelemetry import trace
class Talkative(Exception):
    asked = 0
    def __str__(self):
        Talkative.asked += 1
        logging.getLogger("inner").error("asked")
        raise RuntimeError("no text")
logging.basicConfig(stream=sys.stdout, format="%(message)s")
with trace.get_tracer("shop").start_as_current_span("work"):
    try:
        raise Talkative
    except Talkative:
        log.error("failed")
print(Talkative.asked)
"""


@pytest.mark.parametrize("exported", ["otlp", "none"])
def test_an_exception_that_logs_while_it_is_asked_for_its_text_is_asked_few_times(
    tmp_path: Path, collector: Collector, exported: str
) -> None:
    done = ran(tmp_path, collector, TALKATIVE, {"OTEL_LOGS_EXPORTER": exported})
    *lines, asked = done.stdout.splitlines()
    assert int(asked) <= 6
    (span,) = collector.spans
    assert all(span.span_id in line for line in lines)
    assert (span.status, [event.attributes["exception.type"] for event in span.events]) == ("ERROR", ["__main__.Talkative"])
    assert "RuntimeError" in done.stderr
    assert [log.body for log in collector.logs] == (["failed"] if exported == "otlp" else [])
