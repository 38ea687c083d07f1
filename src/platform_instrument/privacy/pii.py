"""Personal data and secrets in free text: found by their form, their check digits or a word beside them.

A text that can hold none of it is told by a handful of searches for literals; only then are patterns tried. All of them
take time in proportion to the length of the text, and a text that was masked is left as it is.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from platform_instrument.privacy.clean_lines import LONGEST, look
from platform_instrument.privacy.labels import DEFAULT, Labels

if TYPE_CHECKING:
    from types import ModuleType

    from platform_instrument.privacy.detector import Detector
    from platform_instrument.privacy.found import Found

_MARGIN = 1_024
"""Characters behind the longest text that are looked at too, so that none leaves of a value that begins before its end."""
_SHORTEST_TOKEN = 20


def find(text: str, labels: Labels | None = None) -> list[Found]:
    """Return what is to be hidden in a text, in order; where values overlap, they are one."""
    from platform_instrument.privacy.found import Found  # few ask for places

    off = (ACTIVE if labels is None else labels).off
    return [Found(*place) for place in _finding().places(text, look(text), off, _ALWAYS)]


def mask(text: str, labels: Labels | None = None) -> str:
    """Return free text without personal data and secrets: a label of its kind stands for each; plain words stay."""
    if len(text) > LONGEST:
        text = text[: LONGEST + _MARGIN]
    seen = look(text)
    if seen is None and not _ALWAYS:
        return text if len(text) <= LONGEST else text[:LONGEST]
    masked: str = _finding().masked(text, seen, ACTIVE if labels is None else labels, _ALWAYS)
    return masked


def mask_tokens(text: str) -> str:
    """Return an id without what can be nothing but a token: other ids are what joins need."""
    if len(text) < _SHORTEST_TOKEN:
        return text
    masked: str = _finding().without_tokens(text[: LONGEST + _MARGIN], ACTIVE)
    return masked


@cache
def _finding() -> ModuleType:
    from platform_instrument.privacy import finding  # loaded with the first text that may hold something

    return finding


ACTIVE = Labels(DEFAULT)
"""The modes of this process."""

_ALWAYS: tuple[Detector, ...] = ()
"""Detectors that no literal tells: addresses where they are hidden, and the patterns of the setting."""


def use(labels: Labels, custom: tuple[Detector, ...] = ()) -> None:
    """Put modes and patterns in force."""
    global ACTIVE, _ALWAYS  # noqa: PLW0603 - one a process
    ACTIVE, _ALWAYS = labels, custom
    if "ip" not in labels.off:
        from platform_instrument.privacy.addresses import IPS  # hidden where a setting says so

        _ALWAYS = (*IPS, *custom)
