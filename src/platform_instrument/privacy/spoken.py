"""Secrets that a sentence gives: `password is …`, `the token … expired`, `482913 is your code`, and what a file of logins lists.

No sign stands between them and their names, so the value itself must look like one: made at random, a code, or in quotes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.privacy.harmless import NUMBERED, WORDY, is_harmless, is_random
from platform_instrument.privacy.names import MEDIUM, NUMBER, STRONG, WEAK
from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    import re

    Value = tuple[int, int]

_SAYING = Pattern(
    r"[ \t](?:(?:for|of)(?:[ \t][^\s:=]{1,64}){1,2}[ \t])?"
    r"(?:is|was|ist|war|lautet|es|est|now|provided|(?:set|reset|changed|updated|rotated)[ \t]to)"
    r"(?P<colon>[ \t]{0,2}:)?[ \t]{1,3}(?P<quote>['\"`])?(?P<value>[^\s'\"`,;]{4,})(?P<closed>['\"`])?"
)
_QUOTED = Pattern(r"[ \t](?P<quote>['\"`])(?P<value>(?:(?!(?P=quote))[^\s\\]){4,512})(?P=quote)")
_BARE = Pattern(
    r"(?:[ \t]{1,4}|[ \t]{0,64}\|[ \t]{0,64}|:[ \t]{0,4}\r?\n[ \t]{0,16}(?:- )?)(?P<value>[^\s'\"`,;|]{8,512})(?=[\s,;|]|\Z)"
)
_DIGITS = r"(?:\d{3}[ -]\d{3}|\d{4,8})"
_CODE = Pattern(
    rf"(?:[ \t](?:is|was|ist|lautet|es|est)[ \t:]{{1,3}}|[ \t]{{1,3}}#?)(?P<value>{_DIGITS})"
    r"(?![\w-]|[.,:/]\d|[ ](?:attempts|tries|times|seconds|minutes|hours|days|digits|characters|chars|bytes|rows|users|errors)\b)"
)
_CODE_BEFORE = Pattern(rf"(?<![\w.,:/-])(?P<value>(?:[A-Z]-)?{_DIGITS}) (?:is|as) (?:your|the) (?:\w{{1,20}} ){{0,3}}\Z")
_LONGEST_BEFORE = 96
_PAIR = Pattern(r"[ \t]{0,4}=[ \t]{0,4}\([ \t]{0,4}['\"][^'\"\n]{0,64}['\"],[ \t]{0,4}['\"](?P<value>[^'\"\n]+)")
_AFTER_A_LOGIN = Pattern(r"\s{1,20}(?P<value>\S{3,})")
_LOGIN_BEFORE = Pattern(r"login\s{1,20}\S{1,256}\s{1,20}\Z")
_LONGEST_LOGIN = 320
_NO_PASSWORDS = ("secret", "key", "token", "id")
"""How names end whose values sentences speak of by name: `secret "db" not found`."""


def said(text: str, lower: str, kind: str, name: Value) -> Value | None:
    """Return where the value is that a sentence gives a name of this kind, or a file of logins."""
    start, end = name
    if kind == WEAK:
        return _value(_PAIR.compiled().match(text, end)) if lower.endswith("auth", start, end) else None
    is_password = kind == STRONG and not lower.endswith(_NO_PASSWORDS, start, end)
    if is_password and _LOGIN_BEFORE.compiled().search(lower, max(start - _LONGEST_LOGIN, 0), start) is not None:
        return _value(_AFTER_A_LOGIN.compiled().match(text, end))
    if is_password or kind == NUMBER:
        code = _code(text, start, end)
        if code is not None:
            return code
    return _after_a_verb(text, end, is_password=is_password) or _at_random(text, end, kind, is_password=is_password)


def _code(text: str, start: int, end: int) -> Value | None:
    """Return the digits that are sent to a person, behind the name or before it."""
    found = _CODE.compiled().match(text, end)
    if found is None and text[end : end + 1] not in (":", "="):
        found = _CODE_BEFORE.compiled().search(text, max(start - _LONGEST_BEFORE, 0), start)
    return None if found is None else found.span("value")


def _after_a_verb(text: str, end: int, *, is_password: bool) -> Value | None:
    found = _SAYING.compiled().match(text, end)
    if found is None:
        return None
    value = found["value"].rstrip(".!)")
    set_apart = found["colon"] or (found["quote"] and found["closed"] == found["quote"])
    is_word = WORDY.fullmatch(value) or (NUMBERED.fullmatch(value) and not value.isalnum())
    if is_harmless(value) or (is_word and not (is_password and set_apart)):
        return None
    start = found.start("value")
    return start, start + len(value)


def _at_random(text: str, end: int, kind: str, *, is_password: bool) -> Value | None:
    """Return what stands behind a name with nothing between: in quotes, or made at random."""
    found = _QUOTED.compiled().match(text, end) or _BARE.compiled().match(text, end)
    if found is None or kind not in (STRONG, MEDIUM):
        return None
    start, value = found.start("value"), found["value"].rstrip(".!)")
    if is_password and text[start - 1] in "'\"`":
        return None if is_harmless(value) or WORDY.fullmatch(value) else (start, start + len(value))
    return (start, start + len(value)) if is_random(value) else None


def _value(found: re.Match[str] | None) -> Value | None:
    return None if found is None or is_harmless(found["value"]) else found.span("value")
