"""Values that are none: placeholders, references, paths, words and numbers, which stay where a secret would go."""

from __future__ import annotations

import re

from platform_instrument.privacy.labels import LABEL
from platform_instrument.privacy.patterns import Pattern

_SAID_OF_SECRETS = """
redacted masked hidden filtered scrubbed removed null none nil true false undefined empty blank yes no enabled
disabled present absent provided configured valid incorrect invalid required missing expired wrong must is are was not
the a an ok okay failed failure for in of and or to too authentication authenticated unauthorized denied accepted
rejected changed reset mismatch string str int bool bytes object field optional unknown default cannot can should does
has got expected unexpected error found set unset unchanged updated rotated created deleted generated please enter
your this that with from by on at it if when user only all any as be may will more least granted succeeded successful
success attempt attempts length type text number value input prompt sent received refreshed revoked
"""
_STATES = frozenset(_SAID_OF_SECRETS.split())
"""What is said of a secret, or stands for one."""
_CROSSED_OUT = Pattern("[xX]{3,}")
_STAND_IN = Pattern(
    r"\W+|[xX]{3,}|%s|%\(.*|\$[A-Z0-9_]*|[$:][a-z0-9_]+|\$[{(].*|\{.*\}|<.*>|arn:.*|op://.*"
    r"|[~.]{0,2}(?:/(?:[A-Z]?[a-z0-9_.-]+|[A-Z]+))+/?|[a-z_-]+(?:/[a-z0-9_.-]+)+|[A-Za-z_]+(?:(?:\.[A-Za-z_]+)+(?:[(\[{@/:$].*)?|[(\[{].*)"
)
"""Placeholders, references to variables, paths, and code."""
SENTENCE = Pattern(
    r"(?i).*\b(?:is|are|was|must|may|not|cannot|required|invalid|field|the|at least|too|should|please|enter|your|has|for)\b.*"
)
_LABEL = Pattern(LABEL)
_WORD = r"(?:[A-Z]?[a-z]{1,16}(?:[A-Z][a-z]{2,20}){0,4}|[A-Z]{1,24})"
WORDY = Pattern(rf"(?:{_WORD}(?:[-_/.:+]{_WORD}){{0,8}})?[-_/.:!?]?|\d[\d_.,:]*[a-z%]{{0,3}}|0x[0-9a-fA-F]+|S-1-[\d-]+")
NUMBERED = Pattern(r"(?:[A-Z]?[a-z]+|[A-Z]+)\d{0,3}(?:[-_/.:][a-z]*\d{0,3}){0,4}")
"""What is called by words and a number: a server, a database."""
_CHANGES = Pattern(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_OF_CASE = Pattern(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z]{2})(?=[a-z])")
_OF_RANDOM = Pattern(r"(?![12]\d{3}-\d\d)[\w.~+/=!#$%^&*-]{8,512}", re.ASCII)
_DASHED = Pattern(r"(?:[a-z0-9]+[-.])*[a-z]{3,}(?:[-.][a-z0-9]+)*")
"""What clusters call things: words, and an end that is made at random."""
_LEAST_CHANGES = 3


def is_harmless(value: str) -> bool:
    """Say whether a value is none that must not leave: a label, a placeholder, a path, a word about a secret."""
    if value.isalnum() and value.isascii():
        return value.lower() in _STATES or _CROSSED_OUT.fullmatch(value) is not None
    if value.lower() in _STATES or _STAND_IN.fullmatch(value) is not None:
        return True
    return "[" in value and _LABEL.compiled().search(value) is not None


def is_random(value: str) -> bool:
    """Say whether a value looks made at random, so surely that no sign need stand between it and its name."""
    if _OF_RANDOM.fullmatch(value) is None or is_harmless(value) or WORDY.fullmatch(value) or NUMBERED.fullmatch(value):
        return False
    changes = len(_CHANGES.compiled().findall(value))
    if changes < _LEAST_CHANGES and (not changes or changes + len(_OF_CASE.compiled().findall(value)) <= _LEAST_CHANGES):
        return False
    return _DASHED.fullmatch(value) is None
