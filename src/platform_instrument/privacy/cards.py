"""Payment cards. Source: ISO/IEC 7812-1, the issuers' published ranges.

A bare run of digits is a card only where a word beside it says so: one random number in ten passes Luhn's check.
"""

from __future__ import annotations

import re

from platform_instrument.privacy.beside import BEGIN, GAP, GAPS, beside
from platform_instrument.privacy.detector import Detector, matches
from platform_instrument.privacy.patterns import Pattern

_CARD_WORD = Pattern(
    r"(?i)card|\bcc\b|credit|debit|visa|amex|maestro|discover|diners|\bpan\b|(?<![a-z])cc[_ -]?(?:num|no)|primary.?account"
)
_CARD = Pattern(
    rf"{BEGIN}\d{{4}}(?:\d{{8,15}}|{GAP}\d{{3,13}}(?:{GAP}{{1,2}}\d{{1,7}}){{0,3}}|\d{{1,9}}{GAP}{{1,2}}\d{{3,11}})"
    r"(?![\w-]|\.\d)"
)
_ISSUERS = (
    (r"4", (13, 16, 19)),  # Visa
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
    (r"3[47]", (15,)),  # American Express
    (r"30[0-5]|3095|36|3[89]", (14, 15, 16, 17, 18, 19)),  # Diners Club
    (r"6011|62|64[4-9]|65", (16, 17, 18, 19)),  # Discover, UnionPay
    (r"35(?:2[89]|[3-8])|2131|1800", (15, 16, 17, 18, 19)),  # JCB
    (r"50|5[6-9]|6[0-9]", tuple(range(12, 20))),  # Maestro, Elo, RuPay, other debit cards
    (r"220[0-4]", (16, 17, 18, 19)),  # Mir
    (r"9792|1220|1946", (15, 16)),  # Troy, UATP and others
)
_SHORTEST_CARD, _LONGEST_CARD = 12, 19
_GROUPINGS = frozenset((
    (4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 4, 4, 1), (4, 4, 4, 3), (4, 4, 4, 2), (4, 4, 4, 1), (4, 4, 5),
    (4, 6, 5), (4, 6, 4), (6, 13),
))  # fmt: skip


def _card(match: re.Match[str]) -> list[tuple[int, int]]:
    """Return the cards in a match: mostly it is one, but what is beside a card may be another."""
    named = beside(match, _CARD_WORD)
    gaps = [gap.span() for gap in GAPS.compiled().finditer(match[0])]
    groups = list(zip([0, *(end for _, end in gaps)], [*(start for start, _ in gaps), len(match[0])], strict=True))
    found: list[tuple[int, int]] = []
    first = 0
    while first < len(groups):
        last = next((last for last in range(len(groups), first, -1) if _is_card(match[0], groups[first:last], named=named)), None)
        if last is not None:
            found.append((match.start() + groups[first][0], match.start() + groups[last - 1][1]))
        first = last or first + 1
    return found


def _is_card(text: str, groups: list[tuple[int, int]], *, named: bool) -> bool:
    """Say whether groups of digits are a card together."""
    digits = "".join([text[start:end] for start, end in groups])
    if not _SHORTEST_CARD <= len(digits) <= _LONGEST_CARD or not luhn(digits):
        return False
    return named or (tuple(end - start for start, end in groups) in _GROUPINGS and _issued(digits))


def _issued(digits: str) -> bool:
    """Say whether a card of this length is issued under this prefix."""
    return any(len(digits) in lengths and re.match(prefix, digits) for prefix, lengths in _ISSUERS)


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn(digits: str) -> bool:
    """Say whether the last digit checks the others. Source: ISO/IEC 7812-1, annex B."""
    reverse = [ord(digit) - 48 for digit in reversed(digits)]
    return (sum(reverse[::2]) + sum([_DOUBLED[digit] for digit in reverse[1::2]])) % 10 == 0


CARD = Detector("card", matches(_CARD, _card), (b"444",))
