"""Personal data and secrets in free text: found by their form, their check digits or a word beside them.

A text that can hold none of it is told by a handful of searches for literals; only then are patterns tried. All of them
take time in proportion to the length of the text, and a text that was masked is left as it is.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from platform_instrument.privacy.accounts import IBAN, NAMED_IBAN
from platform_instrument.privacy.addresses import IPS
from platform_instrument.privacy.cards import CARD
from platform_instrument.privacy.database_messages import mask_database_message, quotes_values
from platform_instrument.privacy.detector import Found, fold
from platform_instrument.privacy.emails import EMAIL
from platform_instrument.privacy.labels import DEFAULT, Labels
from platform_instrument.privacy.national_ids import CODICE_FISCALE, NAMED_NATIONAL_IDS, NATIONAL_IDS
from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.phones import NAMED_PHONES, PHONES
from platform_instrument.privacy.secrets import NAMED, SUSPECT, SUSPECT_ABROAD
from platform_instrument.privacy.tokens import PRIVATE_KEY, TOKENS
from platform_instrument.privacy.urls import URL_CREDENTIALS, URL_SECRET, encoded_label, redact_encoded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platform_instrument.privacy.detector import Detector

LONGEST = 131_072
"""Characters of a text that are looked at; the rest does not leave."""


def _table(digits: str, upper: str, lower: str, joins: bytes) -> bytes:
    """Return a translation of bytes: digits, letters and what joins them become one character each."""
    kinds = {**dict.fromkeys(b"0123456789", ord(digits)), **dict.fromkeys(joins, ord(lower))}
    kinds |= {letter: ord(upper if letter < ord("a") else lower) for letter in string.ascii_letters.encode()}
    return bytes(kinds.get(byte, byte) for byte in range(256))


_NUMBERS = (CARD, IBAN, *PHONES, *NATIONAL_IDS)
"""Marks are looked for in the shape of the text, with gaps and without: digits are counted, `A` and `a` are letters."""
_NAMED_NUMBERS = (NAMED_IBAN, *NAMED_PHONES, *NAMED_NATIONAL_IDS)
"""Marks are in lower case."""
_SHAPE = _table("0", "A", "a", b"_")
_RUNS = _table("a", "a", "a", b"_-")
_GROUPING = b" .()/%+-"
_DATE = b"0000-00-00"
_SEVEN_DIGITS = b"0" * 7
_SHORTEST_TOKEN = b"a" * 20
_CODICE = b"AAAAAA00A00A000A"
_NUMBER_NAMES = Pattern(
    rb"phone|mobile|cell|tel|fax|desk|whats|sms|msisdn|call|answering at|message|number is|office|iban|ssn|social|tin|tax"
    rb"|dni|nie|nif"
)

_JSON = ("{", "}", "[", "]")
_INDENT = 64
_BEFORE_NUMBER, _AFTER_NUMBER = (":", ",", "["), (",", "}", "]")


_DEEPEST_ENCODING = 2


def find(text: str, labels: Labels | None = None) -> list[Found]:
    """Return what is to be hidden in a text, in order; where values overlap, they are one."""
    return _found(text, (ACTIVE if labels is None else labels).off, _is_named(text))


def mask(text: str, labels: Labels | None = None) -> str:
    """Return free text without personal data and secrets: a label of its kind stands for each; plain words stay."""
    if len(text) > LONGEST:
        text = text[:LONGEST]
    labels = ACTIVE if labels is None else labels
    if quotes_values(text):
        text = mask_database_message(text)
    if "=" in text and ("%" in text or "+" in text):
        text = redact_encoded(text, lambda value: _encoded(value, labels, _DEEPEST_ENCODING))
    return _labelled(text, _found(text, labels.off, _is_named(text)), labels)


def _encoded(value: str, labels: Labels, deepest: int) -> str:
    """Return the label of a parameter that was decoded, which may hold parameters itself; empty where it may leave."""
    found = find(value, labels)
    if found:
        return labels.of(found[0].kind, value)
    return encoded_label(value, lambda inner: _encoded(inner, labels, deepest - 1)) if deepest else ""


def mask_tokens(text: str) -> str:
    """Return an id without what can be nothing but a token: other ids are what joins need."""
    text = text[:LONGEST]
    return _labelled(text, _merged(text, TOKENS, ACTIVE.off), ACTIVE) if len(text) >= len(_SHORTEST_TOKEN) else text


def _labelled(text: str, found: list[Found], labels: Labels) -> str:
    """Return the text with a label for each value; one that stands for a number of JSON is a string there."""
    if not found:
        return text
    document = text.lstrip()[:1] in _JSON and text.rstrip()[-1:] in _JSON
    pieces: list[str] = []
    at = quotes = counted = 0
    for start, end, kind in found:
        label = labels.of(kind, text[start:end])
        if document:
            quotes += text.count('"', counted, start) - text.count('\\"', counted, start)
            counted = start
            if not quotes % 2 and _is_number_of_json(text, start, end):
                label = f'"{label}"'
        pieces += (text[at:start], label)
        at = end
    return "".join([*pieces, text[at:]])


def _is_number_of_json(text: str, start: int, end: int) -> bool:
    """Say whether a value outside of all strings is a whole number."""
    before, after = text[max(start - _INDENT, 0) : start].rstrip()[-1:], text[end : end + _INDENT].lstrip()[:1]
    return text[start:end].isdigit() and before in _BEFORE_NUMBER and after in _AFTER_NUMBER


def _found(text: str, off: frozenset[str], named: bool) -> list[Found]:  # noqa: FBT001 - on the hot path
    detectors = _suspects(text, named)
    return _merged(text, detectors, off) if detectors else []


def _merged(text: str, detectors: Iterable[Detector], off: frozenset[str]) -> list[Found]:
    """Return what detectors find, in order; values that overlap are one, of the kind of the first."""
    found = sorted([Found(start, end, kind) for kind, values, _ in detectors if kind not in off for start, end in values(text)])
    for number in range(len(found) - 1, 0, -1):
        before, value = found[number - 1], found[number]
        if value.start < before.end:
            found[number - 1 : number + 1] = [before._replace(end=max(before.end, value.end))]
    return found


def _is_named(text: str) -> bool:
    """Say whether a value may stand beside a name."""
    if text.isascii():
        return SUSPECT.compiled().search(text.lower()) is not None
    return SUSPECT_ABROAD.compiled().search(fold(text)) is not None


def _suspects(text: str, named: bool) -> list[Detector]:  # noqa: FBT001 - on the hot path
    """Return the detectors that may find something: none for most texts."""
    found: list[Detector] = []
    if "@" in text or ("%" in text and "%40" in text):
        found.append(EMAIL)
        if "://" in text:
            found += URL_CREDENTIALS
    if "=" in text and ("?" in text or "&" in text or "#" in text):
        found.append(URL_SECRET)
    raw = text.encode("ascii", "replace")
    shape = raw.translate(_SHAPE)
    packed = shape.replace(_DATE, b"").translate(None, _GROUPING)
    if _SEVEN_DIGITS in packed:
        _suspect_numbers(found, raw, _counted(b"\n%b\n%b" % (shape, packed)))
    if _CODICE in shape:
        found.append(CODICE_FISCALE)
    if _SHORTEST_TOKEN in raw.translate(_RUNS):
        found += [detector for detector in TOKENS if detector.marked(raw)]
    if named:
        found += (NAMED, PRIVATE_KEY) if b"-----B" in raw else (NAMED,)
    return found if _ALWAYS is None else [*found, *_ALWAYS]


def _suspect_numbers(found: list[Detector], raw: bytes, counted: bytes) -> None:
    """Add the detectors of numbers, by the groups of digits and by words."""
    found += [detector for detector in _NUMBERS if detector.marked(counted)]
    lower = raw.lower()
    if _NUMBER_NAMES.compiled().search(lower) is not None:
        found += [detector for detector in _NAMED_NUMBERS if detector.marked(lower)]


def _counted(shape: bytes) -> bytes:
    """Return a shape in which runs of digits are counted in fours, threes and twos: `000-00-0000` is `3-2-4`."""
    return shape.replace(b"0000", b"4").replace(b"000", b"3").replace(b"00", b"2")


ACTIVE = Labels(DEFAULT)
"""The modes of this process."""

_ALWAYS: tuple[Detector, ...] | None = None
"""Detectors that no literal tells: addresses where they are hidden, and the patterns of the setting."""


def use(labels: Labels, custom: tuple[Detector, ...] = ()) -> None:
    """Put modes and patterns in force."""
    global ACTIVE, _ALWAYS  # noqa: PLW0603 - one a process
    ACTIVE = labels
    _ALWAYS = (*(() if "ip" in labels.off else IPS), *custom) or None
