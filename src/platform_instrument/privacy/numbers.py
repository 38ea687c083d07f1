"""The detectors of numbers that a person has, and what speaks for each: groups of digits, or a word beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_instrument.privacy.accounts import IBANS
from platform_instrument.privacy.cards import CARD
from platform_instrument.privacy.national_ids import NAMED_NATIONAL_IDS, NATIONAL_IDS
from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.phones import NAMED_PHONES, PHONES

if TYPE_CHECKING:
    from platform_instrument.privacy.detector import Detector

_NUMBERS = (CARD, *IBANS, *PHONES, *NATIONAL_IDS)
"""Marks are looked for in the shape of the text, with gaps and without: digits are counted, `A` and `a` are letters."""
_NAMED_NUMBERS = (*NAMED_PHONES, *NAMED_NATIONAL_IDS)
"""Marks are in lower case."""
_NAMES = Pattern(
    r"ph|contact n|mobi|móvil|cel|tel|tél|fax|desk|whats|wa\.me|sms|handy|rufn|msisdn|call|answering at|message"
    r"|number is|office|reach |dial|ssn|soc|tin|tax|dni|nie|nif|手机|电话|電話|携帯|телефон"
)


def suspects(text: str, shapes: bytes) -> list[Detector]:
    """Return what may find a number in a text; in its shapes each digit is `0`, each letter `A` or `a`."""
    counted = _counted(shapes)
    found = [detector for detector in _NUMBERS if detector.marked(counted)]
    lower = text.lower()
    if _NAMES.compiled().search(lower) is not None:
        found += [detector for detector in _NAMED_NUMBERS if detector.marked(lower)]
    return found


def _counted(shapes: bytes) -> str:
    """Return shapes in which runs of digits are counted in fours, threes and twos: `000-00-0000` is `3-2-4`."""
    return shapes.replace(b"0000", b"4").replace(b"000", b"3").replace(b"00", b"2").decode("latin-1")
