"""What loguru logs arrives at the collector: once, whatever its sinks are and whoever hands it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.instrumentations.test_std_logs import ran

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

SETUP = """
from loguru import logger
from opentelemetry import trace
span = trace.get_tracer("shop").start_as_current_span
logger.remove()
"""


def test_a_record_says_who_logged_what_where_with_its_values_typed_and_masked(tmp_path: Path, collector: Collector) -> None:
    program = """
    logger.add(sys.stdout, format="never seen")
    with span("work"):
        logger.bind(count=3, ok=True, password="x", nested={"a": 1}).success("{} of {who}", 17, who="bob@example.com")
    """
    ran(tmp_path, collector, SETUP + program.replace("\n    ", "\n"))
    (log,) = collector.logs
    (span,) = collector.spans
    assert (log.body, log.severity, log.text, log.scope.name) == ("17 of [email]", 12, "SUCCESS", "__main__")
    assert (log.trace_id, log.span_id) == (span.trace_id, span.span_id)
    assert log.attributes == {
        "count": 3, "ok": True, "password": "[secret]", "nested": '{"a":1}', "who": "[email]",
        "code.file.path": str(tmp_path / "program.py"), "code.function.name": "<module>", "code.line.number": 11,
    }  # fmt: skip
    assert abs(log.observed_ns - log.time_ns) < 1_000_000_000


def test_what_no_sink_takes_is_not_exported_and_what_several_take_is_once(tmp_path: Path, collector: Collector) -> None:
    program = """
def chatty(record):
    if record["message"] == "outer":
        logger.warning("while filtering")
    return True
logger.add(sys.stdout, level="INFO")
logger.add(lambda message: None, level="WARNING")
logger.add("app.log", level="WARNING", enqueue=True, filter=chatty)
logger.add(sys.stderr, serialize=True, level="INFO", filter=lambda record: "secret" not in record["extra"])
logger.debug("no sink")
logger.info("one sink")
logger.warning("outer")
logger.warning("the same")
logger.warning("the same")
logger.complete()
"""
    ran(tmp_path, collector, SETUP + program)
    bodies = [log.body for log in collector.logs]
    assert bodies == ["one sink", "outer", "while filtering", "the same", "the same"]


def test_an_error_carries_its_exception_or_the_one_that_is_handled_and_marks_its_span_once(
    tmp_path: Path, collector: Collector
) -> None:
    program = """
logger.add(sys.stdout)
with span("work"):
    try:
        raise ValueError("for bob@example.com")
    except ValueError as error:
        logger.error("without")
        logger.exception("with")
        logger.opt(exception=error).warning("a warning with one")
        logger.warning("a warning")
"""
    ran(tmp_path, collector, SETUP + program)
    *three, warning = collector.logs
    for log in three:
        assert (log.attributes["exception.type"], log.attributes["exception.message"]) == ("ValueError", "for [email]")
        assert "raise ValueError" in log.attributes["exception.stacktrace"]
    assert "exception.type" not in warning.attributes
    (span,) = collector.spans
    assert (span.status, [event.name for event in span.events]) == ("ERROR", ["exception"])


@pytest.mark.parametrize("exported", ["otlp", "none"])
def test_an_error_that_loguru_prints_marks_its_span_whether_logs_are_exported_or_not(
    tmp_path: Path, collector: Collector, exported: str
) -> None:
    program = """
logger.add(sys.stdout)
with span("work"):
    try:
        raise ValueError("no")
    except ValueError:
        logger.error("without")
"""
    ran(tmp_path, collector, SETUP + program, {"OTEL_LOGS_EXPORTER": exported})
    (span,) = collector.spans
    assert [event.attributes["exception.type"] for event in span.events] == ["ValueError"]


def test_what_a_sink_hands_on_to_the_standard_library_is_one_record(tmp_path: Path, collector: Collector) -> None:
    program = """
class Propagating(logging.Handler):
    def emit(self, record):
        logging.getLogger(record.name).handle(record)
def told(message):
    logging.getLogger("told").warning("about to tell")
    logging.getLogger("told").warning(message.record["message"])
logging.basicConfig(format="%(message)s", stream=sys.stdout)
logger.add(Propagating(), format="{level} {message}")
logger.add(Propagating(), format="{message}", enqueue=True)
logger.add(told)
with span("work"):
    logger.bind(count=3).warning("for {}", "bob@example.com")
logger.complete()
"""
    done = ran(tmp_path, collector, SETUP + program)
    assert done.stdout.count("for [email]") == 3
    assert sorted((log.scope.name, log.body) for log in collector.logs) == [
        ("__main__", "for [email]"),
        ("told", "about to tell"),
    ]
    log = next(log for log in collector.logs if log.scope.name == "__main__")
    assert log.attributes["count"] == 3


HANDLERS = """
import inspect, logging.handlers, queue
class Fixed(logging.Handler):
    def emit(self, record):
        logger.opt(depth=6, exception=record.exc_info).log(record.levelname, record.getMessage())
class Walking(logging.Handler):
    def emit(self, record):
        frame, depth = inspect.currentframe(), 0
        while frame and (depth == 0 or frame.f_code.co_filename == logging.__file__):
            frame, depth = frame.f_back, depth + 1
        logger.opt(depth=depth, exception=record.exc_info).log(record.levelname, record.getMessage())
class Formatting(logging.Handler):
    def emit(self, record):
        logger.log(record.levelname, self.format(record))
        if "full" in record.msg:
            logger.warning("the disk is nearly full")
"""


@pytest.mark.parametrize("handler", ["Fixed", "Walking"])
def test_what_the_standard_library_hands_on_to_loguru_is_one_record_and_its_caller_is_found(
    tmp_path: Path, collector: Collector, handler: str
) -> None:
    program = f"""
logging.basicConfig(handlers=[{handler}()], level=0)
logger.add(sys.stdout, format="{{name}}:{{function}}:{{line}} {{message}}")
def work():
    log.warning("%d of %s", 17, "plants")
    logger.warning("17 of plants")
work()
"""
    done = ran(tmp_path, collector, SETUP + HANDLERS + program)
    first, second = (int(line.split(":")[2].split()[0]) for line in done.stdout.splitlines() if "work" in line)
    assert second == first + 1
    assert [(log.scope.name, log.body) for log in collector.logs] == [
        ("shop.orders", "17 of plants"),
        ("__main__", "17 of plants"),
    ]
    assert collector.logs[0].attributes["code.line.number"] == first


def test_lines_that_go_through_a_queue_and_a_formatter_to_loguru_are_one_record_and_other_words_another(
    tmp_path: Path, collector: Collector
) -> None:
    program = """
waiting = queue.Queue()
listener = logging.handlers.QueueListener(waiting, Formatting())
logging.basicConfig(handlers=[logging.handlers.QueueHandler(waiting)], level=0)
logger.add(sys.stdout)
with span("work"):
    log.warning("%d of %s", 17, "plants")
    log.warning("full")
listener.start()
listener.stop()
"""
    done = ran(tmp_path, collector, SETUP + HANDLERS + program)
    assert done.stdout.count("\n") == 3
    assert [log.body for log in collector.logs] == ["17 of plants", "full", "the disk is nearly full"]


def test_nothing_recurses_whatever_values_and_sinks_do(tmp_path: Path, collector: Collector) -> None:
    program = """
import urllib.request
class Value:
    def __str__(self):
        logger.warning("rendering"); log.warning("rendering too")
        return "a value"
def failing(message):
    raise OSError("no disk")
logger.add(sys.stdout)
logger.add(failing)
logging.basicConfig(level=0)
logger.bind(value=Value()).error("said")
"""
    done = ran(tmp_path, collector, SETUP + program)
    assert "no disk" in done.stderr
    assert [(log.body, log.attributes.get("value")) for log in collector.logs] == [("said", "a value")]


def test_where_nobody_asks_for_logs_nothing_is_patched_for_them(tmp_path: Path, collector: Collector) -> None:
    program = """
import loguru._simple_sinks as sinks
logger.add(sys.stdout)
logger.warning("printed")
print(hasattr(sinks.CallableSink.write, "__wrapped__"), [name for name in sys.modules if "telemetry.logs" in name])
"""
    done = ran(tmp_path, collector, SETUP + program, {"OTEL_LOGS_EXPORTER": "none"})
    assert done.stdout.endswith("False []\n")
    assert not collector.logs
