"""Patterns of the setting: run by google-re2 where it is installed, else only where they take linear time.

A pattern of Python's `re` is let in when each of its repeats is bounded, none stands in another one, and the ways in which it
can be tried at one place are few; what is refused says why, and how to write it. Of a pattern with a group called `value`
only the group is hidden.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from platform_instrument.privacy.detector import Detector

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_WAYS = 10_000
_LONGEST_REPEAT = 1_024
_ADVICE = "bound it, such as {1,64} instead of + or *, or install google-re2"


def custom(patterns: tuple[str, ...]) -> tuple[tuple[Detector, ...], list[tuple[str, str]]]:
    """Return the detectors of patterns, and each pattern that is refused with the reason."""
    detectors, refused = [], []
    for pattern in patterns:
        search, reason = _compiled(pattern)
        if search is None:
            refused.append((pattern, reason))
        else:
            detectors.append(Detector("custom", _finder(search)))
    return tuple(detectors), refused


def _compiled(pattern: str) -> tuple[Any, str]:
    """Return the compiled pattern, or None and why it is refused."""
    try:
        import re2  # type: ignore[import-not-found,import-untyped,unused-ignore] # a package of its own
    except ImportError:
        reason = unsafe(pattern)
        return (None, reason) if reason else (re.compile(pattern), "")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options), ""
    except re2.error as error:
        return None, f"google-re2 does not take it: {_text(error.args)}"


def _text(told: tuple[Any, ...]) -> str:
    return " ".join(part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in told)


def _finder(compiled: Any) -> Any:  # noqa: ANN401 - a pattern of `re` or of re2
    group = compiled.groupindex.get("value", 0)

    def values(text: str) -> Iterator[tuple[int, int]]:
        for match in compiled.finditer(text):
            start, end = match.span(group)
            if end > start:
                yield start, end

    return values


def unsafe(pattern: str) -> str:
    """Return why a pattern may take more than linear time, empty where it cannot."""
    if sys.version_info >= (3, 11):
        from re import _parser as parser  # type: ignore[attr-defined] # Python's own reading of a pattern
    else:
        import sre_parse as parser
    try:
        ways = _ways(parser.parse(pattern))
    except _UnsafeError as reason:
        return f"{reason}; {_ADVICE}"
    return "" if ways <= _MOST_WAYS else f"there are {ways} ways to try it at one place; {_ADVICE}"


class _UnsafeError(Exception):
    """Why a pattern is refused."""


def _ways(items: Any) -> int:  # noqa: ANN401 - Python's own reading of a pattern
    """Return in how many ways a sequence can be tried at one place."""
    ways = 1
    for operation, argument in items:
        ways *= _ways_of(str(operation), argument)
    return ways


def _ways_of(operation: str, argument: Any) -> int:  # noqa: ANN401 - as above
    if operation in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        least, most, inner = argument
        within = _ways(inner)
        if int(most) > _LONGEST_REPEAT:
            message = "it has a repeat without a bound"
            raise _UnsafeError(message)
        if within > 1 and most > 1:
            message = "it has a choice or a repeat within a repeat"
            raise _UnsafeError(message)
        return int(most) - int(least) + within
    if operation == "BRANCH":
        return sum([_ways(branch) for branch in argument[1]])
    if operation.startswith("GROUPREF"):
        message = "it refers back to a group"
        raise _UnsafeError(message)
    if operation in {"SUBPATTERN", "ASSERT", "ASSERT_NOT", "ATOMIC_GROUP"}:
        return _ways(argument if operation == "ATOMIC_GROUP" else argument[-1])
    return 1
