"""What is said of a page, once a process: a scrape comes every few seconds, and would say it again and again."""

from __future__ import annotations

from platform_instrument.core.report import say

_MOST = 256
_said: set[str] = set()


def complain(place: str, line: str) -> None:
    """Say a line, unless something was said of this place."""
    if place not in _said and len(_said) < _MOST:
        _said.add(place)
        say(line)


def forget() -> None:
    """Let every place be spoken of again."""
    _said.clear()
