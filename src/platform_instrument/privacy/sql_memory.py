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
    """Statements by text, by digest and by what they became. What is full is emptied: statements in use return at once."""

    __slots__ = ("digests", "held", "plain", "statements")

    def __init__(self) -> None:
        self.plain: dict[str, Statement] = {}
        """By a text that holds no literal."""
        self.digests: dict[tuple[int, int], Statement] = {}
        """By the hash, keyed by the process, and the length of a text that holds literals."""
        self.statements: dict[Any, Statement] = {}
        self.held = 0

    def make_room(self, text: str) -> None:
        """Count a text that is to be kept; forget everything first where it is one too many."""
        size = getsizeof(text)
        if self.held + size > MOST_BYTES or len(self.plain) + len(self.digests) >= MOST_KNOWN:
            self.forget()
        self.held += size

    def forget(self) -> None:
        """Forget everything."""
        self.plain.clear()
        self.digests.clear()
        self.statements.clear()
        self.held = 0
