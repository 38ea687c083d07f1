"""What a detector is: a kind, what finds its values, and literals that tell where it is worth a try."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from platform_instrument.privacy.patterns import Pattern

    Value = tuple[int, int]
    Place = tuple[int, int, str]
    """Where a value begins and ends, and its kind."""
    Check = Callable[[re.Match[str]], Sequence[Value]]
    Finder = Callable[[str], Iterable[Value]]

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class Detector:
    """Finds one kind of value: `values(text)` yields where each begins and ends.

    `marks` are literals of which one occurs in a text that is worth a try, in the form in which it is looked at; none: always.
    """

    __slots__ = ("kind", "marks", "values")

    def __init__(self, kind: str, values: Finder, marks: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.values = values
        self.marks = marks

    def marked(self, evidence: str) -> bool:
        """Say whether it is worth a try."""
        for mark in self.marks:  # `any` costs twice as much
            if mark in evidence:
                return True
        return not self.marks


def matches(pattern: Pattern[str], check: Check | None = None, *, folded: bool = False) -> Finder:
    """Return what finds a pattern; `check(match)` returns where values are in a match, its whole where there is no check.

    `folded` patterns are in lower case and meet texts in lower case: a tenth of the cost of one that ignores case.
    """

    def values(text: str) -> Iterator[Value]:
        for match in pattern.compiled().finditer(fold(text) if folded else text):
            if check is None:
                yield match.span()
            else:
                yield from check(match)

    return values


def whole(valid: Callable[[re.Match[str]], bool]) -> Check:
    """Return a check by which the whole match is the value where it is valid."""
    return lambda match: (match.span(),) if valid(match) else ()


def fold(text: str) -> str:
    """Return a text in lower case, as far as it stays as long as it is."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)
