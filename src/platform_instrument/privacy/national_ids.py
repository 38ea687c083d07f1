"""Numbers by which states know persons, as far as a check digit or a word beside them makes them certain.

Sources: the authorities' rules (SSA, Receita Federal, Agenzia delle Entrate, INSEE, Ministerio del Interior).
"""

from __future__ import annotations

import re

from platform_instrument.privacy.beside import BEGIN, END, beside
from platform_instrument.privacy.detector import Detector, matches, whole
from platform_instrument.privacy.labels import no_label
from platform_instrument.privacy.patterns import Pattern

_SSN_WORD = Pattern(
    rf"ssns?(?![a-z]){no_label('us_ssn')}|"
    r"soc(?:ial)?\.?.?sec|social (?:is|n(?:umber|o|r)\b)|tax.?(?:payer)?.?id"
    r"|tin(?<![a-hj-z]tin)(?<![a-z]itin)(?![a-z])"
)
_ITIN_WORD = Pattern(r"tax|tin(?<![a-hj-z]tin)(?<![a-z]itin)(?![a-z])")
_SSN = Pattern(BEGIN + r"(?!000|666)\d{3}(?P<gap>[-. +]?)(?!00)\d\d(?P<second>[-. +]?)(?!0000)\d{4}" + END, re.ASCII)
_NO_SSN = frozenset(("123456789", "078051120"))
_NO_AREA = "9"
_NUMBER_OF = Pattern(
    r"\b(?:part|serial|model|sku|order|invoice|ticket|lot|batch|item|product|catalog(?:ue)?|article|device|sensor|session|job|task|node"
    r"|shard|worker|page|block|request|tracking|shipment|build|version)(?:[ _-]?(?:no|nr|number|num|id)\b\.?)?[ :=#]{1,3}\Z"
)
"""What a number in the same groups is of, where it is none of a person."""
_BEFORE = 32
_WORD_BEFORE = Pattern(r"[A-Za-z:,(][ ]?\Z")
_WORD_AFTER = Pattern(r"[.,;)]?(?: [A-Za-z]|\s*\Z|\n)|[\"'<]")


def _ssn(match: re.Match[str]) -> bool:
    digits = re.sub(r"\D", "", match[0])
    if len(set(digits)) == 1 or digits in _NO_SSN:
        return False
    if digits[0] == _NO_AREA:
        return digits[3] > "4" and beside(match, _ITIN_WORD)  # the Treasury gives these to those who have none
    gap, second = match["gap"], match["second"]
    if _NUMBER_OF.compiled().search(match.string[max(match.start() - _BEFORE, 0) : match.start()].lower()) is not None:
        return beside(match, _SSN_WORD)
    if gap == second and (gap == "-" or (gap == " " and _among_words(match))):
        return True
    return (gap == second or "-" in gap + second) and beside(match, _SSN_WORD)


def _among_words(match: re.Match[str]) -> bool:
    """Say whether three numbers are one, since they are not in a row of numbers."""
    text, (start, end) = match.string, match.span()
    return (not start or _WORD_BEFORE.compiled().search(text, max(start - 2, 0), start) is not None) and (
        _WORD_AFTER.compiled().match(text, end) is not None
    )


_CPF = Pattern(r"(?<![\w.-])\d{3}\.\d{3}\.\d{3}-\d\d(?![\w-]|\.\d)", re.ASCII)
_CODICE_FISCALE = Pattern(
    r"(?<![A-Za-z0-9])[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z](?![A-Za-z0-9])"
)
_NIR = Pattern(r"(?<![\w.-])[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d(?![\w-]|\.\d)", re.ASCII)
_DNI = Pattern(r"(?<![\w.-])[XYZ\d]\d{7}-?[A-HJ-NP-TV-Z](?![\w-])", re.ASCII)
_DNI_WORD = Pattern(r"\b(?:dni|nie|nif)\b")
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ODD_WEIGHTS = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
                10, 22, 25, 24, 23)  # fmt: skip
_ODD = dict(zip(_ALPHABET, _ODD_WEIGHTS, strict=True))


def _cpf(match: re.Match[str]) -> bool:
    digits = [int(digit) for digit in re.sub(r"\D", "", match[0])]
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        check = sum([digit * weight for digit, weight in zip(digits, range(length + 1, 1, -1), strict=False)]) * 10 % 11 % 10
        if digits[length] != check:
            return False
    return True


def _codice_fiscale(match: re.Match[str]) -> bool:
    code = match[0]
    total = sum([_ODD[character] for character in code[:15:2]])
    total += sum([int(character) if character.isdigit() else ord(character) - 65 for character in code[1:15:2]])
    return chr(65 + total % 26) == code[15]


def _nir(match: re.Match[str]) -> bool:
    text = match[0].replace(" ", "").replace("2A", "19").replace("2B", "18")
    return text.isdigit() and 97 - int(text[:13]) % 97 == int(text[13:]) and (" " in match[0] or beside(match, _NIR_WORD))


_NIR_WORD = Pattern(r"\bnir\b|s[ée]curit[ée] sociale|\bsecu\b")


def _dni(match: re.Match[str]) -> bool:
    text = match[0].replace("-", "")
    number = int(text[:-1].translate({88: "0", 89: "1", 90: "2"}))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == text[-1] and beside(match, _DNI_WORD)


NATIONAL_IDS = (
    Detector("us_ssn", matches(_SSN, whole(_ssn)), ("3-2-4", "3 2 4", "3.2.4", "\n440\n")),
    Detector("national_id", matches(_CPF, whole(_cpf)), ("3.3.3-2",)),
    Detector("national_id", matches(_NIR, whole(_nir)), ("444",)),
)
NAMED_NATIONAL_IDS = (
    Detector("us_ssn", matches(_SSN, whole(_ssn)), ("ssn", "soc", "tin", "tax")),
    Detector("national_id", matches(_DNI, whole(_dni)), ("dni", "nie", "nif")),
)
CODICE_FISCALE = Detector("national_id", matches(_CODICE_FISCALE, whole(_codice_fiscale)))
