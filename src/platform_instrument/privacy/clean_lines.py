"""Lines that hold nothing to hide, which most are: told by a few searches at first sight, and then known by their shape.

A statement that logs comes again and again with other numbers: the shape of a line is what it says but for which digits. Its
gist, in which some letters are alike, is all that the first searches see; so what they find is true of all lines of one gist.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from platform_instrument.privacy.triggers import DIGITS, NOT_PLAIN, NOWHERE, TO_GIST, told_at

if TYPE_CHECKING:
    from typing import TypeAlias

    Seen: TypeAlias = tuple[int, int, bool, bool]

LONGEST = 131_072
"""Characters of a text that are looked at; the rest does not leave."""
_MOST_KNOWN = 8_192
_LINE = bytes.maketrans(DIGITS + NOT_PLAIN, b"0" * len(DIGITS) + b"@" * len(NOT_PLAIN))
_WORD = (string.digits + string.ascii_letters + "_-").encode()
_WORDS = bytes.maketrans(_WORD, b"a" * len(_WORD))
_SIGN = b"@"
_DATE = b"0000-00-00"
_GROUPING = b" .()/%+-"
_SEVEN_DIGITS = b"0" * 7
_SHORTEST_WORD, _SHORTEST_TOKEN = b"a" * 16, b"a" * 20
"""Of a value that letters and digits spell: an id of a person, and a token."""

KNOWN: set[int] = set()
"""Digests of what the gist of lines told nothing of, keyed by the process."""
_CLOSELY: dict[int, int] = {}
"""Of lines that a closer look found nothing in, by the digest of their gist: that of the line with all its letters."""

UNKNOWN: Seen = (0, 0, True, True)
"""What is seen of a text that was not looked at: anything may be in it."""


def look(text: str) -> Seen | None:
    """Return None where a text is clean, by its shape or by what it lacks; else what is seen of it.

    This is the digest of its gist (0 where what is clean with these digits may not be with others), from where on it may hold a
    name or NOWHERE, whether it holds digits enough for a number, and letters enough for a token.
    """
    if not text.isascii():
        return UNKNOWN
    raw = text.encode()
    gist = raw.translate(TO_GIST)
    shape = hash(gist)
    if shape in KNOWN or (shape in _CLOSELY and _CLOSELY[shape] == hash(raw.translate(_LINE))):
        return None
    told = told_at(text, gist)
    words = raw.translate(_WORDS)
    is_long = words.find(_SHORTEST_WORD) >= 0
    rest = gist.removeprefix(_DATE)  # a tenth of the time of looking for dates everywhere
    has_digits = rest.translate(None, _GROUPING).find(_SEVEN_DIGITS) >= 0 and grouped(gist).find(_SEVEN_DIGITS) >= 0
    if gist.find(_SIGN) >= 0 or ("=" in text and ("?" in text or "#" in text or "+" in text)):
        return 0, told, has_digits, is_long
    if told != NOWHERE or is_long or has_digits:
        return shape if not is_long or words.find(_SHORTEST_TOKEN) < 0 else 0, told, has_digits, is_long
    if len(KNOWN) >= _MOST_KNOWN:
        KNOWN.clear()
    KNOWN.add(shape)
    return None


def grouped(line: bytes) -> bytes:
    """Return a line without what groups digits, and without dates."""
    return line.replace(_DATE, b"").translate(None, _GROUPING)


def remember(text: str, shape: int) -> None:
    """Remember that no line which is like this one but for its digits is worth a closer look; `shape` is what was seen of it."""
    if shape:
        if len(_CLOSELY) >= _MOST_KNOWN:
            _CLOSELY.clear()
        _CLOSELY[shape] = hash(text.encode().translate(_LINE))
