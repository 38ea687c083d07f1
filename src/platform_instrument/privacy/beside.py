"""What stands beside a number: the gaps within it, and words that say what it is, in a text as it reads."""

from __future__ import annotations

import re

from platform_instrument.privacy.patterns import Pattern

GAP = r"[ .+-]"
"""What groups digits; URLs write a space as `+`."""
BEGIN = r"(?:(?<![A-Za-z0-9.+-])|(?<=[A-Za-z][+.]))"
"""Where a number may begin: not in a word or another number."""
END = r"(?![A-Za-z0-9]|[.-]\d)"
"""Where it may end."""
GAPS = Pattern(f"{GAP}+")
_BEFORE, _AFTER = 48, 24
"""Characters beside a number in which a word may say what it is."""


_KEY = Pattern(r"([A-Za-z][\w.-]{0,40})[\"'\\\]]{0,6}\s{0,4}[:=]\s{0,4}[\"'\\\[(]{0,6}\Z", re.ASCII)
_OTHER = Pattern(
    r"(?:.*[\W_a-z]|)(?:(?:[iI]|I)[dD]s?|(?i:offset|size|count|total|ts|time|timestamp|date|at|on|ms|ns|us|seq|sequence|version|bytes|length"
    r"|duration|epoch|xid|lsn|pid|tid|seed|port|status|hash|build))",
    re.ASCII,
)
"""Keys of numbers that are something else."""


def beside(match: re.Match[str], words: Pattern[str], end: int = -1) -> bool:
    """Say whether one of the words stands beside a match, or whether there is nothing but the match; `end`: it ends there.

    Words are in lower case. Where the match has a key of its own, words that end before it do not speak of it: `tax id` does.
    """
    start, end = match.start(), match.end() if end < 0 else end
    text = match.string
    if end - start == len(text):
        return True  # the value of an attribute, an argument of a log line
    search = words.compiled().search
    first = max(start - _BEFORE, 0)
    if search(text[first:start].lower()) is None:
        return text[end : end + 1] not in _PARTS and search(text[end : end + _AFTER].lower()) is not None
    key = _KEY.compiled().search(text, first, start)
    if key is None or not _OTHER.fullmatch(key[1]):
        return True
    return any(word.end() > key.start(1) - first for word in words.compiled().finditer(text[first:start].lower()))


_PARTS = (":", "/")
"""With what a path or a name of several parts goes on."""
