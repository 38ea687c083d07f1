"""Secrets by their shape: what can be nothing but a token, a key or a private key."""

from __future__ import annotations

import re
import string
from functools import cache
from typing import TYPE_CHECKING

from platform_instrument.privacy.detector import Detector, matches
from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.token_shapes import BY_BEGINNING, BY_MIDDLE

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS = bytes.maketrans(b"_", b"-")
_ESCAPED = Pattern(rb"%[0-9A-Fa-f]{2}|\\[nrt]")


@cache
def _by_first() -> dict[str, list[tuple[str, str]]]:
    """Return how shapes go on, by the letter or digit that they begin with."""
    firsts: dict[str, list[tuple[str, str]]] = {}
    for beginnings, rest in BY_BEGINNING:
        for beginning in beginnings.split():
            several = re.match(r"\[([^\]]+)\]", beginning)
            for first in re.sub(r"(.)-(.)", _every, several[1]) if several else beginning[0]:
                firsts.setdefault(first, []).append((beginning[several.end() if several else 1 :], rest))
    return firsts


def _every(ends: re.Match[str]) -> str:
    """Return the characters of a range."""
    return "".join(map(chr, range(ord(ends[1]), ord(ends[2]) + 1)))


@cache
def _shape(first: str) -> Pattern[str]:
    """Return the shapes that begin with a letter; what is glued to a token goes with it: it would begin a word behind a label."""
    rests = "|".join([beginning + rest for beginning, rest in _by_first()[first]])
    return Pattern(f"{first}(?:{rests})[A-Za-z0-9]*")


def _beginnings() -> bytes:
    """Return what all shapes begin with: groups by the first letter are fifteen times as fast as one flat list."""
    groups = [
        first + "(?:" + "|".join([re.sub(r"%\w(?:\[\w+\]|\w)", "   ", begun.replace("_", "-")) for begun, _ in shapes]) + ")"
        for first, shapes in _by_first().items()
    ]
    return (r"\b(?=[A-Za-z0-9])(?:" + "|".join(groups) + ")").encode()


_BEGINNING = Pattern(_beginnings)


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """Yield every token that is told by its beginning, which stands where a word, or a part of one, begins."""
    raw = text.encode("ascii", "replace")
    if b"%" in raw or b"\\" in raw:
        raw = _ESCAPED.sub(lambda escape: b" " * len(escape[0]), raw)
    raw = raw.translate(_WORDS)
    search = _BEGINNING.compiled().search
    begun = search(raw)
    while begun is not None:
        start = begun.start()
        found = _shape(text[start]).compiled().match(text, start)
        if found is not None:
            yield found.span()
        begun = search(raw, start + 1 if found is None else found.end())


_ALNUM = string.ascii_letters + string.digits
_LONGEST_TOKEN = 512
_MIDDLES = tuple((middle, Pattern(shape + "[A-Za-z0-9]*")) for middle, shape in BY_MIDDLE)


def _by_middle(text: str) -> Iterator[tuple[int, int]]:
    """Yield every token that is told by what stands in its middle."""
    for middle, shape in _MIDDLES:
        if middle in text:
            for found in shape.compiled().finditer(text):
                start = found.start()
                before = text[max(start - _LONGEST_TOKEN, 0) : start]
                yield start - len(before) + len(before.rstrip(_ALNUM)), found.end()


def _private_keys(text: str) -> Iterator[tuple[int, int]]:
    """Yield every private key: to its end, or to that of the text, and what is left of one before its end."""
    at = 0
    for key in _PRIVATE_KEY.compiled().finditer(text):
        start, end = key.span()
        if key["tail"]:
            body = text[max(start - _LONGEST_KEY, at) : start]
            start -= len(body) - len(body.rstrip(_KEY_LETTERS))
        yield start, end
        at = end


_LONGEST_KEY = 16_384
_KEY_LETTERS = _ALNUM + "+/=\\\r\n"
_PRIVATE_KEY = Pattern(
    r"-{4,5} ?BEGIN(?: |%20|\+)[A-Za-z0-9 +%]{0,40} ?-{4}.*?(?:-{4,5} ?END(?: |%20|\+)[A-Za-z0-9 +%]{0,40} ?-{4,5}|\Z)"
    r"|(?P<tail>-----END(?: |%20|\+)[A-Za-z0-9 +%]{0,40}KEY[A-Z ]{0,8}-----)"
    r"|(?<=Private-Lines: )\d.*?(?:Private-MAC: \w+|\Z)",
    re.DOTALL,
)
PRIVATE_KEY = Detector("private_key", _private_keys, ("---- BEGIN", "-----BEGIN", "-----END", "Private-Lines"))
TOKENS = (
    Detector("token", _tokens),
    Detector("token", _by_middle, tuple([middle for middle, _ in BY_MIDDLE])),
    Detector(
        "jwt",
        matches(
            Pattern(
                r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))eyJ"
                r"(?:[\w-]{6,}\.(?:[\w-]{6,}|(?=\.))(?:\.[\w-]*){0,3}|(?:hbGci|0eXAi|raWQi|lbmMi)[\w-]{12,})"
            )
        ),
        ("eyJ",),
    ),
    PRIVATE_KEY,
)
