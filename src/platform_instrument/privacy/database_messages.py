"""What databases and their drivers quote in error messages: values of rows, parameters, statements.

Sources: messages of PostgreSQL, MySQL, SQLAlchemy.
"""

from __future__ import annotations

import re

from platform_instrument.privacy.sql import known_sql

MASK = "***"

_VALUES = re.compile(
    r"(\bKey \([^()\n]{1,300}\)=\()[^\n]*(?=\))"
    r"|(\bFailing row contains \()[^\n]*(?=\))"
    r"|(\bDuplicate entry ')[^\n]*(?=' for key)"
    r"|(\[parameters: )[^\n]*(?=\])"
    r"|(\binvalid input (?:syntax|value) for [\w ]{1,60}: \")[^\n]*(?=\")"
    r"|(\b(?:Incorrect|Truncated incorrect) [\w ]{1,40} value: ')[^\n]*(?=')"
    r"|(\bnear ')[^\n]*(?=' at line )"
)
_STATEMENT = re.compile(r"(\[SQL: )(.*?)(\](?=\s*(?:\Z|\[parameters|\[generated|\(Background))|\Z)", re.DOTALL)
_LINE = re.compile(r"^(LINE \d+: )([^\n]*)", re.MULTILINE)


def mask_database_message(text: str) -> str:
    """Return a message without the values and literals that a database or its driver quotes."""
    text = _VALUES.sub(_value, text)
    if "[SQL: " in text:
        text = _STATEMENT.sub(lambda match: f"{match[1]}{known_sql(match[2], '').text}{match[3]}", text)
    if "LINE " in text:
        text = _LINE.sub(lambda match: match[1] + known_sql(match[2], "").text, text)
    return text


def _value(match: re.Match[str]) -> str:
    return f"{match[match.lastindex or 0]}{MASK}"
