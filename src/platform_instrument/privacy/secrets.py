"""Secrets beside a name that says what they are: `password=…`, `"token": "…"`, `Authorization: …`, `--secret …`.

A part of a name is looked for; the whole name says how a value beside it is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.privacy.detector import fold
from platform_instrument.privacy.labels import LABEL
from platform_instrument.privacy.names import HEADER, MEDIUM, NONE, NUMBER, ONLY_KEY, STRONG, WEAK, secrecy
from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.triggers import SUSPECT, SUSPECT_ABROAD

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    Value = tuple[int, int]

_OF_A_NAME = "abcdefghijklmnopqrstuvwxyz0123456789_.-öşłé"
_REST_OF_A_NAME = Pattern(r"[\w-]*")
_LONGEST_NAME = 64
_LONGEST_COMMAND = 256
_LETTERS, _LONGEST_WORD = "abcdefghijklmnopqrstuvwxyz", 16

_GAP = r"(?:[ \t]{0,4}|(?:[ \t]{0,2}\x1b\[[0-9;]{0,16}m){1,4}[ \t]{0,2})"
_QUOTE = r"\\{0,7}['\"`]|&quot;|&#3[49];|%2[27]|\\{1,4}u002[27]"
_BETWEEN = (
    rf"(?:{_QUOTE})?(?:\[\w{{0,20}}\]|\])?(?:{_GAP}: ?(?:str|bytes|String|SecretStr) ?=|{_GAP}(?:=>|:=|==|[=:]|->|%3[dDaA])"
    rf"|\s{{0,20}},?\s{{0,20}}(?:{_QUOTE})?\w{{0,12}}[vV]alue(?:{_QUOTE})?{_GAP}[=:]|(?<=['\"])(?P<listed>,)(?={_GAP}[bur]?['\"])"
    rf"|(?:\\r\\n|\r\n){{2}}|(?P<tag>[^<>\n]{{0,60}}>)(?=[^<>\s]{{1,512}}</)){_GAP}"
)
"""What stands between a name and its value."""
_ASSIGNED = Pattern(
    rf"{_BETWEEN}(?:(?:Secret|SecretStr|SecretBytes|str|bytes|String)\()?(?:[bur]{{0,2}}(?P<quote>{_QUOTE}))?"
    rf"(?P<value>(?(quote)(?:(?!(?P=quote))(?:[^\\\n]|\\.)){{1,8192}}|(?![(){{}}\[\]=:>]|//)"
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
_AFTER_P = Pattern(rf"(?:{_NEXT}|[ \t]{{0,4}}['\"]?)(?!-)(?P<value>[^\s'\"]+)")
_USER = Pattern(rf"(?:{_NEXT}|[ \t=]{{0,4}}['\"]?)" r"[^\s:'\"/]{0,64}:(?P<value>[^\s'\"]+)")
_PAIR = Pattern(rf"{_GAP}={_GAP}\({_GAP}['\"][^'\"\n]{{0,64}}['\"],{_GAP}['\"](?P<value>[^'\"\n]+)")
_SAYING = Pattern(r"[ \t](?:is|was|ist|war|lautet|es|est|set to|now|provided)[ \t:]{1,3}['\"`]?(?P<value>[^\s'\"`,;]{4,})")
_QUOTED = Pattern(r"[ \t](?P<quote>['\"`])(?P<value>(?:(?!(?P=quote))[^\s\\]){4,512})(?P=quote)")
_AFTER_A_LOGIN = Pattern(r"\s{1,20}(?P<value>\S{3,})")

_SAID_OF_SECRETS = """
redacted masked hidden filtered scrubbed removed null none nil true false undefined empty blank yes no enabled
disabled present absent provided configured valid incorrect invalid required missing expired wrong must is are was not
the a an ok okay failed failure for in of and or to too authentication authenticated unauthorized denied accepted
rejected changed reset mismatch string str int bool bytes object field optional unknown default cannot can should does
has got expected unexpected error found set unset unchanged updated rotated created deleted generated please enter
your this that with from by on at it if when user only all any as be may will more least granted succeeded successful
success attempt attempts length type text number value input prompt sent received refreshed revoked
"""
_STATES = frozenset(_SAID_OF_SECRETS.split())
"""What is said of a secret, or stands for one."""
_CROSSED_OUT = Pattern("[xX]{3,}")
_STAND_IN = Pattern(
    r"\W+|[xX]{3,}|%s|%\(.*|\$[A-Z0-9_]*|[$:][a-z0-9_]+|\$[{(].*|\{.*\}|<.*>|arn:.*|op://.*"
    r"|[~.]{0,2}(?:/(?:[A-Z]?[a-z0-9_.-]+|[A-Z]+))+/?|[a-z_-]+(?:/[a-z0-9_.-]+)+|[A-Za-z_]+(?:(?:\.[A-Za-z_]+)+(?:[(\[{@/:$].*)?|[(\[{].*)"
)
"""Placeholders, references to variables, paths, and code."""
_SENTENCE = Pattern(
    r"(?i).*\b(?:is|are|was|must|may|not|cannot|required|invalid|field|the|at least|too|should|please|enter|your|has|for)\b.*"
)
_LABEL = Pattern(LABEL)
_WORD = r"(?:[A-Z]?[a-z]{1,16}(?:[A-Z][a-z]{2,20}){0,4}|[A-Z]{1,24})"
_WORDY = Pattern(rf"(?:{_WORD}(?:[-_/.:+]{_WORD}){{0,8}})?[-_/.:!?]?|\d[\d_.,:]*[a-z%]{{0,3}}|0x[0-9a-fA-F]+|S-1-[\d-]+")
_NUMBERED = Pattern(r"(?:[A-Z]?[a-z]+|[A-Z]+)\d{0,3}(?:[-_/.:][a-z]*\d{0,3}){0,4}")
"""What is called by words and a number: a server, a database."""
_CODE = Pattern(r"\d{3,8}")
_SHORTEST = {STRONG: 3, MEDIUM: 4, NUMBER: 3, WEAK: 6}
_IN_A_LIST = Pattern(r"['\",\s]+")
_REQUESTS = ("curl", "http", "wget", "svn ")
_SETTINGS = ("setx ", "\nenv ", "setenv ", "configure set ", "config set ")
_LOGINS = (
    *("docker login", "podman login", "oc login", "az login", "cf login", "registry login", "buildah login", "skopeo login"),
    *("mysql", "mariadb", "sshpass", "mongo", "psql", "smbclient"),
)


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
    rest = _REST_OF_A_NAME.compiled().match(lower, part.end())
    return start, rest.end() if rest else part.end()


def _beside(text: str, lower: str, part: re.Match[str], name: Value) -> Value | None:
    """Return the value beside a name: after a sign, after a space where it is an option or a scheme, after a verb."""
    start, end = name
    value = _by_letter(text, lower, part, start)
    kind = secrecy(text[start:end].rstrip("-").removeprefix("-D"))
    if kind in (NONE, ONLY_KEY) and lower[start - 1 : start] == " ":
        kind = _of_two_words(lower, name)
    if (
        value is not None
        or kind in (NONE, ONLY_KEY)
        or (lower[start - 1 : start] == "[" and _LABEL.compiled().match(text, start - 1))
    ):
        return value
    if kind == HEADER:
        return _header(text, start, end)
    found = _ASSIGNED.compiled().match(text, end)
    is_option = text[start] == "-" and text[max(start - 1, 0) : start] != "]"  # after a label it is a hyphen
    if found is not None and found["listed"] and is_option:
        return None if found["value"][0] == "-" or _is_harmless(found["value"]) else found.span("value")
    if found is not None:
        before = lower[max(start - 1, 0) : start]
        is_other = before not in ("<", ":") if found["tag"] else before == ":" == text[end : end + 1]
        return None if is_other else _judged(kind, found)
    is_argument = is_option or lower.endswith(_SETTINGS, 0, start)
    return _read(_ARGUMENT, text, end) if is_argument and kind in (STRONG, MEDIUM) else _said(text, lower, kind, name)


def _of_two_words(lower: str, name: Value) -> str:
    """Return how surely a name says it whose first word stands apart, `api key`, less so than one that is written in one."""
    start, end = name
    before = lower[max(start - _LONGEST_WORD, 0) : start - 1]
    word = before[len(before.rstrip(_LETTERS)) :]
    kind = secrecy(f"{word}_{lower[start:end]}") if word else NONE
    return MEDIUM if kind == STRONG else kind if kind == NUMBER else NONE


def _by_letter(text: str, lower: str, part: re.Match[str], start: int) -> Value | None:
    """Return what stands behind a scheme, or behind an option of one letter, whose meaning its command tells."""
    letters = part[0]
    if letters not in _ALONE:
        return None
    at = part.start()
    if letters in ("bearer", "basic "):
        return _scheme(text, part) if start == at else None
    if letters[0] == "u":
        return _user(text, at, part.end() - 1)
    if lower[at - 1 : at] == "-":
        before = _IN_A_LIST.sub(" ", text[max(at - _LONGEST_COMMAND, 0) : at + 1])
        return _read(_AFTER_P, text, at + 1) if before.endswith("p") and any(name in before for name in _LOGINS) else None
    return None


_ALONE = frozenset(("bearer", "basic ", "user ", "user=", "user'", 'user"', "u ", "u'", 'u"', "p"))
"""What is followed by a value, or by its command's."""


def _user(text: str, start: int, end: int) -> Value | None:
    """Return the password in `-u user:password`; `-u` of many commands is a user and a group."""
    value = _read(_USER, text, end)
    before = text[max(start - _LONGEST_COMMAND, 0) : start]
    is_request = value is not None and any(command in before for command in _REQUESTS)
    return value if value is not None and (is_request or not _WORDY.fullmatch(text[slice(*value)])) else None


def _judged(kind: str, found: re.Match[str]) -> Value | None:
    """Return where an assigned value is, if it may be a secret."""
    start, end = found.span("value")
    value = found["value"]
    if not found["quote"]:
        if "[" in value and _LABEL.compiled().search(value) is not None:
            return None
        value = value.rstrip(")]}.")
        end = start + len(value)
    if len(value) < _SHORTEST[kind] or _is_harmless(value):
        return None
    if kind == STRONG and not found["listed"]:
        return None if found["quote"] and " " in value and _SENTENCE.fullmatch(value) else (start, end)
    if kind == NUMBER and _CODE.fullmatch(value):
        return start, end
    is_other = " " in value or _WORDY.fullmatch(value) or (kind == WEAK and _NUMBERED.fullmatch(value))
    return None if is_other else (start, end)


def _header(text: str, start: int, end: int) -> Value | None:
    """Return the value of a header, the whole of it."""
    pattern = _IN_QUOTES if text[max(start - 1, 0) : start] in ("'", '"') and text[end : end + 1] in (":", "=") else _TO_THE_END
    found = pattern.compiled().match(text, end)
    if found is not None and pattern is _TO_THE_END and not found["quote"] and text[end : end + 1] in ("'", '"', "\\"):
        found = _ASSIGNED.compiled().match(text, end)  # a number or the like beside a key in quotes: the document goes on
    if (
        found is None
        or not found["value"].strip()
        or _is_harmless(found["value"].strip())
        or _is_harmless(found["value"].split(None, 1)[0])
    ):
        return None
    return found.span("value")


def _scheme(text: str, name: re.Match[str]) -> Value | None:
    """Return the credentials behind a scheme of authentication."""
    found = _CREDENTIALS.compiled().match(text, name.end() - (name[0][-1] == " "))
    return None if found is None or _is_harmless(found["value"]) or _WORDY.fullmatch(found["value"]) else found.span("value")


def _said(text: str, lower: str, kind: str, name: Value) -> Value | None:
    """Return a value that a sentence gives, or a file of logins: it must look made at random."""
    start, end = name
    if kind == WEAK and lower.endswith("auth", start, end):
        return _read(_PAIR, text, end)
    pattern = _SAYING
    if kind == STRONG:
        if "login " in lower[max(start - _LONGEST_NAME, 0) : start]:
            return _read(_AFTER_A_LOGIN, text, end)
        pattern = _QUOTED if not lower.endswith("secret", start, end) and text[end + 1 : end + 2] in ("'", '"', "`") else _SAYING
    elif kind == WEAK:
        return None
    found = pattern.compiled().match(text, end)
    if found is None:
        return None
    value = found["value"].rstrip(".!)")
    if _is_harmless(value) or (_WORDY.fullmatch(value) and not (kind == NUMBER and _CODE.fullmatch(value))):
        return None
    return found.start("value"), found.start("value") + len(value)


def _is_harmless(value: str) -> bool:
    """Say whether a value is none that must not leave: a label, a placeholder, a path, a word about a secret."""
    if value.isalnum() and value.isascii():
        return value.lower() in _STATES or _CROSSED_OUT.fullmatch(value) is not None
    if value.lower() in _STATES or _STAND_IN.fullmatch(value) is not None:
        return True
    return "[" in value and _LABEL.compiled().search(value) is not None


def _read(pattern: Pattern[str], text: str, at: int) -> Value | None:
    """Return the value that a pattern finds here."""
    found = pattern.compiled().match(text, at)
    return None if found is None or _is_harmless(found["value"]) else found.span("value")
