"""What a service prints by `logging` is masked: messages, arguments, extras, stacks, in any format; records stay as they are."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.processes import door, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes import Completed

EMAIL, CARD, PASSWORD = "bob@example.com", "4539 1488 0343 6467", "hunter2X9"
NOWHERE = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}

PROGRAM = f"""
import json, logging, logging.handlers, queue, sys

class Object:
    def __str__(self): return "{EMAIL}"

class Json(logging.Formatter):
    def format(self, record):
        return json.dumps({{"message": record.getMessage(), "card": 4539148803436467, "extra": getattr(record, "given", None)}})

class Kept(logging.Handler):
    def emit(self, record):
        seen.append((record.msg, record.args, getattr(record, "given", None)))

seen = []
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(logging.Formatter("%(levelname)s %(message)s [%(given)s]", defaults={{"given": ""}}))
log = logging.getLogger("shop")
log.setLevel("DEBUG")
log.addHandler(handler)
log.addHandler(Kept())
log.info("paid by %s with %s, %d items", "{EMAIL}", "{CARD}", 3)
log.info(f"paid by {EMAIL}")
log.warning("%s", Object())
log.error("failed", extra={{"given": "password={PASSWORD}"}})
try:
    raise ValueError("no card {CARD} of {EMAIL}")
except ValueError:
    log.exception("while paying")
handler.setFormatter(Json())
log.info("by %(who)s", {{"who": "{EMAIL}"}}, extra={{"given": {{"token": "{PASSWORD}"}}}})
handler.setFormatter(None)
lines = queue.Queue()
listener = logging.handlers.QueueListener(lines, handler)
through = logging.getLogger("through")
through.addHandler(logging.handlers.QueueHandler(lines))
listener.start()
through.error("queued {EMAIL}")
listener.stop()
assert seen[0] == ("paid by %s with %s, %d items", ("{EMAIL}", "{CARD}", 3), None), seen[0]
assert seen[3][2] == "password={PASSWORD}"
print("authenticated ok, by print: {EMAIL}")
"""


def ran(tmp_path: Path, env: dict[str, str] | None = None) -> Completed:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    argv, environment = door("command", [sys.executable, file])
    done = run(argv, env={**environment, **NOWHERE, **(env or {})})
    assert done.returncode == 0, done.stderr
    return done


def test_nothing_of_a_person_is_in_a_line_and_the_rest_of_it_is(tmp_path: Path) -> None:
    done = ran(tmp_path)
    assert done.stderr == ""
    *lines, document, queued, printed = done.stdout.splitlines()
    assert lines[:4] == [
        "INFO paid by [email] with [card], 3 items []",
        "INFO paid by [email] []",
        "WARNING [email] []",
        "ERROR failed [password=[secret]]",
    ]
    assert "ValueError: no card [card] of [email]" in lines
    assert any(line.startswith('  File "') for line in lines)
    assert json.loads(document) == {"message": "by [email]", "card": "[card]", "extra": {"token": "[secret]"}}
    assert queued == "queued [email]"
    assert printed == f"authenticated ok, by print: {EMAIL}"  # what a service prints by itself is its own


def test_what_logging_says_of_a_record_that_it_cannot_render_is_masked(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"""
import logging
log = logging.getLogger("shop")
log.error("%s of %s and password={PASSWORD}", "{EMAIL}")
log.error({{"password": "{PASSWORD}"}}, "{CARD}")
log.error("%d items", "plain")
""")
    argv, environment = door("command", [sys.executable, file])
    done = run(argv, env={**environment, **NOWHERE})
    assert done.returncode == 0
    said = [line for line in done.stderr.splitlines() if line.startswith(("Message: ", "Arguments: "))]
    assert said[:2] == ["Message: '%s of %s and password=[secret]'", "Arguments: ('[email]',)"]
    assert said[2:4] == ["Message: {'password': '[secret]'}", "Arguments: ('[card]',)"]
    assert said[4:] == ["Message: '%d items'", "Arguments: ('plain',)"]
    off = run(argv, env={**environment, **NOWHERE, "PLATFORM_LOG_MASK": "false"})
    assert f"Arguments: ('{EMAIL}',)" in off.stderr


def test_the_setting_switches_it_off(tmp_path: Path) -> None:
    done = ran(tmp_path, {"PLATFORM_LOG_MASK": "false"})
    assert f"INFO paid by {EMAIL} with {CARD}, 3 items []" in done.stdout


def test_with_neither_masks_nor_ids_nothing_of_logging_is_patched(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text("import logging; print(logging.Handler.format.__code__.co_filename)")
    argv, environment = door("command", [sys.executable, file])
    off = {"PLATFORM_LOG_MASK": "false", "PLATFORM_LOG_TRACE_ID": "false"}
    assert run(argv, env={**environment, **NOWHERE, **off}).stdout.endswith("logging/__init__.py\n")


def test_kinds_have_modes_of_their_own_and_patterns_are_added(tmp_path: Path) -> None:
    env = {
        "PLATFORM_MASK": "email=hash,card=off",
        "PLATFORM_MASK_KEY": "a key that services share",
        "PLATFORM_MASK_PATTERNS": r"\b\d{1,2} items",
    }
    first, second = ran(tmp_path, env).stdout, ran(tmp_path, env).stdout
    found = re.match(rf"INFO paid by (\[email:[0-9a-f]{{12}}\]) with {CARD}, \[custom\] \[\]\n", first)
    assert found
    assert first.count(found[1]) > 4
    assert first == second
    assert found[1] not in ran(tmp_path, {**env, "PLATFORM_MASK_KEY": "another key"}).stdout


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"PLATFORM_MASK": "email=hash"}, "PLATFORM_MASK wants pseudonyms for email, which need a key"),
        ({"PLATFORM_MASK": "emails=mask"}, "PLATFORM_MASK='emails=mask' is not a list of kind=mode"),
        ({"PLATFORM_MASK_PATTERNS": r"(a)\1"}, "PLATFORM_MASK_PATTERNS"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_the_service_is_masked(tmp_path: Path, env: dict[str, str], said: str) -> None:
    done = ran(tmp_path, env)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "a key that" not in done.stderr
    assert "INFO paid by [email] with [card]" in done.stdout


def test_a_start_that_logs_nothing_does_not_load_what_masking_needs(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(
        "import logging, sys\n"
        "needed = 'platform_instrument.privacy.pii'\n"
        "print(needed in sys.modules, end=' ')\n"
        "logging.warning('paid')\n"
        "print(needed in sys.modules)\n"
    )
    argv, environment = door("command", [sys.executable, file])
    assert run(argv, env={**environment, **NOWHERE}).stdout == "False True\n"


def test_whatever_parts_a_record_has_its_line_is_masked_and_none_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"""
import logging, sys
from opentelemetry import trace
class Plain(logging.Formatter):
    def format(self, record): return record.getMessage()
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(Plain())
with trace.get_tracer("shop").start_as_current_span("work"):
    for parts in [{{"levelno": None}}, {{"levelno": "30"}}, {{"exc_info": True}}, {{"exc_info": 7}}, {{"_platform_ids": 5}}] * 50:
        handler.handle(logging.makeLogRecord({{"msg": "paid by {EMAIL}", **parts}}))
    handler.handle(logging.makeLogRecord({{"msg": "at last by {EMAIL}"}}))
""")
    argv, environment = door("command", [sys.executable, file])
    done = run(argv, env={**environment, **NOWHERE})
    *lines, last = done.stdout.splitlines()
    assert len(lines) == 250
    assert {line.partition(" trace_id=")[0] for line in lines} == {"paid by [email]"}
    assert re.fullmatch(r"at last by \[email\]( trace_id=[0-9a-f]{32} span_id=[0-9a-f]{16})?", last)


def test_at_the_edge_of_the_stack_a_line_is_withheld_and_nothing_is_raised_that_was_not(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"""
import logging, sys
handler = logging.StreamHandler(sys.stdout)
handler.terminator = "\\n"
log = logging.getLogger("shop")
log.addHandler(handler)
log.propagate = False
log.warning("first")
def deeper():
    try:
        deeper()
    except RecursionError:
        log.warning("paid by {EMAIL}")
        raise
try:
    deeper()
except RecursionError:
    print("as expected")
""")
    argv, environment = door("command", [sys.executable, file])
    done = run(argv, env={**environment, **NOWHERE})
    assert EMAIL not in done.stdout + done.stderr
    assert done.stdout.endswith("as expected\n")
    assert "paid by [email]" in done.stdout


def test_a_long_line_is_printed_whole_and_stays_json(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"""
import json, logging, sys
class Json(logging.Formatter):
    def format(self, record): return json.dumps({{"message": record.getMessage()}})
class Bytes(Json):
    def format(self, record): return super().format(record).encode()
class Printing(logging.Handler):
    def emit(self, record): print(self.format(record).decode())
handlers = [logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stdout), Printing()]
handlers[1].setFormatter(Json())
handlers[2].setFormatter(Bytes())
logging.basicConfig(handlers=handlers, format="%(message)s")
logging.warning("word " * 60_000 + "for {EMAIL}")
logging.warning("x" * 300_000)
""")
    argv, environment = door("command", [sys.executable, file])
    done = run(argv, env={**environment, **NOWHERE})
    text, document, encoded, cut, withheld, _ = done.stdout.splitlines()
    assert text == "word " * 60_000 + "for [email]"
    assert json.loads(document) == json.loads(encoded) == {"message": text}
    assert cut.endswith("x […]")
    assert json.loads(withheld) == {"message": "[withheld]"}
    assert done.stderr == ""


def test_what_finalizers_log_while_the_interpreter_ends_is_masked_or_withheld(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"""
import logging, sys
logging.basicConfig(stream=sys.stdout, format="%(message)s")
if sys.argv[1:]:
    logging.warning("before {EMAIL}")
class Last:
    def __del__(self, logging=logging): logging.warning("gone {EMAIL}")
kept, circle = Last(), Last()
circle.itself = circle
""")
    argv, environment = door("command", [sys.executable, file])
    assert run(argv, env={**environment, **NOWHERE}).stdout.splitlines() == ["[withheld]"] * 2
    assert run([*argv, "before"], env={**environment, **NOWHERE}).stdout.splitlines() == ["before [email]", *["gone [email]"] * 2]
