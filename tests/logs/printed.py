"""What a service printed: the ids in it, and what it would be without them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_instrument.testing.received import Span

_MARK = re.compile(r"<(paying|booking|reading)>")
_TEXT = re.compile(r" trace_id=[0-9a-f]{32} span_id=[0-9a-f]{16}")
_JSON = re.compile(r', "trace_id": "[0-9a-f]{32}", "span_id": "[0-9a-f]{16}"')
_BOXES = re.compile(r"^[│╭╰].*\n", re.MULTILINE)
"""A stack with the variables of each step, among them the tracer."""
_SPACES = re.compile(r"  +")
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+(\.\d+)?(e-\d+)?")


def judge(printed: str, spans: Mapping[str, Span]) -> None:
    """Assert that a line with the mark of a span, such as `<paying>`, has its ids once each, and any other line none."""
    for line in printed.splitlines():
        if "PAYING" in line or "BOOKING" in line:
            continue  # a stack with its source and variables
        mark = _MARK.search(line)
        span = spans.get(mark[1]) if mark else None
        if span is None:
            assert not re.search(r"\b(?!0{32})[0-9a-f]{32}\b|trace_id|span_id", line), line
            continue
        assert (line.count(span.trace_id), line.count(span.span_id)) == (1, 1), line


def without_ids(printed: str) -> str:
    """Return what was printed without the ids that were added."""
    return _JSON.sub("", _TEXT.sub("", printed))


def plain_of(printed: str) -> str:
    """Return what was printed with times, numbers of processes and the like as 0, and tables' columns closed up."""
    return _SPACES.sub("  ", _NUMBER.sub("0", _BOXES.sub("", printed)))
