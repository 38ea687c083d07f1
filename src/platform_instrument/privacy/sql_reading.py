"""Where a statement is being read: what was written so far, and which of the tokens that follow are to be hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.privacy.sql_dialects import words
from platform_instrument.privacy.sql_passwords import SETTINGS, is_bare, sets_secret

if TYPE_CHECKING:
    from platform_instrument.privacy.sql_dialects import Dialect

_BEFORE_NAMES = words(
    "FROM JOIN INTO UPDATE TABLE INDEX VIEW EXISTS REFERENCES AS BY ONLY COLUMN CONSTRAINT SAVEPOINT RELEASE DATABASE ADD DROP"
    " RENAME TO ALTER TRIGGER COLLATE APPLY TRUNCATE"
)
BEFORE_COLUMNS = frozenset(("INTO", "TABLE", "EXISTS", "ON", "KEY", "UNIQUE", "REFERENCES"))
_LONGEST_SELECT = 512
"""Words before FROM that are looked at."""


class Reading:
    """The state of one pass over one text, and what a word says about its neighbours."""

    __slots__ = (
        "_broken",
        "_columns",
        "_depth",
        "_dialect",
        "_first",
        "_out",
        "_start",
        "_text",
        "_tokens",
        "_whole",
        "upper",
        "written",
    )

    def __init__(self, text: str, dialect: Dialect, *, whole: bool) -> None:
        self._dialect = dialect
        self._text = text
        self._tokens = dialect.tokens(text)
        self._whole = whole
        self._out: list[str] = []
        self.upper: list[str] = []
        self.written: list[str] = []
        self._broken = False
        """Whether the reading has shown itself wrong."""
        self._first: tuple[int, int] | None = None
        """Where the first string stands, in the output and in the words."""
        self._start = 0
        """Where the words of the current statement begin."""
        self._depth = 0
        self._columns = -1
        """The depth of a list of names, such as the columns of INSERT."""

    def _add(self, capital: str, body: str) -> None:
        self._out.append(body)
        self.upper.append(capital)
        self.written.append(body)

    def _next(self, index: int) -> str:
        """Return the next token in upper case, empty at the end."""
        following = self._tokens[index + 1 : index + 2]
        return following[0].strip().upper() if following else ""

    def _statement(self) -> str:
        """Return the first word of the statement."""
        return self.upper[self._start] if self._start < len(self.upper) else ""

    def _is_name(self, index: int) -> bool:
        """Say whether only a name can stand here."""
        before = self.upper[-1] if self.upper else ""
        if before == "FROM":
            return self._is_after_select()
        if before in _BEFORE_NAMES:
            return True
        if before in ("(", ",") and self._depth == self._columns:
            return True
        if before in ("SET", ",") and self._depth == 0 and self._statement() == "UPDATE":
            return self._next(index) == "="
        return False

    def _is_after_select(self) -> bool:
        """Say whether the last word, FROM, belongs to a statement: not to DISTINCT, nor to a function such as SUBSTRING."""
        if self.upper[-2:-1] == ["DISTINCT"]:
            return False
        depth = 0
        for word in self.upper[:-_LONGEST_SELECT:-1]:
            if word == ")":
                depth += 1
            elif word == "(":
                depth -= 1
                if depth < 0:
                    return False
            elif word in ("SELECT", "DELETE") and depth == 0:
                return True
        return self._statement() == "FROM"

    def _gives(self, index: int, name: int) -> None:
        """Take the value that a statement gives to a name, where it may be a secret without quotes."""
        upper, start = self.upper, self._start
        if start + 1 < len(upper) and upper[start] in SETTINGS and sets_secret(upper[start : start + 2], self.written[name]):
            self._hide_word(index + 1)

    def _hide_word(self, index: int) -> None:
        """Make a string of a word that follows."""
        token = self._tokens[index] if index < len(self._tokens) else ""
        word = token.lstrip()
        if is_bare(word):
            self._tokens[index] = token[: len(token) - len(word)] + "''"

    def _hide_statement(self, index: int) -> None:
        """Mask the rest of the statement, whose end alone is certain."""
        if self._next(index) == "=":
            self._out.append(" =")
        end = index + 1
        while end < len(self._tokens) and self._tokens[end].lstrip() != ";":
            end += 1
        self._hide(index, end)

    def _hide(self, index: int, end: int) -> None:
        """Mask the tokens behind this one."""
        self._out.append(" ?")
        del self._tokens[index + 1 : end]

    def _identify(self, index: int) -> None:
        """Take BY behind IDENTIFIED, with comments between, and what follows it, in whatever statement."""
        tokens = self._tokens
        by = index + 1
        while tokens[by : by + 1] and tokens[by].lstrip()[:2] in ("/*", "--"):
            by += 1
        if tokens[by : by + 1] and tokens[by].strip().upper() == "BY" and by + 1 < len(tokens):
            self._out.append(" ")
            self._add("BY", tokens[by].strip())
            del tokens[index + 1 : by + 1]
            self._hide_statement(index)
