"""Bank accounts: IBAN. Source: ISO 13616, the SWIFT registry."""

from __future__ import annotations

import re

from platform_instrument.privacy.beside import GAP, GAPS, beside
from platform_instrument.privacy.detector import Detector, matches
from platform_instrument.privacy.labels import no_label
from platform_instrument.privacy.patterns import Pattern

_IBAN_LENGTHS = {
    code: length
    for length, codes in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST",
        26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA",
        30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for code in codes.split()
}  # fmt: skip
_IBAN = Pattern(rf"(?:(?<![A-Za-z0-9])|(?<=IBAN))[A-Z]{{2}}\d\d(?=((?:{GAP}?[A-Z0-9]){{11,30}}))", re.ASCII)
_IN_LOWER_CASE = Pattern(rf"(?:(?<![A-Za-z0-9])|(?<=iban))[A-Za-z]{{2}}\d\d(?=((?:{GAP}?[a-z0-9]){{11,30}}))", re.ASCII)
"""Only the country and the check digits are consumed: what looks like the rest may be the next account."""
_WORD = Pattern(
    rf"iban{no_label('iban')}|"
    r"account|acct|konto|bank|sepa|transfer|payee|beneficiary|creditor|debtor|compte|cuenta|conto\b|rekening"
)
_HEXADECIMAL = Pattern(r"[a-f]{2}[0-9]{2}[0-9]*[a-f][0-9a-f]*")
"""With letters behind the check digits: of the countries whose codes are digits, none has such accounts."""
_BY_FOUR = Pattern(rf"({GAP})\w{{4}}\1\w{{4}}\1", re.ASCII)


def _iban(match: re.Match[str]) -> tuple[tuple[int, int], ...]:
    length = _IBAN_LENGTHS.get(match[0][:2].upper())
    if length is None:
        return ()
    start, end = match.start(), match.start(1)
    left = length - len(match[0])
    for character in match[1]:
        end += 1
        left -= character.isalnum()
        if not left:
            break
    if left or match.string[end : end + 1].isalnum() or not mod_97(GAPS.sub("", match.string[start:end]).upper()):
        return ()
    return ((start, end),)


def _in_lower_case(match: re.Match[str]) -> tuple[tuple[int, int], ...]:
    """Return an account written in lower case: as ids and hashes are, so the grouping or a word beside it tells it."""
    found = _iban(match)
    if found and _HEXADECIMAL.fullmatch(GAPS.sub("", match.string[slice(*found[0])])):
        return ()
    if found and (_BY_FOUR.compiled().match(match[1]) or beside(match, _WORD, found[0][1])):
        return found
    return ()


def mod_97(account: str) -> bool:
    """Say whether the check digits of an IBAN are right. Source: ISO 7064, MOD 97-10."""
    try:
        return int("".join([str(int(character, 36)) for character in account[4:] + account[:4]])) % 97 == 1
    except ValueError:
        return False


IBANS = (
    Detector("iban", matches(_IBAN, _iban), ("AA2", "AA3", "AA4")),
    Detector("iban", matches(_IN_LOWER_CASE, _in_lower_case), ("aa2", "aa3", "aa4", "Aa2", "Aa3", "Aa4")),
)
