"""Regular expressions that are compiled when they are first needed, since a service's start pays for none of them."""

from __future__ import annotations

import re
from itertools import repeat
from typing import TYPE_CHECKING, AnyStr, Generic

if TYPE_CHECKING:
    from collections.abc import Callable


class Pattern(Generic[AnyStr]):
    """A regular expression by its source, or by what makes it; once it is compiled, each of these is a call of C."""

    __slots__ = ("_flags", "_source", "compiled", "fullmatch", "search", "sub")

    def __init__(self, source: AnyStr | Callable[[], AnyStr], flags: int = 0) -> None:
        self._source: AnyStr | Callable[[], AnyStr] = source
        self._flags = flags
        self.compiled: Callable[[], re.Pattern[AnyStr]] = self._compile
        """Return the expression, compiled once."""
        self.fullmatch: Callable[[AnyStr], re.Match[AnyStr] | None] = self._first_fullmatch
        """Return the match of a whole text."""
        self.search: Callable[[AnyStr], re.Match[AnyStr] | None] = self._first_search
        """Return the first match in a text."""
        self.sub: Callable[[AnyStr | Callable[[re.Match[AnyStr]], AnyStr], AnyStr], AnyStr] = self._first_sub
        """Replace every match in a text."""

    def _compile(self) -> re.Pattern[AnyStr]:
        source = self._source() if callable(self._source) else self._source
        compiled = re.compile(source, self._flags)
        self.fullmatch, self.search, self.sub = compiled.fullmatch, compiled.search, compiled.sub
        self.compiled = repeat(compiled).__next__
        return compiled

    def _first_fullmatch(self, text: AnyStr) -> re.Match[AnyStr] | None:
        return self._compile().fullmatch(text)

    def _first_search(self, text: AnyStr) -> re.Match[AnyStr] | None:
        return self._compile().search(text)

    def _first_sub(self, replacement: AnyStr | Callable[[re.Match[AnyStr]], AnyStr], text: AnyStr) -> AnyStr:
        return self._compile().sub(replacement, text)
