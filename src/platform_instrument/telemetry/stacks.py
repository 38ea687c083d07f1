"""The stack of an exception as text: without the frames of our wrappers, and folded where it is long or goes in circles.

Chained and grouped exceptions are whole. Source: CPython, Lib/traceback.py.
"""

from __future__ import annotations

import os
import sys
import traceback
from traceback import FrameSummary, StackSummary, TracebackException
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar

import platform_instrument

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS = (os.path.dirname(platform_instrument.__file__) + os.sep, "<platform_instrument ")  # noqa: PTH120 - pathlib costs 8 ms
_OUTER, _INNER = 30, 70
"""Frames that are shown of a long stack, at its beginning and at its end, where what failed is."""
_LONGEST_CIRCLE = 8
_HARDLY = 2
"""So many repetitions are written out, as by the interpreter."""
_BREAKS_PARSERS = (3, 11) <= sys.version_info < (3, 11, 8)
"""Where two threads' `ast.parse` may meet, and one of them fails. Source: https://github.com/python/cpython/issues/106905"""
_WHOLE: dict[str, Any] = {"max_group_width": 64, "max_group_depth": 16} if sys.version_info >= (3, 11) else {}


def stack_of(error: BaseException) -> str:
    """Return what the interpreter prints of an exception, but for our frames and for what is folded."""
    told = TracebackException(type(error), error, error.__traceback__, lookup_lines=False, **_WHOLE)
    for each in _all(told):
        if each.stack is not None:
            each.stack = _Folded(each.stack)
    return "".join(told.format())


def _all(told: TracebackException) -> Iterator[TracebackException]:
    """Return an exception, those it was raised from or during, and the members of a group."""
    waiting, seen = [told], set()
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            members = getattr(each, "exceptions", None) or ()
            waiting += [other for other in (each.__cause__, each.__context__, *members) if other is not None]


class _Folded(StackSummary):
    """A stack that is written frame by frame."""

    def __init__(self, stack: StackSummary) -> None:
        super().__init__(frame for frame in stack if not frame.filename.startswith(_OURS))

    def format(self, **options: Any) -> list[str]:  # noqa: ANN401 - what later versions pass
        """Return the lines, with a word on what is left out."""
        lines: list[str] = []
        for frame, told in _shown(self):
            lines += _One((frame,)).format(**options)
            if told:
                lines.append(f"  [{told}]\n")
        return lines


class _One(StackSummary):
    """A frame that is written as by the interpreter."""

    if _BREAKS_PARSERS:  # what finds out which part of an expression failed parses it: all of it is marked alike instead
        _names: ClassVar = {**vars(traceback), "_extract_caret_anchors_from_line_segment": lambda _segment: None}
        format_frame_summary = FunctionType(vars(StackSummary)["format_frame_summary"].__code__, _names)


def _shown(frames: list[FrameSummary]) -> list[tuple[FrameSummary, str]]:
    """Return the frames that are shown, each with what is said after it."""
    shown = _without_circles(frames)
    left_out = len(shown) - _OUTER - _INNER
    if left_out > 0:
        last = shown[_OUTER - 1][0]
        shown[_OUTER - 1 : -_INNER] = [(last, f"{left_out} frames left out")]
    return shown


def _without_circles(frames: list[FrameSummary]) -> list[tuple[FrameSummary, str]]:
    """Return the frames with the first round of each circle alone, after which it is said how often it was gone through."""
    keys = [(frame.filename, frame.lineno, frame.name) for frame in frames]
    shown: list[tuple[FrameSummary, str]] = []
    at = 0
    while at < len(frames):
        again, length = _circle(keys, at)
        shown += [(frame, "") for frame in frames[at : at + length]]
        if again:
            shown[-1] = (shown[-1][0], _repeated(again, length))
        at += length * (again + 1)
    return shown


def _circle(keys: list[Any], at: int) -> tuple[int, int]:
    """Return how often what begins here is repeated, and its length; 0 and 1 where it is not, or hardly."""
    for length in range(1, _LONGEST_CIRCLE + 1):
        first, end = keys[at : at + length], at + length
        while len(first) == length and keys[end : end + length] == first:
            end += length
        again = (end - at) // length - 1
        if again > _HARDLY:
            return again, length
    return 0, 1


def _repeated(times: int, length: int) -> str:
    return f"Previous {'line' if length == 1 else f'{length} lines'} repeated {times} more times"
