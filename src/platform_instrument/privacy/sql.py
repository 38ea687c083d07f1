"""SQL for telemetry: the text without its literals, and what the statement does to what."""

from __future__ import annotations

import re

_MOST_KNOWN = 4_096
_LONGEST = 8_192

_LITERALS = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))|(?P<literal>'(?:[^'\\]|''|\\.)*(?:'|\Z)|"(?:[^"\\]|""|\\.)*(?:"|\Z)|\$\w*\$.*?(?:\$\w*\$|\Z)|(?<![\w$:%])-?\.?\d[\w.]*)""",
    re.DOTALL,
)


class Statement:
    """One sanitized statement; equal ones are the same object, so that it serves as a key."""

    __slots__ = ("collection", "operation", "summary", "text")

    def __init__(self, text: str, summary: str, operation: str, collection: str) -> None:
        self.text = text
        self.summary = summary
        self.operation = operation
        self.collection = collection


_plain: dict[tuple[str, str], Statement] = {}
_digested: dict[tuple[int, int, str], Statement] = {}
_shared: dict[tuple[str, str], Statement] = {}


def known_sql(text: object, system: str) -> Statement:
    """Return the statement of a text, whatever was passed; never raises, keeps no literal."""
    if type(text) is not str:
        text = bytes(text).decode("utf-8", "replace") if isinstance(text, (bytes, bytearray, memoryview)) else ""
    found = _plain.get((text, system))
    if found is not None:
        return found
    text = text[:_LONGEST]
    key = (hash(text), len(text), system)
    found = _digested.get(key)
    if found is not None:
        return found
    clean = _LITERALS.sub(lambda match: "?" if match.lastgroup == "literal" else match[0], text)
    words = clean.split(None, 1)
    operation = words[0].upper()[:64] if words and words[0].isalpha() else ""
    for cache in (_plain, _digested, _shared):
        if len(cache) >= _MOST_KNOWN:
            cache.clear()
    statement = _shared.setdefault((clean, system), Statement(clean, operation, operation, ""))
    if clean == text:
        _plain[text, system] = statement
    else:
        _digested[key] = statement
    return statement
