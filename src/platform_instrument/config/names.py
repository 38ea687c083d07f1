"""Names of headers, entries or claims and of the attributes they become, as a setting lists them; loaded where one is set."""

from __future__ import annotations

from string import ascii_letters, digits

_NAME = frozenset(ascii_letters + digits + "-_.")
_CLAIM = _NAME | frozenset(":/")
"""Claims that no registry knows are named by URLs."""
_LONGEST = 64


def names(text: str) -> tuple[str, ...] | None:
    """Return a list of names, each alone or as `name=attribute`, None where one of them is none."""
    found = []
    for part in text.split(","):
        name, equals, attribute = (word.strip() for word in part.partition("="))
        if not name and not equals:
            continue
        if not _consists_of(_CLAIM if equals else _NAME, name) or (equals and not _consists_of(_NAME, attribute)):
            return None
        found.append(name + equals + attribute)
    return tuple(dict.fromkeys(found)) or None


def _consists_of(characters: frozenset[str], text: str) -> bool:
    return 0 < len(text) <= _LONGEST and characters.issuperset(text)
