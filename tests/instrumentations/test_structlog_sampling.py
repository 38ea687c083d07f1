"""Under load, events of one name are left out of what structlog prints: no error, none of a kept trace; each is counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.logs.thinned import lines, ran, told

if TYPE_CHECKING:
    from pathlib import Path

    from platform_instrument.testing.collector import Collector

NATIVE = """
import structlog
rendered = []
def render(logger, name, event):
    rendered.append(event)
    return structlog.processors.JSONRenderer()(logger, name, event)
structlog.configure(processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, render])
log = structlog.get_logger()
"""
SAID = """
for number in range(100):
    log.info("paid", order=number)
    log.debug("cart", order=number)
    log.warning("slow", order=number)
    log.error("failed", order=number)
    log.info(f"text {number}")
"""


def test_where_nobody_asks_for_it_nothing_is_patched(tmp_path: Path) -> None:
    program = SAID + "print([name for name in sys.modules if 'sampling' in name])\n"
    printed = ran(tmp_path, NATIVE + program, {"PLATFORM_LOG_SAMPLE": "false"}).stdout
    assert printed.endswith("\n['platform_instrument.telemetry.sampling']\n")
    assert printed.count("paid") == 100


def test_some_events_of_a_name_are_left_out_before_they_are_rendered_and_errors_never(tmp_path: Path) -> None:
    printed = ran(tmp_path, NATIVE + SAID + "print(len(rendered))\n").stdout
    assert {part: len(lines(printed, f'"{part}"')) for part in ("paid", "cart", "slow", "failed")} == {
        "paid": 3, "cart": 3, "slow": 100, "failed": 100
    }  # fmt: skip
    assert told(printed) == {"'paid'": 97, "'cart'": 97}
    assert len(lines(printed, "text")) == 100, "fewer texts of one statement than templates may have"
    assert "\n306\n" in printed
    said = [json.loads(line) for line in printed.splitlines() if "left out" in line]
    assert [sorted(each) for each in said] == [["event", "level"]]
    assert said[0]["level"] in {"info", "debug"}


def test_the_summary_is_an_event_of_the_service_while_lines_are_left_out_too(tmp_path: Path) -> None:
    program = """
    import time
    from platform_instrument.telemetry.logs import summary
    summary.EVERY = 0.2
    for number in range(10): log.info("lines left out by us", number=number)
    deadline = time.monotonic() + 20
    while len(rendered) < 2 and time.monotonic() < deadline: time.sleep(0.01)
    print("so far", len(rendered))
    from platform_instrument.runtime.log_sampling import sampling
    print("buckets", [bucket.title for bucket in sampling().sampler.buckets.values()])
    """
    done = ran(tmp_path, NATIVE + program.replace("\n    ", "\n"), {"PLATFORM_LOG_SAMPLE_BURST": "1"})
    assert told(done.stdout) == {"'lines left out by us'": 9}
    assert "so far 1\n" not in done.stdout
    assert "buckets [\"'lines left out by us'\"]\n" in done.stdout
    assert done.stderr == ""


def test_texts_without_end_share_the_bucket_of_their_statement(tmp_path: Path) -> None:
    program = """
    def say():
        for number in range(1000): log.info(f"text {number}")
    say()
    """
    printed = ran(tmp_path, NATIVE + program.replace("\n    ", "\n")).stdout
    assert len(lines(printed, "text")) == 131
    assert told(printed) == {"program.py:14": 869}


def test_what_a_processor_drops_is_no_line_and_values_that_are_bound_are_those_of_the_line_alone(tmp_path: Path) -> None:
    program = """
    def drop(logger, name, event):
        if event["order"] % 2: raise structlog.DropEvent
        return event
    structlog.configure(processors=[drop, structlog.processors.KeyValueRenderer()])
    bound = structlog.get_logger().bind(order=0, user="bob")
    for number in range(100): bound.bind(order=number).info("paid")
    structlog.configure(processors=[structlog.processors.KeyValueRenderer()])
    """
    printed = ran(tmp_path, NATIVE + program.replace("\n    ", "\n")).stdout
    assert len(lines(printed, "paid")) == 3
    assert "order=4" in printed


def test_lines_of_a_kept_trace_stay_together(tmp_path: Path) -> None:
    program = """
    from opentelemetry import trace
    with trace.get_tracer("shop").start_as_current_span("request"):
        for number in range(100): log.info("inside", number=number)
    for number in range(100): log.info("outside", number=number)
    """
    env = {"OTEL_TRACES_EXPORTER": "console"}
    printed = ran(tmp_path, NATIVE + program.replace("\n    ", "\n"), env).stdout
    assert (len(lines(printed, '"inside"')), len(lines(printed, '"outside"'))) == (100, 3)
    printed = ran(tmp_path, NATIVE + program.replace("\n    ", "\n"), {**env, "OTEL_TRACES_SAMPLER": "always_off"}).stdout
    assert (len(lines(printed, '"inside"')), len(lines(printed, '"outside"'))) == (3, 3)


STANDARD = {
    "rendered": """
structlog.configure(
    processors=[structlog.stdlib.filter_by_level, structlog.processors.TimeStamper(fmt="iso"), structlog.processors.JSONRenderer()],
    wrapper_class=structlog.stdlib.BoundLogger, logger_factory=structlog.stdlib.LoggerFactory())
""",
    "wrapped by hand": """
structlog.configure(processors=[structlog.processors.TimeStamper(fmt="iso"), structlog.processors.KeyValueRenderer()],
    wrapper_class=structlog.stdlib.BoundLogger, logger_factory=lambda *_: logging.getLogger("shop"))
""",
    "formatted": """
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[
    structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()]))
logging.root.handlers = [handler]
structlog.configure(processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    wrapper_class=structlog.stdlib.BoundLogger, logger_factory=structlog.stdlib.LoggerFactory())
""",
    "keywords": """
structlog.configure(processors=[structlog.stdlib.render_to_log_kwargs],
    wrapper_class=structlog.stdlib.BoundLogger, logger_factory=structlog.stdlib.LoggerFactory())
""",
}


@pytest.mark.parametrize("setup", list(STANDARD))
def test_events_for_loggers_of_the_standard_library_are_told_by_their_names_and_decided_about_once(
    tmp_path: Path, setup: str
) -> None:
    program = """
log = structlog.get_logger("shop")
for number in range(100):
    log.info("paid", order=number)
    log.info("got", order=number)
    log.error("failed", order=number)
"""
    printed = ran(tmp_path, f"import structlog\n{STANDARD[setup]}{program}").stdout
    assert (len(lines(printed, "paid")), len(lines(printed, "got")), len(lines(printed, "failed"))) == (3, 3, 100)
    assert told(printed) == {"'paid'": 97, "'got'": 97}


def test_tasks_and_their_executors_are_counted_too(tmp_path: Path) -> None:
    program = """
    import asyncio
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()], wrapper_class=structlog.make_filtering_bound_logger("INFO"))
    async def work(number):
        await structlog.get_logger().ainfo("paid", number=number)
        await structlog.get_logger().aerror("failed", number=number)
    async def main():
        await asyncio.gather(*[work(number) for number in range(100)])
    asyncio.run(main())
    """
    printed = ran(tmp_path, NATIVE + program.replace("\n    ", "\n")).stdout
    assert (len(lines(printed, "paid")), len(lines(printed, "failed"))) == (3, 100)
    assert told(printed) == {"'paid'": 97}


def test_of_excluded_loggers_which_are_modules_nothing_is_left_out(tmp_path: Path) -> None:
    env = {"PLATFORM_LOG_SAMPLE_EXCLUDED_LOGGERS": "__main__"}
    assert len(lines(ran(tmp_path, NATIVE + SAID, env).stdout, '"paid"')) == 100


@pytest.mark.parametrize(
    ("printed", "exported", "expected"),
    [("false", "false", (100, 100)), ("true", "false", (3, 100)), ("true", "true", (3, 3)), ("false", "true", (100, 3))],
)
def test_what_is_exported_has_a_switch_of_its_own(
    tmp_path: Path, collector: Collector, printed: str, exported: str, expected: tuple[int, int]
) -> None:
    env = {"OTEL_LOGS_EXPORTER": "otlp", "PLATFORM_LOG_SAMPLE": printed, "PLATFORM_LOG_SAMPLE_OTLP": exported}
    done = ran(tmp_path, NATIVE + SAID, env, collector)
    bodies = [str(log.body) for log in collector.logs]
    assert (len(lines(done.stdout, '"paid"')), bodies.count("paid")) == expected
    assert bodies.count("failed") == 100
    assert sorted({log.attributes["order"] for log in collector.logs if log.body == "paid"}) == list(range(expected[1]))
    assert ("'paid'" in told("\n".join(bodies))) == (exported == "true")
