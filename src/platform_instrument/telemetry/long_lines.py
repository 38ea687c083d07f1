"""Lines longer than what is masked at once: piece by piece, each parted from the next where no value is.

A place is good to part at where both sides together hold what each holds for itself. What cannot be parted, or is longer than
anybody reads, is cut; a JSON object that would not be one afterwards is withheld as a whole.
"""

from __future__ import annotations

from json import loads

from platform_instrument.privacy.clean_lines import LONGEST
from platform_instrument.privacy.pii import find, mask

MOST = 2 * 1024 * 1024
"""Characters of a line that are printed."""
_AROUND = 8_192
"""Characters on each side of a place that are looked at: more than the longest value."""
_STEP, _TRIES = 1_024, 24
_PARTING = " \n\t,;&|"
_CUT = " […]"


def mask_long(line: str) -> str | None:
    """Return a line masked, as whole as can be; None for a JSON object that cannot stay one."""
    text, rest = line[:MOST], len(line) > MOST
    pieces: list[str] = []
    at = 0
    while len(text) - at > LONGEST:
        end = _parting(text, at + LONGEST)
        if end <= at:
            rest = True
            break
        pieces.append(mask(text[at:end]))
        at = end
    pieces.append(mask(text[at : at + LONGEST]))
    masked = "".join(pieces)
    if line.startswith('{"') and line.rstrip().endswith("}"):
        return masked if not rest and _is_json(masked) else None
    return masked.rstrip("\n") + _CUT if rest else masked


def _parting(text: str, end: int) -> int:
    """Return the last good place before `end` to part a text at; 0 where there is none in reach."""
    for _ in range(_TRIES):
        at = max([text.rfind(sign, end - _STEP, end) for sign in _PARTING]) + 1
        if at > 0 and _is_good(text, at):
            return at
        end -= _STEP
    return 0


def _is_good(text: str, at: int) -> bool:
    before, after = text[at - _AROUND : at], text[at : at + _AROUND]
    apart = [(start, end) for start, end, _ in find(before)]
    apart += [(start + len(before), end + len(before)) for start, end, _ in find(after)]
    return [(start, end) for start, end, _ in find(before + after)] == apart


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except (ValueError, RecursionError):
        return False
    return True
