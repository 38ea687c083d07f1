"""A statement without its literals, and its words for the summary.

Source: https://opentelemetry.io/docs/specs/semconv/database/database-spans/#sanitization-of-dbquerytext (1.37.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.sql_dialects import LITERAL, MARKS, NAME, TYPOGRAPHIC, words
from platform_instrument.privacy.sql_doubts import (
    LONGEST_PREFIX,
    belongs_to_string,
    has_two_readings,
    is_doubtful_comment,
    is_open_name,
    is_open_string,
    touches,
)
from platform_instrument.privacy.sql_passwords import ANNOUNCERS, announces_password, bare_arguments
from platform_instrument.privacy.sql_reading import BEFORE_COLUMNS, Reading

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from platform_instrument.privacy.sql_dialects import Dialect

_BEFORE_SIGNS = words(
    "ALL AND ANY AS BETWEEN BY CASE DEFAULT DISTINCT ELSE HAVING IN IS LIKE LIMIT NOT OFFSET ON OR RETURN SELECT SET THEN TOP"
    " VALUES WHEN WHERE ( , = < > ! ~ | & ^ * / + - % <> != <= >= == ; ||"
)
_TRUTH = words("TRUE FALSE")
_EXECUTES = words("EXEC EXECUTE")
_TOLD = _TRUTH | ANNOUNCERS | _EXECUTES | words("IN TO")
"""Words that say something about what follows, or are literals."""

_APART = frozenset(" \n\t\r,;()=<>")
"""What a string may touch."""

_PLACE = r"(?:\?\d*|%s|%\(\w+\)s|[:$@]\w+)(?:::\w+)?"
_IN_LIST = Pattern(rf"([iI](?<!\w.)[nN]\s*\()\s*({_PLACE}(?:\s*,\s*{_PLACE})*)\s*(?:\)|\Z)")
_HEX = Pattern(r"[0-9a-fA-F-]+")
_UUID_LENGTHS = (32, 36)
_MOST_WORDS = 4_096
_LONGEST_WORD = 64


class Literals(Reading):
    """One pass over one text.

    `upper` and `written` are the words that matter to the summary, in upper case and as written: words, marks, `"` for a
    quoted name, `'` for a literal, `?` for a bind marker.
    """

    __slots__ = ("_learned", "_lists")

    def __init__(self, text: str, dialect: Dialect, *, whole: bool) -> None:
        super().__init__(text, dialect, whole=whole)
        self._lists = False
        self._learned: dict[str, tuple[str, str, str]] = {}

    def text(self) -> str:
        """Return the text with `?` for each literal, white space and `IN` lists folded, comments left out."""
        tokens, out, upper, written = self._tokens, self._out, self.upper, self.written
        known, takers = self._dialect.words, self._TAKERS
        index = 0
        for token in tokens:  # which may lose those that follow
            word = known.get(token)
            if word is not None:
                out.append(word[0])
                upper.append(word[1])
                written.append(word[2])
            else:
                body = token.lstrip()
                if body != token:
                    out.append(" ")
                take = takers.get(body[:1])
                if take is None:
                    self._word(body, token, index)
                else:
                    take(self, body, index)
            index += 1  # noqa: SIM113 - `enumerate` costs more
        if self._first is not None and self._is_doubtful():
            self._cut(*self._first)
        elif self._learned:
            self._remember()
        text = "".join(out)
        if text[:1] == " " and self._text[:1] in ("/", "-", "#"):
            text = text[1:]  # behind a comment
        return _IN_LIST.sub(_folded, text) if self._lists else text

    def _cut(self, at: int, first: int) -> None:
        """Leave out what follows the first string, or name that may be a part of one, and a word that its quote touches."""
        del self._out[at + 1 :], self.upper[first + 1 :], self.written[first + 1 :]
        self._out[at], self.upper[first] = "?", "'"
        if first and at and self._out[at - 1].lstrip() == self.written[first - 1] and belongs_to_string(self.upper[first - 1]):
            word = self._out.pop(at - 1)
            self._out[-1] = word[: len(word) - len(word.lstrip())] + "?"
            del self.upper[first - 1], self.written[first - 1]

    def _remember(self) -> None:
        """Keep the words of a text whose reading is certain."""
        known = self._dialect.words
        if len(known) + len(self._learned) > _MOST_WORDS:
            known.clear()
            known.update(MARKS)
        known.update(self._learned)

    def _word(self, body: str, token: str, index: int) -> None:
        """Take a word that was not met before, or says more than itself."""
        capital = body.upper()
        if capital in _TRUTH or (len(body) in _UUID_LENGTHS and _HEX.fullmatch(body) and not body.isalpha()):
            self._literal(body)
        elif "'" in body[:LONGEST_PREFIX] or is_open_name(body, self._dialect):
            self._string(body, index)
        elif capital in _TOLD:
            self._announce(body, capital, index)
        else:
            self._name(capital, body)
            if len(body) <= _LONGEST_WORD and body.replace(".", "_").isidentifier():
                self._learned[token] = (f" {body}" if body != token else body, capital, body)

    def _name(self, capital: str, body: str) -> None:
        """Take a name; one that holds a quote may be a part of a string, if the reading is wrong."""
        if "'" in body:
            self._first = self._first or (len(self._out), len(self.upper))
            self._broken = self._broken or ("`" in body and not self._dialect.backticks)
        self._add(capital, body)

    def _announce(self, body: str, capital: str, index: int) -> None:
        """Take a word that may say that a secret follows."""
        statement = self.upper[self._start :] if capital in ANNOUNCERS else ()
        secret = statement and announces_password(statement, self.upper[-1], capital, self._next(index))
        self._add(capital, body)
        if secret:
            self._hide_statement(index)
        elif capital == "IDENTIFIED":
            self._identify(index)
        elif capital == "IN":
            self._lists = True
        elif capital == "TO":
            self._gives(index, -2)
        elif capital in _EXECUTES and len(self.upper) == self._start + 1 and self._dialect.bare_arguments:
            for position in bare_arguments(self._tokens, index):
                self._hide_word(position)

    def _bracket(self, body: str, index: int) -> None:
        if body == "(":
            self._depth += 1
            if self._columns < 0 and len(self.upper) > 1 and self.upper[-2] in BEFORE_COLUMNS:
                self._columns = self._depth
        else:
            if self._depth == self._columns:
                self._columns = -1
            self._depth -= 1
        self._add(body, body)
        if body == "(" and self._statement() == "PRAGMA":
            self._gives(index, -2)

    def _semicolon(self, body: str, index: int) -> None:
        statement = self.upper[self._start :]
        self._add(body, body)
        if statement[:1] == ["COPY"] and "STDIN" in statement and index + 1 < len(self._tokens):
            self._hide(index, len(self._tokens))  # the rows
        self._start, self._depth, self._columns = len(self.upper), 0, -1

    def _mark(self, body: str, _index: int) -> None:
        self._add(body, body)

    def _equals(self, body: str, index: int) -> None:
        self._add(body, body)
        if body == "=":
            self._gives(index, -2)

    def _bind(self, body: str, _index: int) -> None:
        self._add("?" if len(body) > 1 or body == "?" else body, body)

    def _dollar(self, body: str, _index: int) -> None:
        if len(body) > 1 and not body[1].isdigit():
            self._string(body, _index)
        else:
            self._add("?" if len(body) > 1 else body, body)

    def _point(self, body: str, _index: int) -> None:
        if len(body) > 1:
            self._number(body)
        else:
            self._add(body, body)

    def _quoted(self, body: str, index: int) -> None:
        if is_open_name(body, self._dialect):
            self._string(body, index)
        else:
            self._name('"' if len(body) > 1 else body, body)

    def _space(self, _body: str, _index: int) -> None:
        """Nothing but white space, which is written already."""

    def _comment(self, body: str, index: int) -> None:
        """Take a comment, an operator, or a temporary table, whose name begins with a hash."""
        if len(body) == 1:
            self._add(body, body)
            if body == "/" and self._statement() == "CONNECT":
                self._hide_statement(index)
        elif body[0] == "#" and not self._dialect.hash_comments and not body[1].isspace():
            self._add('"', body)
        elif is_doubtful_comment(body, self._dialect) or "".join(self._out[-2:]).endswith(("--", "#")):
            self._string(body, index)
            self._broken = True  # so it is where signs would begin a comment that a space is all that is left of
        else:
            spaced = bool(self._out) and self._out[-1] == " "
            following = self._tokens[index + 1 : index + 2]
            if spaced and (not following or following[0][0].isspace()):
                del self._out[-1]
            elif following and self._out and not spaced and not following[0][0].isspace():
                self._out.append(" ")

    def _literal(self, token: str) -> None:
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

    def _string(self, body: str, index: int) -> None:
        if self._first is None:
            self._first = (len(self._out), len(self.upper))
        tokens, out = self._tokens, self._out
        if (index + 1 < len(tokens) and tokens[index + 1][0] not in _APART) or (out and out[-1][-1] not in _APART):
            self._broken = self._broken or touches(tokens, index)
        out.append("?")
        self.upper.append("'")
        self.written.append(body)

    def _double(self, token: str, index: int) -> None:
        """Take what double quotes enclose; joined to another name by a point, it is a name everywhere."""
        kind = self._dialect.double_quotes
        if is_open_name(token, self._dialect):
            self._string(token, index)
        elif kind == NAME or not self._dialect.is_one_double(token) or (kind != LITERAL and self._is_name(index)):
            self._name('"', token)
        else:
            self._string(token, index)
            self.upper[-1] = '"'

    def _is_doubtful(self) -> bool:
        """Say whether the strings' ends are guesses, so that nothing after the first string is believed."""
        text, dialect = self._text, self._dialect
        if self._broken or (self._whole and is_open_string(self._tokens[-1].lstrip(), dialect)):
            return True
        if "\\'" in text or '\\"' in text or ("'''" in text and not dialect.is_known):
            return has_two_readings(text, dialect.tokens(text), dialect)
        return False

    _TAKERS: ClassVar[dict[str, Callable[[Literals, str, int], None]]] = {
        "": _space,
        **dict.fromkeys("0123456789", _number),
        **dict.fromkeys("<>!~|&^*+,}\\]", _mark),
        **dict.fromkeys(TYPOGRAPHIC, _string),
        **dict.fromkeys("?:%@", _bind),
        **dict.fromkeys("()", _bracket),
        **dict.fromkeys("`[", _quoted),
        **dict.fromkeys(".{", _point),
        **dict.fromkeys("-/#", _comment),
        "'": _string,
        '"': _double,
        "$": _dollar,
        ";": _semicolon,
        "=": _equals,
    }
    """What takes a token, by its first character; any other begins a word."""


def _folded(match: re.Match[str]) -> str:
    places = match[2]
    return f"{match[1]}{'?' if ',' in places else places})"
