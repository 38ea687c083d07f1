"""Secrets beside a name that says what they are: `password=…`, `"token": "…"`, `Authorization: …`, `--secret …`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.privacy.database_messages import QUOTING
from platform_instrument.privacy.detector import Detector, fold
from platform_instrument.privacy.labels import LABEL
from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator

    Rule = Callable[[str, re.Match[str]], "tuple[int, int] | None"]

_NAME = (
    r"p(?:ass(?:word|wd|phrase|code)?|wd|in)|credentials?|secret|key|tok|jwt|auth(?:orization)?|cookie"
    r"|s(?:ess(?:ion(?:id)?|id)|id|ignature)|otp|bearer|basic|digest|negotiate|-u |--user "
)
"""Names, and parts of names, in lower case."""
_NAMES = Pattern(_NAME)
SUSPECT = Pattern(f"{_NAME}|{QUOTING}")
"""What a text holds, in lower case, that has a value beside a name or one that a database quotes."""

_GAP = r"[ \t]{0,4}"
_BARE = r"[^\s,;&\"'<>(){}\[\]\\]"
_ASSIGNED = Pattern(
    rf"(?:[_-]?[a-z0-9]{{1,20}}|\d)?\\{{0,7}}['\"]?\]?{_GAP}(?:=>|:=|==|[=:]){_GAP}(?:[bur]{{0,2}}(?P<quote>\\{{0,7}}['\"]))?"
    rf"(?P<value>(?(quote)(?:(?!(?P=quote))(?:[^\\\n]|\\.))*|{_BARE}+))"
)
_SHORT = Pattern(rf"\\{{0,7}}['\"]?{_GAP}[=:]{_GAP}\\{{0,7}}['\"]?(?P<value>{_BARE}{{4,}})")
_TO_THE_END = Pattern(r"\\{0,7}['\"]?[ \t]{0,4}[:=][ \t]{0,4}\\{0,7}['\"]?(?P<value>[^\n'\"\\]+)")
_AFTER_A_SPACE = Pattern(r"[ \t]{1,4}(?P<value>[\w.~+/=-]{8,})")
_OPTION = Pattern(r"[ \t]{1,4}['\"]?(?!-)(?P<value>[^\s'\"]+)")
_USER = Pattern(r"[ \t]{0,4}['\"]?[^\s:'\"/]{0,64}:(?P<value>[^\s'\"]+)")
_NO_SECRET = Pattern(
    rf"(?i){LABEL}|\*+|redacted|masked|hidden|null|none|nil|true|false|undefined|empty|%s|%\(.*|\$\w*|:\w+|\?|/.*|\w*\.\w+\(?.*"
    r"|incorrect|invalid|required|missing|expired|wrong|must|is|are|was|not|no|the|a|an|ok|failed|failure|for|in|of|and|or|to|too"
    r"|authentication|authenticated|unauthorized|denied|accepted|rejected|changed|reset|mismatch|string|str|int|bool|bytes|object"
    r"|field|optional|unknown|default|cannot|can|should|does|has|got|expected|unexpected|error|found|set|yes|enabled|disabled"
)
_WORDY = Pattern(r"[A-Za-z]*(?:[-_/.][A-Za-z]+)*[.:!?]?|\d[\d_.]*%?|0x[0-9a-f]+")
_LONGEST_WORD = 24
_LONGEST_OWNER = 20

_OF_KEYS = ("api", "access", "private", "account", "secret", "sharedaccess", "encryption", "signing", "master", "client", "auth")
_OF_TOKENS = ("auth", "access", "refresh", "id", "session", "bearer", "csrf", "api")


def _named(text: str) -> Iterator[tuple[int, int]]:
    """Yield every value beside a name, by the first rule of the name that finds one."""
    lower = fold(text)
    at = 0
    for name in _NAMES.compiled().finditer(lower):
        if name.start() < at:
            continue
        for rule in _RULES.get(name[0], _ANY):
            value = rule(text, name)
            if value is not None:
                at = value[1]
                yield value
                break


def _strong(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Read a value beside a name that leaves no doubt: it may be a word."""
    found = _ASSIGNED.compiled().match(text, name.end())
    if found is None or not found["value"] or _NO_SECRET.fullmatch(found["value"]):
        return None
    return found.span("value")


def _weak(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Read a value beside a name that says many things: it must not look like a word or a number."""
    if _is_end_of_word(name) and not name[0].startswith("sess"):
        return None
    found = _SHORT.compiled().match(text, name.end())
    if found is None or _WORDY.fullmatch(found["value"]) or _NO_SECRET.fullmatch(found["value"]):
        return None
    return found.span("value")


def _header(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Read a header whose whole value is secret."""
    found = None if _is_end_of_word(name) else _TO_THE_END.compiled().match(text, name.end())
    return None if found is None or _NO_SECRET.fullmatch(found["value"].strip()) else found.span("value")


def _scheme(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Read the credentials behind a scheme of authentication."""
    found = None if _is_end_of_word(name) else _AFTER_A_SPACE.compiled().match(text, name.end())
    if found is None:
        return None
    value = found["value"]
    if _NO_SECRET.fullmatch(value) or (_WORDY.fullmatch(value) and (len(value) < _LONGEST_WORD or not value.isalnum())):
        return None
    return found.span("value")


def _option(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Read the argument behind an option of a command."""
    start = name.start()
    before = text[max(start - _LONGEST_OWNER, 0) : start].rpartition(" ")[2]
    found = _OPTION.compiled().match(text, name.end()) if before.startswith("-") else None
    return None if found is None or _NO_SECRET.fullmatch(found["value"]) else found.span("value")


def _user(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Read the password in `-u user:password`."""
    before = text[max(name.start() - 1, 0) : name.start()]
    found = None if before and not before.isspace() else _USER.compiled().match(text, name.end())
    return None if found is None or _NO_SECRET.fullmatch(found["value"]) else found.span("value")


def _owned(owners: tuple[str, ...], rule: Rule) -> Rule:
    """Return a rule for a name that is a secret's only behind another: `api_key`, `accessToken`."""

    def owned(text: str, name: re.Match[str]) -> tuple[int, int] | None:
        start = name.start()
        before = name.string[max(start - _LONGEST_OWNER, 0) : start].rstrip("_-")
        return rule(text, name) if before.endswith(owners) else None

    return owned


def _is_end_of_word(name: re.Match[str]) -> bool:
    """Say whether a name is the end of a longer word."""
    return name.string[max(name.start() - 1, 0) : name.start()].isalnum()


def _token(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Read a value beside `token`, of which only `tok` is looked for: it is cheaper."""
    whole = _TOKEN.compiled().match(name.string, name.start())
    if whole is None:
        return None
    for rule in (_owned(_OF_TOKENS, _strong), _weak, _scheme, _option):
        value = rule(text, whole)
        if value is not None:
            return value
    return None


_TOKEN = Pattern("token")
_ANY: tuple[Rule, ...] = (_strong, _option)
_RULES: dict[str, tuple[Rule, ...]] = {
    "pass": (),
    "key": (_owned(_OF_KEYS, _strong), _option),
    "tok": (_token,),
    **dict.fromkeys(("authorization", "cookie"), (_header,)),
    **dict.fromkeys(("bearer", "basic", "digest", "negotiate"), (_scheme,)),
    **dict.fromkeys(("-u ", "--user "), (_user,)),
    **dict.fromkeys(("jwt", "auth", "session", "sessionid", "sessid", "sid", "signature", "otp", "pin"), (_weak,)),
}
"""By name; passwords and secrets of every kind have the rules of `_ANY`."""

NAMED = Detector("secret", _named)
