"""What databases and their drivers quote in error messages: values of rows, parameters, commands, statements.

A value may hold line breaks and the signs that end it, so it ends where the message is known to go on; one that does not
end hides the rest. Names of tables and columns stay. In JSON and in `repr` quotes and line breaks are escaped.
Sources: messages of PostgreSQL, MySQL, MariaDB, SQLite, Redis, SQLAlchemy, redis-py.
"""

from __future__ import annotations

import re
from functools import cache

from platform_instrument.privacy.patterns import Pattern

QUOTING = r"\[sql: "
"""What such a message holds, in lower case, that may hold a secret beside its name as well."""

_MARKS_BEFORE_A_PARENTHESIS = ("ey (", "ow contains (", "Command # ")
_MARKS_BEFORE_COLON = ("[SQL: ", "[parameters: ", "LINE ", "QUERY: ", "JSON data", "with args beginning")
_MARKS = (
    *("Token ", "COPY ", "SQL statement", "near '", 'near "', "near \\", "ncorrect ", "nvalid input ", "nvalid value "),
    *("nvalid cidr ", "uplicate entry ", "ut of range", " literal: ", "value of ", "subcommand ", "ecognized ", "but found "),
)
"""What every other message holds that quotes a value and has no parenthesis: the latter beside a quote."""

_HIDDEN = "?"
_BREAK = r"\n|\\{1,8}n"
_ENDS = rf"(?=\.?\s*(?:\Z|{_BREAK}|\\{{0,7}}[\"')\]]))"
_SQLITE = ": syntax error"
_DOUBLE = r"(?P<{}>\\{{0,7}})\""
_SINGLE = r"(?P<{}>\\{{0,7}})'"

_KINDS = {
    "key": (
        r"\b[Kk]ey \([^\n]{1,300}?\)=\(",
        r"\)(?= (?:already exists|is (?:not present|still referenced|duplicated)|conflicts with)|\.)",
    ),
    "row": (r"[Ff]ailing row contains (?:\([^()\n]{1,300}\) = )?\(", r"\)(?=\.)"),
    "syntax": (
        r"(?:\binvalid (?:input (?:syntax|value) for [\w ]{1,60}|cidr value|value for parameter \\{0,7}\"[\w.]{1,63}\\{0,7}\")"
        r"|\bmalformed (?:array|record|range) literal|\bfield value out of range|\b[Uu]nrecognized (?:token|key word)"
        r"|\bCOPY \w{1,63}, line \d+(?:, column [^\n:]{1,63})?): " + _DOUBLE.format("syntax_"),
        '"' + _ENDS,
    ),
    "near": (
        r"(?:\bat or|\bsyntax error) near " + _DOUBLE.format("near_"),
        '"' + _ENDS,
    ),
    "sqlite": (r"(?:\A|[:)] |[(\"'])near " + _DOUBLE.format("sqlite_"), f'"(?={_SQLITE})'),
    "value": (r"\b(?:invalid )?value " + _DOUBLE.format("value_"), r'"(?= is out of range| for \\{0,7}")'),
    "token": (r"(?:DETAIL: {1,2}Token |Expected [^\n\"]{1,80}, but found )" + _DOUBLE.format("token_"), r'"(?= is invalid|\.)'),
    "json": (r"\bJSON data, line \d+: ", rf"(?={_BREAK})"),
    "entry": (r"\bDuplicate entry " + _SINGLE.format("entry_"), r"'(?= for key)"),
    "incorrect": (
        r"\b(?:Truncated i|I)ncorrect [\w ]{1,40} value: " + _SINGLE.format("incorrect_"),
        rf"'(?:{_ENDS}|(?= for (?:column|function)| at row))",
    ),
    "use": (r"\bsyntax to use near " + _SINGLE.format("use_"), r"'(?= at line)"),
    "single": (
        r"(?:\bvalue is out of range in |\bbe set to the value of |\buser_script:\d+: [^\n]{0,80}?\bnear )"
        + _SINGLE.format("single_"),
        f"'{_ENDS}",
    ),
    "subcommand": (r"\bunknown subcommand " + _SINGLE.format("subcommand_"), r"'(?=\. Try)"),
    "parameters": (r"\[parameters: ", r"\]" + _ENDS),
    "arguments": (r"\bwith args beginning with: ", rf"['`],? ?{_ENDS}"),
    "command": (r"\bCommand # \d+ \(", r"\)(?= of pipeline caused error)"),
}
"""By name: how values begin, and how they end. A group that is called after the kind holds the escapes of its quote."""

_STRING = Pattern(r"(?:[^\"\\]|\\.)*", re.DOTALL)
"""The rest of a string of JSON."""
_OPENINGS = Pattern("|".join(f"(?P<{kind}>{opening})" for kind, (opening, _) in _KINDS.items()))
_STATEMENT = Pattern(r"(\[SQL: )(.*?)(\](?=(?:\s|\\{1,8}n)*(?:\Z|\[parameters|\[generated|\(Background))|\Z)", re.DOTALL)
_INNER = Pattern(
    r"(QUERY: {1,2}|\bSQL statement \\{0,7}\")(.*?)"
    rf"(\\{{0,7}}\"(?={_BREAK}|\Z)|(?:{_BREAK})(?=CONTEXT: |\[SQL: |\[parameters: )|\Z)",
    re.DOTALL,
)
_LINE = Pattern(r"((?:^|\\{1,8}n)LINE (\d+): )(.*?)(?=\n|\\{1,8}n|\Z)", re.MULTILINE)


def quotes_values(text: str) -> bool:
    """Say whether a text may be such a message: cheaper than to read it."""
    if "(" in text:
        for mark in _MARKS_BEFORE_A_PARENTHESIS:  # `any` costs twice as much
            if mark in text:
                return True
    if ": " in text:
        for mark in _MARKS_BEFORE_COLON:
            if mark in text:
                return True
    if "'" in text or '"' in text:
        for mark in _MARKS:
            if mark in text:
                return True
    return False


def mask_database_message(text: str) -> str:
    """Return a message without the values and literals that a database or its driver quotes."""
    if "[SQL: " in text:
        text = _STATEMENT.sub(_statement, text)
    if "QUERY: " in text or "SQL statement" in text:
        text = _INNER.sub(_statement, text)
    if "LINE " in text:
        text = _LINE.sub(_excerpt, text)
    return _without_values(text)


def _sanitized(statement: str) -> str:
    from platform_instrument.privacy.sql import known_sql  # few texts need it, and it is as large as all the rest

    return known_sql(statement, "").text


def _statement(match: re.Match[str]) -> str:
    return match[1] + _sanitized(match[2]) + match[3]


def _excerpt(match: re.Match[str]) -> str:
    """Return a line of a statement; one that begins elsewhere may begin within a literal."""
    excerpt = match[3]
    whole = match[2] == "1" and not excerpt.startswith("...")
    return match[1] + (_sanitized(excerpt) if whole else _HIDDEN)


def _without_values(text: str) -> str:
    pieces: list[str] = []
    document = text.lstrip()[:1] == "{" and text.rstrip()[-1:] == "}"
    limit = -1 if document else len(text)
    last = text.rfind(_SQLITE)
    at = 0
    for opening in _OPENINGS.compiled().finditer(text):
        start = opening.end()
        if opening.start() >= at and (opening.lastgroup != "sqlite" or start <= last):
            if start > limit:
                string = _STRING.compiled().match(text, start)
                limit = string.end() if string is not None else start
            pieces += (text[at:start], _HIDDEN)
            at = _end(text, opening, limit)
    return "".join([*pieces, text[at:]])


def _end(text: str, opening: re.Match[str], limit: int) -> int:
    """Return where a value ends: at the last sign on the line of the first one after which its message goes on."""
    kind = str(opening.lastgroup)
    closing = _closing(kind, opening.groupdict().get(f"{kind}_") or "")
    start = opening.end()
    if text.startswith(_HIDDEN, start) and closing.match(text, start + 1, limit):
        return start + 1
    first = last = closing.search(text, start, limit)
    if first is None or last is None:
        return limit
    line = text.find("\n", first.end(), limit)
    for last in closing.finditer(text, first.start(), line if line >= 0 else limit):  # noqa: B007 - the last is wanted
        pass
    return last.start()


@cache
def _closing(kind: str, escapes: str) -> re.Pattern[str]:
    """Return what ends a value; its quote is escaped as the one before it."""
    return re.compile((rf"(?<!\\){re.escape(escapes)}" if escapes else "") + _KINDS[kind][1])
