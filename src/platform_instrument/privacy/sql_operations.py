"""Statements other than SELECT: which of their words are the operation, which the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from platform_instrument.privacy.sql_dialects import words

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPES = words("TABLE INDEX VIEW PROCEDURE FUNCTION TRIGGER DATABASE SCHEMA SEQUENCE USER ROLE TYPE DOMAIN EXTENSION")
_TYPES_WITH_BODY = words("PROCEDURE FUNCTION TRIGGER")
_BEFORE_TYPE = words(
    "OR REPLACE TEMPORARY TEMP UNLOGGED UNIQUE GLOBAL LOCAL EXTERNAL FOREIGN MATERIALIZED RECURSIVE VIRTUAL CLUSTERED"
    " NONCLUSTERED FULLTEXT SPATIAL BITMAP TRANSIENT COLUMNSTORE AGGREGATE"
)
_BEFORE_TARGET = words(
    "ONLY LOW_PRIORITY HIGH_PRIORITY DELAYED QUICK IGNORE CONCURRENTLY OR ABORT FAIL ROLLBACK REPLACE IF NOT EXISTS"
)
_NO_TARGETS = words("WHERE SET VALUES SELECT USING ON")
_TRANSACTION_WORDS = words("TRANSACTION TRAN WORK")
_BEFORE_INSERTED = words("OVERWRITE TABLE IGNORE DELAYED LOW_PRIORITY HIGH_PRIORITY")
_BEHIND_INSERTED = words("( VALUES SELECT DEFAULT SET PARTITION WITH OUTPUT")
_SEQUENCE = ["NEXT", "VALUE", "FOR"]

Operate: TypeAlias = "Callable[[Found, int], int]"


def is_name(word: str) -> bool:
    """Say whether a word, as `Literals.upper` has it, can name something."""
    return word == '"' or word[:1].isalpha() or word[:1] == "_"


class Found:
    """What was found so far; `operation` and `collection` are the first ones of the whole text."""

    __slots__ = ("_parts", "_upper", "_written", "collection", "goes_on", "has_body", "nested", "operation", "silent")

    def __init__(self, upper: list[str], written: list[str]) -> None:
        self._upper = upper
        self._written = written
        self._parts: list[str] = []
        self.operation = ""
        self.collection = ""
        self.silent = False
        """Whether the rest of the statement says nothing."""
        self.goes_on = False
        """Whether another operation follows at once, as after EXPLAIN."""
        self.has_body = False
        """Whether AS or BEGIN opens a body of statements."""
        self.nested = False
        """Whether the operation stands inside of another statement."""

    def take(self) -> str:
        """Return the summary of one statement, and begin the next one."""
        text = " ".join(self._parts)
        self._parts = []
        self.silent = self.goes_on = self.has_body = self.nested = False
        return text

    def add_operation(self, name: str, shown: str = "") -> None:
        """Note an operation; `shown` is what the summary says."""
        self.goes_on = False
        self._parts.append(shown or name)
        self.operation = self.operation or name

    def add_target(self, name: str, *, table: bool = True) -> None:
        """Note a target; only a table is a collection."""
        self._parts.append(name)
        if table and not self.collection:
            self.collection = name

    def word(self, index: int) -> str:
        """Return a word in upper case, empty behind the end."""
        return self._upper[index] if index < len(self._upper) else ""

    def written(self, index: int) -> str:
        """Return a word as written."""
        return self._written[index]

    def target(self, index: int, *, table: bool = True) -> int:
        """Note the name that stands here, behind words such as ONLY, if there is one; return the last index taken."""
        while self.word(index) in _BEFORE_TARGET and self.may_be_target(index + 1):
            index += 1
        if not self.may_be_target(index):
            return index - 1
        self.add_target(self._written[index], table=table)
        return index

    def find(self, word: str, index: int) -> int:
        """Return the index of a word in this clause, or -1."""
        while index < len(self._upper):
            here = self._upper[index]
            if here == word:
                return index
            if here in ("(", ")", ";") or here in _NO_TARGETS:
                return -1
            index += 1
        return -1

    def may_be_target(self, index: int) -> bool:
        """Say whether the word that stands here may name a target."""
        word = self.word(index)
        return is_name(word) and word not in _NO_TARGETS


def _only(found: Found, index: int) -> int:
    found.add_operation(found.written(index))
    found.silent = True
    return index


def _insert(found: Found, index: int) -> int:
    found.add_operation(found.written(index))
    into = found.find("INTO", index + 1)
    at = (into if into > 0 else index) + 1
    while found.word(at) in _BEFORE_INSERTED and found.may_be_target(at + 1):
        at += 1
    return found.target(at) if into > 0 or found.word(at + 1) in _BEHIND_INSERTED else index


def _delete(found: Found, index: int) -> int:
    found.add_operation(found.written(index))
    origin = found.find("FROM", index + 1)
    return found.target(origin + 1) if origin > 0 else index


def _change(found: Found, index: int) -> int:
    found.add_operation(found.written(index))
    return found.target(index + 2 if found.word(index + 1) == "INTO" else index + 1)


def _values(found: Found, index: int) -> int:
    if not found.nested:
        found.add_operation(found.written(index))
    return index


def _call(found: Found, index: int) -> int:
    found.add_operation(found.written(index))
    following = index + 1
    while found.word(following) in ("?", "="):
        following += 1
    if [found.word(following + step) for step in range(3)] == _SEQUENCE:
        following += 3
    return found.target(following, table=False)


def _explain(found: Found, index: int) -> int:
    if found.word(index - 1) != "EXPLAIN" or index == 0:
        found.add_operation(found.written(index))
    found.goes_on = True
    return index


def _analyze(found: Found, index: int) -> int:
    return index if found.goes_on else _only(found, index)


def _transaction(found: Found, index: int) -> int:
    found.add_operation(found.written(index))
    if found.word(index + 1) in _TRANSACTION_WORDS:
        index += 1
        found.add_target(found.written(index), table=False)
        found.silent = True
    elif found.word(index) == "BEGIN":
        found.goes_on = True
    else:
        found.silent = True
    return index


def _use(found: Found, index: int) -> int:
    found.add_operation(found.written(index))
    found.silent = True
    return found.target(index + 1, table=False)


def _lock(found: Found, index: int) -> int:
    found.add_operation(found.written(index))
    found.silent = True
    if found.word(index + 1) in ("TABLE", "TABLES"):
        index += 1
        found.add_target(found.written(index), table=False)
    return found.target(index + 1)


def _define(found: Found, index: int) -> int:
    verb = found.written(index)
    at = index + 1
    while found.word(at) in _BEFORE_TYPE:
        at += 1
    kind = found.word(at)
    if kind in _TYPES:
        found.add_operation(f"{verb} {found.written(at)}")
        found.has_body = kind in _TYPES_WITH_BODY
        return found.target(at + 1, table=kind == "TABLE")
    found.add_operation(verb, f"{verb} {found.written(at)}" if is_name(kind) else "")
    return at if kind and kind != ";" else index


OPERATIONS: dict[str, Operate] = {
    **dict.fromkeys(("INSERT", "UPSERT"), _insert),
    **dict.fromkeys(("UPDATE", "MERGE", "REPLACE", "COPY"), _change),
    **dict.fromkeys(("CALL", "EXEC", "EXECUTE"), _call),
    **dict.fromkeys(("CREATE", "ALTER", "DROP", "TRUNCATE"), _define),
    **dict.fromkeys(("BEGIN", "COMMIT", "ROLLBACK", "START"), _transaction),
    **dict.fromkeys(
        words(
            "GRANT REVOKE SHOW SET PRAGMA VACUUM DECLARE FETCH CLOSE PREPARE DEALLOCATE DISCARD RESET SAVEPOINT RELEASE LISTEN"
            " NOTIFY UNLISTEN COMMENT REINDEX REFRESH ATTACH DETACH KILL DESCRIBE DESC CHECKPOINT OPTIMIZE UNLOCK FLUSH DENY"
        ),
        _only,
    ),
    "DELETE": _delete,
    "VALUES": _values,
    "EXPLAIN": _explain,
    "ANALYZE": _analyze,
    "USE": _use,
    "LOCK": _lock,
}
"""What to do with a statement's first word: note its operation and target, return the index of the last word taken."""
