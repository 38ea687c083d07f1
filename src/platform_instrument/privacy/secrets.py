"""Secrets beside a name that says what they are: `password=…`, `"token": "…"`, `Authorization: …`, `--secret …`.

A part of a name is looked for; the whole name says how a value beside it is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.privacy.detector import fold
from platform_instrument.privacy.harmless import NUMBERED, SENTENCE, WORDY, is_harmless
from platform_instrument.privacy.labels import LABEL
from platform_instrument.privacy.names import HEADER, MEDIUM, NONE, NUMBER, ONLY_KEY, STRONG, WEAK, secrecy
from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.spoken import said
from platform_instrument.privacy.triggers import SUSPECT, SUSPECT_ABROAD

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    Value = tuple[int, int]

_OF_A_NAME = "abcdefghijklmnopqrstuvwxyz0123456789_.-öşłé"
_REST_OF_A_NAME = Pattern(r"(?:(?<=pass)[ -](?:phrase|word|code|key)\b)?[\w-]*")
_LONGEST_NAME = 64
_OF_A_WORD, _LONGEST_WORD = "abcdefghijklmnopqrstuvwxyz0123456789", 16

_COLOUR = r"(?:\x1b|\\{1,8}(?:x1[bB]|u001[bB]|033|e))\[[0-9;]{0,16}m"
_LONGEST_COLOUR = 32
_COLOUR_BEFORE = Pattern(rf"{_COLOUR}[\w.-]*\Z")
_GAP = rf"(?:[ \t]{{0,4}}|(?:[ \t]{{0,2}}{_COLOUR}){{1,4}}[ \t]{{0,2}})"
_QUOTE = r"\\{0,7}['\"`]|&quot;|&#3[49];|%2[27]|\\{1,4}u002[27]"
_TYPE = r"(?:str(?:ing)?|bytes|String|SecretStr|&?(?:'static )?str|Optional\[str\]|(?:str|string) \| (?:None|null|undefined))"
_BETWEEN = (
    rf"(?:{_QUOTE}|\*\*)?(?:(?!{LABEL})\[\w{{0,20}}\]|\])?(?:{_GAP}: ?{_TYPE} ?=|{_GAP}: ?[|>][+-]?\r?\n[ \t]{{0,16}}"
    rf"|{_GAP}(?:=>|:=|==|[=:]|->|<-|%3[dDaA])"
    rf"|(?:{_GAP}[:=]{_GAP}\{{)?[\s(]{{0,20}},?\s{{0,20}}(?:{_QUOTE})?\w{{0,12}}[vV]alue(?:{_QUOTE})?{_GAP}[=:]|(?<=['\"])(?P<listed>,)(?={_GAP}[bur]?['\"])"
    rf"|(?:\\r\\n|\r\n){{2}}|(?P<tag>[^<>\n]{{0,60}}>)(?=[^<>\s]{{1,512}}</)){_GAP}"
)
"""What stands between a name and its value."""
_WRAPPED = r"(?:!!(?:str|binary) |(?:Secret|SecretStr|SecretBytes|str|bytes|String)\()?"
_ASSIGNED = Pattern(
    rf"{_BETWEEN}{_WRAPPED}(?:[bur]{{0,2}}(?P<quote>{_QUOTE}))?"
    rf"(?P<value>(?(quote)(?:(?!(?P=quote))(?:[^\\\n]|\\.)){{1,8192}}|(?![(){{}}\[\]=:>]|//|!!(?:str|binary) )"
    rf"(?:(?<=: )[^\s,;\"'`<>\\\x1b]{{1,8192}}|(?:(?!%26)[^\s,;&\"'`<>\\\x1b]){{1,8192}})))"
)
_TO_THE_END = Pattern(
    rf"{_BETWEEN}(?:[bur]{{0,2}}(?P<quote>\\{{0,7}}['\"]))?"
    rf"(?P<value>(?(quote)(?:(?!(?P=quote))(?:[^\\\n]|\\.)){{0,8192}}|[^\s\x1b][^\n\x1b]*))"
)
_IN_QUOTES = Pattern(rf"{_BETWEEN}(?P<value>[^\s'\"\\][^\n'\"\\]*)")
_CREDENTIALS = Pattern(r"[ \t]{1,4}(?![a-z_]{1,20}=)(?P<value>[\w.~+/=-]{6,})")
_NEXT = r"['\"],?[ \t]{0,4}['\"]"
"""What stands between an option and its value, both in quotes."""
_ARGUMENT = Pattern(rf"(?:{_NEXT}|[ \t]{{1,4}}['\"]?)(?!-)(?P<value>[^\s'\"]+)")
_CODE = Pattern(r"\d{3,8}")
_SHORTEST = {STRONG: 3, MEDIUM: 4, NUMBER: 3, WEAK: 6}
_LABEL = Pattern(LABEL)
_IS_MASKED = Pattern(rf"(?:{_BETWEEN}{_WRAPPED}|[ \t]{{1,4}})(?:{_QUOTE})?{LABEL}")
"""What follows a name whose value is hidden already."""
_LISTED = Pattern(
    rf"(?:{_QUOTE})?{_GAP}[:=]{_GAP}\[\s{{0,16}}(?P<quote>{_QUOTE})(?P<value>[^\[\]{{}}]{{3,8192}}?)(?P=quote)\s{{0,16}}\]"
)
"""A list of texts, which becomes one of a single label."""
_NEAR = 24
_IN_AN_ELEMENT = ('key="', 'name="', "key='", "name='")
_IN_MARKUP = Pattern(r"</\w{1,12}>\s{0,8}(?:(?::[ ]?)?<\w{1,12}[^<>\n]{0,60}>|:[ ]?)\s{0,8}(?P<quote>)(?P<value>[^<>\s]{4,512})")
"""What stands in the next cell of a table, or behind a name that is set off."""
_SETTINGS = ("setx ", "\nenv ", "setenv ", "configure set ", "config set ")


def named(text: str, first: int = 0) -> Iterator[Value]:
    """Yield every value beside a name; before `first` is no part of one."""
    plain = text.isascii()
    lower = text.lower() if plain else fold(text)
    at = 0
    for part in (SUSPECT if plain else SUSPECT_ABROAD).compiled().finditer(lower, first):
        if part.start() < at:
            continue
        name = _whole(lower, part)
        value = _beside(text, lower, part, name)
        if value is None:
            at = max(at, name[1] if part[0] != "basic " else at)
        else:
            at = value[1]
            yield value


def _whole(lower: str, part: re.Match[str]) -> Value:
    """Return where the name begins and ends that a part belongs to."""
    start = part.start()
    if start and lower[start - 1] in _OF_A_NAME:
        before = lower[max(start - _LONGEST_NAME, 0) : start]
        own = len(before) - len(before.rstrip(_OF_A_NAME))
        sign = lower[start - own - 1 : start - own]
        start -= own - (1 if sign == "\\" else min(own, 2) if sign == "%" else 0)
        if sign and sign in "[;":
            start = _behind_a_colour(lower, start, part.start())
    rest = _REST_OF_A_NAME.compiled().match(lower, part.end())
    return start, rest.end() if rest else part.end()


def _behind_a_colour(lower: str, start: int, end: int) -> int:
    """Return where a name begins that a sequence of a terminal stands before."""
    colour = _COLOUR_BEFORE.compiled().search(lower, max(start - _LONGEST_COLOUR, 0), end)
    return start if colour is None else lower.index("m", max(start, colour.start())) + 1


def _beside(text: str, lower: str, part: re.Match[str], name: Value) -> Value | None:
    """Return the value beside a name: after a sign, after a space where it is an option or a scheme, after a verb."""
    start, end = name
    if part[0] in _SCHEMES:
        value = _scheme(text, part) if start == part.start() else None
        if value is not None:
            return value
    kind = secrecy(text[start:end].rstrip("-").removeprefix("-D"))
    if kind in (NONE, ONLY_KEY) and lower[start - 1 : start] == " ":
        kind = _of_two_words(lower, name)
    if lower[start - 1 : start] == "[" and _LABEL.compiled().match(text, start - 1):
        return None
    if kind in (NONE, ONLY_KEY):
        return _listed(text, end) if secrecy(text[start : end - 1]) == STRONG and lower[end - 1] == "s" else None
    return _header(text, start, end) if kind == HEADER else _by_sign(text, lower, kind, name)


def _by_sign(text: str, lower: str, kind: str, name: Value) -> Value | None:
    """Return what is assigned to a name; where nothing is, what an option is given, or a sentence says."""
    start, end = name
    found = _ASSIGNED.compiled().match(text, end)
    is_option = text[start] == "-" and text[max(start - 1, 0) : start] != "]"  # after a label it is a hyphen
    if found is not None:
        if found["listed"] and is_option:
            return None if found["value"][0] == "-" or is_harmless(found["value"]) else found.span("value")
        before = lower[max(start - 1, 0) : start]
        of_element = before in ("<", ":") or lower.endswith(_IN_AN_ELEMENT, 0, start)
        is_other = not of_element if found["tag"] else before == ":" == text[end : end + 1]
        return None if is_other else _judged(kind, found)
    return None if _IS_MASKED.compiled().match(text, end) else _unsigned(text, lower, kind, name, is_option=is_option)


def _unsigned(text: str, lower: str, kind: str, name: Value, *, is_option: bool) -> Value | None:
    """Return a value that no sign assigns."""
    start, end = name
    if is_option or lower.endswith(_SETTINGS, 0, start) or lower[:start] == "env ":
        return _read(_ARGUMENT, text, end) if kind in (STRONG, MEDIUM) else said(text, lower, kind, name)
    if kind in (STRONG, MEDIUM):
        following = text[end : end + _NEAR]
        if "[" in following:
            return _listed(text, end)
        if following[:2] == "</" and (found := _IN_MARKUP.compiled().match(text, end)) is not None:
            return _judged(MEDIUM, found)
    return said(text, lower, kind, name)


def _listed(text: str, end: int) -> Value | None:
    """Return the texts of a list, without its outermost quotes."""
    found = _LISTED.compiled().match(text, end)
    if found is None:
        return None
    texts = found["value"].split(found["quote"])[::2]
    are_words = all(is_harmless(each) or WORDY.fullmatch(each) or (" " in each and SENTENCE.fullmatch(each)) for each in texts)
    return None if are_words else found.span("value")


def _of_two_words(lower: str, name: Value) -> str:
    """Return how surely a name says it whose first word stands apart, `api key`, less so than one that is written in one."""
    start, end = name
    before = lower[max(start - _LONGEST_WORD, 0) : start - 1]
    word = before[len(before.rstrip(_OF_A_WORD)) :]
    kind = secrecy(f"{word}_{lower[start:end]}") if word else NONE
    return MEDIUM if kind == STRONG else kind if kind == NUMBER else NONE


def _judged(kind: str, found: re.Match[str]) -> Value | None:
    """Return where an assigned value is, if it may be a secret."""
    start, end = found.span("value")
    value = found["value"]
    if not found["quote"]:
        if "[" in value and _LABEL.compiled().search(value) is not None:
            return None
        value = value.rstrip(")]}.")
        end = start + len(value)
    if len(value) < _SHORTEST[kind] or is_harmless(value):
        return None
    if kind == STRONG and not found["listed"]:
        return None if found["quote"] and " " in value and SENTENCE.fullmatch(value) else (start, end)
    if kind == NUMBER and _CODE.fullmatch(value):
        return start, end
    is_other = " " in value or WORDY.fullmatch(value) or (kind == WEAK and NUMBERED.fullmatch(value))
    return None if is_other else (start, end)


def _header(text: str, start: int, end: int) -> Value | None:
    """Return the value of a header, the whole of it."""
    pattern = _IN_QUOTES if text[max(start - 1, 0) : start] in ("'", '"') and text[end : end + 1] in (":", "=") else _TO_THE_END
    found = pattern.compiled().match(text, end)
    if found is not None and pattern is _TO_THE_END and not found["quote"] and text[end : end + 1] in ("'", '"', "\\"):
        found = _ASSIGNED.compiled().match(text, end)  # a number or the like beside a key in quotes: the document goes on
        return None if found is None else _judged(STRONG, found)
    if (
        found is None
        or not found["value"].strip()
        or is_harmless(found["value"].strip())
        or is_harmless(found["value"].split(None, 1)[0])
    ):
        return None
    return found.span("value")


_SCHEMES = frozenset(("bearer", "basic "))


def _scheme(text: str, name: re.Match[str]) -> Value | None:
    """Return the credentials behind a scheme of authentication."""
    found = _CREDENTIALS.compiled().match(text, name.end() - (name[0][-1] == " "))
    if found is None or is_harmless(found["value"]) or WORDY.fullmatch(found["value"]) or NUMBERED.fullmatch(found["value"]):
        return None
    return found.span("value")


def _read(pattern: Pattern[str], text: str, at: int) -> Value | None:
    """Return the value that a pattern finds here."""
    found = pattern.compiled().match(text, at)
    return None if found is None or is_harmless(found["value"]) else found.span("value")
