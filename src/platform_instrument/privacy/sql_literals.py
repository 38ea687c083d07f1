"""A statement without its literals, and its words for the summary.

Source: https://opentelemetry.io/docs/specs/semconv/database/database-spans/#sanitization-of-dbquerytext (1.37.0).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.sql_dialects import LITERAL, NAME, OTHER, words
from platform_instrument.privacy.sql_passwords import announces_password

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_instrument.privacy.sql_dialects import Dialect

_BEFORE_SIGNS = words(
    "ALL AND ANY AS BETWEEN BY CASE DEFAULT DISTINCT ELSE HAVING IN IS LIKE LIMIT NOT OFFSET ON OR RETURN SELECT SET THEN TOP"
    " VALUES WHEN WHERE ( , = < > ! ~ | & ^ * / + - % <> != <= >= == ; ||"
)
_BEFORE_NAMES = words(
    "FROM JOIN INTO UPDATE TABLE INDEX VIEW EXISTS REFERENCES AS BY ONLY COLUMN CONSTRAINT SAVEPOINT RELEASE DATABASE ADD DROP"
    " RENAME TO ALTER TRIGGER COLLATE APPLY TRUNCATE"
)
_BEFORE_COLUMNS = frozenset(("INTO", "TABLE", "EXISTS", "ON", "KEY", "UNIQUE", "REFERENCES"))
_TRUTH = words("TRUE FALSE")
_TOLD = words("TRUE FALSE PASSWORD BY IN")
"""Words that say something about what follows."""

_PLACE = r"(?:\?\d*|%s|%\(\w+\)s|[:$@]\w+)(?:::\w+)?"
_IN_LIST = Pattern(rf"(\bin\s*\()\s*({_PLACE}(?:\s*,\s*{_PLACE})*)\s*(?:\)|\Z)", re.IGNORECASE)
_HEX = Pattern(r"[0-9a-fA-F-]+")
_ESCAPED = Pattern(r"\\.", re.DOTALL)
_UUID_LENGTHS = (32, 36)
_LONGEST_PREFIX = 3


class Literals:
    """One pass over one text.

    `upper` and `written` are the words that matter to the summary, in upper case and as written: words, marks, `"` for a
    quoted name, `'` for a literal, `?` for a bind marker.
    """

    __slots__ = (
        "_columns",
        "_depth",
        "_dialect",
        "_escaped",
        "_first",
        "_lists",
        "_out",
        "_start",
        "_tokens",
        "_whole",
        "masked",
        "upper",
        "written",
    )

    def __init__(self, text: str, dialect: Dialect, *, whole: bool) -> None:
        self._dialect = dialect
        self._tokens = dialect.tokens(text)
        self._whole = whole
        self._escaped = "\\'" in text or '\\"' in text
        self._out: list[str] = []
        self.upper: list[str] = []
        self.written: list[str] = []
        self.masked = False
        """Whether the text holds something that must not stay in memory."""
        self._first: tuple[int, int] | None = None
        """Where the first string stands, in the output and in the words."""
        self._start = 0
        """Where the words of the current statement begin."""
        self._depth = 0
        self._columns = -1
        """The depth of a list of names, such as the columns of INSERT."""
        self._lists = False

    def text(self) -> str:
        """Return the text with `?` for each literal, white space and `IN` lists folded, comments left out."""
        tokens, out, upper, written = self._tokens, self._out, self.upper, self.written
        index, count = 0, len(tokens)
        last = count - 1
        takers = self._TAKERS
        while index < count:
            token = tokens[index]
            body = token.lstrip()
            if body != token:
                out.append(" ")
            take = takers.get(body[:1])
            if take is None:
                capital = body.upper()
                if capital in _TOLD or body[-1] in "'-" or len(body) in _UUID_LENGTHS or index == last:
                    index = self._word(body, capital, index)
                else:
                    out.append(body)
                    upper.append(capital)
                    written.append(body)
            else:
                take(self, body, index)
            index += 1
        if self._first is not None and self._doubtful():
            at, word = self._first
            del out[at + 1 :], upper[word + 1 :], written[word + 1 :]
        text = "".join(out)
        return _IN_LIST.sub(_folded, text) if self._lists else text

    def _word(self, body: str, capital: str, index: int) -> int:
        """Take a word that may say more; return the index of the last token that it covers."""
        if capital in _TRUTH or (len(body) in _UUID_LENGTHS and _HEX.fullmatch(body) and not body.isalpha()):
            self._literal(body)
            return index
        if (body[-1] == "'" and "'" in body[:_LONGEST_PREFIX]) or (index == len(self._tokens) - 1 and self._is_open(body)):
            self._string(body)
            return index
        secret = capital in ("PASSWORD", "BY") and announces_password(
            self.upper[self._start : self._start + 2], self.upper[-1] if self.upper else "", capital, self._next(index)
        )
        self._add(capital, body)
        if secret:
            return self._secret(index)
        if capital == "IN":
            self._lists = True
        return index

    def _bracket(self, body: str, _index: int) -> None:
        if body == "(":
            self._depth += 1
            if self._columns < 0 and len(self.upper) > 1 and self.upper[-2] in _BEFORE_COLUMNS:
                self._columns = self._depth
        else:
            if self._depth == self._columns:
                self._columns = -1
            self._depth -= 1
        self._add(body, body)

    def _semicolon(self, body: str, _index: int) -> None:
        self._add(body, body)
        self._start, self._depth, self._columns = len(self.upper), 0, -1

    def _mark(self, body: str, _index: int) -> None:
        self._add(body, body)

    def _bind(self, body: str, _index: int) -> None:
        self._add("?" if len(body) > 1 or body == "?" else body, body)

    def _dollar(self, body: str, _index: int) -> None:
        if len(body) > 1 and not body[1].isdigit():
            self._string(body)
        else:
            self._add("?" if len(body) > 1 else body, body)

    def _point(self, body: str, _index: int) -> None:
        if len(body) > 1:
            self._number(body)
        else:
            self._add(body, body)

    def _quoted(self, body: str, _index: int) -> None:
        if self._is_open(body):
            self._string(body)
        else:
            self._add('"' if len(body) > 1 else body, body)

    def _space(self, _body: str, _index: int) -> None:
        """Nothing but white space, which is written already."""

    def _add(self, capital: str, body: str) -> None:
        self._out.append(body)
        self.upper.append(capital)
        self.written.append(body)

    def _comment(self, body: str, index: int) -> None:
        """Take a comment, or a temporary table, whose name begins with a hash."""
        if len(body) == 1:
            self._add(body, body)
        elif body[0] == "#" and not self._dialect.hash_comments and not body[1].isspace():
            self._add('"', body)
        elif self._dialect.keeps_comments:
            self._out.append(body)
        else:
            self.masked = True
            spaced = bool(self._out) and self._out[-1] == " "
            following = self._tokens[index + 1 : index + 2]
            if following and spaced and following[0][0].isspace():
                del self._out[-1]
            elif following and not spaced and not following[0][0].isspace():
                self._out.append(" ")

    def _literal(self, token: str) -> None:
        self.masked = True
        self._out.append("?")
        self.upper.append("'")
        self.written.append(token)

    def _number(self, body: str, _index: int = 0) -> None:
        """Take a number with its sign; after an operand, a sign is an operator."""
        if self._out and self._out[-1] in ("-", "+"):
            before = self.upper[-2] if len(self.upper) > 1 else "("
            if before in _BEFORE_SIGNS:
                del self._out[-1], self.upper[-1], self.written[-1]
        self._literal(body)

    def _string(self, body: str, _index: int = 0) -> None:
        if self._first is None:
            self._first = (len(self._out), len(self.upper))
        self._literal(body)

    def _double(self, token: str, index: int) -> None:
        """Take what double quotes enclose; joined to another name by a point, it is a name everywhere."""
        kind = self._dialect.double_quotes
        if self._is_open(token):
            self._string(token)
        elif kind == NAME or not self._dialect.is_one_double(token) or (kind != LITERAL and self._is_name(index)):
            self._add('"', token)
        else:
            self._string(token)
            self.upper[-1] = '"'

    def _is_name(self, index: int) -> bool:
        """Say whether only a name can stand here."""
        before = self.upper[-1] if self.upper else ""
        if before in _BEFORE_NAMES:
            return True
        if before in ("(", ",") and self._depth == self._columns:
            return True
        if before in ("SET", ",") and self._depth == 0 and self.upper[self._start] == "UPDATE":
            return self._next(index) == "="
        return False

    def _is_open(self, token: str) -> bool:
        """Say whether a name's last quote has no partner, which only the end of a text can bring about."""
        if self._dialect.escapes and "\\" in token:
            token = _ESCAPED.sub("", token)
        return token.count('"') % 2 == 1 or token.count("`") % 2 == 1

    def _next(self, index: int) -> str:
        """Return the next token in upper case, empty at the end."""
        following = self._tokens[index + 1 : index + 2]
        return following[0].strip().upper() if following else ""

    def _secret(self, index: int) -> int:
        """Mask the rest of the statement, whose end alone is certain; return the index of its last token."""
        self.masked = True
        self._out.append(" = ?" if self._next(index) == "=" else " ?")
        end = index + 1
        while end < len(self._tokens) and self._tokens[end].lstrip() != ";":
            end += 1
        return end - 1

    def _doubtful(self) -> bool:
        """Say whether the strings' ends are guesses.

        A backslash before a quote means different things to different databases. Where the reading shows itself wrong, by
        a string without an end or one that touches a word, or where nobody says which database it is, nothing after the
        first string is believed.
        """
        last = self._tokens[-1].lstrip()
        open_end = self._whole and self._is_open_string(last)
        if not self._escaped:
            return open_end
        if open_end or self._dialect is OTHER:
            return True
        return any(
            token.lstrip()[:1] in ("'", '"') and (after[0].isalnum() or after[0] in "_'\"\\")
            for token, after in zip(self._tokens, self._tokens[1:], strict=False)
        )

    def _is_open_string(self, token: str) -> bool:
        quote = token[0] if token[:1] in ("'", '"') else "'" if "'" in token[:_LONGEST_PREFIX] else ""
        if not quote:
            return False
        if "\\" in token and (self._dialect.escapes or token[0] in "eE"):
            token = _ESCAPED.sub("", token)
        return token.count(quote) % 2 == 1

    _TAKERS: ClassVar[dict[str, Callable[[Literals, str, int], None]]] = {
        "": _space,
        **dict.fromkeys("0123456789", _number),
        **dict.fromkeys("=<>!~|&^*+,}\\]", _mark),
        **dict.fromkeys("?:%@", _bind),
        **dict.fromkeys("()", _bracket),
        **dict.fromkeys("`[", _quoted),
        **dict.fromkeys(".{", _point),
        **dict.fromkeys("-/#", _comment),
        "'": _string,
        '"': _double,
        "$": _dollar,
        ";": _semicolon,
    }
    """What takes a token, by its first character; any other begins a word."""


def _folded(match: re.Match[str]) -> str:
    places = match[2]
    return f"{match[1]}{'?' if ',' in places else places})"
