"""Under load, lines of one template are left out of what a service prints: no error, none of a kept trace; each is counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.logs.thinned import FEW, lines, ran, told

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector


def test_where_nobody_asks_for_it_nothing_is_loaded_or_patched(tmp_path: Path) -> None:
    program = """
    for number in range(1000): log.info("paid %d", number)
    print("filter" in vars(logging.Logger), [name for name in sys.modules if "sampling" in name or "summary" in name])
    """
    done = ran(tmp_path, program, {"PLATFORM_LOG_SAMPLE": "false"})
    assert done.stdout.endswith("INFO shop paid 999\nFalse ['platform_instrument.telemetry.sampling']\n")
    assert len(lines(done.stdout, "paid")) == 1000


def test_some_lines_of_a_template_are_left_out_and_errors_never(tmp_path: Path) -> None:
    program = """
    for number in range(100):
        log.debug("cart %d", number)
        log.info("paid %d", number)
        log.info(f"order {number} of many" + "!" * 300)
        log.warning("slow %d", number)
        log.error("failed %d", number)
        log.critical("broken %d", number)
    """
    printed = ran(tmp_path, program).stdout
    assert {part: len(lines(printed, part)) for part in ("cart", "paid", "order", "slow", "failed", "broken")} == {
        "cart": 3, "paid": 3, "order": 3, "slow": 100, "failed": 100, "broken": 100
    }  # fmt: skip
    assert told(printed) == {"'cart %d'": 97, "'paid %d'": 97, "program.py:8": 97}
    assert printed.splitlines()[-1].startswith("INFO shop 291 lines left out within 1 s by PLATFORM_LOG_SAMPLE: 97 ")


def test_warnings_are_left_out_too_where_the_setting_says_so(tmp_path: Path) -> None:
    program = """
    for number in range(100):
        log.info("paid %d", number)
        log.warning("slow %d", number)
        log.error("failed %d", number)
    """
    printed = ran(tmp_path, program, {"PLATFORM_LOG_SAMPLE_LEVEL": "warning"}).stdout
    assert told(printed) == {"'slow %d'": 97, "'paid %d'": 97}
    assert len(lines(printed, "failed")) == 100
    assert printed.splitlines()[-1].startswith("WARNING shop 194 lines")


def test_lines_of_a_kept_trace_stay_together_and_those_of_another_do_not(tmp_path: Path) -> None:
    program = """
    from opentelemetry import trace
    tracer = trace.get_tracer("shop")
    for number in range(100):
        log.info("outside %d", number)
    with tracer.start_as_current_span("kept" if sys.argv[1:] else "request"):
        with tracer.start_as_current_span("below"):
            for number in range(100):
                log.info("inside %d", number)
                log.debug("deep inside %d", number)
    """
    on = {"OTEL_TRACES_EXPORTER": "console"}
    kept = ran(tmp_path, program, on).stdout
    assert (len(lines(kept, "INFO shop inside")), len(lines(kept, "deep inside")), len(lines(kept, "outside"))) == (100, 100, 3)
    for env in ({"OTEL_TRACES_SAMPLER": "always_off"}, {"PLATFORM_LOG_SAMPLE_KEEP_TRACES": "false"}):
        other = ran(tmp_path, program, {**on, **env}).stdout
        assert (len(lines(other, "INFO shop inside")), len(lines(other, "deep inside"))) == (3, 3), env


def test_several_handlers_and_those_of_parents_print_the_same_lines(tmp_path: Path) -> None:
    program = """
    for name, logger in (("second", log), ("third", logging.getLogger())):
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter(name + " %(message)s"))
        logger.addHandler(handler)
    for number in range(50):
        log.info("paid %d", number)
        logging.getLogger("shop.orders").info("paid %d", number)
    """
    printed = ran(tmp_path, program).stdout
    for kind in ("second paid", "third paid"):
        assert lines(printed, kind)[0].endswith("paid 0")
    assert len(lines(printed, "INFO shop paid")) == len(lines(printed, "INFO shop.orders paid")) == 3
    assert len(lines(printed, "second paid")) == len(lines(printed, "third paid")) == 6
    assert [line.split()[0] for line in printed.splitlines() if "47 lines" in line] == ["second", "INFO", "third"] * 2


def test_what_a_level_or_a_filter_leaves_out_is_no_line_and_no_handler_sees_what_we_leave_out(tmp_path: Path) -> None:
    program = """
    class Collecting(logging.Handler):
        records = []
        def emit(self, record):
            self.records.append(record.getMessage())
    log.addHandler(Collecting())
    log.setLevel(logging.INFO)
    log.addFilter(lambda record: "noise" not in record.getMessage())
    for number in range(100):
        log.debug("below %d", number)
        log.info("noise %d", number)
        log.info("paid %d", number)
    print(Collecting.records)
    """
    printed = ran(tmp_path, program).stdout
    assert told(printed) == {"'paid %d'": 97}
    assert "['paid 0', 'paid 1', 'paid 2']\n" in printed


@pytest.mark.parametrize("other", ["true", "false"])
def test_a_line_that_goes_through_a_queue_is_decided_about_once(tmp_path: Path, other: str) -> None:
    """Also where a thread gives its record to a logger again, as the standard library's cookbook does."""
    program = """
    import logging.handlers, queue, threading
    waiting = queue.SimpleQueue()
    log.propagate = False
    log.addHandler(logging.handlers.QueueHandler(waiting))
    for number in range(100):
        log.info("paid %d", number)
    while not waiting.empty():
        record = waiting.get()
        for again in range(20):
            logging.getLogger("printer").handle(record)
    """
    printed = ran(tmp_path, program, {"PLATFORM_INSTRUMENTATION_LOGGING": other}).stdout
    assert len(lines(printed, "paid")) == 60
    assert told(printed) == {}
    assert "INFO shop 97" not in printed, "nobody reads the queue any more"


def test_a_record_of_another_process_was_decided_about_there(tmp_path: Path) -> None:
    program = """
    for number in range(100):
        log.handle(logging.makeLogRecord({"name": "shop", "msg": "paid %d", "args": (number,), "levelno": 20, "process": 1}))
    """
    printed = ran(tmp_path, program).stdout
    assert len(lines(printed, "paid")) == 100


def test_odd_records_are_printed_as_without_us_or_told_by_their_statement(tmp_path: Path) -> None:
    program = """
    class Hostile:
        __hash__ = None
        def __eq__(self, other): raise ValueError
        def __str__(self): return "hostile"
    class Text(str):
        def __hash__(self): raise ValueError
    logging.addLevelName(15, "FINE")
    for number in range(10):
        log.info(Hostile())
        log.info({"list": []})
        log.info(ValueError("error"))
        log.info(Text("subclass"))
        log.log(15, "custom %d", number)
        log.log(True, "level one")
        log.handle(logging.makeLogRecord({"msg": "bare", "levelno": 20, "levelname": "INFO", "pathname": None, "lineno": []}))
        log.handle(logging.makeLogRecord({"msg": "listed", "name": [], "levelno": 20, "levelname": "INFO"}))
    """
    printed = ran(tmp_path, program, {"PLATFORM_LOG_MASK": "false"}).stdout
    parts = {part: len(lines(printed, part)) for part in ("hostile", "'list'", "error", "subclass", "custom", "bare", "listed")}
    assert parts == {"hostile": 3, "'list'": 3, "error": 3, "subclass": 3, "custom": 3, "bare": 3, "listed": 10}
    assert told(printed) == {
        "program.py:13": 7, "program.py:14": 7, "program.py:15": 7, "program.py:16": 7, "'custom %d'": 7, "'bare'": 7
    }  # fmt: skip


def test_what_a_filter_or_a_handler_raises_is_raised_as_without_us(tmp_path: Path) -> None:
    program = """
    class Failing(logging.Handler):
        def handle(self, record): raise KeyError("handler")
    def failing(record): raise ValueError("filter")
    log.addFilter(failing)
    for number in range(5):
        try: log.info("paid %d", number)
        except ValueError as error: print("raised", error)
    log.removeFilter(failing)
    log.addHandler(Failing())
    for number in range(5):
        try: log.info("paid %d", number)
        except KeyError as error: print("raised", error)
    log.handlers.clear()
    """
    printed = ran(tmp_path, program).stdout
    assert printed.count("raised filter") == 5
    assert printed.count("raised 'handler'") == 3
    assert told(printed) == {"'paid %d'": 2}


def test_loggers_that_are_excluded_lose_no_line(tmp_path: Path) -> None:
    program = """
    for number in range(50):
        log.info("paid %d", number)
        logging.getLogger("audit.money").info(f"audited {number}")
    """
    printed = ran(tmp_path, program, {"PLATFORM_LOG_SAMPLE_EXCLUDED_LOGGERS": "audit"}).stdout
    assert len(lines(printed, "audited")) == 50
    assert told(printed) == {"'paid %d'": 47}


# --- the summary ----------------------------------------------------------------------------------------------------------


def test_the_summary_is_a_line_of_the_service_in_its_format_also_where_that_wants_values_of_each_line(tmp_path: Path) -> None:
    program = """
    import json
    class Json(logging.Formatter):
        def format(self, record):
            return json.dumps({"level": record.levelname, "user": record.user + 1, "message": record.getMessage(), "at": record.funcName})
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Json())
    text = logging.StreamHandler(sys.stdout)
    text.setFormatter(logging.Formatter("%(request_id)s|%(message)s|%(user)d"))
    log.handlers, log.propagate = [handler, text], False
    def pay():
        for number in range(50): log.info("paid %d", number, extra={"request_id": "r-17", "user": 17})
    pay()
    """
    done = ran(tmp_path, program)
    first, second = done.stdout.splitlines()[-2:]
    assert json.loads(first) == {"level": "INFO", "user": 1, "message": second[1:-2], "at": "pay"}
    assert told(second) == {"'paid %d'": 47}
    assert second.startswith("|47 lines")
    assert done.stderr == ""


def test_where_a_format_is_for_one_kind_of_lines_alone_a_logger_above_says_it(tmp_path: Path) -> None:
    """Such as the format of an access log, which takes the arguments apart."""
    program = """
    class Access(logging.Formatter):
        def format(self, record):
            method, path = record.args
            return f"{method} at {path}"
    access = logging.getLogger("shop.access")
    access.propagate = False
    access.addHandler(logging.StreamHandler(sys.stdout))
    access.handlers[0].setFormatter(Access())
    for number in range(50): access.info("%s %s", "GET", number)
    """
    done = ran(tmp_path, program)
    assert done.stdout.splitlines()[-1] == "INFO shop.access 47 lines left out within 1 s by PLATFORM_LOG_SAMPLE: 47 INFO '%s %s'"
    assert done.stderr == ""
    done = ran(tmp_path, program.rstrip() + "\n    logging.root.handlers.clear()\n")
    assert told(done.stderr) == {"'%s %s'": 47}
    assert "Traceback" not in done.stderr


def test_it_is_said_where_the_lines_would_have_been_for_each_logger(tmp_path: Path) -> None:
    program = """
    access = logging.getLogger("access")
    access.propagate = False
    handler = logging.FileHandler("access.log")
    access.addHandler(handler)
    for number in range(50):
        access.info("GET %d", number)
        log.info("paid %d", number)
    """
    printed = ran(tmp_path, program).stdout
    assert told(printed) == {"'paid %d'": 47}
    assert told((tmp_path / "access.log").read_text()) == {"'GET %d'": 47}


def test_where_a_logger_cannot_say_it_standard_error_does_masked(tmp_path: Path) -> None:
    program = """
    import logging.config
    other, refusing = logging.getLogger("other"), logging.getLogger("refusing")
    for number in range(50):
        log.info("mail to bob@example.com %d", number)
        other.info("paid %d", number)
        refusing.info("got %d", number)
    def refuse(record): raise ValueError("never")
    refusing.addFilter(refuse)
    logging.config.dictConfig({"version": 1, "loggers": {"refusing": {}}, "root": {"level": "INFO"}})
    """
    done = ran(tmp_path, program)
    assert told(done.stderr) == {"'mail to [email] %d'": 47, "'paid %d'": 47, "'got %d'": 47}
    assert done.stderr.count("platform-instrument: 47 lines left out") == 3


def test_each_minute_has_its_summary_and_none_where_nothing_is_left_out(tmp_path: Path) -> None:
    program = """
    import time
    from platform_instrument.telemetry.logs import summary
    summary.EVERY = 0.2
    def said():
        deadline = time.monotonic() + 20
        while len(found) == before and time.monotonic() < deadline: time.sleep(0.01)
    found, before = [], 0
    class Noting(logging.Handler):
        def emit(self, record):
            if "left out" in record.getMessage(): found.append(record.threadName)
    log.addHandler(Noting())
    for turn in range(3):
        before = len(found)
        for number in range(10): log.info("paid %d", number)
        said()
    time.sleep(0.5)
    print(found)
    """
    printed = ran(tmp_path, program, {"OTEL_BSP_SCHEDULE_DELAY": "600000"}).stdout
    assert told(printed) == {"'paid %d'": 27}
    threads = printed.splitlines()[-1]
    assert threads.count("'platform-instrument-log'") == threads.count(",") + 1 == printed.count("left out") >= 3


def test_of_many_templates_and_loggers_the_largest_are_named_and_the_rest_is_counted(tmp_path: Path) -> None:
    program = """
    for logger in range(30):
        for template in range(30):
            for number in range(10 + logger):
                logging.getLogger(f"shop.{logger}").info(f"text {template} %d", number)
    """
    printed = ran(tmp_path, program).stdout
    said = [line for line in printed.splitlines() if "left out" in line]
    assert len(said) == 21
    assert sum(int(line.split()[2]) for line in said) == sum(30 * (7 + logger) for logger in range(30))
    assert said[0].startswith("INFO shop.29 1080 lines left out")
    assert said[0].endswith("; 360 like 10 others")


# --- exported records -------------------------------------------------------------------------------------------------

LOGS = {"OTEL_LOGS_EXPORTER": "otlp"}
SAID = """
for number in range(100):
    log.info("paid %d", number)
    log.error("failed %d", number)
"""


@pytest.mark.parametrize(
    ("printed", "exported", "expected"),
    [
        ("false", "false", (100, 100)),
        ("true", "false", (3, 100)),
        ("true", "true", (3, 3)),
        ("false", "true", (100, 3)),
    ],
)
def test_what_is_exported_has_a_switch_of_its_own(
    tmp_path: Path, collector: Collector, printed: str, exported: str, expected: tuple[int, int]
) -> None:
    env = {**LOGS, "PLATFORM_LOG_SAMPLE": printed, "PLATFORM_LOG_SAMPLE_OTLP": exported}
    done = ran(tmp_path, SAID, env, collector)
    bodies = [str(log.body) for log in collector.logs]
    assert (len(lines(done.stdout, "paid")), len([body for body in bodies if body.startswith("paid")])) == expected
    assert len(lines(done.stdout, "failed")) == len([body for body in bodies if body.startswith("failed")]) == 100
    assert told(done.stdout) == ({"'paid %d'": 97} if printed == "true" else {})
    assert told("\n".join(bodies)) == ({"'paid %d'": 97} if exported == "true" else {})
    assert [log.scope.name for log in collector.logs if "left out" in str(log.body)] == ["shop"] * (exported == "true")


def test_a_metric_counts_what_is_left_out(tmp_path: Path, collector: Collector) -> None:
    ran(tmp_path, SAID, {}, collector)
    (point,) = [point for point in collector.metrics if point.name == "platform.log.omitted"]
    assert (point.attributes, point.value) == ({"platform.log.level": "info", "platform.log.logger": "shop"}, 97)


def test_it_works_beside_what_hands_lines_on_by_counting_frames(tmp_path: Path) -> None:
    pytest.importorskip("loguru")
    program = """
    import inspect
    from loguru import logger
    class InterceptHandler(logging.Handler):
        def emit(self, record):
            frame, depth = inspect.currentframe(), 0
            while frame and (depth == 0 or frame.f_code.co_filename == logging.__file__):
                frame, depth = frame.f_back, depth + 1
            logger.opt(depth=depth, exception=record.exc_info).log(record.levelname, record.getMessage())
    logger.remove()
    logger.add(sys.stdout, format="loguru {function} {message}")
    logging.root.handlers = [InterceptHandler()]
    def pay():
        for number in range(100):
            log.info("paid %d", number)
            log.error("failed %d", number)
    pay()
    """
    printed = ran(tmp_path, program).stdout
    assert len(lines(printed, "loguru pay paid")) == 3
    assert len(lines(printed, "loguru pay failed")) == 100
    assert told(printed) == {"'paid %d'": 97}


@pytest.mark.parametrize("value", ["0", "many", "-1"])
def test_a_rate_that_is_none_is_said_and_the_default_holds(tmp_path: Path, value: str) -> None:
    env = {**FEW, "PLATFORM_LOG_SAMPLE_RATE": value, "PLATFORM_LOG_SAMPLE_BURST": "5"}
    done = ran(tmp_path, "for number in range(1000): log.info('paid %d', number)\n", env)
    assert "PLATFORM_LOG_SAMPLE_RATE" in done.stderr
    assert 5 <= len(lines(done.stdout, "paid")) < 100
