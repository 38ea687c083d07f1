"""Telephone numbers: international ones, national ones in groups, and those with a word beside them.

Source: ITU-T E.164, E.123; the North American Numbering Plan.
"""

from __future__ import annotations

import re

from platform_instrument.privacy.detector import Detector, matches, whole
from platform_instrument.privacy.patterns import Pattern

_GAP = r"(?:[ .\u00a0-]|%20)"
_END = r"(?:x\d{1,5})?(?![\w-]|\.\d)"
_INTERNATIONAL = Pattern(
    rf"(?:\+|%2[bB])[1-9]\d{{0,14}}(?:{_GAP}{{0,2}}\(\d{{1,5}}\){_GAP}{{0,2}}\d{{1,14}}|{_GAP}{{1,2}}\d{{1,14}}){{0,7}}"
    r"(?:x\d{1,5})?(?!\w|\.\d)"
)
_GROUPED = Pattern(
    r"(?<![\w.+/-])(?:1[ .-])?(?:\([2-9]\d\d\) ?[2-9]\d\d[ .-]\d{4}|[2-9]\d\d([.-])[2-9]\d\d\1\d{4}"
    rf"|\(0?\d{{2,4}}\) ?\d{{3,4}}[ -]\d{{3,4}}){_END}"
)
_NAMED = Pattern(
    r"(?:phone|mobile|cell|tel|fax|desk|whats-?app|sms|msisdn|call(?:ed|ing)?(?: \w{2,10}){0,2} (?:at|on)\b|call me\b"
    r"|answering at|messages? (?:on|to)|my (?:\w{1,20} ){0,2}number is)(?: [a-z]\w{0,11}){0,2}[^\w+(]{1,6}"
    r"(?P<value>\+?\(?\d(?:[ .()/-]{0,2}\d){5,14}(?:x\d{1,5})?)(?!\w|[.-]\d)"
)
_THEN_NAMED = Pattern(
    r"(?<![\w.+:/-])(?P<value>\(?\d(?:[ .()-]{0,2}\d){6,14}(?:x\d{1,5})?)(?:[ ,;-]{1,2}\(?)"
    r"(?:fax|mobile|office|desk|cell|phone|tel)\b"
)
_LEAST_DIGITS, _MOST_DIGITS = 8, 15
_LEAST_UNGROUPED = 10
_LEAST_NAMED = 7


def _international(match: re.Match[str]) -> bool:
    start = match.start()
    before = match.string[start - 1 : start]
    encoded = match.string[max(start - 3, 0) : max(start - 2, 0)] == "%"
    if not encoded and (before.isalnum() or (before and before in "_+.*/=-")):
        return False
    digits = re.sub(r"%2[0Bb]|\D", "", match[0].partition("x")[0])
    grouped = re.search(r"[ .()\u00a0-]", match[0]) is not None
    return (_LEAST_DIGITS if grouped else _LEAST_UNGROUPED) <= len(digits) <= _MOST_DIGITS + 2


def _named(match: re.Match[str]) -> tuple[tuple[int, int], ...]:
    count = len(re.sub(r"\D", "", match["value"].partition("x")[0]))
    return (match.span("value"),) if _LEAST_NAMED <= count <= _MOST_DIGITS else ()


PHONES = (
    Detector("phone", matches(_INTERNATIONAL, whole(_international)), (b"+", b"%")),
    Detector("phone", matches(_GROUPED), (b")3", b") 3", b")4", b") 4", b"3-3-4", b"3.3.4")),
)
NAMED_PHONES = (
    Detector("phone", matches(_NAMED, _named, folded=True), (b"phone", b"mobile", b"cell", b"tel", b"fax", b"desk", b"whats",
             b"sms", b"msisdn", b"call", b"answering at", b"message", b"number is")),
    Detector("phone", matches(_THEN_NAMED, _named, folded=True),
             (b"fax", b"mobile", b"office", b"desk", b"cell", b"phone", b"tel")),
)  # fmt: skip
