"""Payment cards. Source: ISO/IEC 7812-1, the issuers' published ranges.

A bare run of digits is a card only where a word beside it says so: one random number in ten passes Luhn's check.
"""

from __future__ import annotations

import re
from itertools import pairwise

from platform_instrument.privacy.beside import BEGIN, END, GAP, GAPS, beside
from platform_instrument.privacy.detector import Detector, matches
from platform_instrument.privacy.labels import no_label
from platform_instrument.privacy.patterns import Pattern

_CARD_WORD = Pattern(
    rf"card(?<!discard)(?<!wildcard)(?<!postcard){no_label('card')}(?!inal)|"
    r"cc(?<![a-z0-9]cc)"
    r"(?:(?: (?:is|number|no|num))?\W{0,4}\Z|[_ -]?n(?:um|o))"
    r"|credit|debit|visa(?<![a-z]visa)(?![a-z])|amex|maestro|discover(?![a-z])|diners|pan(?<![a-ce-qs-z]pan)(?![a-z])|primary.?account"
    r"|kreditkarte|kartennummer|tarjeta|carte.(?:bancaire|bleue)|cart[aã]o|carta.di.credito|numer.?karty"
)
"""Each begins with a letter, so that few places of a text are looked at."""
_RUN = Pattern(rf"{BEGIN}\d(?:(?:{GAP}{{0,2}}| - )\d){{11,}}{END}", re.ASCII)
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
_CLOCKS = Pattern(r"1[4-9][0-9]{11}(?:[0-9]{3}(?:[0-9]{3})?)?|20[0-3][0-9][01][0-9][0-3][0-9][0-2][0-9][0-5][0-9]{3}")
"""Milliseconds, microseconds or nanoseconds since 1970, from 2014 to 2033, and times without signs."""
_MOST_GROUPS, _MOST_IN_A_ROW = 6, 12
_LEAST_FIRST, _LEAST_MIDDLE = 4, 3
_CLOSE = 20
"""Characters in which a word speaks of the very number behind it, whoever issued it and however it is grouped."""


def _card(match: re.Match[str]) -> list[tuple[int, int]]:
    """Return the cards in a run of digits: mostly it is one, but what is beside a card may be another, or a date."""
    run, text, at = match[0], match.string, match.start()
    gaps = [gap.span() for gap in GAPS.compiled().finditer(run)]
    groups = list(zip([0, *(end for _, end in gaps)], [*(start for start, _ in gaps), len(run)], strict=True))
    if len(run) == len(text) and _is_card(run, groups, named=True, close=True):
        return [match.span()]
    found = _cards(run, groups, at, named=False, close=False) if 1 < len(groups) <= _MOST_IN_A_ROW else []
    if found:
        return _cards(run, groups, at, named=True, close=False)  # a card is beside the others
    if len(run) < len(text) and beside(match, _CARD_WORD):
        close = _CARD_WORD.compiled().search(text[max(at - _CLOSE, 0) : at].lower()) is not None
        return _cards(run, groups, at, named=True, close=close)
    return found


def _cards(run: str, groups: list[tuple[int, int]], at: int, *, named: bool, close: bool) -> list[tuple[int, int]]:
    """Return the cards in the groups of a run that begins here."""
    found: list[tuple[int, int]] = []
    first = 0
    while first < len(groups):
        last = first
        if groups[first][1] - groups[first][0] >= _LEAST_FIRST:
            most = min(first + _MOST_GROUPS, len(groups))
            cards = (last for last in range(most, first, -1) if _is_card(run, groups[first:last], named=named, close=close))
            last = next(cards, first)
        if last > first:
            found.append((at + groups[first][0], at + groups[last - 1][1]))
        first = max(last, first + 1)
    return found


def _is_card(text: str, groups: list[tuple[int, int]], *, named: bool, close: bool) -> bool:
    """Say whether groups of digits are a card together."""
    lengths = tuple([end - start for start, end in groups])
    if not _SHORTEST_CARD <= sum(lengths) <= _LONGEST_CARD:
        return False
    if close:
        if min(lengths[1:-1], default=_LEAST_MIDDLE) < _LEAST_MIDDLE:
            return False
    elif (len(groups) > 1 or not named) and (lengths not in _GROUPINGS or not _evenly(groups)):
        return False
    digits = "".join([text[start:end] for start, end in groups])
    return luhn(digits) and (close or _issued(digits)) and not _CLOCKS.fullmatch(text[slice(*groups[-1])])


def _evenly(groups: list[tuple[int, int]]) -> bool:
    """Say whether one character is between each group and the next."""
    return all(after[0] - end == 1 for (_, end), after in pairwise(groups))


def _issued(digits: str) -> bool:
    """Say whether a card of this length is issued under this prefix."""
    return any(len(digits) in lengths and re.match(prefix, digits) for prefix, lengths in _ISSUERS)


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn(digits: str) -> bool:
    """Say whether the last digit checks the others. Source: ISO/IEC 7812-1, annex B."""
    reverse = [ord(digit) - 48 for digit in reversed(digits)]
    return (sum(reverse[::2]) + sum([_DOUBLED[digit] for digit in reverse[1::2]])) % 10 == 0


CARD = Detector("card", matches(_RUN, _card), ("444",))
