"""Names of headers or entries and of the attributes they become, as a setting lists them; loaded where one is set."""

from __future__ import annotations

from string import ascii_letters, digits

_NAME = frozenset(ascii_letters + digits + "-_.")
_LONGEST = 64


def names(text: str) -> tuple[str, ...] | None:
    """Return a list of names, each alone or as `name=attribute`, None where one of them is none."""
    found = []
    for part in text.split(","):
        name, equals, attribute = (word.strip() for word in part.partition("="))
        if not name and not equals:
            continue
        if not _is_name(name) or (equals and not _is_name(attribute)):
            return None
        found.append(name + equals + attribute)
    return tuple(dict.fromkeys(found)) or None


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _LONGEST and _NAME.issuperset(text)
