"""Where the ends of strings are guesses.

A backslash before a quote means different things to different databases, and to one of them under different settings; a
broken statement has quotes that no database pairs. A reading shows itself wrong by a string without an end, or by one that
touches a word that cannot stand there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.sql_dialects import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platform_instrument.privacy.sql_dialects import Dialect

LONGEST_PREFIX = 3
"""Characters among which the quote of a string with a prefix is, such as those of `nq'` and `U&'`."""
_CLOSINGS = {"[": "]", "{": "}", "<": ">", "(": ")"}
_ESCAPED = Pattern(r"\\.", re.DOTALL)
_TRIPLE = Pattern(r"\s*'''(?!'\Z)")
"""What strings of BigQuery may begin with, and those of others that begin with a quote."""
_KEYWORDS = words(
    "ALL AND ANY AS ASC BETWEEN BY CASE COLLATE DESC DISTINCT ELSE END ESCAPE EXCEPT FOR FROM GROUP HAVING ILIKE IN INTERSECT"
    " INTO IS LIKE LIMIT NOT OFFSET ON OR ORDER PASSWORD REGEXP RETURNING RLIKE SELECT SET SIMILAR THEN TO UESCAPE UNION USING"
    " VALUES WHEN WHERE WITH XOR"
)
_MAY_PRECEDE = _KEYWORDS | words(
    "DATE TIME TIMESTAMP TIMESTAMPTZ DATETIME INTERVAL JSON JSONB UUID GUID INET BYTEA NUMERIC DECIMAL MONEY POINT D T TS"
)


def belongs_to_string(word: str) -> bool:
    """Say whether a word, in upper case, that touches the quote behind it can only be a part of a broken string."""
    return (word[-1].isalnum() or word[-1] == "_") and word[0] != "_" and word not in _MAY_PRECEDE


def touches(tokens: Sequence[str], index: int) -> bool:
    """Say whether a string touches a word that cannot stand there."""
    if index + 1 < len(tokens):
        after = tokens[index + 1]
        mark = after[0]
        if (mark.isalnum() or mark in "_'\"\\") and after.upper() not in _KEYWORDS:
            return True
    if index and tokens[index][0] in "'\"":
        before = tokens[index - 1]
        if not before[-1].isspace():
            return belongs_to_string(before.strip().upper())
    return False


def is_open_string(token: str, dialect: Dialect) -> bool:
    """Say whether a token is a string without an end."""
    quote = token[0] if token[:1] in ("'", '"') else "'" if "'" in token[:LONGEST_PREFIX] else ""
    if not quote:
        return False
    opening = token.find("'") + 1
    if token[:opening].lower() in ("q'", "nq'"):
        mark = token[opening : opening + 1]
        return not token.endswith(_CLOSINGS.get(mark, mark) + "'", opening + 1)
    if "\\" in token and (dialect.escapes or token[0] in "eE"):
        token = _ESCAPED.sub("", token)
    return token.count(quote) % 2 == 1


def is_open_name(token: str, dialect: Dialect) -> bool:
    """Say whether a name's last quote has no partner, which only the end of a text can bring about."""
    if dialect.escapes_names and "\\" in token:
        token = _ESCAPED.sub("", token)
    return token.count('"') % 2 == 1 or token.count("`") % 2 == 1


def is_doubtful_comment(comment: str, dialect: Dialect) -> bool:
    """Say whether what follows a comment may belong to it, or a quote in it to what follows."""
    if comment[:2] == "/*" and comment.count("/*") > dialect.nesting:
        return True
    if "'" not in comment and '"' not in comment and "`" not in comment:
        return False
    if comment[:2] == "/*":
        return dialect.executes and comment[2:3] in ("!", "M")
    if "\r" in comment.rstrip() or (comment[0] == "#" and not dialect.hash_comments):
        return True
    return not dialect.is_known and not (comment[:2] == "--" and comment[2:3].isspace())


def has_two_readings(text: str, tokens: Sequence[str], dialect: Dialect) -> bool:
    """Say whether a text with a backslash before a quote, or with three quotes, can be read in another way that makes sense."""
    if not dialect.is_known:
        return "\\'" in text or '\\"' in text or any(_TRIPLE.compiled().match(token) for token in tokens)
    other = dialect.other_reading()
    if other is None:
        return False
    others = other.tokens(text)
    if others == tokens or is_open_string(others[-1].lstrip(), other) or is_open_name(others[-1], other):
        return False
    strings = (index for index, token in enumerate(others) if token.lstrip()[:1] in ("'", '"'))
    return not any(touches(others, index) for index in strings)
