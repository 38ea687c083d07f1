"""Numbers of JSON and of `repr`: what stands in for one is in quotes, as a key beside it is, so that a document stays one."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from platform_instrument.privacy.detector import Place

_OPEN, _CLOSED = ("{", "["), ("}", "]")
_NUMBER = Pattern(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_AFTER = Pattern(r"\s{0,64}(?:[,}\]]|\Z)")
_KEY = Pattern(r"(?P<quote>\\{0,15}[\"'])\s{0,64}:\s{0,64}\Z")
_ITEM = Pattern(r"(?P<quote>\\{0,15}[\"'])\s{0,64},\s{0,64}\Z")
_ITEMS = Pattern(r"[^{}\[\]:]*")
_BEFORE = 512


def quotes(text: str, found: Sequence[Place]) -> Iterable[str]:
    """Return for each value what a label has to be put in, mostly nothing."""
    for _, end, _ in found:
        if text[end - 1].isdigit():
            return list(_quotes(text, found))
    return repeat("", len(found))


def _quotes(text: str, found: Iterable[Place]) -> Iterator[str]:
    document = text.lstrip()[:1] in _OPEN and text.rstrip()[-1:] in _CLOSED
    marks = counted = 0
    for start, end, _ in found:
        if document:
            marks += text.count('"', counted, start) - text.count('\\"', counted, start)
            counted = start
        yield _quote(text, start, end, outside=document and not marks % 2)


def _quote(text: str, start: int, end: int, *, outside: bool) -> str:
    if not text[end - 1 : end].isdigit() or not _NUMBER.fullmatch(text[start:end]) or _AFTER.compiled().match(text, end) is None:
        return ""
    before = text[max(start - _BEFORE, 0) : start]
    key = _KEY.compiled().search(before)
    if key is None and before.rstrip()[-1:] in ("[", ","):
        opening = before.rfind("[")
        if outside:
            return '"'
        key = _ITEM.compiled().search(before)
        if key is None and opening >= 0 and _ITEMS.fullmatch(before[opening + 1 :]):
            key = _KEY.compiled().search(before[:opening])
    return "" if key is None else key["quote"]
