"""structlog and loguru: what they print is masked as the standard library's lines are, and withheld where that fails."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.processes import door, run

if TYPE_CHECKING:
    from pathlib import Path

EMAIL = "bob@example.com"
SINKS = """
import json, sys
import structlog
from loguru import logger
{failing}
logger.remove()
seen = []
logger.add(lambda message: seen.append(message.record["message"]), format="{{message}}")
logger.add(sys.stdout, format="{{level}} {{message}}")
logger.add(sys.stdout, serialize=True)
logger.add("app.log", enqueue=True)
logger.warning("paid by {email}")
logger.opt(raw=True).warning("raw for {email}\\n")
structlog.get_logger().warning("paid by {email}")
structlog.configure(processors=[structlog.processors.JSONRenderer()], logger_factory=structlog.PrintLoggerFactory())
structlog.get_logger().warning("paid", by="{email}")
structlog.configure(
    processors=[structlog.processors.JSONRenderer(lambda *a, **k: json.dumps(*a, **k).encode())],
    logger_factory=structlog.BytesLoggerFactory())
structlog.get_logger().warning("paid", by="{email}")
logger.complete()
print(open("app.log").read())
assert seen == ["paid by {email}", "raw for {email}\\n"]
"""
FAILING = """
from platform_instrument.privacy import pii
def failing(line): raise RuntimeError("no masking today")
pii.look = failing
"""


def ran(tmp_path: Path, program: str, **env: str) -> str:
    file = tmp_path / "program.py"
    file.write_text(program)
    argv, variables = door("command", [sys.executable, file])
    nowhere = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
    done = run(argv, env={**variables, **nowhere, **env}, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("format_", ["keep", "text", "json"])
def test_every_sink_prints_masked_lines_and_records_stay_as_they_are(tmp_path: Path, format_: str) -> None:
    printed = ran(tmp_path, SINKS.format(failing="", email=EMAIL), PLATFORM_LOG_FORMAT=format_)
    assert EMAIL not in printed
    assert printed.count("[email]") >= 9


def test_where_masking_fails_nothing_is_told(tmp_path: Path) -> None:
    printed = ran(tmp_path, SINKS.format(failing=FAILING, email=EMAIL))
    assert EMAIL not in printed
    assert printed.count("[withheld]") >= 9


def test_with_the_setting_off_lines_are_as_ever(tmp_path: Path) -> None:
    assert ran(tmp_path, SINKS.format(failing="", email=EMAIL), PLATFORM_LOG_MASK="false").count(EMAIL) >= 9


def test_a_line_of_loguru_is_masked_though_its_values_log_while_they_are_rendered(tmp_path: Path) -> None:
    program = f"""
import sys
from loguru import logger
class Value:
    def __format__(self, spec):
        logger.debug("rendering for {EMAIL}")
        return "{EMAIL}"
logger.remove()
logger.add(sys.stdout, level="INFO", format="{{message}} {{extra[to]}}")
logger.add(lambda message: None, level="DEBUG", format="{{message}}", filter=lambda record: "to" not in record["extra"])
logger.bind(to=Value()).warning("paid by {EMAIL}")
"""
    assert ran(tmp_path, program) == "paid by [email] [email]\n"
