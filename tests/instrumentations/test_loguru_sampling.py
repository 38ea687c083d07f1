"""Under load, lines of one statement are left out of what loguru prints: no error, none of a kept trace; each is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.logs.thinned import lines, ran, told

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

SETUP = """
from loguru import logger
logger.remove()
logger.add(sys.stdout, format="{level} {name} {message}")
"""
SAID = """
for number in range(100):
    logger.info("paid {}", number)
    logger.info(f"text {number}")
    logger.success("done {}", number)
    logger.warning("slow {}", number)
    logger.error("failed {}", number)
"""


def test_where_nobody_asks_for_it_nothing_is_patched(tmp_path: Path) -> None:
    program = (
        "import loguru._handler\nprint('_filter' in vars(loguru._handler.Handler), [n for n in sys.modules if 'sampling' in n])\n"
    )
    printed = ran(tmp_path, SETUP + SAID + program, {"PLATFORM_LOG_SAMPLE": "false"}).stdout
    assert printed.endswith("\nFalse ['platform_instrument.telemetry.sampling']\n")
    assert printed.count("paid") == 100


def test_some_lines_of_a_statement_are_left_out_and_errors_never(tmp_path: Path) -> None:
    printed = ran(tmp_path, SETUP + SAID).stdout
    assert {part: len(lines(printed, part)) for part in ("paid", "text", "done", "slow", "failed")} == {
        "paid": 3, "text": 3, "done": 3, "slow": 100, "failed": 100
    }  # fmt: skip
    assert told(printed) == {"program.py:10": 97, "program.py:11": 97, "program.py:12": 97}
    assert printed.splitlines()[-1].split()[1] == "__main__"


def test_sinks_added_before_and_after_print_the_same_lines_each_by_its_own_level_and_filter(tmp_path: Path) -> None:
    program = """
logger.add(sys.stdout, format="W {message}", level="WARNING")
logger.add(sys.stdout, format="F {message}", filter=lambda record: "7" in record["message"])
logger.add(sys.stdout, format="N {message}", filter="__main__")
logger.add(sys.stdout, format="Q {message}", enqueue=True)
logger.add(lambda message: print("C " + message.record["message"]), format="{message}", catch=False)
"""
    printed = ran(tmp_path, SETUP + program + SAID + "logger.complete()\n").stdout
    for kind in ("INFO __main__", "N", "Q", "C"):
        found = lines(printed, f"{kind} paid")
        assert [line.rpartition(" ")[2] for line in found] == ["0", "1", "2"], kind
    assert len(lines(printed, "F paid")) == 0
    assert len(lines(printed, "W slow")) == 100
    assert len(lines(printed, "F slow")) == 19


def test_what_no_sink_takes_is_no_line(tmp_path: Path) -> None:
    program = """
logger.remove()
logger.add(sys.stdout, level="INFO", format="{message}", filter=lambda record: "even" in record["message"])
for number in range(100):
    logger.info("number {}: {}", number, "odd" if number % 2 else "even")
    logger.debug("below {}", number)
"""
    printed = ran(tmp_path, SETUP + program).stdout
    assert len(lines(printed, "even")) == 3
    assert printed.endswith("2: even\nnumber 4: even\n")
    assert "left out" not in printed


def test_the_summary_is_printed_though_the_format_wants_values_of_each_line(tmp_path: Path) -> None:
    program = """
logger.remove()
logger.add(sys.stdout, format="{level} {extra[user]} {message}", serialize=False)
for number in range(100): logger.bind(user=f"bob {number}").info("paid {}", number)
"""
    done = ran(tmp_path, SETUP + program)
    assert told(done.stdout) == {"program.py:11": 97}
    assert done.stdout.splitlines()[-1].startswith("INFO  97 lines left out")
    assert done.stderr == ""


def test_what_a_filter_raises_is_reported_as_without_us(tmp_path: Path) -> None:
    program = """
def failing(record): raise ValueError("filter")
logger.remove()
logger.add(sys.stdout, filter=failing, catch=False)
for _ in range(10):
    try: logger.info("paid")
    except ValueError as error: print("raised", error, len(__import__("traceback").extract_tb(error.__traceback__)))
"""
    plain = ran(tmp_path, SETUP + program, {"PLATFORM_LOG_SAMPLE": "false"}).stdout
    thinned = ran(tmp_path, SETUP + program).stdout
    assert plain.count("raised filter") == thinned.count("raised filter") == 10


def test_lines_of_a_kept_trace_stay_together(tmp_path: Path) -> None:
    program = """
from opentelemetry import trace
with trace.get_tracer("shop").start_as_current_span("request"):
    for number in range(100): logger.info("inside {}", number)
for number in range(100): logger.info("outside {}", number)
"""
    env = {"OTEL_TRACES_EXPORTER": "console"}
    printed = ran(tmp_path, SETUP + program, env).stdout
    assert (len(lines(printed, "INFO __main__ inside")), len(lines(printed, "outside"))) == (100, 3)
    printed = ran(tmp_path, SETUP + program, {**env, "OTEL_TRACES_SAMPLER": "always_off"}).stdout
    assert (len(lines(printed, "INFO __main__ inside")), len(lines(printed, "outside"))) == (3, 3)


def test_a_logger_is_pickled_for_a_child_that_counts_from_zero(tmp_path: Path) -> None:
    program = """
import multiprocessing
def say(logger):
    for number in range(50): logger.info("paid {}", number)
    logger.complete()
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    logger.remove()
    logger.add("app.log", format="{process} {message}", enqueue=True, context=context)
    child = context.Process(target=say, args=(logger,))
    child.start()
    child.join()
    say(logger)
"""
    ran(tmp_path, SETUP + program)
    written = (tmp_path / "app.log").read_text()
    assert len(lines(written, "paid")) == 6
    assert told(written) == {"program.py:11": 94}


@pytest.mark.parametrize(
    ("printed", "exported", "expected"),
    [("false", "false", (100, 100)), ("true", "false", (3, 100)), ("true", "true", (3, 3)), ("false", "true", (100, 3))],
)
def test_what_is_exported_has_a_switch_of_its_own(
    tmp_path: Path, collector: Collector, printed: str, exported: str, expected: tuple[int, int]
) -> None:
    env = {"OTEL_LOGS_EXPORTER": "otlp", "PLATFORM_LOG_SAMPLE": printed, "PLATFORM_LOG_SAMPLE_OTLP": exported}
    more = "logger.add(sys.stdout, format='second {message}')\n"
    done = ran(tmp_path, SETUP + more + SAID, env, collector)
    bodies = [str(log.body) for log in collector.logs]
    found = (len(lines(done.stdout, "INFO __main__ paid")), len([body for body in bodies if body.startswith("paid")]))
    assert found == (expected[0], expected[1])
    assert len([body for body in bodies if body.startswith("failed")]) == 100
    assert bool(told("\n".join(bodies))) == (exported == "true")
