"""Bank accounts: IBAN. Source: ISO 13616, the SWIFT registry."""

from __future__ import annotations

import re

from platform_instrument.privacy.beside import GAP
from platform_instrument.privacy.detector import Detector, matches
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
_IBAN = Pattern(rf"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))[A-Z]{{2}}\d\d(?:{GAP}?[A-Z0-9]){{11,30}}")
_IBAN_IN_LOWER_CASE = Pattern(rf"iban(?:[\W_]|is|no|number){{1,6}}([a-z]{{2}}\d\d(?:{GAP}?[a-z0-9]){{11,30}})")


def _iban(match: re.Match[str]) -> tuple[tuple[int, int], ...]:
    text = match[match.re.groups]
    start = match.start(match.re.groups)
    length = _IBAN_LENGTHS.get(text[:2].upper())
    if length is None:
        return ()
    end, left = 0, length
    for part in re.finditer(rf"{GAP}|\w", text):
        end = part.end()
        left -= len(part[0]) == 1 and part[0].isalnum()
        if not left:
            break
    after = match.string[start + end : start + end + 1]
    if left or after.isalnum() or not mod_97(re.sub(GAP, "", text[:end]).upper()):
        return ()
    return ((start, start + end),)


def mod_97(account: str) -> bool:
    """Say whether the check digits of an IBAN are right. Source: ISO 7064, MOD 97-10."""
    try:
        return int("".join([str(int(character, 36)) for character in account[4:] + account[:4]])) % 97 == 1
    except ValueError:
        return False


IBAN = Detector("iban", matches(_IBAN, _iban), (b"AA2", b"AA3", b"AA4"))
NAMED_IBAN = Detector("iban", matches(_IBAN_IN_LOWER_CASE, _iban, folded=True), (b"iban",))
