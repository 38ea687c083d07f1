"""Every line that is printed inside a span carries its ids, in whatever format the service has."""

from __future__ import annotations

import io
import json
import logging
import logging.handlers
import queue
import re
import sys
from typing import TYPE_CHECKING

import pytest

from platform_instrument.engine import apply
from platform_instrument.instrumentations.std_logging import INSTRUMENTATION
from platform_instrument.telemetry.context import CURRENT, Ambient
from tests.processes import BIN, run
from tests.tracebacks import without_our_frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
IDS = f"trace_id={TRACE:032x} span_id={SPAN:016x}"


@pytest.fixture(autouse=True)
def _instrumented() -> Iterator[None]:
    apply.install(INSTRUMENTATION)
    yield
    apply.uninstall("logging")


@pytest.fixture
def span() -> Iterator[None]:
    """Make a span current."""
    token = CURRENT.set(Ambient(TRACE, SPAN, 1))
    yield
    CURRENT.reset(token)


class Lines:
    """A logger of its own, and what its one handler printed."""

    def __init__(self, formatter: logging.Formatter | None = None, handler: logging.Handler | None = None) -> None:
        self.stream = io.StringIO()
        self.logger = logging.Logger("shop", logging.DEBUG)  # noqa: LOG001 - one that no other test knows
        self.handler = handler or logging.StreamHandler(self.stream)
        if formatter is not None:
            self.handler.setFormatter(formatter)
        self.logger.addHandler(self.handler)

    @property
    def printed(self) -> str:
        return self.stream.getvalue()


@pytest.mark.usefixtures("span")
@pytest.mark.parametrize(
    ("format_", "style", "line"),
    [
        (None, "%", "paid 3"),
        ("%(levelname)s:%(name)s:%(message)s", "%", "INFO:shop:paid 3"),
        ("{levelname} {message}", "{", "INFO paid 3"),
        ("$name|$message|", "$", "shop|paid 3|"),
        ("%(message)s level=%(levelname)s", "%", "paid 3 level=INFO"),
    ],
)
def test_the_ids_stand_at_the_end_of_a_line_of_any_format(format_: str | None, style: str, line: str) -> None:
    lines = Lines(logging.Formatter(format_, style=style))  # type: ignore[arg-type] # a literal of the standard library
    lines.logger.info("paid %d", 3)
    assert lines.printed == f"{line} {IDS}\n"


def test_outside_a_span_a_line_stays_as_it_is() -> None:
    lines = Lines()
    lines.logger.info("paid %d", 3)
    assert lines.printed == "paid 3\n"


@pytest.mark.usefixtures("span")
def test_the_ids_stand_before_the_stack_and_the_stack_stays_whole() -> None:
    lines = Lines()
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        lines.logger.exception("not paid")
    first, *rest = lines.printed.splitlines()
    assert first == f"not paid {IDS}"
    assert rest[0] == "Traceback (most recent call last):"
    assert rest[-1] == "ZeroDivisionError: division by zero"


class JsonFormatter(logging.Formatter):
    """A service's own JSON."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"message": record.getMessage(), **getattr(record, "fields", {})})


@pytest.mark.usefixtures("span")
def test_a_json_line_stays_json_and_gets_two_members() -> None:
    lines = Lines(JsonFormatter())
    lines.logger.info("paid", extra={"fields": {"nested": {"a": [1, "}"]}}})
    assert json.loads(lines.printed) == {
        "message": "paid",
        "nested": {"a": [1, "}"]},
        "trace_id": f"{TRACE:032x}",
        "span_id": f"{SPAN:016x}",
    }


class EmptyFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return str(record.msg)


@pytest.mark.usefixtures("span")
@pytest.mark.parametrize("text", ["{}", "{ }", '{"a": 1 }', '  {"a": 1}', '\t{"a": 1} ', "  {}"])
def test_small_json_objects_stay_json(text: str) -> None:
    lines = Lines(EmptyFormatter())
    lines.logger.info(text)
    assert json.loads(lines.printed)["span_id"] == f"{SPAN:016x}"


@pytest.mark.usefixtures("span")
@pytest.mark.parametrize("end", ["\n", "\r\n", " "])
def test_a_json_line_that_its_formatter_ends_stays_json_and_ends_as_before(end: str) -> None:
    lines = Lines(logging.Formatter("%(message)s" + end))
    lines.logger.info('{"message": "paid"}')
    assert json.loads(lines.printed)["trace_id"] == f"{TRACE:032x}"
    assert lines.printed.endswith("}" + end + "\n")


@pytest.mark.usefixtures("span")
@pytest.mark.parametrize("text", ["{not json}", "{'a': 1}", "{a, b} paid {c}", "{", "}{"])
def test_what_only_looks_like_json_is_a_line_of_text(text: str) -> None:
    lines = Lines(EmptyFormatter())
    lines.logger.info(text)
    assert lines.printed == f"{text} {IDS}\n"


@pytest.mark.usefixtures("span")
def test_the_service_s_own_keys_win() -> None:
    lines = Lines(JsonFormatter())
    lines.logger.info("paid", extra={"fields": {"trace_id": "mine"}})
    assert json.loads(lines.printed) == {"message": "paid", "trace_id": "mine"}
    lines = Lines()
    lines.logger.info("paid trace=%032x", TRACE)
    assert lines.printed == f"paid trace={TRACE:032x}\n"


@pytest.mark.usefixtures("span")
def test_a_line_that_goes_through_a_queue_has_the_ids_of_the_span_it_was_written_in() -> None:
    waiting: queue.Queue[logging.LogRecord] = queue.Queue()
    lines = Lines(handler=logging.handlers.QueueHandler(waiting))
    lines.logger.info("paid")
    token = CURRENT.set(None)
    printed = Lines()
    printed.handler.handle(waiting.get())
    CURRENT.reset(token)
    assert printed.printed == f"paid {IDS}\n"


@pytest.mark.usefixtures("span")
def test_two_handlers_of_one_record_print_the_ids_once_each_and_the_record_stays_as_it_was() -> None:
    lines = Lines()
    second = logging.StreamHandler(io.StringIO())
    kept: list[logging.LogRecord] = []
    lines.logger.addHandler(second)
    lines.logger.addFilter(lambda record: kept.append(record) is None)
    lines.logger.info("paid %d", 3)
    assert lines.printed == second.stream.getvalue() == f"paid 3 {IDS}\n"
    assert (kept[0].msg, kept[0].args) == ("paid %d", (3,))
    assert not {name for name in vars(kept[0]) if "trace" in name or "span" in name}


@pytest.mark.usefixtures("span")
def test_the_caller_of_a_line_is_the_application_s(capfd: pytest.CaptureFixture[str]) -> None:
    lines = Lines(logging.Formatter("%(filename)s:%(funcName)s %(message)s"))
    lines.logger.info("paid")
    assert lines.printed.startswith("test_std_logging.py:test_the_caller_of_a_line_is_the_application_s paid")
    assert capfd.readouterr().err == ""


def test_a_line_whose_arguments_do_not_fit_is_reported_as_without_us(capfd: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.logger.info("paid %d %d", 3)  # noqa: PLE1206 - what this is about
    shown = capfd.readouterr().err
    assert "--- Logging error ---" in shown
    assert "TypeError: not enough arguments for format string" in shown
    assert "platform_instrument" not in re.sub(r'File ".*tests/.*', "", without_our_frames(shown))


CONFIGURED = """
import logging, sys
from opentelemetry import trace

root, usual = logging.getLogger(), logging.getLogRecordFactory()
print(root.handlers, root.filters, root.level, usual is logging.LogRecord, type(logging.lastResort).__name__)

class Record(logging.LogRecord):
    pass

def factory(*args, **kwargs):
    record = Record(*args, **kwargs)
    record.tenant = "acme"
    return record

class Kept(logging.Handler):
    def emit(self, record):
        print(type(record).__name__, sorted(vars(record)), record.getMessage())

with trace.get_tracer("shop").start_as_current_span("paying"):
    logging.getLogger("early").warning("before it is configured")
    logging.setLogRecordFactory(factory)
    logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(tenant)s %(message)s", level="INFO")
    logging.basicConfig(format="ignored")
    print(logging.getLogRecordFactory() is factory, [(type(one).__name__, sorted(vars(one))) for one in root.handlers])
    logging.getLogger("shop").info("paid %d", 3)
    root.addHandler(Kept())
    logging.getLogger("shop").info("paid %d", 4)
    logging.makeLogRecord({"msg": "made"}).getMessage()
print(root.filters, root.level, len(root.handlers), sorted(vars(root)))
"""


def test_the_configuration_of_the_application_is_its_own(tmp_path: Path) -> None:
    """Handlers, their formats, filters and the factory of records: nothing of ours is in them, and records carry nothing of ours."""
    file = tmp_path / "configured.py"
    file.write_text(CONFIGURED)
    plain = run([sys.executable, file])
    nowhere = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
    done = run([BIN / "platform-instrument", sys.executable, file], env=nowhere)
    ids = re.compile(r" trace_id=[0-9a-f]{32} span_id=[0-9a-f]{16}$", re.MULTILINE)
    assert "INFO acme paid 3\n" in plain.stdout
    assert (done.returncode, ids.sub("", done.stdout), ids.sub("", done.stderr)) == (0, plain.stdout, plain.stderr)
    assert len(ids.findall(done.stdout)) == 2
    assert len(ids.findall(done.stderr)) == 1
