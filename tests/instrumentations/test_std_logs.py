"""What a service logs arrives at the collector: once, whatever its handlers are, with the ids of the span it was logged in."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from tests.processes import Completed, door, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

ON = {"OTEL_LOGS_EXPORTER": "otlp"}


def ran(tmp_path: Path, collector: Collector, program: str, env: Mapping[str, str] | None = None) -> Completed:
    file = tmp_path / "program.py"
    file.write_text(f"import logging, sys\nlog = logging.getLogger('shop.orders')\n{textwrap.dedent(program)}")
    argv, environment = door("command", [sys.executable, file])
    done = run(argv, env={**environment, **ON, **(env or {})}, collector=collector, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "fault of ours" not in done.stderr, done.stderr
    assert not collector.problems
    return done


def test_a_record_says_who_logged_what_where_and_how_severe_it_is(tmp_path: Path, collector: Collector) -> None:
    ran(tmp_path, collector, "log.warning('%d of %s', 17, 'plants')\n")
    (log,) = collector.logs
    assert (log.body, log.severity, log.text, log.scope.name) == ("17 of plants", 13, "WARNING", "shop.orders")
    assert log.attributes == {
        "code.file.path": str(tmp_path / "program.py"),
        "code.function.name": "<module>",
        "code.line.number": 3,
    }
    assert abs(log.observed_ns - log.time_ns) < 1_000_000_000
    assert log.resource["telemetry.sdk.language"] == "python"
    assert (log.trace_id, log.span_id) == ("", "")


def test_every_level_has_the_severity_of_the_specification(tmp_path: Path, collector: Collector) -> None:
    levels = (5, 10, 13, 19, 20, 25, 30, 39, 40, 50, 59, 1000)
    ran(tmp_path, collector, f"log.setLevel(1)\nfor level in {levels}: log.log(level, 'x')\n")
    assert [log.severity for log in collector.logs] == [1, 5, 8, 8, 9, 12, 13, 16, 17, 21, 24, 24]
    assert collector.logs[0].text == "Level 5"


def test_what_the_level_lets_through_is_exported_without_any_handler(tmp_path: Path, collector: Collector) -> None:
    program = """
    log.setLevel(logging.INFO)
    log.propagate = False
    log.debug("below")
    log.info("alone")
    log.addFilter(lambda record: "filtered" not in record.getMessage())
    log.info("filtered out")
    log.disabled = True
    log.info("disabled")
    """
    done = ran(tmp_path, collector, program)
    assert [log.body for log in collector.logs] == ["alone"]
    assert "alone" not in done.stderr


def test_one_line_is_one_record_however_many_handlers_print_it(tmp_path: Path, collector: Collector) -> None:
    program = """
    import logging.handlers, queue
    waiting = queue.Queue()
    stream = logging.StreamHandler()
    listener = logging.handlers.QueueListener(waiting, stream, logging.StreamHandler(sys.stdout))
    listener.start()
    log.addHandler(logging.handlers.QueueHandler(waiting))
    logging.basicConfig()
    log.error("once")
    listener.stop()
    """
    done = ran(tmp_path, collector, program)
    assert (done.stdout + done.stderr).count("once") == 3
    assert [log.body for log in collector.logs] == ["once"]


def test_extras_keep_their_types_and_are_masked(tmp_path: Path, collector: Collector) -> None:
    extra = "{'count': 3, 'ok': True, 'share': 0.5, 'names': ['a', 'b'], 'mail': 'bob@example.com', 'password': 'x', 'nested': {'a': 1}}"
    ran(tmp_path, collector, f"log.error('mail to %s', 'bob@example.com', extra={extra})\n")
    (log,) = collector.logs
    given = {key: value for key, value in log.attributes.items() if not key.startswith("code.")}
    assert given == {
        "count": 3, "ok": True, "share": 0.5, "names": ("a", "b"), "mail": "[email]", "password": "[secret]", "nested": '{"a":1}'
    }  # fmt: skip
    assert log.body == "mail to [email]"


def test_extras_are_bounded_in_number_and_what_did_not_fit_is_counted(tmp_path: Path, collector: Collector) -> None:
    program = "log.error('much', extra={f'key{number}': number for number in range(20)})\n"
    ran(tmp_path, collector, program, {"OTEL_ATTRIBUTE_COUNT_LIMIT": "5"})
    (log,) = collector.logs
    assert len([key for key in log.attributes if key.startswith("key")]) == 5
    assert log.dropped_attributes == 15


def test_values_are_rendered_once_when_they_are_logged_and_never_later(tmp_path: Path, collector: Collector) -> None:
    program = """
    class Value:
        asked = 0
        def __str__(self):
            Value.asked += 1
            log.error("inside")
            return f"as it was {self.state}"
    value = Value()
    value.state = 1
    logging.lastResort = None
    log.propagate = False
    log.error("%s", value)
    value.state = 2
    print(Value.asked)
    """
    done = ran(tmp_path, collector, program)
    assert done.stdout == "1\n"
    assert [log.body for log in collector.logs] == ["as it was 1"]


def test_a_message_that_cannot_be_rendered_is_exported_as_it_was_written(tmp_path: Path, collector: Collector) -> None:
    program = """
    class Odd:
        def __str__(self): raise ValueError("never")
    logging.raiseExceptions = False
    log.error("%d and %d", 1)
    log.error("%s", Odd())
    log.error(Odd())
    """
    ran(tmp_path, collector, program)
    assert [log.body for log in collector.logs] == ["%d and %d", "%s", "<Odd>"]


def test_a_record_has_the_ids_of_the_span_it_was_logged_in(tmp_path: Path, collector: Collector) -> None:
    program = """
    from opentelemetry import trace
    with trace.get_tracer("shop").start_as_current_span("work"):
        log.error("inside")
    log.error("outside")
    """
    ran(tmp_path, collector, program)
    (span,) = collector.spans
    inside, outside = collector.logs
    assert (inside.trace_id, inside.span_id) == (span.trace_id, span.span_id)
    assert inside.flags & 1
    assert outside.trace_id == ""
    assert (span.status, span.events) == ("UNSET", ())


def test_the_records_own_exc_info_stays_as_it_is(tmp_path: Path, collector: Collector) -> None:
    program = """
    class Kept(logging.Handler):
        def emit(self, record): print(record.exc_info, record.exc_text, sorted(set(vars(record)) - standard))
    standard = set(vars(logging.makeLogRecord({})))
    log.addHandler(Kept())
    log.propagate = False
    try: 1 / 0
    except ZeroDivisionError: log.error("failed")
    """
    done = ran(tmp_path, collector, program)
    assert done.stdout == "None None []\n"
    assert collector.logs[0].attributes["exception.type"] == "ZeroDivisionError"


def test_what_upstreams_handler_takes_is_left_to_it(tmp_path: Path, collector: Collector) -> None:
    program = """
    import warnings; warnings.simplefilter("ignore")
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor, InMemoryLogRecordExporter
    kept, provider = InMemoryLogRecordExporter(), LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    log.setLevel(logging.DEBUG)
    log.addHandler(LoggingHandler(logging.INFO, provider))
    log.info("theirs")
    log.debug("ours, since theirs does not take it")
    logging.getLogger("elsewhere").error("ours")
    print([each.log_record.body for each in kept.get_finished_logs()])
    """
    done = ran(tmp_path, collector, program)
    assert done.stdout == "['theirs']\n"
    assert [log.body for log in collector.logs] == ["ours, since theirs does not take it", "ours"]


def test_the_console_shows_each_record_masked_and_with_its_ids(tmp_path: Path, collector: Collector) -> None:
    done = ran(tmp_path, collector, "log.error('to %s', 'bob@example.com', extra={'n': 1})\n", {"OTEL_LOGS_EXPORTER": "console"})
    assert done.stdout.startswith("ERROR shop.orders: to [email] code.file.path=")
    assert " n=1" in done.stdout
    assert not collector.logs


def test_where_nobody_asks_for_logs_nothing_is_loaded_or_patched(tmp_path: Path, collector: Collector) -> None:
    program = """
    log.error("printed")
    print(logging.Logger.callHandlers.__module__, hasattr(logging.Logger.callHandlers, "__wrapped__"))
    print([name for name in sys.modules if "telemetry.logs" in name or "std_logs" in name])
    """
    done = ran(tmp_path, collector, program, {"OTEL_LOGS_EXPORTER": "none"})
    assert done.stdout == "logging False\n[]\n"
    assert not collector.logs


def test_a_fork_child_sends_what_it_logs_itself(tmp_path: Path, collector: Collector) -> None:
    program = """
    import os
    log.error("parent")
    if os.fork() == 0:
        log.error("child")
        sys.exit()
    os.wait()
    """
    ran(tmp_path, collector, program)
    said = {log.body: log.resource["service.instance.id"] for log in collector.logs}
    assert sorted(log.body for log in collector.logs) == ["child", "parent"]
    assert said["parent"] != said["child"]


@pytest.mark.parametrize("where", ["atexit", "thread"])
def test_what_is_logged_last_leaves_with_the_process(tmp_path: Path, collector: Collector, where: str) -> None:
    program = """
    import atexit, threading
    if sys.argv[0] and WHERE == "atexit":
        atexit.register(log.error, "last")
    else:
        threading.Thread(target=log.error, args=("last",)).start()
    """
    ran(tmp_path, collector, program.replace("WHERE", repr(where)), {"OTEL_BLRP_SCHEDULE_DELAY": "60000"})
    assert [log.body for log in collector.logs] == ["last"]


def test_a_record_that_another_process_sent_here_is_exported_there_alone(tmp_path: Path, collector: Collector) -> None:
    program = """
    import logging.handlers, multiprocessing
    def work(queue):
        logging.root.addHandler(logging.handlers.QueueHandler(queue))
        logging.getLogger("worker").error("of a worker")
    if __name__ == "__main__":
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        worker = context.Process(target=work, args=(queue,))
        worker.start()
        record = queue.get()
        logging.getLogger(record.name).handle(record)
        worker.join()
    """
    done = ran(tmp_path, collector, program)
    assert done.stderr.count("of a worker") == 1
    assert [log.body for log in collector.logs] == ["of a worker"]


def test_records_whatever_their_parts_are_exported_and_cost_no_other(tmp_path: Path, collector: Collector) -> None:
    program = """
    log.addHandler(logging.NullHandler())
    log.propagate = False
    odd = [{"levelno": None}, {"levelno": "30"}, {"created": None}, {"created": -1.0}, {"created": float("inf")}, {"lineno": None},
           {"pathname": ["a"]}, {"exc_info": True}, {"exc_info": 7}, {"args": {"a": 1}}, {"args": 5}, {"name": None}, {"process": None}]
    for parts in odd * 10:
        try:
            log.handle(logging.makeLogRecord({"msg": "odd", "levelno": 20, "process": None, **parts}))
        except TypeError:
            pass  # which the handlers' level raises
    log.warning("at last")
    """
    ran(tmp_path, collector, program)
    bodies = [log.body for log in collector.logs]
    assert bodies == ["odd"] * 130 + ["at last"]


def test_a_fork_child_s_records_are_its_own_though_the_number_of_the_process_is_remembered(
    tmp_path: Path, collector: Collector
) -> None:
    program = """
    import os
    log.error("of the parent")
    kept = logging.makeLogRecord(vars(log.makeRecord("shop", 40, "", 0, "again", (), None)))
    if os.fork() == 0:
        log.error("of the child")
        log.handle(kept)
        sys.exit()
    os.wait()
    """
    ran(tmp_path, collector, program)
    assert sorted(log.body for log in collector.logs) == ["of the child", "of the parent"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a filter may give another record from Python 3.12 on")
def test_a_record_that_a_filter_gives_instead_is_the_one_that_is_exported(tmp_path: Path, collector: Collector) -> None:
    program = """
    import copy
    def instead(record):
        other = copy.copy(record)
        other.msg = "instead"
        return other
    log.addFilter(instead)
    log.error("first")
    """
    ran(tmp_path, collector, program)
    assert [log.body for log in collector.logs] == ["instead"]
