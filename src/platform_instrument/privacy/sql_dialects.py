"""How databases quote: one regular expression a dialect, which cuts any text into tokens that cover it all.

Every expression is linear: an alternative that begins with a quote ends at its partner or at the end of the text, so it
never fails and is never tried again; where it may fail, it is bounded.
Sources: the lexical chapters of PostgreSQL, MySQL, SQLite, Oracle and T-SQL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.sql_memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable

LITERAL, NAME, POSITION = "literal", "name", "position"
"""What double quotes enclose: a string; an identifier; an identifier where only one can stand, else a string."""


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


_NUMBER = r"\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?(?:[-:](?:\d\w*|[0-9a-fA-F]{4,12}(?!\w)))*"
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|\{[0-9a-fA-F]+(?:-[0-9a-fA-F]+)+\}"
_MOST = r"[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)?(?![\w$\#.'&@\"`\[-])|[,()]"
"""What most tokens are, in every dialect: tried first, and left to the others where a quote or the like may follow."""
_BIND = r"%s|%\(\w+\)s|\?\d{0,5}|::|(?<![\w\]'\"}?]):(?:[^\W\d]\w*|\d{1,5}(?!\w))|@@?\w+"
_OPERATOR = r"[=<>!~|&^]+|."
TYPOGRAPHIC = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u2032\u2033\uff07\uff02"
"""Quotes that no database reads, but people paste."""
_PASTED = f"[{TYPOGRAPHIC}][^{TYPOGRAPHIC}'\"]*[{TYPOGRAPHIC}]?"
_DOLLARS = r"\$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)"
_BACKTICKS = r"`(?:[^`]+|``)*(?:`|\Z)"
_DOUBLE = r'"(?:[^"]+|"")*(?:"|\Z)'
_DOUBLE_ESCAPED = r'"(?:[^"\\]+|""|\\(?:.|\Z))*(?:"|\Z)'
_SINGLE = r"'(?:[^']+|'')*(?:'|\Z)"
_SINGLE_ESCAPED = r"'(?:[^'\\]+|''|\\(?:.|\Z))*(?:'|\Z)"
_TRIPLE = r"(?s:'{3}(?:[^'\\]|\\.|'(?!''))*(?:'{3}|\\?\Z)|\"{3}(?:[^\"\\]|\\.|\"(?!\"\"))*(?:\"{3}|\\?\Z))"
_ANY_BRACKETS = r"\[(?:[^\]]|\]\]){0,128}\]"
_PLAIN_BRACKETS = r"\[[^\W\d][\w $#-]*\]"
_COMMENT = r"/\*.*?(?:\*/|\Z)"
_NESTED_COMMENT = r"/\*(?:[^*/]+|\*(?!/)|/(?!\*)|/\*(?:[^*]+|\*(?!/))*(?:\*/|\Z))*(?:\*/|\Z)"
_LINE = r"[^\n]*\n?"
_DASHES = "--" + _LINE
_SPACED_DASHES = r"--(?=[\s\x00-\x1f]|\Z)" + _LINE
_DASHES_TO_RETURN = r"--[^\r\n]*[\r\n]?"
_SLASHES = "//" + _LINE
_HASH = r"\#" + _LINE
_SPACED_HASH = r"\#(?=\s)" + _LINE
"""A comment where a database that has none is given one."""
_HASH_BUT_PATHS = r"\#(?!(?:>{1,2}|-)\s*['$%:?(aA])" + _LINE
"""A comment, but not an operator of JSON paths with its right side."""

MARKS = {f"{space}{mark}": (f"{space}{mark}", mark, mark) for mark in words(", * < > <> != <= >= ||") for space in ("", " ")}
"""Marks that say nothing more."""

NEVER, DEEP, PERHAPS = 8_192, 2, 1
"""Whether comments nest: how many beginnings a comment may have before its end is a guess."""

_ALTERNATIVE_QUOTES = (
    r"[nN]?[qQ]'(?:\[.*?(?:\]'|\Z)|\{.*?(?:\}'|\Z)|<.*?(?:>'|\Z)|\(.*?(?:\)'|\Z)|(?P<mark>[^\s\[{<(]).*?(?:(?P=mark)'|\Z))"
)


def _tokens(comments: tuple[str, ...], extra: str, quoted: tuple[str, str, str], dollars: str, *, hashes: bool) -> str:
    """Return the pattern of every token of a dialect; where `hashes` begin comments, no word holds one."""
    double, single, brackets = quoted
    word = r"[^\W\d][\w$]*" if hashes else r"[^\W\d][\w$\#]*"
    part = f"(?:{word}|{_BACKTICKS}|{double}|{brackets})"
    strings = f"[eE]{_SINGLE_ESCAPED}|(?:[xXbBnN]|[uU]&){single}"
    names = rf"{part}(?:\.{{1,2}}(?:{part}|[\w$]+))*(?:(?<=[\w$\#])@{word})?"
    tokens = (_MOST, *comments, strings, extra, _UUID, names, single, _NUMBER, dollars, _BIND, _PASTED, _OPERATOR)
    return "|".join(filter(None, tokens))


class Dialect:
    """How one family of databases quotes, and the statements known in it."""

    __slots__ = (
        "_double",
        "_grouped",
        "_options",
        "_other",
        "_plain",
        "_source",
        "alternative_quotes",
        "backticks",
        "bare_arguments",
        "double_quotes",
        "escapes",
        "escapes_names",
        "executes",
        "hash_comments",
        "is_known",
        "memory",
        "nesting",
        "words",
    )

    def __init__(  # noqa: PLR0913 - the ways in which dialects differ
        self,
        double_quotes: str,
        *,
        escapes: bool = False,
        brackets: str = _PLAIN_BRACKETS,
        comments: tuple[str, ...] = (_DASHES, _COMMENT),
        nesting: int = PERHAPS,
        executes: bool = False,
        dollars: str = r"\$\d{1,5}(?![\w.])",
        extra: str = "",
        alternative_quotes: bool = False,
        backticks: bool = True,
        bare_arguments: bool = False,
        is_known: bool = True,
        either: bool = False,
    ) -> None:
        options = {name: value for name, value in locals().items() if name not in ("self", "either")}
        self._options: dict[str, Any] | None = options if either else None
        self._other: Dialect | None = None
        self.double_quotes = double_quotes
        self.escapes = escapes
        """Whether a backslash escapes in every string."""
        self.escapes_names = escapes and double_quotes != NAME
        self.hash_comments = any(comment.startswith(r"\#") for comment in comments)
        self.alternative_quotes = alternative_quotes
        self.backticks = backticks
        """Whether these quote a name; they are read as if they did everywhere."""
        self.bare_arguments = bare_arguments
        """Whether a word is a string where EXEC passes it."""
        self.is_known = is_known
        self.nesting = nesting
        self.executes = executes
        """Whether a comment may hold what is executed."""
        double = _DOUBLE_ESCAPED if self.escapes_names else _DOUBLE
        single = _SINGLE_ESCAPED if escapes else _SINGLE
        spaced = () if self.hash_comments else (_SPACED_HASH,)
        self._source = _tokens((*comments, *spaced), extra, (double, single, brackets), dollars, hashes=self.hash_comments)
        self._double = Pattern(double, re.DOTALL)
        self._plain: Callable[[str], list[str]] | None = None
        self._grouped: re.Pattern[str] | None = None
        self.memory = Memory()
        self.words = dict(MARKS)
        """Tokens that are nothing but words and marks: as they are written out, in upper case, and bare."""

    def is_one_double(self, token: str) -> bool:
        """Say whether a token is one pair of double quotes and nothing more."""
        return self._double.fullmatch(token) is not None

    def other_reading(self) -> Dialect | None:
        """Return the dialect with the other meaning of a backslash, where a setting of the database decides."""
        if self._options is None:
            return None
        if self._other is None:
            self._other = Dialect(**{**self._options, "escapes": not self.escapes})
        return self._other

    def tokens(self, text: str) -> list[str]:
        """Cut a text into tokens, each with the white space before it; joined, they are the text."""
        if "$" in text or (self.alternative_quotes and ("q'" in text or "Q'" in text)):
            if self._grouped is None:
                grouped = f"{_DOLLARS}|{_ALTERNATIVE_QUOTES}" if self.alternative_quotes else _DOLLARS
                self._grouped = re.compile(rf"\s*(?:{grouped}|{self._source})", re.DOTALL)
            return [match[0] for match in self._grouped.finditer(text)]
        if self._plain is None:
            self._plain = re.compile(rf"\s*(?:{self._source})", re.DOTALL).findall
        return self._plain(text)


_ANSI = Dialect(NAME)
_MYSQL = Dialect(LITERAL, escapes=True, comments=(_SPACED_DASHES, _COMMENT, _HASH), nesting=NEVER, executes=True, either=True)
_STRINGS = Dialect(LITERAL, escapes=True)
_BIGQUERY = Dialect(LITERAL, escapes=True, comments=(_DASHES, _COMMENT, _HASH), extra=_TRIPLE)
_POSTGRESQL = Dialect(NAME, comments=(_DASHES_TO_RETURN, _NESTED_COMMENT), nesting=DEEP, backticks=False, either=True)
_ORACLE = Dialect(NAME, nesting=NEVER, backticks=False, alternative_quotes=True)
_SQL_SERVER = Dialect(
    POSITION,
    brackets=_ANY_BRACKETS,
    comments=(_DASHES, _NESTED_COMMENT),
    nesting=DEEP,
    dollars="",
    extra=r"\#{1,2}\w+",
    backticks=False,
    bare_arguments=True,
)
_SQLITE = Dialect(POSITION, brackets=_ANY_BRACKETS, nesting=NEVER)
_SNOWFLAKE = Dialect(NAME, escapes=True, comments=(_DASHES, _SLASHES, _COMMENT), nesting=NEVER, backticks=False)
_CASSANDRA = Dialect(NAME, comments=(_DASHES, _SLASHES, _COMMENT), nesting=NEVER, backticks=False)


def _unknown(double_quotes: str) -> Dialect:
    return Dialect(
        double_quotes,
        comments=(_DASHES, _SLASHES, _COMMENT, _HASH_BUT_PATHS),
        executes=True,
        dollars=r"\$\d{1,3}(?![\w.])",
        bare_arguments=True,
        is_known=False,
    )


OTHER = _unknown(LITERAL)
_PLACED = _unknown(POSITION)

DIALECTS = {
    **dict.fromkeys(("mysql", "mariadb", "tidb"), _MYSQL),
    **dict.fromkeys(("clickhouse", "databricks", "hive", "spanner", "gcp.spanner", "spark"), _STRINGS),
    **dict.fromkeys(("gcp.bigquery", "bigquery"), _BIGQUERY),
    **dict.fromkeys(("postgresql", "cockroachdb", "aws.redshift", "redshift", "greenplum", "yugabytedb"), _POSTGRESQL),
    **dict.fromkeys(("oracle.db", "oracle"), _ORACLE),
    **dict.fromkeys(("microsoft.sql_server", "mssql"), _SQL_SERVER),
    "sqlite": _SQLITE,
    "snowflake": _SNOWFLAKE,
    "cassandra": _CASSANDRA,
    "": _PLACED,
    **dict.fromkeys(words("derby duckdb firebirdsql h2database hsqldb ibm.db2 sap.hana teradata trino"), _ANSI),
}
"""Dialects by `db.system.name`; empty where another instrumentation read the text, whose quoted names are worth keeping."""
