"""Lines that hold nothing to hide, known by their shape: a statement that logs comes again and again with other numbers."""

from __future__ import annotations

_LONGEST = 1_024
_MOST_KNOWN = 8_192
_ZEROS = bytes.maketrans(b"123456789", b"000000000")

KNOWN: set[int] = set()
"""Digests of shapes, keyed by the process."""


def shape_of(text: str) -> int:
    """Return a digest of a line but for which digits it holds; 0 where digits may spell letters, or where it is hardly clean."""
    if len(text) > _LONGEST or not text.isascii():
        return 0
    if "@" in text or "%" in text or "\\" in text or "&" in text or ("+" in text and "=" in text):
        return 0
    return hash(text.encode().translate(_ZEROS))


def remember(shape: int) -> None:
    """Remember that no line of this shape is worth a closer look, whatever its digits."""
    if shape:
        if len(KNOWN) >= _MOST_KNOWN:
            KNOWN.clear()
        KNOWN.add(shape)
