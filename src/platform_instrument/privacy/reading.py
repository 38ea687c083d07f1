"""How a text reads: escapes of URLs, JSON, `repr` and HTML resolved; digits, spaces, dashes of all scripts as ASCII has them.

Values are looked for in what a reader would see; where they are is told of the text as it is written.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    import re

_HEX = "[0-9A-Fa-f]"
_PERCENT = "%(?:25){0,3}"
_ESCAPE = Pattern(
    rf"{_PERCENT}[C-Fc-f]{_HEX}(?:{_PERCENT}[89ABab]{_HEX}){{1,3}}|{_PERCENT}[2-7]{_HEX}|{_PERCENT}0[9ADad]"
    rf"|(?:\x1b|\\{{1,8}}(?:u001[bB]|x1[bB]|033|e))\[[0-9;:]{{0,32}}[A-Za-z]"
    rf"|\\{{1,8}}(?:u{_HEX}{{4}}|x{_HEX}{{2}}|[nrt\"'/])"
    rf"|&(?:amp;){{0,2}}(?:#\d{{1,6}}|#[xX]{_HEX}{{1,5}}|nbsp|commat|quot|apos|lt|gt|plus|amp);"
)
"""Hundreds of letters of hexadecimal digits are no escape; neither are those of control characters."""
_COLOUR = "\x1b"
"""Begins a sequence of a terminal, which reads as this sign alone: it parts words, and no gap of a number."""
_NAMED = {"nbsp": " ", "commat": "@", "quot": '"', "apos": "'", "lt": "<", "gt": ">", "plus": "+", "amp": "&"}
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
_ZEROS = (0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0xF20, 0x1040, 0x17E0,
          0x1810, 0xFF10)  # fmt: skip
_AS_ASCII = {
    **{zero + digit: 48 + digit for zero in _ZEROS for digit in range(10)},
    **dict.fromkeys((0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), 32),
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63, 0xFF0D), 45),
    0xFF0B: 43, 0xFF20: 64, 0xFE6B: 64, 0xFF0E: 46,
}  # fmt: skip


class Reading:
    """A text as it reads, and where its characters are in the text as it is written: places here, and places there."""

    __slots__ = ("here", "text", "there")

    def __init__(self, text: str, here: list[int], there: list[int]) -> None:
        self.text = text
        self.here = here
        self.there = there

    def written(self, at: int) -> int:
        """Return the place in the written text."""
        segment = bisect_right(self.here, at) - 1
        return self.there[segment] + at - self.here[segment]


def read(text: str) -> Reading | str:
    """Return how a text reads: the text itself where its characters keep their places."""
    escaped = "%" in text or "\\" in text or "&" in text or _COLOUR in text
    if escaped and (first := _ESCAPE.compiled().search(text)) is not None:
        return _resolved(text, first)
    return text if text.isascii() else text.translate(_AS_ASCII)


def as_read(text: str) -> str:
    """Return only the text."""
    reading = read(text)
    return reading if isinstance(reading, str) else reading.text


def _resolved(text: str, first: re.Match[str]) -> Reading:
    pieces: list[str] = []
    here, there = [0], [0]
    known: dict[str, str | None] = {}
    at = length = 0
    for escape in _ESCAPE.compiled().finditer(text, first.start()):
        written = escape[0]
        if written in known:
            character = known[written]
        else:
            character = known[written] = _character(written)
        if character is None:
            continue
        start, end = escape.span()
        length += start - at + 1
        pieces += (text[at:start], character)
        here += (length - 1, length)
        there += (start, end)
        at = end
    pieces.append(text[at:])
    read = "".join(pieces)
    return Reading(read if read.isascii() else read.translate(_AS_ASCII), here, there)


def _character(escape: str) -> str | None:
    """Return the character that an escape stands for, None where it stands for none."""
    try:
        if escape[-1].isalpha() and "[" in escape:
            read = _COLOUR
        elif escape[0] == "%":
            read = bytes.fromhex(escape.replace("%25", "%").replace("%25", "%").replace("%25", "%").replace("%", "")).decode()
        elif escape[0] == "&":
            name = escape[1:-1].rpartition("amp;")[2]
            read = _NAMED.get(name) or chr(int(name[1:]) if name[1:].isdigit() else int(f"0{name[1:]}", 16))
        else:
            letters = escape.lstrip("\\")
            read = chr(int(letters[1:], 16)) if letters[0] in "ux" else _LETTERS.get(letters, letters)
    except ValueError:  # of no character, or of more than Unicode has
        return None
    return read if len(read) == 1 else None
