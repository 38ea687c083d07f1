"""Texts that are too long, cut in no value that is to be hidden: half a value is known by nothing, and would leave."""

from __future__ import annotations

_AROUND = 512
"""Characters on both sides of a cut in which a value may lie; what is longer is known by its beginning."""


def cut(text: str, longest: int) -> str:
    """Return at most so many characters; a value that would be cut is left out, and what follows it."""
    if len(text) <= longest:
        return text
    from platform_instrument.privacy.pii import find  # heavy, and few texts are too long

    start = max(longest - _AROUND, 0)
    for value in find(text[start : longest + _AROUND]):
        if start + value.start < longest < start + value.end:
            return text[: start + value.start]
    return text[:longest]


def masked_start(text: str, longest: int) -> str:
    """Return the start of a message that is too long, masked: what ends a value, and with it makes it known, may be gone."""
    return text if len(text) <= longest else _masked(text)[:longest]


def masked_ends(text: str, longest: int, gap: str) -> str:
    """Return both ends of a text that is too long, masked before what begins a value is gone with the middle."""
    if len(text) <= longest:
        return text
    text = _masked(text)
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]}{gap}{text[-half:]}"


def _masked(text: str) -> str:
    from platform_instrument.privacy.pii import mask  # as above

    return mask(text)
