"""Telephone numbers: international ones, national ones in groups, and those with a word beside them.

Source: ITU-T E.164, E.123; RFC 3966; the North American Numbering Plan.
"""

from __future__ import annotations

import re

from platform_instrument.privacy.detector import Detector, matches
from platform_instrument.privacy.labels import LABEL, no_label
from platform_instrument.privacy.patterns import Pattern

_GAP = r"[ .+-]"
_EXTENSION = r"(?:[ ,;]{0,2}(?:x|ext(?:ension|n)?\.?|#)[ .:=]{0,2}\d{1,6})?"
_END = r"(?!\w|[.-]\d)"
_INTERNATIONAL = Pattern(
    rf"\+[1-9]\d{{0,14}}(?:{_GAP}{{0,2}}\(\d{{1,5}}\){_GAP}{{0,2}}\d{{1,14}}|[ .+/-]{{1,2}}\d{{1,14}}){{0,7}}"
    rf"{_EXTENSION}(?!\w|\.\d)",
    re.ASCII,
)
_GROUPED = Pattern(
    r"(?<![\w.+/-])(?:[1-9]\d{0,2}[ .-])?(?:\([2-9]\d\d\) ?[2-9]\d\d[ .-]\d{4}|[2-9]\d\d([.-])[2-9]\d\d\1\d{4}"
    rf"|\(0?\d{{2,4}}\) ?\d{{3,5}}[ -]\d{{3,4}}){_EXTENSION}{_END}",
    re.ASCII,
)
_NUMBER = r"(?:s|[_. -]?(?:number|numero|num|nummer|no|nr|n|home|work|mobile|main|primary|office|contact|cell|line)s?){0,3}[12]?"
_NAME = (
    rf"(?:(?:phone{no_label('phone')}|"
    r"mobile|msisdn|whats-?app|mobil|m[oó]vil|celular|telefon[eo]?|t[eé]l[eé](?:phone|fono)|rufnummer|手机|电话|電話|携帯|телефон"
    r"|(?<![a-z])(?:contact(?= n)|ph(?=[:. ])|tel|t[eé]l|cell|fax|desk|sms|handy))"
    rf"{_NUMBER})"
)
_OTHER = r"(?:id|ids|version|build|type|size|count|status|code|error|port|model|os|key|data|network|app)"
_VALUE = r"\+?\(?\d(?:(?:[ .()/+-]{0,2}| / )\d){5,14}"
_SAYING = (
    r"call(?:ed|ing)?(?: \w{2,10}){0,2} (?:at|on)\b|call me\b|answering at|messages? (?:on|to)|my (?:\w{1,20} ){0,2}number is"
    r"|reach (?:\w{1,20} ){1,2}(?:at|on)\b|(?<![a-z])(?:call|dial)(?:ed|ing|led|ling)?(?= \(?0\d{1,4}[ )/.-]{1,2}\d)"
)
_BETWEEN = rf"(?! (?:[a-z]+ )?{_OTHER}\b)(?: [a-z]\w{{0,11}}){{0,2}}(?!-[\d(])[^a-z0-9_+(/]{{1,8}}"
_NAMED = Pattern(
    rf"(?:(?:{_NAME}|{_SAYING}){_BETWEEN}|(?<![a-z])wa\.me/)(?P<value>{_VALUE}{_EXTENSION}){_END}",
    re.ASCII,
)
_THEN_NAMED = Pattern(
    rf"(?<![\w.+:/-])(?P<value>\(?\d(?:[ .()-]{{0,2}}\d){{6,14}}{_EXTENSION})(?:[ ,;-]{{1,2}}\(?)"
    r"(?:fax|mobile|office|desk|cell|phone|tel)\b(?! ?[=:])",
    re.ASCII,
)
_NO_PHONE = Pattern(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?:[ -]?\d\d.*)?|\d{4}-\d\d-\d\d.*|\d{4}([./])\d\d\1\d\d.*"
    r"|\d{1,2}([./-])\d{1,2}\2\d{4}(?: .*)?|(?!\d\d(?:\.\d\d){3}$)\d{1,5}(?:\.\d{1,5}){3}|1[4-9]\d{8}(?:\d{3}){0,2}"
)
_COORDINATES = Pattern(r"\+\d{1,3}\.\d+[+-]\d{1,3}\.\d+")
"""Dates, places, addresses of networks, versions, seconds since 1970 and their fractions."""
_DIFFERENCE = Pattern(
    r"(?:offset|delta|diff(?:erence)?|drift|skew|change|lag|shift|adjust(?:ed|ment)?|increment|balance|by)[ :=]{1,3}\Z"
)
"""Words beside a number that is told with its sign."""
_LABEL_BEFORE = Pattern(rf"{LABEL}\Z")
_LONGEST_LABEL = 32
_LEAST_DIGITS, _MOST_DIGITS = 8, 15
_LEAST_UNGROUPED = 10
_LEAST_NAMED = 7


def _digits(number: str) -> int:
    """Return how many digits a number has without its extension."""
    return len(re.sub(r"\D", "", re.split(r"[x#e;,]", number, maxsplit=1)[0]))


def _international(match: re.Match[str]) -> tuple[tuple[int, int], ...]:
    start, text = match.start(), match.string
    before = text[start - 1 : start]
    if before.isalnum() or (before and before in "_+.*-") or _COORDINATES.fullmatch(match[0]):
        return ()
    if before == "]" and _LABEL_BEFORE.compiled().search(text, max(start - _LONGEST_LABEL, 0), start) is not None:
        return ()  # what it stands for ended in a letter or a digit
    number = re.split(r" -(?=\d)", match[0], maxsplit=1)[0]  # the next is another number, below zero
    grouped = re.search(r"[ .()+-]", number[1:]) is not None
    if not grouped and _DIFFERENCE.compiled().search(text[max(start - _LONGEST_LABEL, 0) : start].lower()) is not None:
        return ()
    least = _LEAST_DIGITS if grouped else _LEAST_UNGROUPED + (before in ("=", "/"))
    return ((start, start + len(number)),) if least <= _digits(number) <= _MOST_DIGITS + 2 else ()


def _named(match: re.Match[str]) -> tuple[tuple[int, int], ...]:
    value = match["value"]
    return (match.span("value"),) if _LEAST_NAMED <= _digits(value) <= _MOST_DIGITS and not _NO_PHONE.fullmatch(value) else ()


def _then_named(match: re.Match[str]) -> tuple[tuple[int, int], ...]:
    value = match["value"]
    return () if value.isdigit() and len(value) < _LEAST_UNGROUPED else _named(match)


PHONES = (
    Detector("phone", matches(_INTERNATIONAL, _international), ("+",)),
    Detector("phone", matches(_GROUPED), (")3", ") 3", ")4", ") 4", "3-3-4", "3.3.4")),
)
NAMED_PHONES = (
    Detector("phone", matches(_NAMED, _named, folded=True)),
    Detector("phone", matches(_THEN_NAMED, _then_named, folded=True),
             ("fax", "mobile", "office", "desk", "cell", "phone", "tel")),
)  # fmt: skip
