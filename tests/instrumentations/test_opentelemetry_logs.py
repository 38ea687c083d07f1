"""The OpenTelemetry logs API on our records: a program that uses it exports as it would with the SDK, masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.instrumentations.test_std_logs import ran

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

pytest.importorskip("opentelemetry._logs")

FIELDS = """
import time
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger, get_logger_provider
logger = get_logger("shop", "1.2", attributes={"team": "plants"})
with trace.get_tracer("shop").start_as_current_span("work"):
    logger.emit(LogRecord(
        timestamp=17, severity_number=SeverityNumber.WARN, severity_text="WARN", body="mail bob@example.com",
        attributes={"count": 3, "password": "hunter2X9"}, event_name="order.placed",
    ))
try:
    logger.emit(body={"a": 1}, severity_number=SeverityNumber.ERROR, exception=ValueError("odd"))
except TypeError:
    logger.emit(LogRecord(body={"a": 1}))
print(logger.enabled(), type(get_logger_provider()).__module__, get_logger_provider().force_flush())
"""


def test_records_of_the_api_are_exported_with_all_that_they_say(tmp_path: Path, collector: Collector) -> None:
    done = ran(tmp_path, collector, FIELDS)
    assert done.stdout == "True platform_instrument.telemetry.log_api True\n"
    first, second = collector.logs
    (span,) = collector.spans
    assert (first.body, first.severity, first.text, first.event_name) == ("mail [email]", 13, "WARN", "order.placed")
    assert first.attributes == {"count": 3, "password": "[secret]"}
    assert (first.trace_id, first.span_id, first.time_ns) == (span.trace_id, span.span_id, 17)
    assert first.observed_ns > 1_600_000_000_000_000_000
    assert (first.scope.name, first.scope.version, first.scope.attributes) == ("shop", "1.2", {"team": "plants"})
    assert (second.body, second.trace_id) == ('{"a":1}', "")
    assert second.attributes["exception.type"] == "ValueError"


def test_loggers_taken_before_a_library_of_ours_came_are_ours_too(tmp_path: Path, collector: Collector) -> None:
    program = """
    import opentelemetry._logs._internal as api
    logger = api.ProxyLogger("early")
    logger.emit(api.LogRecord(body="early"))
    """
    ran(tmp_path, collector, program)
    assert [(log.body, log.scope.name) for log in collector.logs] == [("early", "early")]


def test_a_provider_of_the_applications_takes_over(tmp_path: Path, collector: Collector) -> None:
    program = """
    from opentelemetry import _logs
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
    kept, provider = InMemoryLogRecordExporter(), LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    _logs.set_logger_provider(provider)
    _logs.get_logger("shop").emit(_logs.LogRecord(body="theirs"))
    print(_logs.get_logger_provider() is provider, [each.log_record.body for each in kept.get_finished_logs()])
    log.error("of logging")
    """
    done = ran(tmp_path, collector, program)
    assert done.stdout == "True ['theirs']\n"
    assert [log.body for log in collector.logs] == ["of logging"]


def test_upstreams_handler_on_our_provider_exports_a_line_once(tmp_path: Path, collector: Collector) -> None:
    program = """
    import warnings; warnings.simplefilter("ignore")
    from opentelemetry.sdk._logs import LoggingHandler, LoggerProvider
    from opentelemetry._logs import get_logger_provider
    log.addHandler(LoggingHandler())
    log.error("once")
    provider = get_logger_provider()
    print(isinstance(provider, LoggerProvider), provider.get_logger("x").resource.attributes["service.name"])
    """
    done = ran(tmp_path, collector, program, {"OTEL_SERVICE_NAME": "till"})
    assert [(log.body, log.scope.name, log.severity) for log in collector.logs] == [("once", "shop.orders", 17)]
    assert done.stdout == "True till\n"


def test_nothing_that_is_passed_makes_the_api_raise(tmp_path: Path, collector: Collector) -> None:
    program = """
    from opentelemetry._logs import LogRecord, get_logger_provider
    logger = get_logger_provider().get_logger(None, 3, object(), {1: 2})
    for odd in (object(), b"x", -1, 1 << 70, float("nan"), [[1]], {}):
        logger.emit(LogRecord(timestamp=odd, observed_timestamp=odd, severity_number=odd, severity_text=odd, body=odd, attributes=odd))
    logger.emit(object())
    logger.emit()
    """
    ran(tmp_path, collector, program)
    assert len(collector.logs) == 9
