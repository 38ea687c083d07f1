"""`PLATFORM_LOG_FORMAT`: one shape for the lines of every library, in spans and outside of them."""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.processes import door, run

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import logging, logging.handlers, queue, sys
import structlog
from loguru import logger
from opentelemetry import trace

span = trace.get_tracer("shop").start_as_current_span
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(logging.Formatter("%(message)s, never seen"))
waiting = queue.Queue()
listener = logging.handlers.QueueListener(waiting, handler)
logging.basicConfig(handlers=[handler])
logger.remove()
logger.add(sys.stdout, serialize=True)
log = logging.getLogger("shop")
log.warning("outside %d", 1)
with span("paying"):
    log.warning("in it, for bob@example.com", extra={"order": {"id": 7}, "level": "own"})
    try:
        raise ValueError("no\\nmoney")
    except ValueError:
        log.exception("failed")
        log.error("without the exception")
        logger.bind(order=8).exception("of loguru")
    structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()])
    structlog.get_logger().warning("of structlog", order=9)
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory())
    structlog.get_logger("wrapped").warning("by the standard library", order=10)
    log.propagate = False
    log.addHandler(logging.handlers.QueueHandler(waiting))
    log.warning("two\\nlines")
listener.start()
listener.stop()
"""


def ran(tmp_path: Path, **env: str) -> list[str]:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    argv, variables = door("command", [sys.executable, file])
    nowhere = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_SERVICE_NAME": "till"}
    done = run(argv, env={**variables, **nowhere, **env})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def taken(line: dict[str, Any], *names: str) -> list[Any]:
    return [line.pop(name) for name in names]


def test_json_is_one_shape_for_every_library(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in ran(tmp_path, PLATFORM_LOG_FORMAT="json")]
    times = [datetime.fromisoformat(taken(line, "time")[0]) for line in lines]
    assert all(time.utcoffset() is not None for time in times)
    outside, *inside = lines
    ids = {tuple(taken(line, "trace_id", "span_id")) for line in inside}
    ((trace_id, span_id),) = ids
    assert re.fullmatch("[0-9a-f]{32} [0-9a-f]{16}", f"{trace_id} {span_id}")
    assert outside == {"level": "WARNING", "logger": "shop", "message": "outside 1", "service": "till"}
    stacks = [taken(line["exception"], "stack")[0] for line in inside if "exception" in line]
    assert [stack[-2:] for stack in stacks] == [["ValueError: no", "money"]] * 3
    failed = {"exception": {"type": "ValueError", "message": "no\nmoney"}}
    shop = {"logger": "shop", "service": "till"}
    assert inside == [
        {**shop, "level": "WARNING", "message": "in it, for [email]", "order": {"id": 7}},
        {**shop, "level": "ERROR", "message": "failed", **failed},
        {**shop, "level": "ERROR", "message": "without the exception", **failed},
        {"service": "till", "logger": "__main__", "level": "ERROR", "message": "of loguru", "order": 8, **failed},
        {"service": "till", "logger": "", "level": "WARNING", "message": "of structlog", "order": 9},
        {"service": "till", "logger": "wrapped", "level": "WARNING", "message": "by the standard library", "order": 10},
        {**shop, "level": "WARNING", "message": "two\nlines"},
    ]


def test_text_is_one_line_and_what_belongs_to_it(tmp_path: Path) -> None:
    lines = ran(tmp_path, PLATFORM_LOG_FORMAT="text")
    time, ids = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", " trace_id=[0-9a-f]{32} span_id=[0-9a-f]{16}"
    assert re.fullmatch(f"{time} WARNING shop outside 1", lines[0])
    assert re.fullmatch(rf"{time} WARNING shop in it, for \[email\] order={{'id': 7}} level=own{ids}", lines[1])
    assert re.fullmatch(f"{time} ERROR shop failed{ids}", lines[2])
    assert lines[3] == "Traceback (most recent call last):"
    assert re.fullmatch(f"{time} WARNING shop two{ids}", lines[-2])
    assert lines[-1] == "lines"


def test_without_ids_and_masks_the_format_is_obeyed_all_the_same(tmp_path: Path) -> None:
    off = {"PLATFORM_LOG_MASK": "false", "PLATFORM_LOG_TRACE_ID": "false"}
    lines = [json.loads(line) for line in ran(tmp_path, PLATFORM_LOG_FORMAT="json", **off)]
    assert lines[1]["message"] == "in it, for bob@example.com"
    assert not any("trace_id" in line for line in lines)


FACTS = """
import logging, sys
import structlog
from loguru import logger
from opentelemetry import trace
from platform_instrument import set_attributes

logging.basicConfig(stream=sys.stdout, format="%(message)s")
logger.remove()
logger.add(sys.stdout, format="{message}")
logger.add(sys.stdout, serialize=True)
structlog.configure(processors=[structlog.processors.KeyValueRenderer(["event"])])
with trace.get_tracer("shop").start_as_current_span("paying"):
    set_attributes({"note": "a b"}, user_id="bob@example.com")
    logging.warning("standard")
    structlog.get_logger().warning("structlog")
    structlog.configure(processors=[structlog.processors.JSONRenderer()])
    structlog.get_logger().warning("structlog")
    logger.warning("loguru")
"""


def test_what_is_known_of_a_request_is_told_by_every_library_in_every_format(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(FACTS)
    argv, variables = door("command", [sys.executable, file])
    nowhere = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
    for form in ("keep", "json", "text"):
        done = run(argv, env={**variables, **nowhere, "PLATFORM_LOG_FORMAT": form})
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert len(lines) == 5
        for line in lines:
            if line.startswith("{"):
                members = json.loads(line)
                assert (members["user.id"], members["note"], len(members["span_id"])) == ("[email]", "a b", 16), line
            else:
                assert re.search(r' span_id=[0-9a-f]{16} note="a b" user.id=\[email\]$', line), line
        assert sum(line.startswith("{") for line in lines) == {"keep": 2, "json": 5, "text": 0}[form]
