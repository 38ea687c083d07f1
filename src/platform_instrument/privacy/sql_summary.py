"""What a statement does to what, in few words: `SELECT users orders`.

Source: https://opentelemetry.io/docs/specs/semconv/database/database-spans/#generating-a-summary-of-the-query (1.37.0).
Names stay as they are written. Common table expressions are no targets.
"""

from __future__ import annotations

from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.sql_dialects import words
from platform_instrument.privacy.sql_operations import OPERATIONS, Found, is_name

_LONGEST = 255

_BEFORE_FROM, _TARGET, _AFTER_TARGET, _DONE = range(4)

_END_OF_FROM = words(
    "WHERE GROUP ORDER HAVING LIMIT OFFSET FETCH WINDOW FOR QUALIFY CONNECT UNION EXCEPT INTERSECT MINUS RETURNING SET VALUES"
    " OPTION SETTINGS"
)
_JOINS = frozenset((",", "JOIN", "APPLY", "STRAIGHT_JOIN"))
_SET_OPERATORS = words("UNION ALL DISTINCT EXCEPT INTERSECT MINUS")
_BEFORE_TARGET = frozenset(("LATERAL", "ONLY"))
_NESTED = frozenset(("SELECT", "WITH", "VALUES"))
_BODIES = frozenset(("AS", "BEGIN", "IS"))
_LISTED = _END_OF_FROM | _JOINS | _BODIES | words("( ) ; SELECT WITH FROM")
"""Words that matter where targets are listed."""
_STRUCTURE = _LISTED - {","}
"""Words that matter wherever they stand."""
_PLAIN_NAME = Pattern(r"'[^\W\d][\w ]{0,62}'")


class _Frame:
    """One SELECT: the depth of parentheses it stands at, the depth its targets are listed at, and how far it is."""

    __slots__ = ("depth", "level", "state")

    def __init__(self, depth: int, state: int = _BEFORE_FROM) -> None:
        self.depth = depth
        self.level = depth
        self.state = state


class Summary:
    """One pass over the words of a text, as `Literals` gives them."""

    __slots__ = ("_depth", "_expressions", "_found", "_frames", "_headers", "_starting", "_upper", "_written", "text")

    def __init__(self, upper: list[str], written: list[str]) -> None:
        self._upper = upper
        self._written = written
        self._found = Found(upper, written)
        self._frames: list[_Frame] = []
        self._headers: list[int] = []
        """The depths of open WITH clauses."""
        self._expressions: set[str] = set()
        """Names of common table expressions."""
        self._depth = 0
        self._starting = True
        """Whether the next word may begin a statement."""
        self.text = self._read()

    @property
    def operation(self) -> str:
        """The first operation."""
        return self._found.operation[:_LONGEST]

    @property
    def collection(self) -> str:
        """The first table."""
        return self._found.collection[:_LONGEST]

    def _read(self) -> str:
        summaries = []
        index, upper = 0, self._upper
        count = len(upper)
        structure = _STRUCTURE
        every = True  # whether the next word matters, whatever it is
        while index < count:
            word = upper[index]
            if every or word in structure:
                if word == ";":
                    summaries.append(self._found.take())
                    self._frames, self._headers = [], []
                    self._depth, self._starting = 0, True
                else:
                    index = self._step(index, word)
                state = self._frames[-1].state if self._frames else _BEFORE_FROM
                structure = _LISTED if state == _AFTER_TARGET else _STRUCTURE
                every = self._starting or bool(self._headers) or state == _TARGET
            index += 1
        last = self._found.take()
        return _cut("; ".join(filter(None, (*summaries, last))) if summaries else last)

    def _step(self, index: int, word: str) -> int:
        """Take one word; return the index of the last word that was taken with it."""
        if self._found.silent:
            return index
        if word == "(":
            self._open(index)
        elif word == ")":
            self._close()
        elif self._starting:
            return self._start(index, word)
        elif word == "SELECT":
            self._select(index)
        elif word == "WITH" and "AS" in self._upper[index + 2 : index + 4]:
            self._headers.append(self._depth)
        elif self._headers and self._headers[-1] == self._depth:
            return self._header(index, word)
        elif self._frames:
            self._in_select(index, word, self._frames[-1])
        elif self._found.has_body and word in _BODIES:
            self._starting = True
        return index

    def _open(self, index: int) -> None:
        before = self._upper[index - 1] if index else ""
        following = self._upper[index + 1] if index + 1 < len(self._upper) else ""
        if self._headers and self._headers[-1] == self._depth and before in ("AS", "MATERIALIZED"):
            self._starting = True
        elif self._frames and self._frames[-1].state == _TARGET and self._frames[-1].level == self._depth:
            if following not in _NESTED:
                self._frames[-1].level += 1
            elif following == "WITH":
                self._starting = True
        self._depth += 1

    def _close(self) -> None:
        frames = self._frames
        while frames and frames[-1].depth >= self._depth > 0:
            frames.pop()
        while self._headers and self._headers[-1] >= self._depth > 0:
            self._headers.pop()
        if frames:
            frame = frames[-1]
            if frame.level == self._depth:
                frame.level -= 1
            if frame.state == _TARGET and frame.level == self._depth - 1:
                frame.state = _AFTER_TARGET
        self._depth -= 1

    def _start(self, index: int, word: str) -> int:
        """Take a word where a statement may begin."""
        if word == "SELECT":
            self._select(index)
        elif word == "WITH":
            self._starting = False
            self._headers.append(self._depth)
        elif word == "FROM":
            self._starting = False
            self._found.add_operation("select" if self._written[index].islower() else "SELECT")
            self._frames.append(_Frame(self._depth, _TARGET))
        elif word in OPERATIONS:
            self._starting = False
            self._found.nested = self._depth > 0 or bool(self._expressions)
            index = OPERATIONS[word](self._found, index)
            self._starting = self._found.goes_on
        elif is_name(word) and not self._found.goes_on:
            self._starting = False
        return index

    def _header(self, index: int, word: str) -> int:
        """Take a word between WITH and the statement that it belongs to."""
        before = self._upper[index - 1]
        if before in ("WITH", "RECURSIVE", ",") and word != "RECURSIVE":
            self._expressions.add(_bare(self._written[index]))
        elif before == ")" and word not in ("AS", ",", "NOT", "MATERIALIZED"):
            self._headers.pop()
            return self._start(index, word)
        return index

    def _select(self, index: int) -> None:
        self._starting = False
        self._found.add_operation(self._written[index])
        if self._headers and self._headers[-1] == self._depth:
            self._headers.pop()
        frames = self._frames
        before = self._upper[index - 1] if index else ""
        if frames and (frames[-1].depth == self._depth or before in _SET_OPERATORS):
            frames.pop()
        frames.append(_Frame(self._depth))

    def _in_select(self, index: int, word: str, frame: _Frame) -> None:
        if frame.state == _BEFORE_FROM:
            if word == "FROM" and self._depth == frame.depth and self._upper[index - 1] != "DISTINCT":
                frame.state = _TARGET
        elif self._depth != frame.level:
            return
        elif frame.state == _TARGET:
            self._target(index, word, frame)
        elif frame.state == _AFTER_TARGET:
            if word in _JOINS:
                frame.state = _TARGET
            elif word in _END_OF_FROM:
                frame.state = _DONE

    def _target(self, index: int, word: str, frame: _Frame) -> None:
        following = self._upper[index + 1] if index + 1 < len(self._upper) else ""
        if word in _BEFORE_TARGET and (following == "(" or is_name(following)):
            return
        frame.state = _DONE if word == "WHERE" else _AFTER_TARGET
        written = self._written[index]
        names = is_name(word) and word not in _NESTED and word != "WHERE"
        if (names or (word == "'" and _PLAIN_NAME.fullmatch(written))) and _bare(written) not in self._expressions:
            self._found.add_target(written)


def _bare(name: str) -> str:
    return name.strip('"`[]').upper()


def _cut(text: str) -> str:
    """Cut a summary between two words."""
    if len(text) <= _LONGEST:
        return text
    end = text.rfind(" ", 0, _LONGEST + 1)
    return text[: end if end > 0 else _LONGEST].rstrip(";")
