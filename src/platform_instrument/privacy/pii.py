"""Personal data and secrets in free text: found by their form, their check digits or a word beside them.

A text that can hold none of it is told by a handful of searches for literals; only then are patterns tried. All of them
take time in proportion to the length of the text, and a text that was masked is left as it is.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from platform_instrument.core.masking import KINDS
from platform_instrument.privacy.accounts import IBANS
from platform_instrument.privacy.addresses import IPS
from platform_instrument.privacy.cards import CARD
from platform_instrument.privacy.clean_lines import KNOWN, remember, shape_of
from platform_instrument.privacy.database_messages import mask_database_message, quotes_values
from platform_instrument.privacy.detector import Found, fold
from platform_instrument.privacy.emails import EMAIL
from platform_instrument.privacy.json_numbers import quotes
from platform_instrument.privacy.labels import DEFAULT, PSEUDONYM, Labels
from platform_instrument.privacy.national_ids import CODICE_FISCALE, NAMED_NATIONAL_IDS, NATIONAL_IDS
from platform_instrument.privacy.patterns import Pattern
from platform_instrument.privacy.phones import NAMED_PHONES, PHONES
from platform_instrument.privacy.reading import read
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


_NUMBERS = (CARD, *IBANS, *PHONES, *NATIONAL_IDS)
"""Marks are looked for in the shape of the text, with gaps and without: digits are counted, `A` and `a` are letters."""
_NAMED_NUMBERS = (*NAMED_PHONES, *NAMED_NATIONAL_IDS)
"""Marks are in lower case."""
_SHAPE = _table("0", "A", "a", b"_")
_RUNS = _table("a", "a", "a", b"_-")
_GROUPING = b" .()/%+-"
_DATE = b"0000-00-00"
_SEVEN_DIGITS = b"0" * 7
_SHORTEST_TOKEN = b"a" * 20
_CODICE = b"AAAAAA00A00A000A"
_NUMBER_NAMES = Pattern(
    rb"ph|contact n|mobi|m\xc3\xb3vil|cel|tel|t\xc3\xa9l|fax|desk|whats|wa\.me|sms|handy|rufn|msisdn|call|answering at|message"
    rb"|number is|office|ssn|social|tin|tax|dni|nie|nif|\xe6\x89\x8b\xe6\x9c\xba|\xe7\x94\xb5\xe8\xaf\x9d"
    rb"|\xe9\x9b\xbb\xe8\xa9\xb1|\xe6\x90\xba\xe5\xb8\xaf|\xd1\x82\xd0\xb5\xd0\xbb\xd0\xb5\xd1\x84\xd0\xbe\xd0\xbd"
)
_OPENINGS = tuple([f"[{kind}:" for kind in KINDS])
_LONGEST_OPENING = max(map(len, _OPENINGS))
_MARGIN = 1_024
"""Characters behind the longest text that are looked at too, so that none leaves of a value that begins before its end."""


_DEEPEST_ENCODING = 2


def find(text: str, labels: Labels | None = None) -> list[Found]:
    """Return what is to be hidden in a text, in order; where values overlap, they are one."""
    return _found(text, (ACTIVE if labels is None else labels).off, _is_named(text))


def mask(text: str, labels: Labels | None = None) -> str:
    """Return free text without personal data and secrets: a label of its kind stands for each; plain words stay."""
    if len(text) > LONGEST:
        text = text[: LONGEST + _MARGIN]
    shape = shape_of(text) if _ALWAYS is None else 0
    if shape in KNOWN:
        return text
    labels = ACTIVE if labels is None else labels
    if quotes_values(text):
        text, shape = mask_database_message(text), 0
    if "=" in text and ("%" in text or "+" in text):
        text = redact_encoded(text, lambda value: _encoded(value, labels, _DEEPEST_ENCODING))
    return _labelled(text, _found(text, labels.off, _is_named(text), shape), labels)


def _encoded(value: str, labels: Labels, deepest: int) -> str:
    """Return the label of a parameter that was decoded, which may hold parameters itself; empty where it may leave."""
    found = find(value, labels)
    if found:
        return labels.of(found[0].kind, value)
    return encoded_label(value, lambda inner: _encoded(inner, labels, deepest - 1)) if deepest else ""


def mask_tokens(text: str) -> str:
    """Return an id without what can be nothing but a token: other ids are what joins need."""
    if len(text) < len(_SHORTEST_TOKEN):
        return text
    text = text[: LONGEST + _MARGIN]
    return _labelled(text, _merged(_values(text, TOKENS, ACTIVE.off)), ACTIVE)


def _labelled(text: str, found: list[Found], labels: Labels) -> str:
    """Return the text with a label for each value; what is longer than the longest is cut, though in no value or label."""
    if len(text) > LONGEST:
        found = [value for value in found if value.start < LONGEST]
        text = text[: max(LONGEST, found[-1].end if found else 0)]
    if not found:
        return text
    pieces: list[str] = []
    at = 0
    for (start, end, kind), quote in zip(found, quotes(text, found), strict=True):
        pieces += (text[at:start], f"{quote}{labels.of(kind, text[start:end])}{quote}")
        at = end
    pieces.append(text[at:])
    masked = "".join(pieces)
    return masked if len(masked) <= LONGEST else _cut(pieces)


def _cut(pieces: list[str]) -> str:
    """Return as much as leaves of texts and the labels between them."""
    left = LONGEST
    for number, piece in enumerate(pieces):
        if len(piece) > left:
            return "".join([*pieces[:number], "" if number % 2 else piece[:left]])
        left -= len(piece)
    return "".join(pieces)


def _found(text: str, off: frozenset[str], named: bool, shape: int = 0) -> list[Found]:  # noqa: FBT001 - on the hot path
    reading = read(text)
    plain = reading if isinstance(reading, str) else reading.text
    personal, others = _suspects(text, plain, named)
    if not personal and not others:
        if shape and _SHORTEST_TOKEN not in text.encode().translate(_RUNS):  # other digits may make that a token
            remember(shape)
        return []
    found = _values(plain, personal, off)
    if not isinstance(reading, str):
        found = [Found(reading.written(start), reading.written(end), kind) for start, end, kind in found]
    found = _merged(found + _values(text, others, off))
    return [value for value in found if not text.startswith("]", value.end) or not _is_pseudonym(text, value)]


def _is_pseudonym(text: str, value: Found) -> bool:
    """Say whether a value is the pseudonym of a label, which may be nothing but digits."""
    return value.end - value.start == PSEUDONYM and text[max(value.start - _LONGEST_OPENING, 0) : value.start].endswith(_OPENINGS)


def _values(text: str, detectors: Iterable[Detector], off: frozenset[str]) -> list[Found]:
    return [Found(start, end, kind) for kind, values, _ in detectors if kind not in off for start, end in values(text)]


def _merged(found: list[Found]) -> list[Found]:
    """Return what detectors find, in order; values that overlap, or touch and are of one kind, are one of the first's kind."""
    merged: list[Found] = []
    for value in sorted(found):
        if merged and value.start < merged[-1].end + (value.kind == merged[-1].kind):
            merged[-1] = merged[-1]._replace(end=max(merged[-1].end, value.end))
        else:
            merged.append(value)
    return merged


def _is_named(text: str) -> bool:
    """Say whether a value may stand beside a name."""
    if text.isascii():
        return SUSPECT.compiled().search(text.lower()) is not None
    return SUSPECT_ABROAD.compiled().search(fold(text)) is not None


def _suspects(text: str, plain: str, named: bool) -> tuple[list[Detector], list[Detector]]:  # noqa: FBT001 - on the hot path
    """Return the detectors that may find something: personal data in a text as it reads, and the rest in it as it is written."""
    personal: list[Detector] = []
    others: list[Detector] = []
    if "@" in plain:
        personal.append(EMAIL)
        if "://" in text:
            others += URL_CREDENTIALS
    if "=" in text and ("?" in text or "&" in text or "#" in text):
        others.append(URL_SECRET)
    raw = plain.encode("utf-8", "replace")
    shape = raw.translate(_SHAPE)
    packed = shape.replace(_DATE, b"").translate(None, _GROUPING)
    if _SEVEN_DIGITS in packed:
        _suspect_numbers(personal, raw, _counted(b"\n%b\n%b" % (shape, packed)))
    if _CODICE in shape:
        personal.append(CODICE_FISCALE)
    if plain is not text:
        raw = text.encode("utf-8", "replace")
    if _SHORTEST_TOKEN in raw.translate(_RUNS):
        others += [detector for detector in TOKENS if detector.marked(raw)]
    if named:
        others += (NAMED, PRIVATE_KEY) if b"-----B" in raw else (NAMED,)
    return personal, others if _ALWAYS is None else [*others, *_ALWAYS]


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
