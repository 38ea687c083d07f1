"""How databases quote: one regular expression a dialect, which cuts any text into tokens that cover it all.

Every expression is linear: an alternative that begins with a quote ends at its partner or at the end of the text, so it
never fails and is never tried again; where it may fail, it is bounded.
Sources: the lexical chapters of PostgreSQL, MySQL, SQLite, Oracle and T-SQL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from platform_instrument.privacy.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.privacy.sql import Statement

LITERAL, NAME, POSITION = "literal", "name", "position"
"""What double quotes enclose: a string; an identifier; an identifier where only one can stand, else a string."""


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


_NUMBER = r"\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?(?:[-:](?:\d\w*|[0-9a-fA-F]{4,12}(?!\w)))*"
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|\{[0-9a-fA-F]+(?:-[0-9a-fA-F]+)+\}"
_BIND = r"%s|%\(\w+\)s|\?\d{0,5}|\$\d{1,5}(?![\w.])|::|(?<![\w\]]):(?:[^\W\d]\w*|\d{1,5}(?!\w))|@@?\w+"
_OPERATOR = r"[=<>!~|&^]+|."
_DOLLARS = r"\$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)"
_BACKTICKS = r"`(?:[^`]+|``)*(?:`|\Z)"
_DOUBLE = r'"(?:[^"]+|"")*(?:"|\Z)'
_DOUBLE_ESCAPED = r'"(?:[^"\\]+|""|\\(?:.|\Z))*(?:"|\Z)'
_SINGLE = r"'(?:[^']+|'')*(?:'|\Z)"
_SINGLE_ESCAPED = r"'(?:[^'\\]+|''|\\(?:.|\Z))*(?:'|\Z)"
_ANY_BRACKETS = r"\[(?:[^\]]|\]\]){0,128}\]"
_PLAIN_BRACKETS = r"\[[^\W\d][\w $#-]*\]"
_COMMENT = r"/\*.*?(?:\*/|\Z)"
_NESTED_COMMENT = r"/\*(?:[^*/]+|\*(?!/)|/(?!\*)|/\*(?:[^*]+|\*(?!/))*(?:\*/|\Z))*(?:\*/|\Z)"
_LINE_COMMENT = r"--[^\n]*\n?"

_ALTERNATIVE_QUOTES = "|".join(
    re.escape(opening) + ".*?(?:" + re.escape(closing) + r"'|\Z)"
    for opening, closing in (*("[]", "{}", "<>", "()"), *((mark, mark) for mark in '!"#$%&*+,-./:;=?@^_`|~'))
)


class Dialect:
    """How one family of databases quotes, and the statements known in it."""

    __slots__ = (
        "_dollars",
        "_double",
        "_plain",
        "_source",
        "digests",
        "double_quotes",
        "escapes",
        "hash_comments",
        "keeps_comments",
        "plain",
        "statements",
    )

    def __init__(  # noqa: PLR0913 - the ways in which dialects differ
        self,
        double_quotes: str,
        *,
        escapes: bool = False,
        hash_comments: bool = False,
        brackets: str = _PLAIN_BRACKETS,
        comment: str = _COMMENT,
        extra: str = "",
        keeps_comments: bool = False,
    ) -> None:
        self.double_quotes = double_quotes
        self.escapes = escapes
        """Whether a backslash escapes in every string, so that the strings' ends are known."""
        self.hash_comments = hash_comments
        self.keeps_comments = keeps_comments
        double = _DOUBLE_ESCAPED if escapes else _DOUBLE
        single = _SINGLE_ESCAPED if escapes else _SINGLE
        word = r"[^\W\d][\w$]*" if hash_comments else r"[^\W\d][\w$\#]*"
        part = f"(?:{word}|{_BACKTICKS}|{double}|{brackets})"
        self._source = "|".join(
            filter(
                None,
                (
                    _LINE_COMMENT,
                    comment,
                    r"\#[^\n]*\n?" if hash_comments else r"\#(?=\s)[^\n]*\n?",
                    f"[eE]{_SINGLE_ESCAPED}|(?:[xXbBnN]|[uU]&){single}",
                    extra,
                    _UUID,
                    rf"{part}(?:\.{{1,2}}(?:{part}|[\w$]+))*(?:(?<=[\w$\#])@{word})?",
                    single,
                    _NUMBER,
                    _BIND,
                    _OPERATOR,
                ),
            )
        )
        self._double = Pattern(double, re.DOTALL)
        self._plain: Callable[[str], list[str]] | None = None
        self._dollars: re.Pattern[str] | None = None
        self.plain: dict[str, Statement] = {}
        self.digests: dict[tuple[int, int], Statement] = {}
        self.statements: dict[Any, Statement] = {}

    def is_one_double(self, token: str) -> bool:
        """Say whether a token is one pair of double quotes and nothing more."""
        return self._double.fullmatch(token)

    def tokens(self, text: str) -> list[str]:
        """Cut a text into tokens, each with the white space before it; joined, they are the text."""
        if "$" in text:
            if self._dollars is None:
                self._dollars = re.compile(rf"\s*(?:{_DOLLARS}|{self._source})", re.DOTALL)
            return [match[0] for match in self._dollars.finditer(text)]
        if self._plain is None:
            self._plain = re.compile(rf"\s*(?:{self._source})", re.DOTALL).findall
        return self._plain(text)


_ANSI = Dialect(NAME)
_MYSQL = Dialect(LITERAL, escapes=True, hash_comments=True)
_STRINGS = Dialect(LITERAL, escapes=True)
_POSTGRESQL = Dialect(NAME, comment=_NESTED_COMMENT)
_ORACLE = Dialect(NAME, extra=f"[nN]?[qQ]'(?:{_ALTERNATIVE_QUOTES})")
_SQL_SERVER = Dialect(POSITION, brackets=_ANY_BRACKETS, comment=_NESTED_COMMENT, extra=r"\#{1,2}\w+")
_SQLITE = Dialect(POSITION, brackets=_ANY_BRACKETS)
OTHER = Dialect(LITERAL, keeps_comments=True)
_UNTOLD = Dialect(POSITION)

DIALECTS = {
    **dict.fromkeys(("mysql", "mariadb", "tidb"), _MYSQL),
    **dict.fromkeys(("clickhouse", "gcp.bigquery", "databricks", "hive", "spanner", "gcp.spanner", "spark"), _STRINGS),
    **dict.fromkeys(("postgresql", "cockroachdb", "aws.redshift", "redshift", "greenplum", "yugabytedb"), _POSTGRESQL),
    **dict.fromkeys(("oracle.db", "oracle"), _ORACLE),
    **dict.fromkeys(("microsoft.sql_server", "mssql"), _SQL_SERVER),
    "sqlite": _SQLITE,
    "": _UNTOLD,
    **dict.fromkeys(
        words("cassandra derby duckdb firebirdsql h2database hsqldb ibm.db2 sap.hana snowflake teradata trino"), _ANSI
    ),
}
"""Dialects by `db.system.name`; empty where nobody says where a text goes."""
