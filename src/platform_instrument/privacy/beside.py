"""What stands beside a number: the gaps within it, and words that say what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    import re

GAP = r"(?:[ .\u00a0\u2010-\u2015\u202f-]|%20|%2[dD]|\+)"
"""What groups digits, as it is written and as URLs encode it."""
BEGIN = r"(?:(?<![\w.+-])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"
"""Where a number may begin: not in a word or another number, but behind what a URL encodes."""
GAPS = Pattern(f"{GAP}+")
_BEFORE, _AFTER = 48, 24
"""Characters beside a number in which a word may say what it is."""


def beside(match: re.Match[str], words: Pattern[str]) -> bool:
    """Say whether one of the words stands beside a match, or whether there is nothing but the match."""
    start, end = match.span()
    text = match.string
    if end - start == len(text):
        return True  # the value of an attribute, an argument of a log line
    search = words.compiled().search
    return search(text, max(start - _BEFORE, 0), start) is not None or search(text, end, end + _AFTER) is not None
