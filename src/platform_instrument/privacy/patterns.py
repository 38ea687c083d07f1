"""Regular expressions that are compiled when they are first needed, since a service's start pays for none of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, AnyStr, Generic

if TYPE_CHECKING:
    from collections.abc import Callable


class Pattern(Generic[AnyStr]):
    """A regular expression by its source."""

    __slots__ = ("_compiled", "_flags", "_source")

    def __init__(self, source: AnyStr, flags: int = 0) -> None:
        self._source: AnyStr = source
        self._flags = flags
        self._compiled: re.Pattern[AnyStr] | None = None

    def compiled(self) -> re.Pattern[AnyStr]:
        """Return the expression, compiled once."""
        if self._compiled is None:
            self._compiled = re.compile(self._source, self._flags)
        return self._compiled

    def sub(self, replacement: AnyStr | Callable[[re.Match[AnyStr]], AnyStr], text: AnyStr) -> AnyStr:
        """Replace every match in a text."""
        return self.compiled().sub(replacement, text)

    def fullmatch(self, text: AnyStr) -> bool:
        """Say whether the whole text matches."""
        return self.compiled().fullmatch(text) is not None
