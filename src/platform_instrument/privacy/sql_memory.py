"""The statements that are known, within bounds of number and of bytes; none holds a literal."""

from __future__ import annotations

from sys import getsizeof
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platform_instrument.privacy.sql import Statement

MOST_KNOWN = 4_096
MOST_BYTES = 4 * 1024 * 1024
"""Of texts in one memory."""


class Memory:
    """Statements by digest and by what they became. What is full is emptied: statements in use return at once."""

    __slots__ = ("digests", "held", "statements")

    def __init__(self) -> None:
        self.digests: dict[int, Statement] = {}
        """By the hash of a text, which is keyed by the process: no text stays that may hold literals."""
        self.statements: dict[Any, Statement] = {}
        self.held = 0

    def make_room(self) -> None:
        """Forget everything where one text more is too many."""
        if len(self.digests) >= MOST_KNOWN:
            self.forget()

    def keep(self, key: object, statement: Statement) -> Statement:
        """Keep a statement that is new; forget everything else first where it is too much."""
        size = getsizeof(statement.text)
        if self.held + size > MOST_BYTES or len(self.statements) >= MOST_KNOWN:
            self.forget()
        self.held += size
        self.statements[key] = statement
        return statement

    def forget(self) -> None:
        """Forget everything."""
        self.digests.clear()
        self.statements.clear()
        self.held = 0
