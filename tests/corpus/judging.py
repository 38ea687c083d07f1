"""What counts: when a literal has leaked, a value is masked, a change is a false alarm, and a text is the one expected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from platform_instrument.privacy import find, mask

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBERS = frozenset(("credit_card", "phone", "iban", "us_ssn"))
"""Types whose values are compared without what separates their digits."""
_SEPARATORS = re.compile(r"[\s().+/-]")
_LONG = 12
"""Characters from which a part of a value is as good as the value."""

_ADDRESS = re.compile(r"[\w.+%-]+@(?:[a-z0-9-]+\.)+(?!png|jpe?g|gif|svg|css|js|py|so|conf|service)[a-z]{2,}", re.IGNORECASE)
_COMMENT = re.compile(r"--|/\*")
_WORDS = re.compile(r"\w+")


def leaked(literals: Sequence[str], text: str) -> list[str]:
    """Return the literals that stand in a text as words of their own."""
    return [literal for literal in literals if re.search(rf"(?<!\w){re.escape(literal)}(?!\w)", text)]


def folded(text: str) -> str:
    """Return a statement in which white space and the case of letters make no difference."""
    return re.sub(r"\s+", " ", text).strip().lower()


def is_expected(text: str, expected: Sequence[str]) -> bool:
    """Say whether a sanitized text is one of those that are right."""
    return folded(text) in map(folded, expected)


def keeps_a_comment(expected: Sequence[str]) -> bool:
    """Say whether every text that would be right holds a comment: we drop them, since they hold secrets."""
    return all(_COMMENT.search(text) for text in expected)


def reason(found: str, expected: Sequence[str]) -> str:
    """Return why a text or a summary is not the one expected."""
    words = _WORDS.findall(folded(found))
    for text in expected:
        wanted = _WORDS.findall(folded(text))
        if words == wanted:
            return "the same words stay; literals are hidden in other pieces"
        if words == wanted[: len(words)]:
            return "what follows could be read in two ways, so it is hidden"
        if sorted(words) == sorted(wanted):
            return "the same words stay in another order"
        if words[: len(wanted)] == wanted:
            return "more words stay"
    return "other words stay"


def survives(value: str, kind: str, masked: str) -> bool:
    """Say whether a value, or a run of it that is longer than its half, is still in a masked text."""
    if kind in NUMBERS:
        value, masked = _SEPARATORS.sub("", value), _SEPARATORS.sub("", masked)
    run = len(value) // 2 + 1 if len(value) >= _LONG else len(value)
    return any(value[at : at + run] in masked for at in range(len(value) - run + 1))


def changes(text: str) -> tuple[bool, list[str]]:
    """Say whether a clean line is changed, and the kinds of the changes that are false alarms."""
    if mask(text) == text:
        return False, []
    found = find(text)
    wrong = [each.kind for each in found if not _really(each.kind, text, each.start, each.end)]
    return True, wrong if found else ["sql"]


def _really(kind: str, text: str, start: int, end: int) -> bool:
    """Say whether a change hides what a clean line may hold: an address, an e-mail, a URL's credentials. Told by other patterns."""
    if kind == "email":
        return _ADDRESS.fullmatch(text[start:end]) is not None
    if kind == "credentials":
        return text[:start].endswith("://") and "@" in text[start : end + 1]
    return kind == "ip"


def spans(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the type and the value of each span of a row."""
    return [(span["type"], row["text"][span["start"] : span["end"]]) for span in row["spans"]]
