"""What structlog logs by loggers of its own arrives at the collector: once, with what was bound as typed attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.instrumentations.test_std_logs import ran

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

SETUP = """
import structlog
from opentelemetry import trace
span = trace.get_tracer("shop").start_as_current_span
"""


def test_an_event_says_who_logged_what_where_with_its_values_typed_and_masked(tmp_path: Path, collector: Collector) -> None:
    program = """
structlog.contextvars.bind_contextvars(tenant="north")
bound = structlog.get_logger().bind(count=3, ok=True, password="x")
with span("work"):
    bound.info("mail to bob@example.com", names=["a", "b"], nested={"a": 1}, name="of a name", error="no error")
"""
    ran(tmp_path, collector, SETUP + program)
    (log,) = collector.logs
    (span,) = collector.spans
    assert (log.body, log.severity, log.text, log.scope.name) == ("mail to [email]", 9, "INFO", "__main__")
    assert (log.trace_id, log.span_id) == (span.trace_id, span.span_id)
    assert log.attributes == {
        "tenant": "north", "count": 3, "ok": True, "password": "[secret]", "names": ("a", "b"), "nested": '{"a":1}',
        "name": "of a name", "error": "no error",
        "code.file.path": str(tmp_path / "program.py"), "code.function.name": "<module>", "code.line.number": 11,
    }  # fmt: skip
    assert (span.status, span.events) == ("UNSET", ())


def test_what_processors_drop_and_hide_is_dropped_and_hidden(tmp_path: Path, collector: Collector) -> None:
    program = """
def hide(logger, name, event):
    event["card"] = "of plastic"
    return event
def drop(logger, name, event):
    if event["event"] == "dropped":
        raise structlog.DropEvent
    return event
def prefixed(logger, name, line):
    return "> " + line
structlog.configure(processors=[hide, drop, structlog.processors.JSONRenderer()])
structlog.get_logger().info("dropped")
structlog.get_logger().info("kept", card="none of yours")
structlog.configure(processors=[structlog.processors.KeyValueRenderer(key_order=["event"]), prefixed])
structlog.get_logger().warning("twice", count=3)
structlog.configure(processors=[])
structlog.wrap_logger(structlog.testing.ReturnLogger()).warning("without a renderer", count=3)
with structlog.testing.capture_logs() as captured:
    structlog.get_logger().warning("of a test")
print(captured)
"""
    done = ran(tmp_path, collector, SETUP + program)
    assert "of a test" in done.stdout.splitlines()[-1]
    assert "> event='twice' count=3" in done.stdout
    assert [(log.body, log.attributes.get("card"), log.attributes.get("count")) for log in collector.logs] == [
        ("kept", "of plastic", None),
        ("> event='twice' count=3", None, None),
        ("without a renderer", None, 3),
    ]


RENDERERS = {
    "as it comes": "",
    "exceptions as text": """structlog.configure(processors=[
        structlog.processors.add_log_level, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()])""",
    "exceptions as members": """structlog.configure(processors=[
        structlog.processors.add_log_level, structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()])""",
    "in bytes": """structlog.configure(processors=[
        structlog.processors.format_exc_info, lambda l, n, event: str(event).encode()], logger_factory=structlog.BytesLoggerFactory())""",
    "over the standard library": """structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        logger_factory=structlog.stdlib.LoggerFactory(), wrapper_class=structlog.stdlib.BoundLogger)""",
    "in the formatter": """structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(), wrapper_class=structlog.stdlib.BoundLogger)""",
}
ERRORS = """
with span("work"):
    try:
        raise ValueError("for bob@example.com")
    except ValueError as error:
        structlog.get_logger().error("without")
        structlog.get_logger().exception("with")
        structlog.get_logger().error("the same", exc_info=error)
        structlog.get_logger().warning("no error")
"""


@pytest.mark.parametrize("exported", ["otlp", "none"])
@pytest.mark.parametrize("renderer", RENDERERS)
def test_an_error_carries_its_exception_or_the_one_that_is_handled_and_marks_its_span_once(
    tmp_path: Path, collector: Collector, renderer: str, exported: str
) -> None:
    ran(tmp_path, collector, SETUP + RENDERERS[renderer] + ERRORS, {"OTEL_LOGS_EXPORTER": exported})
    (span,) = collector.spans
    assert (span.status, [event.attributes["exception.message"] for event in span.events]) == ("ERROR", ["for [email]"])
    if exported == "none":
        return
    *three, warning = collector.logs
    for log in three:
        assert (log.attributes["exception.type"], log.attributes["exception.message"]) == ("ValueError", "for [email]")
        assert "raise ValueError" in log.attributes["exception.stacktrace"]
        assert "exception" not in log.attributes
    assert "exception.type" not in warning.attributes


def test_an_event_that_is_put_into_a_record_for_a_formatter_is_one_record_with_typed_attributes(
    tmp_path: Path, collector: Collector
) -> None:
    program = RENDERERS["in the formatter"] + """
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[
    structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()]))
logging.basicConfig(handlers=[handler])
with span("work"):
    structlog.get_logger("shop").warning("mail to bob@example.com", count=3, password="x", name="of a name")
    log.warning({"event": "a mapping of the standard library", "count": 4})
    log.warning({"no": "event"})
"""  # fmt: skip
    done = ran(tmp_path, collector, SETUP + program)
    assert done.stdout.count("\n") == 3
    event, mapping, other = collector.logs
    assert (event.body, event.severity, event.scope.name) == ("mail to [email]", 13, "shop")
    assert {key: value for key, value in event.attributes.items() if not key.startswith("code.")} == {
        "count": 3, "password": "[secret]", "name": "of a name"
    }  # fmt: skip
    assert event.attributes["code.file.path"] == str(tmp_path / "program.py")
    assert (mapping.body, mapping.attributes["count"]) == ("a mapping of the standard library", 4)
    assert other.body == "{'no': 'event'}"


@pytest.mark.parametrize("logger", ["logging.getLogger('inner')", "__import__('loguru').logger"])
def test_what_goes_to_another_library_is_taken_there_alone(tmp_path: Path, collector: Collector, logger: str) -> None:
    program = f"""
logging.basicConfig(stream=sys.stdout)
structlog.wrap_logger({logger}, processors=[structlog.processors.JSONRenderer()]).warning("once", count=3)
"""
    ran(tmp_path, collector, SETUP + program)
    assert [log.body for log in collector.logs] == ['{"count": 3, "event": "once"}']


def test_events_of_tasks_have_the_span_and_the_place_of_who_awaits_them(tmp_path: Path, collector: Collector) -> None:
    program = """
import asyncio
async def work():
    with span("work"):
        await structlog.get_logger().awarning("from a task")
        try:
            raise ValueError("no")
        except ValueError:
            await structlog.get_logger().aexception("failed")
asyncio.run(work())
"""
    ran(tmp_path, collector, SETUP + program)
    warning, failed = collector.logs
    (span,) = collector.spans
    assert {log.span_id for log in collector.logs} == {span.span_id}
    assert warning.attributes["code.function.name"] == "work"
    assert failed.attributes["exception.type"] == "ValueError"


def test_chains_and_loggers_stay_as_they_are(tmp_path: Path, collector: Collector) -> None:
    program = """
class Own(structlog.BoundLoggerBase):
    def __init__(self, logger, processors, context):
        super().__init__(logger, processors, context)
        made.append(self)
    def warning(self, event, **named):
        return self._proxy_to_logger("warning", event, **named)
made, seen = [], []
def look(logger, name, event):
    seen.append((type(logger).__name__, name, sorted(event)))
    return event
chain = [look, structlog.processors.JSONRenderer()]
structlog.configure(processors=chain, wrapper_class=Own)
structlog.get_logger().warning("said", a=1)
print(len(made), seen, len(chain))
"""
    done = ran(tmp_path, collector, SETUP + program)
    plain = ran(tmp_path, collector, SETUP + program, {"OTEL_LOGS_EXPORTER": "none"})
    assert done.stdout == plain.stdout
    assert [log.body for log in collector.logs] == ["said"]
