"""Logging set-ups as people write them, each in a real process: valid lines, the ids of their spans, nothing else changed."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest

from platform_instrument.testing.collector import Collector
from tests.logs.printed import judge, plain_of, without_ids
from tests.logs.setups import STANDARD, STANDARD_JSON
from tests.logs.structured import STRUCTURED, STRUCTURED_JSON
from tests.processes import door, run

if TYPE_CHECKING:
    from pathlib import Path

BEFORE = """
from opentelemetry import trace
span = trace.get_tracer("shop").start_as_current_span
last = lambda: None
LINES = 5
PAYING, BOOKING, NO = "<paying>", "<booking>", "<no> money"
"""
AFTER = """
say("outside, before")
with span("paying"):
    say(PAYING + " 3 € {x} %s \\"quoted\\"")
    with span("booking"):
        say(BOOKING)
    try:
        raise ValueError(NO)
    except ValueError:
        fail(PAYING + " not paid")
say("outside, after")
last()
"""
OWN_IDS = {"ids of its own"}
"""What prints ids itself prints no span's in a plain run."""
STACK = re.compile(r"^Traceback .*\n(?: .*\n)+\w+: .*\n", re.MULTILINE)
"""What the standard library prints below a line that structlog made."""
SETUPS = {**STANDARD, **STRUCTURED, **STANDARD_JSON, **STRUCTURED_JSON}


@pytest.mark.parametrize("name", SETUPS)
def test_each_line_is_valid_and_carries_the_ids_of_the_span_it_was_printed_in(name: str, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(BEFORE + SETUPS[name] + AFTER)
    plain_folder, folder = tmp_path / "plain", tmp_path / "observed"
    plain_folder.mkdir()
    folder.mkdir()
    plain = run([sys.executable, file], cwd=plain_folder)
    argv, env = door("command", [sys.executable, file])
    with Collector() as collector:
        done = run(argv, env=env, collector=collector, cwd=folder)
        spans = {span.name: span for span in collector.wait_for(2)}
    for printed, bare in ((done.stdout, plain.stdout), (done.stderr, plain.stderr)):
        judge(printed, spans)
        if name not in OWN_IDS:
            assert plain_of(without_ids(printed)) == plain_of(bare)
    seen = done.stdout + done.stderr
    assert seen.count(spans["booking"].span_id) >= 1
    if name in {**STANDARD_JSON, **STRUCTURED_JSON}:
        for line in STACK.sub("", seen).splitlines():
            members = json.loads(line, object_pairs_hook=list)
            keys = [key for key, _ in members]
            assert len(keys) == len(set(keys))
            marked = re.search(r"<(paying|booking|reading)>", line)
            ids = (spans[marked[1]].trace_id, spans[marked[1]].span_id) if marked else (None, None)
            assert (dict(members).get("trace_id"), dict(members).get("span_id")) == ids
