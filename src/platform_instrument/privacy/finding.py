"""A closer look at a text that may hold something: detectors are tried where a literal, or groups of digits, speak for them.

It is loaded with the first text that wants it: most lines of a log do not.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from platform_instrument.core.masking import KINDS
from platform_instrument.privacy.clean_lines import LONGEST, UNKNOWN, grouped, look, remember
from platform_instrument.privacy.database_messages import mask_database_message, quotes_values
from platform_instrument.privacy.emails import EMAIL
from platform_instrument.privacy.json_numbers import quotes
from platform_instrument.privacy.labels import PSEUDONYM
from platform_instrument.privacy.options import OPTIONS
from platform_instrument.privacy.reading import read
from platform_instrument.privacy.secrets import named
from platform_instrument.privacy.triggers import NOWHERE, may_hold_options
from platform_instrument.privacy.urls import DRIVER_CREDENTIALS, URL_CREDENTIALS, URL_SECRET, encoded_label, redact_encoded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platform_instrument.privacy.clean_lines import Seen
    from platform_instrument.privacy.detector import Detector, Place
    from platform_instrument.privacy.labels import Labels

_DIGITS, _UPPER, _LOWER = b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz_"
_SHAPE = bytes.maketrans(_DIGITS + _UPPER + _LOWER, b"0" * 10 + b"A" * 26 + b"a" * 27)
_RUNS = bytes.maketrans(_DIGITS + _UPPER + _LOWER + b"-", b"a" * (10 + 26 + 27 + 1))
_SEVEN_DIGITS = b"0" * 7
_SHORTEST_TOKEN = b"a" * 20
_CODICE = b"AAAAAA00A00A000A"
_OPENINGS = tuple([f"[{kind}:" for kind in KINDS])
_LONGEST_OPENING = max(map(len, _OPENINGS))
_DEEPEST_ENCODING = 2
_MOST_PASSES = 3
_LONG, _APART = 32, 4
_SIGNS = frozenset(("", *'",;:<>\n\t|{}'))
"""That part a value from whatever is beside it."""
_GLUED, _JOINS, _JOINS_BEHIND = "_%@\\\x1b", ".-+/'()[]", ".-+/'()[]="


def masked(text: str, seen: Seen | None, labels: Labels, always: tuple[Detector, ...], passes: int = _MOST_PASSES) -> str:
    """Return a text with a label for each value; `seen` is what a first look says, `always` finds what no literal tells.

    A value that touches a word may have hidden where another one begins: then the text is read again.
    """
    given = text
    if seen is not None:
        if seen[1] != NOWHERE and quotes_values(text):
            text, seen = mask_database_message(text), UNKNOWN
        if "=" in text and ("%" in text or "+" in text):
            decoded = redact_encoded(text, lambda value: _encoded(value, labels, always, _DEEPEST_ENCODING))
            text, seen = decoded, UNKNOWN if decoded != text else seen
    found = places(text, seen, labels.off, always)
    if not found and len(text) <= LONGEST:
        return text
    labelled = _labelled(text, found, labels)
    if passes and labelled != text and (text != given or _touch(text, found)):
        return masked(labelled, look(labelled), labels, always, passes - 1)
    return labelled


def _touch(text: str, found: list[Place]) -> bool:
    """Say whether a value touches a word, or what may be the escape of one, or a sign may join them, or a space two numbers.

    What is behind a long one may now be near a word that speaks of it.
    """
    for start, end, _ in found:
        if end - start > _LONG:
            return True
        before, after = text[max(start - 2, 0) : start], text[end : end + 2]
        if before[-1:] not in _SIGNS and not (before[-1] == " " and before[0].isalpha()) and _touches_before(text, start, before):
            return True
        if after[:1] not in _SIGNS and not (after[0] == " " and after[-1].isalpha()) and _touches_after(text, end, after):
            return True
    return False


def _touches_before(text: str, start: int, before: str) -> bool:
    last = before[-1]
    if last == " ":
        return text[max(start - _APART, 0) : start].rstrip(" ")[-1:].isdigit()
    return last.isalnum() or last in _GLUED or (last in _JOINS and before[0].isalnum())


def _touches_after(text: str, end: int, after: str) -> bool:
    first = after[0]
    if first == " ":
        return text[end : end + _APART].lstrip(" ")[:1].isdigit()
    return first.isalnum() or first in _GLUED or (first in _JOINS_BEHIND and after[-1].isalnum())


def _encoded(value: str, labels: Labels, always: tuple[Detector, ...], deepest: int) -> str:
    """Return the label of a parameter that was decoded, which may hold parameters itself; empty where it may leave."""
    found = places(value, look(value), labels.off, always)
    if found:
        return labels.of(found[0][2], value)
    return encoded_label(value, lambda inner: _encoded(inner, labels, always, deepest - 1)) if deepest else ""


def without_tokens(text: str, labels: Labels) -> str:
    """Return a text without what can be nothing but a token."""
    found: list[Place] = []
    _add(found, text, _tokens(), labels.off)
    return _labelled(text, _merged(text, found), labels)


def _labelled(text: str, found: list[Place], labels: Labels) -> str:
    """Return the text with a label for each value; what is longer than the longest is cut, though in no value or label."""
    if len(text) > LONGEST:
        found = [place for place in found if place[0] < LONGEST]
        text = text[: max(LONGEST, found[-1][1] if found else 0)]
    if not found:
        return text
    quoted = iter(quotes(text, found))
    pieces: list[str] = []
    at = 0
    for start, end, kind in found:
        label = labels.of(kind, text[start:end]) if labels.has_pseudonyms else f"[{kind}]"
        quote = next(quoted)
        pieces += (text[at:start], f"{quote}{label}{quote}" if quote else label)
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


def places(text: str, seen: Seen | None, off: frozenset[str], always: tuple[Detector, ...] = ()) -> list[Place]:
    """Return what is to be hidden, in order; where values overlap, they are one."""
    found: list[Place] = []
    if seen is not None:
        _look_closer(found, text, off, seen)
    if always:
        _add(found, text, always, off)
    return _merged(text, found) if found else found


def _look_closer(found: list[Place], text: str, off: frozenset[str], seen: Seen) -> None:
    """Add what detectors find: personal data and tokens in a text as it reads, and secrets in it as it is written."""
    shape, told, has_digits, is_long = seen
    reading = read(text)
    plain = reading if isinstance(reading, str) else reading.text
    escaped = plain is not text
    suspects = [EMAIL] if "@" in plain else []
    if has_digits or is_long or escaped:
        _suspect_numbers(suspects, plain)
    if escaped:
        suspects += _suspect_tokens(plain, is_long=True)
    others = _others(text, is_long=is_long)
    if told == NOWHERE and not suspects and not others:
        remember(text, shape)
        return
    _add(found, plain, suspects, off)
    if not isinstance(reading, str):
        found[:] = [(reading.written(start), reading.written(end), kind) for start, end, kind in found]
    _add(found, text, others, off)
    if told != NOWHERE and "secret" not in off:
        for start, end in named(text, told):
            found.append((start, end, "secret"))


def _add(found: list[Place], text: str, detectors: Iterable[Detector], off: frozenset[str]) -> None:
    for detector in detectors:
        kind = detector.kind
        if kind not in off:
            for start, end in detector.values(text):
                found.append((start, end, kind))


def _merged(text: str, found: list[Place]) -> list[Place]:
    """Return what detectors find, in order; values that overlap, or touch and are of one kind, are one of the first's kind."""
    found.sort()
    merged: list[Place] = []
    before, last, of = 0, -1, ""
    for start, end, kind in found:
        if start < last + (kind == of):
            last = max(last, end)
            merged[-1] = (before, last, of)
        else:
            before, last, of = start, end, kind
            merged.append((start, end, kind))
    if "]" in text:
        merged = [place for place in merged if not text.startswith("]", place[1]) or not _is_pseudonym(text, *place)]
    return merged


def _is_pseudonym(text: str, start: int, end: int, _kind: str) -> bool:
    """Say whether a value is the pseudonym of a label, which may be nothing but digits."""
    return end - start == PSEUDONYM and text[max(start - _LONGEST_OPENING, 0) : start].endswith(_OPENINGS)


def _others(text: str, *, is_long: bool) -> list[Detector]:
    """Return what may find secrets, but for those beside a name."""
    found: list[Detector] = []
    if "@" in text:
        if "://" in text:
            found += URL_CREDENTIALS
        if "(" in text and ("@tcp(" in text or "@unix(" in text):
            found.append(DRIVER_CREDENTIALS)
    if may_hold_options(text):
        found.append(OPTIONS)
    if "=" in text and ("?" in text or "&" in text or "#" in text):
        found.append(URL_SECRET)
    return found + _suspect_tokens(text, is_long=is_long)


def _suspect_tokens(text: str, *, is_long: bool) -> list[Detector]:
    """Return what may find tokens and keys."""
    if "Q~" in text or (is_long and text.encode("utf-8", "replace").translate(_RUNS).find(_SHORTEST_TOKEN) >= 0):
        return [detector for detector in _tokens() if detector.marked(text)]
    return [detector for detector in _tokens() if detector.kind == "private_key"] if "-----B" in text else []


def _suspect_numbers(found: list[Detector], plain: str) -> None:
    """Add the detectors of numbers, by the groups of digits and by words."""
    shape = plain.encode("utf-8", "replace").translate(_SHAPE)
    packed = grouped(shape)
    if packed.find(_SEVEN_DIGITS) >= 0:
        from platform_instrument.privacy.numbers import suspects  # loaded with the first text that holds digits enough

        found += suspects(plain, b"\n%b\n%b" % (shape, packed))
    if shape.find(_CODICE) >= 0:
        from platform_instrument.privacy.national_ids import CODICE_FISCALE  # as above

        found.append(CODICE_FISCALE)


@cache
def _tokens() -> tuple[Detector, ...]:
    from platform_instrument.privacy.tokens import TOKENS  # its shapes are many

    return TOKENS
