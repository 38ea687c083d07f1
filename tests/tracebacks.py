"""Tracebacks that a program prints, as they are without us, on an interpreter that cannot forget a frame of ours."""

from __future__ import annotations

import re
import sys

FRAMES_STAY = sys.version_info < (3, 11)
"""CPython 3.10 raises an exception anew with the traceback that it was caught with, whatever became of it meanwhile."""

_FRAME = re.compile(r'^ *(?:\| +)?File "<platform_instrument importlib\._bootstrap>", line \d+, in \w+\n', re.MULTILINE)


def without_our_frames(printed: str) -> str:
    """Return what was printed; where `FRAMES_STAY`, without the line that each of our frames takes, which shows no source."""
    return _FRAME.sub("", printed) if FRAMES_STAY else printed
