"""What databases and their drivers quote in error messages: values of rows, parameters, statements.

Sources: messages of PostgreSQL, MySQL, SQLAlchemy.
"""

from __future__ import annotations

import re

from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.sql import known_sql

_MARKS = ("Key (", "row contains (", "Duplicate entry '", "[parameters: ", "invalid input ", "ncorrect ", "syntax to use near '")
_CLOSINGS = {
    "Key (": ")",
    "Failing row contains (": ")",
    "Duplicate entry '": "' for key",
    "[parameters: ": "]",
    "invalid input ": '"',
    "Incorrect ": "'",
    "Truncated incorrect ": "'",
    "syntax to use near '": "' at line",
}
"""What ends the values that begin like this."""
_VALUES = Pattern(
    r"(?P<before>\bKey \([^()\n]{1,300}\)=\(|\bFailing row contains \(|\bDuplicate entry '|\[parameters: "
    r"|\binvalid input (?:syntax|value) for [\w ]{1,60}: \"|\b(?:Truncated i|I)ncorrect [\w ]{1,40} value: '"
    r"|\bsyntax to use near ')(?P<values>[^\n]*)"
)
_STATEMENT = Pattern(r"(\[SQL: )(.*?)(\](?=\s*(?:\Z|\[parameters|\[generated|\(Background))|\Z)", re.DOTALL)
_LINE = Pattern(r"^(LINE \d+: )([^\n]*)", re.MULTILINE)


QUOTING = r"\[sql: |\[para|\nline \d|w contains \(|x to use near|correct |valid input |cate entry"
"""What messages hold that quote values, in lower case; `key (` besides, which the names of secrets cover."""


def mask_database_message(text: str) -> str:
    """Return a message without the values and literals that a database or its driver quotes."""
    if "[SQL: " in text:
        text = _STATEMENT.sub(lambda match: f"{match[1]}{known_sql(match[2], '').text}{match[3]}", text)
    if "LINE " in text:
        text = _LINE.sub(lambda match: match[1] + known_sql(match[2], "").text, text)
    if any(mark in text for mark in _MARKS):
        text = _VALUES.sub(_value, text)
    return text


def _value(match: re.Match[str]) -> str:
    before, values = match["before"], match["values"]
    closing = next(closing for opening, closing in _CLOSINGS.items() if before.startswith(opening))
    end = values.rfind(closing)
    return before + "?" + (_VALUES.sub(_value, values[end:]) if end >= 0 else "")
