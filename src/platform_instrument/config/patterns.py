"""The patterns of a setting as one question; None where the setting has none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Question: TypeAlias = Callable[[str], object]


def found_in(patterns: tuple[str, ...]) -> Question | None:
    """Return what tells whether one of the patterns occurs in a text, such as a URL."""
    return re.compile(_any_of(patterns)).search if patterns else None


def whole_of(patterns: tuple[str, ...]) -> Question | None:
    """Return what tells whether one of the patterns is the whole of a name, in any case."""
    return re.compile(_any_of(patterns), re.IGNORECASE).fullmatch if patterns else None


def _any_of(patterns: tuple[str, ...]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)
